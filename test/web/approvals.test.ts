/** The pages where a person decides what an access token may do once. */
import { beforeAll, expect, test } from 'vitest'
import { type TestUser, useTestApp } from '../harness/app.ts'
import { type Browser, browser } from './browser.ts'

const app = useTestApp()
let user: TestUser
let tab: Browser
let token: { id: string; token: string }

beforeAll(async () => {
  user = await app.user()
  tab = browser(app.app)
  await tab.post('/sign-in', { email: user.email, password: user.password })
  const body = { name: 'Agent <b>', scopes: ['workflows:write'] }
  token = (await user.call('POST', '/v1/tokens', { body })).json
})

const workflow = (name: string) => ({ name, nodes: [], connections: {} })
async function ask(name: string): Promise<{ workflowId: string; id: string }> {
  const { json } = await user.call('POST', '/v1/workflows', { body: { workflow: workflow(name) } })
  const asked = await app.call('DELETE', `/v1/workflows/${json.id}`, { token: token.token })
  return { workflowId: json.id, id: asked.json.approvalId }
}

test('shows pending requests in the navigation and in a list, escapes names, and approves once', async () => {
  expect((await tab.get('/approvals')).text).toContain('No pending approvals.')
  const { workflowId, id } = await ask('<script>approve me</script>')
  const list = await tab.get('/approvals')
  const shown = list.dom()
  expect(shown.getByText('Delete the workflow “<script>approve me</script>”')).toBeDefined()
  expect(shown.getByText('Agent <b>')).toBeDefined()
  expect(shown.injected).toEqual([])
  expect(list.text).toContain('1 pending')
  const page = await tab.get(`/approvals/${id}`)
  expect(page.text).toContain('This cannot be undone.')
  expect(page.text).toContain('destructive')
  const approved = await tab.post(`/approvals/${id}/approve`, {})
  expect(approved).toMatchObject({ status: 303, location: '/approvals' })
  expect((await app.call('DELETE', `/v1/workflows/${workflowId}`, { token: token.token })).status).toBe(204)
  expect((await tab.get(`/approvals/${id}`)).text).toContain('Used')
  expect((await tab.post(`/approvals/${id}/approve`, {})).location).toBe(`/approvals/${id}`)
  expect((await tab.get('/audit')).text).toContain('Used an approval')
})

test('says what force overrides', async () => {
  const { json } = await user.call('POST', '/v1/workflows', { body: { workflow: workflow('Forced') } })
  const body = { name: 'Deployer', scopes: ['workflows:write', 'deploy'] }
  const deployer = (await user.call('POST', '/v1/tokens', { body })).json.token
  const asked = await app.call('DELETE', `/v1/workflows/${json.id}?force=true`, { token: deployer })
  const page = await tab.get(`/approvals/${asked.json.approvalId}`)
  expect(page.text).toContain('Uses force: the request succeeds even if deployments use the workflow.')
})

test('denies a request, and the workflow stays', async () => {
  const { workflowId, id } = await ask('Kept')
  expect((await tab.post(`/approvals/${id}/deny`, {})).status).toBe(303)
  const again = await app.call('DELETE', `/v1/workflows/${workflowId}`, { token: token.token })
  expect(again.json.code).toBe('approval-denied')
  expect((await user.call('GET', `/v1/workflows/${workflowId}`)).status).toBe(200)
})

test("another user's approval is not found", async () => {
  const { id } = await ask('Owned')
  const other = await app.user()
  const otherTab = browser(app.app)
  await otherTab.post('/sign-in', { email: other.email, password: other.password })
  expect((await otherTab.get(`/approvals/${id}`)).status).toBe(404)
  expect((await otherTab.post(`/approvals/${id}/approve`, {})).status).toBe(404)
  expect((await user.call('GET', `/v1/approvals/${id}`)).json.status).toBe('pending')
})

test('changes the scopes of a token', async () => {
  const path = `/account/tokens/${token.id}`
  expect((await tab.get(path)).text).toContain('Change scopes')
  const form = (await tab.get(`${path}/scopes`)).dom().form(`${path}/scopes`)
  expect(form).toMatchObject({ scopes: 'workflows:write' })
  expect((await tab.post(`${path}/scopes`, { scopes: 'workflows:read' })).status).toBe(303)
  expect((await user.call('GET', `/v1/tokens/${token.id}`)).json.scopes).toEqual(['workflows:read'])
  const none = await tab.post(`${path}/scopes`, {})
  expect(none.status).toBe(422)
  expect(none.text).toContain('At least one scope')
})
