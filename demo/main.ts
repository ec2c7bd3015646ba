/** @module `npm run demo`: runs the main use case step by step over HTTP, like a frontend and an n8n server would. */
import { randomBytes } from 'node:crypto'
import { hc } from 'hono/client'
import type { App } from '../src/app.ts'
import workflowJson from './workflow.json' with { type: 'json' }
import { type Command, runSingle } from '../src/cli/command.ts'
import { packageVersion } from '../src/cli/package-root.ts'
import { runtimeOf, startServer } from '../src/cli/server/server-process.ts'
import { message } from '../src/cli/terminal.ts'
import { loadEnvFile, serverUrlOf } from '../src/cli/variables.ts'

const step = (title: string, detail: string) => console.log(`${title.padEnd(14)} ${detail}`)

const createClient = (url: string, accessToken?: string) =>
  hc<App>(url, accessToken === undefined ? {} : { headers: { Authorization: `Bearer ${accessToken}` } })

interface Answer<T> {
  ok: boolean
  status: number
  json: () => Promise<T>
  text: () => Promise<string>
}

async function done<T>(answer: Promise<Answer<T>>): Promise<T> {
  const response = await answer
  if (!response.ok) throw new Error(`The server returned ${response.status}: ${await response.text()}`)
  return response.json()
}

async function demo(onNode: boolean): Promise<void> {
  const url = serverUrlOf(process.env)
  let stop = async () => {}
  let runtime = await runtimeOf(url)
  if (runtime === null) {
    if (process.env.FLOWKEEP_URL) throw new Error(`No server is running at ${url} (FLOWKEEP_URL).`)
    message(`No server is running at ${url}. Starting one.\n`)
    stop = await startServer(onNode ? ['--node'] : [])
    runtime = await runtimeOf(url)
  }
  try {
    console.log(`Flowkeep at ${url}, on ${runtime}\n`)
    await drive(url)
  } finally {
    await stop()
  }
}

async function drive(url: string): Promise<void> {
  const email = `demo-${randomBytes(4).toString('hex')}@example.com`
  const password = randomBytes(12).toString('base64url')
  const guest = createClient(url)
  const account = await done(guest.v1.auth.register.$post({ json: { email, password, name: 'Demo' } }))
  step('register', `${account.user.email} (user ${account.user.id})`)
  step('', `sign in at ${url} with the password ${password}`)

  const api = createClient(url, account.accessToken)
  const created = await done(
    api.v1.workflows.$post({
      query: {},
      json: {
        workflow: workflowJson,
        prompt: 'Tell #orders in Slack about every order over 100',
        model: 'demo-model',
      },
    }),
  )
  step(
    'workflow',
    `"${created.name}", version ${created.version}: ${created.nodeCount} nodes, needs ${created.requiredCredentialTypes.join(', ')}`,
  )

  const before = await done(api.v1.workflows[':id'].readiness.$get({ param: { id: created.id }, query: {} }))
  step('readiness', before.ready ? 'ready' : `not ready, missing ${missing(before.requirements)}`)

  const credential = await done(
    api.v1.credentials.$post({
      json: {
        type: 'slackApi',
        name: 'Team Slack',
        data: { accessToken: `demo-${randomBytes(16).toString('hex')}` },
      },
    }),
  )
  step(
    'credential',
    `"${credential.name}" (${credential.type}), encrypted; fields stored: ${credential.fields.join(', ')}`,
  )

  const after = await done(api.v1.workflows[':id'].readiness.$get({ param: { id: created.id }, query: {} }))
  step('readiness', after.ready ? 'ready' : `not ready, missing ${missing(after.requirements)}`)

  const instance = await done(
    api.v1.instances.$post({
      json: {
        name: 'Production',
        baseUrl: 'https://n8n.example.com',
        apiKey: randomBytes(24).toString('base64url'),
      },
    }),
  )
  step('instance', `"${instance.name}" at ${instance.baseUrl}; n8n reports runs to ${instance.webhookUrl}`)

  const n8nWorkflowId = randomBytes(8).toString('hex')
  const deployment = await done(
    api.v1.deployments.$post({
      json: {
        workflowId: created.id,
        instanceId: instance.id,
        n8nWorkflowId,
        bindings: { slackApi: credential.id },
      },
    }),
  )
  step(
    'deployment',
    `version ${deployment.version} runs as n8n workflow ${n8nWorkflowId}; webhook ${deployment.webhookUrls.join(', ')}`,
  )

  for (const execution of executionsAsN8nPostsThem(n8nWorkflowId)) {
    const response = await fetch(instance.webhookUrl, {
      method: 'POST',
      headers: { Authorization: `Bearer ${instance.webhookToken}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(execution.body),
    })
    const answer = (await response.json()) as { created: boolean }
    if (!response.ok) throw new Error(`The webhook returned ${response.status}: ${JSON.stringify(answer)}`)
    step(
      'execution',
      `${execution.what} → ${response.status}, ${answer.created ? 'recorded' : 'already recorded'}`,
    )
  }

  const { items } = await done(api.v1.executions.$get({ query: { workflowId: created.id } }))
  for (const execution of items) {
    const failure = execution.error ? ` at "${execution.error.node}": ${execution.error.message}` : ''
    step('history', `n8n execution ${execution.n8nExecutionId}: ${execution.status}${failure}`)
  }
  const summary = await done(api.v1.analytics.summary.$get({ query: { workflowId: created.id } }))
  const shares = summary.byStatus.map(
    ({ status, count, percentage }) => `${status} ${count} (${percentage} %)`,
  )
  step('success rate', `${summary.successRate} over ${summary.total} executions: ${shares.join(', ')}`)
}

const missing = (requirements: { displayName: string; satisfied: boolean }[]) =>
  requirements
    .filter(({ satisfied }) => !satisfied)
    .map(({ displayName }) => displayName)
    .join(', ')

/** Three successes, one of them delivered twice, and a failure in the format of n8n's error workflow. */
function executionsAsN8nPostsThem(workflowId: string) {
  const now = Date.now()
  const success = (executionId: number) => ({
    executionId: String(executionId),
    workflowId,
    status: 'success',
    mode: 'webhook',
    startedAt: new Date(now - 1300 * executionId).toISOString(),
    finishedAt: new Date(now - 1300 * executionId + 640).toISOString(),
  })
  const failure = {
    execution: {
      id: '4',
      url: `https://n8n.example.com/workflow/${workflowId}/executions/4`,
      mode: 'webhook',
      lastNodeExecuted: 'Tell the team',
      error: {
        name: 'NodeApiError',
        message: 'The service rejected the request: channel_not_found',
        timestamp: now,
        node: { name: 'Tell the team', type: 'n8n-nodes-base.slack' },
      },
    },
    workflow: { id: workflowId, name: workflowJson.name },
  }
  return [
    { what: 'success 1', body: success(1) },
    { what: 'success 2', body: success(2) },
    { what: 'success 3', body: success(3) },
    { what: 'success 3 again', body: success(3) },
    { what: 'failure 4, from the error workflow', body: failure },
  ]
}

const command: Command = {
  name: 'demo',
  summary: 'Run the main use case with a real workflow, step by step',
  details: 'Calls the server at FLOWKEEP_URL or PORT. Starts one if none is running there.',
  options: {
    large: {
      type: 'boolean',
      summary: 'Create an account with 60 days of history (30 workflows, 20,000 runs) and serve it',
    },
    node: { type: 'boolean', summary: 'Start the server in Node instead of workerd' },
  },
  environment: ['FLOWKEEP_URL', 'PORT', 'DATABASE_URL', 'FLOWKEEP_STATE'],
  run: async ({ flags }) => {
    const onNode = flags.has('node')
    if (flags.has('large')) await (await import('./large.ts')).demoLarge({ onNode })
    else await demo(onNode)
  },
}

loadEnvFile()
process.exitCode = await runSingle(
  { invocation: 'npm run demo --', version: packageVersion() },
  command,
  process.argv.slice(2),
)
