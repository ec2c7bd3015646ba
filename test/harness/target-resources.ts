/** @module One resource of each kind, created on a server. */
import { randomBytes } from 'node:crypto'
import type { Answer, CallOptions } from './app.ts'
import type { createN8nStub } from './n8n-stub.ts'

type Stub = Awaited<ReturnType<typeof createN8nStub>>

export interface N8nServer {
  stub: Stub
  baseUrl: string
}

export const sampleWorkflow = (name = 'Orders') => ({
  name,
  nodes: [
    {
      id: 'n1',
      name: 'Hook',
      type: 'n8n-nodes-base.webhook',
      typeVersion: 2,
      position: [0, 0],
      webhookId: randomBytes(8).toString('hex'),
      parameters: { path: `orders-${randomBytes(4).toString('hex')}` },
    },
    {
      id: 'n2',
      name: 'Slack',
      type: 'n8n-nodes-base.slack',
      typeVersion: 2.2,
      position: [200, 0],
      parameters: { select: 'channel', channelId: { __rl: true, mode: 'id', value: 'C1' }, text: 'x' },
      credentials: { slackApi: { id: '1', name: 'Slack' } },
    },
  ],
  connections: { Hook: { main: [[{ node: 'Slack', type: 'main', index: 0 }]] } },
})

export interface Secrets {
  /** In the data of the credential. */
  credential: string
  /** Must be the stub's. */
  apiKey: string
}

type Call = (
  method: string,
  path: string,
  options?: CallOptions,
) => Promise<Pick<Answer, 'status' | 'text' | 'json'>>

/** What the resources contain; by default one of each. */
export interface Contents {
  workflow?: (name?: string) => { name: string; nodes: object[]; connections: object }
  /** Of the execution that failed: node → runs. */
  runData?: object
  /** Of the environment. */
  variables?: Record<string, string>
}

export interface Resources {
  /** Path of the collection, without /v1 → ID. */
  ids: Record<string, string>
  webhookToken: string
  n8nWorkflowId: string
}

/** Deletes what is limited first: each n8n server can be connected once, and alert channels have a quota. */
export async function createResources(
  target: { call: Call },
  user: { call: Call; accessToken: string },
  n8n: N8nServer,
  secrets: Secrets,
  contents: Contents = {},
): Promise<Resources> {
  const {
    workflow: workflowOf = sampleWorkflow,
    runData = { Hook: [{ source: [], data: { main: [[{ json: { order: 1 } }]] } }] },
    variables = {},
  } = contents
  const tag = randomBytes(4).toString('hex')
  const post = async (path: string, body: unknown, token = user.accessToken) => {
    const answer = await user.call('POST', path, { body, token })
    if (answer.status >= 300) throw new Error(`POST ${path}: ${answer.status} ${answer.text}`)
    return answer.json
  }
  for (const path of ['/v1/instances', '/v1/alerts/rules', '/v1/alerts/channels', '/v1/environments']) {
    // Each page is the first one of what is left.
    for (let deleted = 1; deleted > 0; ) {
      deleted = 0
      for (const { id } of (await user.call('GET', `${path}?limit=100`)).json.items) {
        const force = path === '/v1/instances' ? '?force=true' : ''
        const { status } = await user.call('DELETE', `${path}/${id}${force}`, {
          headers: { 'If-Match': '*' },
        })
        if (status === 204) deleted += 1
      }
    }
  }
  const workflow = await post('/v1/workflows', { workflow: workflowOf(`Orders ${tag}`) })
  const credential = await post('/v1/credentials', {
    type: 'slackApi',
    name: `Slack ${tag}`,
    data: { accessToken: secrets.credential },
  })
  const instance = await post('/v1/instances', {
    name: `n8n ${tag}`,
    baseUrl: n8n.baseUrl,
    apiKey: secrets.apiKey,
  })
  const inN8n = await n8n.stub.fetch(`${n8n.baseUrl}/api/v1/workflows`, {
    method: 'POST',
    headers: { 'X-N8N-API-KEY': n8n.stub.apiKey, 'Content-Type': 'application/json' },
    body: JSON.stringify({ settings: {}, ...workflowOf() }),
  })
  const { id: n8nWorkflowId } = (await inN8n.json()) as { id: string }
  const deployment = await post('/v1/deployments', {
    workflowId: workflow.id,
    instanceId: instance.id,
    n8nWorkflowId,
  })
  const report = async (workflowId: string, status: string) => {
    const answer = await target.call('POST', `/hooks/n8n/${instance.id}`, {
      body: {
        executionId: tag,
        workflowId,
        status,
        startedAt: new Date().toISOString(),
        ...(status === 'error' && { error: { message: 'Orders failed', node: 'Slack' } }),
        data: { resultData: { runData } },
      },
      token: instance.webhookToken,
      headers: { Prefer: 'wait' },
    })
    return answer.json
  }
  const execution = await report(n8nWorkflowId, 'error')
  await report(`elsewhere-${tag}`, 'success')
  const deadLetters = await user.call('GET', '/v1/dead-letters?limit=1')
  const channel = await post('/v1/alerts/channels', {
    kind: 'webhook',
    name: `Hook ${tag}`,
    url: `${n8n.baseUrl}/alerts-${tag}`,
  })
  const rule = await post('/v1/alerts/rules', { kind: 'drift', channelIds: [channel.id] })
  const environment = await post('/v1/environments', { name: `Stage ${tag}`, variables })
  const release = await post('/v1/releases', {
    workflows: [{ workflowId: workflow.id }],
    instanceIds: [instance.id],
    dryRun: true,
  })
  const token = await post('/v1/tokens', { name: `Agent ${tag}`, scopes: ['workflows:write'] })
  const spare = await post('/v1/workflows', { workflow: sampleWorkflow(`Spare ${tag}`) })
  const asked = await target.call('DELETE', `/v1/workflows/${spare.id}`, { token: token.token })
  return {
    ids: {
      workflows: workflow.id,
      credentials: credential.id,
      instances: instance.id,
      deployments: deployment.id,
      executions: execution.id,
      'dead-letters': deadLetters.json.items[0].id,
      'alerts/channels': channel.id,
      'alerts/rules': rule.id,
      environments: environment.id,
      releases: release.id,
      tokens: token.id,
      approvals: asked.json.approvalId,
    },
    webhookToken: instance.webhookToken,
    n8nWorkflowId,
  }
}
