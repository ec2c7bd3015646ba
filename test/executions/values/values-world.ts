import type { Answer, TestApp, TestUser } from '../../harness/app.ts'

const hook = {
  id: 'n1',
  name: 'Webhook',
  type: 'n8n-nodes-base.webhook',
  typeVersion: 2,
  position: [0, 0],
  parameters: { path: 'orders' },
}
const post = {
  id: 'n2',
  name: 'Post',
  type: 'n8n-nodes-base.httpRequest',
  typeVersion: 4.2,
  position: [200, 0],
  parameters: { url: 'https://api.example/orders' },
}
const workflow = {
  name: 'Orders',
  nodes: [hook, post],
  connections: { Webhook: { main: [[{ node: 'Post', type: 'main', index: 0 }]] } },
}

export interface ValuesWorld {
  user: TestUser
  workflowId: string
  storage: string
  /** Reports a run, and returns its ID. */
  run: (executionId: string, json: object, more?: object) => Promise<string>
  values: (id: string, as?: TestUser) => Promise<Answer>
}

let count = 0

/** A user with a deployed workflow, whose runs fail at the second node. */
export async function createValuesWorld(app: TestApp): Promise<ValuesWorld> {
  const user = await app.user()
  const made = async (path: string, body: unknown) => {
    const { status, json, text } = await user.call('POST', path, { body })
    if (status !== 201) throw new Error(text)
    return json
  }
  const { id: workflowId } = await made('/v1/workflows', { workflow })
  const instance = await made('/v1/instances', {
    name: 'prod',
    baseUrl: `https://n8n-${++count}.example.com`,
    apiKey: 'planted-api-key',
  })
  await made('/v1/deployments', { workflowId, instanceId: instance.id, n8nWorkflowId: 'orders' })
  const run: ValuesWorld['run'] = async (executionId, json, more = {}) => {
    const { json: answer, text } = await app.call('POST', `/hooks/n8n/${instance.id}`, {
      token: instance.webhookToken,
      body: report(executionId, json, more),
    })
    if (typeof answer.id !== 'string') throw new Error(text)
    return answer.id
  }
  return {
    user,
    workflowId,
    storage: `/v1/workflows/${workflowId}/value-storage`,
    run,
    values: (id, as = user) => as.call('GET', `/v1/executions/${id}/values`),
  }
}

const report = (executionId: string, json: object, more: object) => ({
  id: executionId,
  workflowId: 'orders',
  status: 'error',
  mode: 'webhook',
  startedAt: '2026-11-22T10:00:00.000Z',
  stoppedAt: '2026-11-22T10:00:01.000Z',
  data: {
    resultData: {
      lastNodeExecuted: 'Post',
      error: { message: 'No channel', name: 'NodeApiError', node: { name: 'Post', type: post.type } },
      runData: {
        Webhook: [
          {
            executionIndex: 0,
            startTime: 1_795_341_600_000,
            executionTime: 1,
            executionStatus: 'success',
            source: [],
            data: { main: [[{ json }]] },
          },
        ],
        Post: [
          {
            executionIndex: 1,
            startTime: 1_795_341_600_100,
            executionTime: 9,
            executionStatus: 'error',
            source: [{ previousNode: 'Webhook' }],
            error: { message: 'No channel', name: 'NodeApiError' },
          },
        ],
      },
    },
  },
  workflowData: workflow,
  ...more,
})
