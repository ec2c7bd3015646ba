/** @module The same requests to a real n8n: `N8N_URL` and `N8N_API_KEY`. Deletes the workflows that it creates there. */
import type { Loader } from './load.ts'
import { connections, type HotPath } from './paths.ts'
import { rateOf, type RoundOptions, type Spread, spreadOf } from './rounds.ts'
import { type Template, unique } from './template.ts'
import type { Runtime, World } from './world.ts'

export interface Comparison {
  name: string
  /** Rows per response. */
  rows: number
  /** Requests per second. */
  flowkeep: Spread
  n8n: Spread
  ratio: Spread
}

const runtime: Runtime = 'node'
const listed = 100
const mark = 'Flowkeep bench'

/** @param paths `GET a workflow`, `List 100 workflows`, `List 100 executions` and `Create a workflow` of Flowkeep */
export async function compareWithN8n(
  world: World,
  paths: HotPath[],
  loader: Loader,
  { rounds, seconds }: RoundOptions,
  { url, apiKey }: { url: string; apiKey: string },
): Promise<Comparison[]> {
  const headers = { 'X-N8N-API-KEY': apiKey, 'Content-Type': 'application/json' }
  const ask = async (method: string, path: string, body?: unknown) => {
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    if (!response.ok) throw new Error(`n8n: ${method} ${path}: ${response.status} ${await response.text()}`)
    return response.json() as Promise<{
      id: string
      data: { id: string; name: string }[]
      nextCursor?: string
    }>
  }
  const create = paths.find(({ name }) => name === 'Create a workflow')
  const { workflow } = JSON.parse(create?.template.body ?? '{}') as {
    workflow: { name: string; nodes: object[]; connections: object; settings: object }
  }
  // n8n rejects credentials that it does not have.
  const nodes = workflow.nodes.map((node) => ({ ...node, credentials: undefined }))
  const body = { ...workflow, nodes, name: `${mark} ${unique}` }
  const fill = Array.from({ length: listed }, () => ask('POST', '/workflows', { ...body, name: mark }))
  const [first] = await Promise.all(fill)
  try {
    const rowsOf = async (kind: string) => (await ask('GET', `/${kind}?limit=${listed}`)).data.length
    const of = (method: 'GET' | 'POST', path: string, sent: unknown = null): Template => ({
      method,
      path: `/api/v1${path}`,
      headers,
      body: sent === null ? null : JSON.stringify(sent),
    })
    const requests: Record<string, { template: Template; rows: number }> = {
      'GET a workflow': { template: of('GET', `/workflows/${first?.id ?? ''}`), rows: 1 },
      'List 100 workflows': {
        template: of('GET', `/workflows?limit=${listed}`),
        rows: await rowsOf('workflows'),
      },
      'List 100 executions': {
        template: of('GET', `/executions?limit=${listed}`),
        rows: await rowsOf('executions'),
      },
      'Create a workflow': { template: of('POST', '/workflows', body), rows: 1 },
    }
    const results: Comparison[] = []
    for (const path of paths) {
      const request = requests[path.name]
      if (!request) continue
      const taken: { flowkeep: number[]; n8n: number[] } = { flowkeep: [], n8n: [] }
      for (let round = -1; round < rounds; round += 1) {
        const own = {
          ...path.template,
          path: path.template.path.replace(`limit=${listed}`, `limit=${Math.max(1, request.rows)}`),
          headers: { ...path.template.headers, ...(await path.signIn()) },
        }
        const load = { connections, seconds }
        const ours = await loader.run({ ...load, url: world.flowkeep[runtime].url, template: own })
        const theirs = await loader.run({ ...load, url, template: request.template })
        if (round < 0) continue
        taken.flowkeep.push(rateOf(ours))
        taken.n8n.push(rateOf(theirs))
      }
      results.push({
        name: path.name,
        rows: request.rows,
        flowkeep: spreadOf(taken.flowkeep),
        n8n: spreadOf(taken.n8n),
        ratio: spreadOf(taken.flowkeep.map((each, round) => each / (taken.n8n[round] ?? Number.NaN))),
      })
    }
    return results
  } finally {
    let cursor: string | undefined
    const own: string[] = []
    do {
      const page = await ask('GET', `/workflows?limit=250${cursor === undefined ? '' : `&cursor=${cursor}`}`)
      own.push(...page.data.filter(({ name }) => name.startsWith(mark)).map(({ id }) => id))
      cursor = page.nextCursor ?? undefined
    } while (cursor !== undefined)
    for (const id of own) await ask('DELETE', `/workflows/${id}`)
  }
}
