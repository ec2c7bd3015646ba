import { expect, test } from 'vitest'
import { useTestApp } from '../harness/app.ts'

const app = useTestApp()
const instanceBody = { name: 'n8n', baseUrl: 'https://n8n.example.com', apiKey: 'first-api-key' }
const moved = { baseUrl: 'https://other.example.com', apiKey: 'second-api-key' }
const workflow = {
  name: 'W',
  nodes: [{ name: 'Slack', type: 'n8n-nodes-base.slack', typeVersion: 2.2, parameters: {} }],
  connections: {},
}

test('an unused instance can move to another server with its key', async () => {
  const user = await app.user()
  const { json } = await user.call('POST', '/v1/instances', { body: instanceBody })
  const answer = await user.call('PATCH', `/v1/instances/${json.id}`, {
    body: moved,
    headers: { 'If-Match': '*' },
  })
  expect(answer.status).toBe(200)
  expect(answer.json.baseUrl).toBe(moved.baseUrl)
})

test('a used instance cannot move, because another n8n restarts its execution IDs', async () => {
  const user = await app.user()
  const instance = (await user.call('POST', '/v1/instances', { body: instanceBody })).json
  const { id: workflowId } = (await user.call('POST', '/v1/workflows', { body: { workflow } })).json
  const deployment = await user.call('POST', '/v1/deployments', {
    body: { workflowId, instanceId: instance.id, n8nWorkflowId: 'w1' },
  })
  expect(deployment.status).toBe(201)
  const refused = await user.call('PATCH', `/v1/instances/${instance.id}`, {
    body: moved,
    headers: { 'If-Match': '*' },
  })
  expect([refused.status, refused.json.code]).toEqual([409, 'in-use'])
  const report = { executionId: '1', workflowId: 'w1', status: 'success' }
  await app.call('POST', `/hooks/n8n/${instance.id}`, { body: report, token: instance.webhookToken })
  await user.call('DELETE', `/v1/deployments/${deployment.json.id}`)
  expect(
    (await user.call('PATCH', `/v1/instances/${instance.id}`, { body: moved, headers: { 'If-Match': '*' } }))
      .status,
  ).toBe(409)
})

test('a repeated Idempotency-Key returns the deployment even if its credential was deleted', async () => {
  const user = await app.user()
  const post = async (path: string, body: object, headers = {}) => user.call('POST', path, { body, headers })
  const { id: instanceId } = (await post('/v1/instances', instanceBody)).json
  const { id: workflowId } = (await post('/v1/workflows', { workflow })).json
  const { id: credentialId } = (
    await post('/v1/credentials', { type: 'slackApi', name: 'S', data: { accessToken: 'x' } })
  ).json
  const body = { workflowId, instanceId, n8nWorkflowId: 'w2', bindings: { slackApi: credentialId } }
  const first = await post('/v1/deployments', body, { 'Idempotency-Key': 'once' })
  expect(first.status).toBe(201)
  expect((await user.call('DELETE', `/v1/credentials/${credentialId}?force=true`)).status).toBe(204)
  const again = await post('/v1/deployments', body, { 'Idempotency-Key': 'once' })
  expect([again.status, again.json.id]).toEqual([201, first.json.id])
})

test('a dead letter stores no credential from a header, whether string or list', async () => {
  const user = await app.user()
  const instance = (await user.call('POST', '/v1/instances', { body: instanceBody })).json
  const headers = { authorization: 'Bearer planted-one', 'set-cookie': ['sid=planted-two'] }
  const body = { executionId: '1', workflowId: 'nowhere', status: 'success', data: { headers } }
  await app.call('POST', `/hooks/n8n/${instance.id}`, { body, token: instance.webhookToken })
  const [letter] = (await user.call('GET', '/v1/dead-letters')).json.items
  const { text } = await user.call('GET', `/v1/dead-letters/${letter.id}`)
  expect(text).toContain('nowhere')
  expect(text).not.toContain('planted-')
})
