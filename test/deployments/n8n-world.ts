/** The whole application, with a strict n8n stub behind every instance. */
import { expect } from 'vitest'
import { createTestApp, type TestApp, type TestUser } from '../harness/app.ts'
import { createN8nStub, type N8nStub } from '../harness/n8n-stub.ts'

export const orders = {
  name: 'Orders',
  nodes: [
    {
      id: 'hook',
      name: 'Hook',
      type: 'n8n-nodes-base.webhook',
      typeVersion: 2,
      position: [0, 0],
      webhookId: 'w1',
      parameters: { path: 'orders', options: {} },
    },
    {
      id: 'tell',
      name: 'Tell',
      type: 'n8n-nodes-base.httpRequest',
      typeVersion: 4.2,
      position: [220, 0],
      parameters: {
        url: 'https://crm.example.com',
        authentication: 'genericCredentialType',
        genericAuthType: 'httpHeaderAuth',
        options: {},
      },
      credentials: { httpHeaderAuth: { id: 'of-another-n8n', name: 'CRM header' } },
    },
    {
      id: 'note',
      name: 'Note',
      type: 'n8n-nodes-base.stickyNote',
      typeVersion: 1,
      position: [0, 300],
      parameters: { content: 'Remember' },
    },
  ],
  connections: { Hook: { main: [[{ node: 'Tell', type: 'main', index: 0 }]] } },
  settings: { executionOrder: 'v1', saveDataSuccessExecution: 'none' },
  pinData: { Hook: [{ json: { id: 1 } }] },
}

export const secret = 'planted-header-secret'

export interface N8nWorld extends TestApp {
  stub: N8nStub
  /** Handles every request to n8n: the stub, unless a test replaces it. */
  n8nFetch: { fetch: typeof fetch }
  /** A user with an instance, a workflow and a credential for it. */
  setting: (workflow?: object) => Promise<Setting>
}

export interface Setting {
  user: TestUser
  instanceId: string
  workflowId: string
  credentialId: string
  /** Deploys the workflow and returns its deployment. */
  // oxlint-disable-next-line typescript/no-explicit-any -- tests read any member
  deploy: (more?: object) => Promise<any>
}

export async function createN8nWorld({ now = () => new Date() } = {}): Promise<N8nWorld> {
  const stub = await createN8nStub()
  const n8nFetch: { fetch: typeof fetch } = { fetch: stub.fetch }
  const app = await createTestApp({
    runtime: {
      instanceFetch: (input, init) => n8nFetch.fetch(input, init),
      wait: async () => undefined,
      now,
    },
  })
  const setting: N8nWorld['setting'] = async (workflow = orders) => {
    // Only one user's workflows at a time, because a webhook path is unique.
    stub.state.workflows.clear()
    stub.state.credentials.clear()
    stub.clearFaults()
    const user = await app.user()
    const post = async (path: string, body: unknown) => {
      const answer = await user.call('POST', path, { body })
      expect({ path, status: answer.status, body: answer.json }).toMatchObject({ status: 201 })
      return answer.json
    }
    const instance = await post('/v1/instances', {
      name: 'Prod',
      baseUrl: 'https://n8n.example.com',
      apiKey: stub.apiKey,
    })
    const { id: workflowId } = await post('/v1/workflows', { workflow })
    const { id: credentialId } = await post('/v1/credentials', {
      type: 'httpHeaderAuth',
      name: 'CRM header',
      data: { name: 'X-Key', value: secret },
    })
    const deploy = (more: object = {}) =>
      post('/v1/deployments', { workflowId, instanceId: instance.id, ...more })
    return { user, instanceId: instance.id, workflowId, credentialId, deploy }
  }
  return { ...app, stub, n8nFetch, setting }
}
