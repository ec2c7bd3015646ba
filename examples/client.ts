/** Saves a workflow, resolves a conflict, adds the credential, reports runs and reads rates with the typed client. */
import { createClient, unwrap } from '@flowkeep/client'

const flowkeep = createClient({ baseUrl: process.env['FLOWKEEP_URL'] ?? 'http://127.0.0.1:8787' })

const email = `client-${crypto.randomUUID()}@example.com`
await unwrap(flowkeep.registerUser({ body: { email, password: crypto.randomUUID() } }))
console.log(`Registered ${email}`)

const n8nJson = {
  name: 'New orders',
  nodes: [
    {
      ...{ id: 'a', name: 'Order', type: 'n8n-nodes-base.webhook', typeVersion: 2, position: [0, 0] },
      parameters: { path: 'orders', httpMethod: 'POST' },
    },
    {
      ...{ id: 'b', name: 'Slack', type: 'n8n-nodes-base.slack', typeVersion: 2.3, position: [220, 0] },
      parameters: {
        select: 'channel',
        channelId: { __rl: true, mode: 'name', value: '#orders' },
        text: '=New order {{ $json.id }}',
      },
    },
  ],
  connections: { Order: { main: [[{ node: 'Slack', type: 'main', index: 0 }]] } },
  settings: {},
}
const { id } = await unwrap(
  flowkeep.createWorkflow({
    body: { workflow: n8nJson, prompt: 'Post every new order to Slack', model: 'example-model' },
  }),
)

// Two writers start from version 1. The second one gets the current version in the problem and retries from there.
await unwrap(flowkeep.updateWorkflow({ id, ifMatch: 1, body: { tags: ['orders'] } }))
const late = await flowkeep.updateWorkflow({ id, ifMatch: 1, body: { description: 'Posts to #orders' } })
if (!late.ok && late.problem.code === 'version-conflict') {
  const current = await unwrap(flowkeep.getWorkflow({ id }))
  const { version } = await unwrap(
    flowkeep.updateWorkflow({ id, ifMatch: current.version, body: { description: 'Posts to #orders' } }),
  )
  console.log(`Resolved a conflict: version ${version}`)
}

const missingCredentials = async () => {
  const { requirements } = await unwrap(flowkeep.getWorkflowReadiness({ id }))
  return requirements.filter(({ satisfied }) => !satisfied).map(({ displayName }) => displayName)
}
console.log(`Missing: ${(await missingCredentials()).join(', ')}`)
await unwrap(
  flowkeep.createCredential({
    body: { type: 'slackApi', name: 'Team Slack', data: { accessToken: 'an-example-token' } },
  }),
)
console.log(`Missing: ${(await missingCredentials()).join(', ') || 'nothing'}`)

const instance = await unwrap(
  flowkeep.createInstance({
    body: { name: 'Production', baseUrl: 'https://n8n.example.com', apiKey: 'an-example-key' },
  }),
)
// Tracks a workflow that already exists in n8n. Without n8nWorkflowId, it would be deployed.
await unwrap(
  flowkeep.createDeployment({ body: { workflowId: id, instanceId: instance.id, n8nWorkflowId: 'wf1' } }),
)

// Runs as reported by n8n or a custom sender.
await unwrap(
  flowkeep.reportExecutions({
    instanceId: instance.id,
    webhookToken: instance.webhookToken ?? '',
    body: [
      { executionId: '1', workflowId: 'wf1', status: 'success' },
      { executionId: '2', workflowId: 'wf1', status: 'success' },
      { executionId: '3', workflowId: 'wf1', status: 'success' },
      {
        executionId: '4',
        workflowId: 'wf1',
        status: 'error',
        error: { message: 'channel_not_found', node: 'Slack' },
      },
    ],
  }),
)
for await (const run of flowkeep.listExecutions.all({ workflowId: id })) {
  console.log(`Run ${run.n8nExecutionId}: ${run.status}${run.error ? `, ${run.error.message}` : ''}`)
}
const { successRate, total } = await unwrap(flowkeep.getAnalyticsSummary({ workflowId: id }))
console.log(`Success rate: ${successRate}% of ${total} runs`)
