/**
 * @module The worker of `check.ts`. `POST /check` checks a workflow several times. `GET /` does nothing, and `POST /load` only
 * loads what the check needs.
 */
import { loadParser } from '../src/check/code/parser.ts'
import { loadFacts } from '../src/check/facts/load.ts'
import { checkWorkflow } from '../src/check/run.ts'
import { typesOf } from '../src/check/types-of.ts'
import type { JsonObject } from '../src/lib/json-object.ts'

export default {
  async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url)
    if (pathname === '/') return new Response('live')
    const { workflow, times } = (await request.json()) as { workflow: JsonObject; times: number }
    if (pathname === '/load') {
      await Promise.all([loadFacts(typesOf(workflow)), loadParser()])
      return new Response('loaded')
    }
    let count = 0
    for (let time = 0; time < times; time += 1) count = (await checkWorkflow(workflow)).findings.length
    return Response.json({ findings: count })
  },
}
