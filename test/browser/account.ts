/** @module A test account: an instance with an n8n stub, a workflow with versions, and its credential. */
import { randomBytes } from 'node:crypto'
import type { TestUser } from '../harness/app.ts'
import type { Site } from './site.ts'

export interface Account extends TestUser {
  instanceId: string
  workflowId: string
  credentialId: string
  /** The deployment of the tracked workflow `tracked`. */
  deploymentId: string
  create: (path: string, body: unknown) => Promise<any>
  /** Posts runs like n8n. */
  report: (...runs: object[]) => Promise<void>
}

export const secret = `xoxb-${randomBytes(12).toString('hex')}`

/** @param text distinguishes the two versions */
export const orders = (text: string, path = 'orders') => ({
  name: 'Orders to Slack',
  nodes: [
    {
      id: 'hook',
      name: 'Order placed',
      type: 'n8n-nodes-base.webhook',
      typeVersion: 2,
      position: [0, 0],
      webhookId: path,
      parameters: { path, httpMethod: 'POST', options: {} },
    },
    {
      id: 'slack',
      name: 'Tell the team',
      type: 'n8n-nodes-base.slack',
      typeVersion: 2.2,
      position: [224, 0],
      parameters: { select: 'channel', channelId: '#orders', text },
    },
  ],
  connections: { 'Order placed': { main: [[{ node: 'Tell the team', type: 'main', index: 0 }]] } },
  settings: { executionOrder: 'v1' },
})

export async function makeAccount({ app, stub }: Site): Promise<Account> {
  const user = await app.user()
  const create = async (path: string, body: unknown) => {
    const answer = await user.call('POST', path, { body })
    if (answer.status >= 300) throw new Error(`${path}: ${answer.text}`)
    return answer.json
  }
  const instance = await create('/v1/instances', {
    name: 'Production',
    baseUrl: 'https://n8n.example.com',
    apiKey: stub.apiKey,
  })
  const workflow = await create('/v1/workflows', {
    workflow: orders('{{ $json.name }}'),
    prompt: 'Tell the team about orders',
    model: 'demo-model',
  })
  const changed = await user.call('PATCH', `/v1/workflows/${workflow.id}`, {
    body: { workflow: orders('New: {{ $json.name }}'), prompt: 'Say that it is new' },
    headers: { 'If-Match': '*' },
  })
  if (changed.status !== 200) throw new Error(changed.text)
  const credential = await create('/v1/credentials', {
    type: 'slackApi',
    name: 'Team Slack',
    data: { accessToken: secret },
  })
  const watched = await create('/v1/workflows', {
    workflow: { ...orders('Watched', 'watched'), name: 'Watched orders' },
  })
  const deployment = await create('/v1/deployments', {
    workflowId: watched.id,
    instanceId: instance.id,
    n8nWorkflowId: 'tracked',
  })
  const report = async (...runs: object[]) => {
    const answer = await app.call('POST', `/hooks/n8n/${instance.id}`, {
      token: instance.webhookToken,
      body: runs,
    })
    if (answer.status !== 200) throw new Error(answer.text)
  }
  return {
    ...user,
    instanceId: instance.id,
    workflowId: workflow.id,
    credentialId: credential.id,
    deploymentId: deployment.id,
    create,
    report,
  }
}

interface RunOptions {
  id: string
  minutesAgo: number
  workflowId?: string
  /** Null for a successful run. */
  failure?: { message: string; httpCode?: string }
  nodes?: [first: string, second: string]
}

/** n8n's execution object for a run of two nodes. */
export function runOf({
  id,
  minutesAgo,
  workflowId = 'tracked',
  failure,
  nodes = ['Order placed', 'Tell the team'],
}: RunOptions) {
  const startedAtMs = Date.now() - minutesAgo * 60_000
  const [first, second] = nodes
  const error = failure && {
    name: 'NodeApiError',
    ...failure,
    timestamp: startedAtMs + 700,
    node: { name: second, type: 'n8n-nodes-base.slack' },
  }
  const node = (at: number, executionTime: number, index: number) => ({
    startTime: startedAtMs + at,
    executionTime,
    executionIndex: index,
    executionStatus: 'success',
    data: { main: [[{ json: {} }]] },
  })
  return {
    id,
    workflowId,
    status: failure ? 'error' : 'success',
    mode: 'webhook',
    startedAt: new Date(startedAtMs).toISOString(),
    stoppedAt: new Date(startedAtMs + 720).toISOString(),
    workflowData: {
      id: workflowId,
      nodes: [
        { name: first, type: 'n8n-nodes-base.webhook' },
        { name: second, type: 'n8n-nodes-base.slack' },
      ],
    },
    data: {
      resultData: {
        lastNodeExecuted: second,
        runData: {
          [first]: [node(0, 4, 0)],
          [second]: [error ? { ...node(5, 700, 1), executionStatus: 'error', error } : node(5, 700, 1)],
        },
        ...(error && { error }),
      },
    },
  }
}
