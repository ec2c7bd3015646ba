/** @module The worker of `check.ts`: checks a workflow several times. */
import { checkWorkflow } from '../src/check/run.ts'
import type { JsonObject } from '../src/lib/json-object.ts'

export default {
  async fetch(request: Request): Promise<Response> {
    const { workflow, times } = (await request.json()) as { workflow: JsonObject; times: number }
    let count = 0
    for (let time = 0; time < times; time += 1) count = (await checkWorkflow(workflow)).findings.length
    return Response.json({ findings: count })
  },
}
