/** @module The requests of clients, of the dashboard and of n8n that are most frequent or must be fast. */
import { demoWorkflows } from '../../demo/large/flows.ts'
import { flowsOf } from '../../demo/large/workflow.ts'
import { common, historyDays, rare } from '../../test/harness/bulk-history.ts'
import { chosen, type Template, unique } from './template.ts'
import { call, signIn, signInToDashboard, type World } from './world.ts'

export interface HotPath {
  name: string
  /** Without the session, which expires after five minutes. */
  template: Template
  signIn: () => Promise<Record<string, string>>
  connections: number
  /** Requests per round at most. */
  limit?: number
  /** Undoes the changes of a round. */
  reset?: () => Promise<unknown>
}

export const connections = 16
const batchSize = 100
const dayMs = 86_400_000

interface Made {
  template: Omit<Template, 'headers'> & { headers?: Record<string, string> }
  as: 'many' | 'few' | 'dashboard' | 'n8n' | 'nobody'
  connections?: number
  limit?: number
  reset?: () => Promise<unknown>
}

const get = (path: string, as: Made['as'] = 'many'): Made => ({
  template: { method: 'GET', path, body: null },
  as,
})
const post = (path: string, as: Made['as'], body: unknown): Made => ({
  template: { method: 'POST', path, body: JSON.stringify(body) },
  as,
})

/** With 16 nodes, or the closest number. */
function sampleWorkflow() {
  const flows = demoWorkflows.map((workflow) => ({ name: workflow.name, flow: flowsOf(workflow).at(-1) }))
  const [closest] = flows.toSorted(
    (a, b) => Math.abs((a.flow?.nodes.length ?? 0) - 16) - Math.abs((b.flow?.nodes.length ?? 0) - 16),
  )
  if (!closest?.flow) throw new Error('No workflows')
  return closest.flow.json(`${closest.name} ${unique}`, (type) => `Demo ${type}`)
}

/** @param nodes whether the report has the data of ten nodes */
function report(workflowId: string, index: number, nodes: boolean) {
  const startedAtMs = Date.now() - 5000 - index
  const isFailed = index % 20 === 19
  return {
    executionId: `${unique}-${index}`,
    workflowId,
    status: isFailed ? 'error' : 'success',
    mode: 'trigger',
    startedAt: new Date(startedAtMs).toISOString(),
    finishedAt: new Date(startedAtMs + 700).toISOString(),
    ...(isFailed && { error: { message: 'Request failed with status code 429', node: 'Slack' } }),
    ...(nodes && {
      data: {
        nodes: Array.from({ length: 10 }, (_, node) => ({
          name: `Node ${node}`,
          type: `n8n-nodes-base.${['httpRequest', 'set', 'if', 'slack'][node % 4] ?? ''}`,
          status: 'success',
          startedAt: new Date(startedAtMs + node * 60).toISOString(),
          durationMs: 20 + node * 5,
          items: 1 + node,
          runs: 1,
          error: null,
        })),
      },
    }),
  }
}

export const reportsOf = (workflowId: string, count: number, nodes: boolean) =>
  Array.from({ length: count }, (_, index) => report(workflowId, index, nodes))

/** Paths that read, by name. */
const reads = (from: string, to: string): Record<string, Made> => ({
  'List 50 workflows': get('/v1/workflows?limit=50'),
  'List 100 workflows': get('/v1/workflows?limit=100'),
  'Search by node type': get(`/v1/workflows?nodeType=${common.nodeType}`),
  'Search by rare node type': get(`/v1/workflows?nodeType=${rare.nodeType}`),
  'Search by credential type': get(`/v1/workflows?credentialType=${common.credentialType}`),
  'Search by rare credential type': get(`/v1/workflows?credentialType=${rare.credentialType}`),
  'Search by text': get(`/v1/workflows?q=${common.word}`),
  'Search by rare text': get(`/v1/workflows?q=${rare.word}`),
  'Search by text, user with 20 workflows': get(`/v1/workflows?q=${common.word}`, 'few'),
  'List 100 executions': get('/v1/executions?limit=100'),
  Summary: get(`/v1/analytics/summary?from=${from}&to=${to}`),
  Series: get(`/v1/analytics/series?from=${from}&to=${to}&interval=day`),
  'Overview page': get('/', 'dashboard'),
})

/** @param only names; undefined: all */
export async function hotPaths(world: World, only?: readonly string[]): Promise<HotPath[]> {
  const { client, flowkeep, owners, tracked } = world
  const to = new Date(Math.floor(Date.now() / 60_000) * 60_000)
  const from = new Date(to.getTime() - historyDays * dayMs)
  const token = await signIn(flowkeep.node, owners.many)
  const { items } = await call(flowkeep.node, 'GET', '/v1/workflows?limit=100', { token })
  const ids = items.map(({ id }) => id)
  const { rows } = await client.query<{ id: string }>(
    'select id from workflows where user_id = $1 order by id limit 400',
    [owners.many.id],
  )
  const edited = rows.map(({ id }) => id)
  const workflow = sampleWorkflow()
  const fewToken = await signIn(flowkeep.node, owners.few)
  const [ofFew] = (await call(flowkeep.node, 'GET', '/v1/workflows?limit=1', { token: fewToken })).items
  const hook = `/hooks/n8n/${tracked.instanceId}`
  const made: Record<string, Made> = {
    'GET /health/live': get('/health/live', 'nobody'),
    'GET a workflow': get(`/v1/workflows/${ids[0] ?? ''}`),
    ...reads(from.toISOString(), to.toISOString()),
    'Create a workflow': post('/v1/workflows', 'few', { workflow }),
    'Edit a workflow': {
      template: {
        method: 'PATCH',
        path: `/v1/workflows/${chosen}`,
        headers: { 'If-Match': '"1"' },
        body: JSON.stringify({ workflow }),
        values: edited,
      },
      as: 'many',
      // The edits of a user wait for each other.
      connections: 4,
      limit: edited.length,
      reset: async () => {
        await client.query('update workflows set version = 1 where id = any($1)', [edited])
        await client.query('delete from workflow_versions where workflow_id = any($1) and version > 1', [
          edited,
        ])
        await client.query(
          'update workflow_sizes set through = 1, versions = 1 where workflow_id = any($1)',
          [edited],
        )
      },
    },
    'Check a workflow': post('/v1/workflows/check', 'few', { workflow }),
    'Report of 1 execution': post(hook, 'n8n', reportsOf(tracked.n8nWorkflowId, 1, false)),
    'Report of 100 executions': post(hook, 'n8n', reportsOf(tracked.n8nWorkflowId, batchSize, true)),
    'Log in': {
      ...post('/v1/auth/login', 'nobody', { email: owners.few.email, password: owners.few.password }),
      connections: 1,
    },
    'Plan a deployment': post('/v1/deployments/plan', 'few', {
      workflowId: ofFew?.id,
      instanceId: tracked.instanceId,
    }),
  }
  const unknown = (only ?? []).filter((name) => !(name in made))
  if (unknown.length > 0)
    throw new Error(`No such path: ${unknown.join(', ')}. There are: ${Object.keys(made).join(', ')}`)
  const paths: HotPath[] = []
  for (const [name, { template, as, ...rest }] of Object.entries(made)) {
    if (only && !only.includes(name)) continue
    paths.push({
      connections,
      ...rest,
      name,
      template: { ...template, headers: template.headers ?? {} },
      signIn: () => headersOf(world, as),
    })
  }
  return paths
}

async function headersOf(
  { flowkeep, owners, tracked }: World,
  as: Made['as'],
): Promise<Record<string, string>> {
  const json = { 'Content-Type': 'application/json' }
  if (as === 'nobody') return json
  if (as === 'dashboard')
    return { Cookie: await signInToDashboard(flowkeep.node, owners.many), Accept: 'text/html' }
  if (as === 'n8n') return { ...json, Authorization: `Bearer ${tracked.webhookToken}` }
  return { ...json, Authorization: `Bearer ${await signIn(flowkeep.node, owners[as])}` }
}
