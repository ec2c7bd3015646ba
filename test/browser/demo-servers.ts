/** @module n8n stubs for the servers of the large demo, with changes made in n8n's editor, for screenshots. */
import { servers } from '../../demo/large/fixtures.ts'
import type { Deps } from '../../src/deps.ts'
import { createN8nStub } from '../harness/n8n-stub.ts'
import type { Json, StubWorkflow } from '../harness/n8n-stub-state.ts'

export interface DemoServers {
  fetch: typeof fetch
  /** Redeploys "Deal desk alerts", edits it in n8n and detects the drift. Also creates other workflows there. */
  edit: (deps: Deps) => Promise<void>
}

/** A server that is unreachable in the demo is unreachable here too. */
export async function startDemoServers(now: () => Date): Promise<DemoServers> {
  const answering = servers.filter(({ pollFailures }) => pollFailures === 0)
  const stubs = await Promise.all(
    answering.map(({ baseUrl, test }) =>
      createN8nStub({ generation: test.generation === 'legacy' ? '1.x' : '2.41', baseUrl, now }),
    ),
  )

  /** Accepts the demo's fake API keys. */
  async function demoFetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    const request = new Request(input, init)
    const stub = stubs.find(({ baseUrl }) => request.url.startsWith(`${baseUrl}/`))
    if (!stub) throw new TypeError('fetch failed')
    const headers = new Headers(request.headers)
    headers.set('X-N8N-API-KEY', stub.apiKey)
    return stub.fetch(new Request(request, { headers }))
  }

  async function edit({ db, deployer, drift }: Deps): Promise<void> {
    const [found] = await db.$client`
      select d.user_id, d.id, d.version from deployments d join workflows w on w.id = d.workflow_id
      where w.name = 'Deal desk alerts'`
    const [userId, id] = [String(found?.['user_id']), String(found?.['id'])]
    const deployed = await deployer.deploy(userId, id, { version: Number(found?.['version']) })
    const stub = stubs.find(({ state }) => state.workflows.has(deployed?.n8nWorkflowId ?? ''))
    const workflow = stub?.state.workflows.get(deployed?.n8nWorkflowId ?? '')
    if (deployed?.status !== 'active' || !stub || !workflow) {
      throw new Error(`Deal desk alerts was not deployed: ${JSON.stringify(deployed)}`)
    }
    byHand(workflow)
    await drift.find(userId, id)
    const { nodes, connections } = workflow
    for (const name of ['Birthday wishes', 'Office plants', 'Old lead form']) {
      const made = await demoFetch(`${stub.baseUrl}/api/v1/workflows`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ name, nodes, connections, settings: {} }),
      })
      if (!made.ok) throw new Error(`${name} was not made: ${await made.text()}`)
    }
  }

  return { fetch: demoFetch, edit }
}

/** Edits: another channel for lost deals, retries for the sheet, and a Wait node before it. */
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
