/** A signed-in browser whose user has a workflow with nodes and an n8n that reports runs. */
import type { TestApp } from '../../harness/app.ts'
import { type SignedInBrowser, signedInBrowser } from '../browser.ts'

export const startedAt = '2026-11-22T10:00:00.000Z'
const startMs = Date.parse(startedAt)

export interface ReportedRun {
  id: number | string
  status?: string
  mode?: string
  /** The error of Create issue, the last node. */
  error?: { message: string; httpCode?: string; name?: string }
  /** Milliseconds after `startedAt`. */
  startMs?: number
  durationMs?: number
  withoutData?: boolean
}

export interface ExecutionsWorld extends SignedInBrowser {
  api: (method: string, path: string, body?: unknown) => Promise<Record<string, string>>
  workflowId: string
  instanceId: string
  deploymentId: string
  credentialId: string
  /** Reports to the webhook and returns the run's ID. */
  report: (run: ReportedRun) => Promise<string>
  send: (body: unknown) => Promise<string>
}

const names = {
  trigger: 'New mail',
  agent: 'Agent',
  model: 'Model',
  failing: 'Create issue',
  unreached: 'Tell team',
}

/** Adds `marked` to every name and text that a user or n8n chooses. */
export async function executionsWorld(app: TestApp, marked = ''): Promise<ExecutionsWorld> {
  const tab = await signedInBrowser(app)
  const login = await app.call('POST', '/v1/auth/login', {
    body: { email: tab.email, password: tab.password },
  })
  const api: ExecutionsWorld['api'] = async (method, path, body) => {
    const answer = await app.call(method, path, {
      token: login.json.accessToken,
      ...(body !== undefined && { body }),
    })
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`)
    return answer.json
  }
  const name = (text: string) => `${text}${marked}`
  const node = (key: keyof typeof names, type: string, parameters = {}) => ({
    id: key,
    name: name(names[key]),
    type,
    typeVersion: 1,
    position: [0, 0],
    parameters,
  })
  const to = (key: keyof typeof names, type = 'main') => [[{ node: name(names[key]), type, index: 0 }]]
  const workflow = {
    name: name('Support triage'),
    nodes: [
      node('trigger', 'n8n-nodes-base.gmailTrigger'),
      node('agent', '@n8n/n8n-nodes-langchain.agent', { text: `=secret-value${marked}` }),
      node('model', '@n8n/n8n-nodes-langchain.lmChatOpenAi'),
      node('failing', 'n8n-nodes-base.linear', { operation: 'create', [name('title')]: 'secret-value' }),
      node('unreached', 'n8n-nodes-base.slack', { operation: 'post' }),
    ],
    connections: {
      [name(names.trigger)]: { main: to('agent') },
      [name(names.agent)]: { main: to('failing') },
      [name(names.model)]: { ai_languageModel: to('agent', 'ai_languageModel') },
      [name(names.failing)]: { main: to('unreached') },
    },
  }
  const { id: workflowId = '' } = await api('POST', '/v1/workflows', {
    workflow,
    prompt: `Sort mails${marked}. Use Bearer abcdefghijklmnopqrstuvwxyz`,
  })
  const { id: credentialId = '' } = await api('POST', '/v1/credentials', {
    type: 'linearApi',
    name: name('Linear (triage)'),
    data: { apiKey: 'lin_canary_key' },
  })
  const { id: instanceId = '', webhookToken = '' } = await api('POST', '/v1/instances', {
    name: name('prod-eu-1'),
    baseUrl: 'https://n8n.example.com/eu',
    apiKey: 'n8n-api-key-canary',
  })
  const { id: deploymentId = '' } = await api('POST', '/v1/deployments', {
    workflowId,
    instanceId,
    n8nWorkflowId: 'wf1',
    bindings: { linearApi: credentialId },
  })
  const send = async (body: unknown) => {
    const answer = await app.call('POST', `/hooks/n8n/${instanceId}`, { token: webhookToken, body })
    if (answer.status >= 300 || !answer.json.id) throw new Error(`${answer.status} ${answer.text}`)
    return String(answer.json.id)
  }
  const report = (run: ReportedRun) => send(n8nExecution(run, name))
  return { ...tab, api, workflowId, instanceId, deploymentId, credentialId, report, send }
}

function n8nExecution(
  {
    id,
    status = 'error',
    mode = 'trigger',
    error,
    startMs: afterMs = 0,
    durationMs = 4000,
    withoutData,
  }: ReportedRun,
  name: (text: string) => string,
) {
  const from = startMs + afterMs
  const isEnded = status !== 'running' && status !== 'waiting'
  const item = (startTime: number, executionTime: number, more = {}) => [
    {
      startTime,
      executionTime,
      executionStatus: 'success',
      data: { main: [[{ json: { a: 'item-value' } }]] },
      ...more,
    },
  ]
  const failure = error && {
    name: 'NodeApiError',
    ...error,
    node: { name: name(names.failing), type: 'n8n-nodes-base.linear' },
  }
  return {
    id,
    workflowId: 'wf1',
    status,
    mode,
    startedAt: new Date(from).toISOString(),
    ...(isEnded && { stoppedAt: new Date(from + durationMs).toISOString() }),
    ...(error && withoutData && { error: failure }),
    ...(isEnded &&
      !withoutData && {
        data: {
          resultData: {
            ...(failure && { error: failure }),
            lastNodeExecuted: name(names.failing),
            runData: {
              [name(names.trigger)]: item(from, 200),
              [name(names.agent)]: item(from + 200, 3000),
              [name(names.model)]: [...item(from + 300, 1000), ...item(from + 1500, 1500)],
              [name(names.failing)]: item(
                from + 3200,
                800,
                failure
                  ? {
                      executionStatus: 'error',
                      error: failure,
                      data: undefined,
                      source: [{ previousNode: name(names.agent) }],
                    }
                  : {},
              ),
            },
          },
        },
      }),
  }
}
