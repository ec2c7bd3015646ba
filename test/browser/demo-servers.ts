/** @module n8n behind the servers of the large demo, with what somebody has done in its editor: for screenshots. */
import type { Deps } from '../../src/deps.ts'
import { createN8nStub } from '../harness/n8n-stub.ts'
import type { Generation, Json, StubWorkflow } from '../harness/n8n-stub-state.ts'

const generations: Record<string, Generation> = {
  'n8n-eu.northwind.example': '2.41',
  'n8n-us.northwind.example': '1.x',
}

export interface DemoServers {
  fetch: typeof fetch
  /** Deploys "Deal desk alerts" once more, edits it in n8n and has the difference found; makes others beside it. */
  edit: (deps: Deps) => Promise<void>
}

/** The third server of the demo does not answer, as the demo says. */
export async function startDemoServers(now: () => Date): Promise<DemoServers> {
  const servers = new Map(
    await Promise.all(
      Object.entries(generations).map(
        async ([host, generation]) =>
          [host, await createN8nStub({ generation, baseUrl: `https://${host}`, now })] as const,
      ),
    ),
  )

  /** Whatever key the demo made up is taken for the right one. */
  async function demoFetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    const request = new Request(input, init)
    const server = servers.get(new URL(request.url).host)
    if (!server) throw new TypeError('fetch failed')
    const headers = new Headers(request.headers)
    headers.set('X-N8N-API-KEY', server.apiKey)
    return server.fetch(new Request(request, { headers }))
  }

  async function edit({ db, deployer, drift }: Deps): Promise<void> {
    const [found] = await db.$client`
      select d.user_id, d.id, d.version from deployments d join workflows w on w.id = d.workflow_id
      where w.name = 'Deal desk alerts'`
    const [userId, id] = [String(found?.['user_id']), String(found?.['id'])]
    const deployed = await deployer.deploy(userId, id, { version: Number(found?.['version']) })
    const workflow = [...servers.values()]
      .map(({ state }) => state.workflows.get(deployed?.n8nWorkflowId ?? ''))
      .find((each) => each !== undefined)
    if (deployed?.status !== 'active' || !workflow) {
      throw new Error(`Deal desk alerts was not deployed: ${JSON.stringify(deployed)}`)
    }
    byHand(workflow)
    await drift.find(userId, id)
    for (const name of ['Birthday wishes', 'Office plants', 'Old lead form']) {
      await demoFetch('https://n8n-us.northwind.example/api/v1/workflows', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({
          name,
          nodes: workflow.nodes,
          connections: workflow.connections,
          settings: {},
        }),
      })
    }
  }

  return { fetch: demoFetch, edit }
}

/** Another channel for what is lost, retries where the sheet is written, and a node to wait before it. */
function byHand(workflow: StubWorkflow): void {
  const node = (name: string) => workflow.nodes.find((each) => each['name'] === name) ?? {}
  const parameters = (name: string) => node(name)['parameters'] as Json
  const channelId = parameters('Note loss')['channelId']
  parameters('Note loss')['channelId'] =
    typeof channelId === 'object' ? { ...channelId, value: '#lost-deals' } : '#lost-deals'
  Object.assign(node('Forecast'), { retryOnFail: true, maxTries: 3 })
  workflow.nodes.push({
    id: crypto.randomUUID(),
    name: 'Give it a minute',
    type: 'n8n-nodes-base.wait',
    typeVersion: 1.1,
    position: [600, -320],
    parameters: { amount: 1, unit: 'minutes' },
  })
  const to = (name: string) => ({ main: [[{ node: name, type: 'main', index: 0 }]] })
  Object.assign(workflow.connections, {
    Celebrate: to('Give it a minute'),
    'Give it a minute': to('Forecast'),
  })
}
