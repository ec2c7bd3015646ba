import { beforeAll, describe, expect, test } from 'vitest'
import { scopes } from '../../src/http/scopes.ts'
import { scopeGroups } from '../../src/web/tokens/view.tsx'
import { type TestUser, useTestApp } from '../harness/app.ts'
import { type Browser, browser } from './browser.ts'

const app = useTestApp()
let user: TestUser
let tab: Browser
beforeAll(async () => {
  user = await app.user()
  tab = browser(app.app)
  await tab.post('/sign-in', { email: user.email, password: user.password })
})

const tokenIn = (text: string) => /fk_[0-9A-Za-z]{38}/.exec(text)?.[0] ?? ''
const status = async (token: string, path = '/v1/workflows') =>
  (await app.call('GET', path, { token })).status
const tokens = async () => (await user.call('GET', '/v1/tokens')).json.items
const agent = { name: 'Agent', kind: 'personal', days: '30', scopes: 'workflows:read' }

test('the form has every scope once', () => {
  expect(scopeGroups.flatMap(([, ...group]) => group).toSorted()).toEqual([...scopes].toSorted())
})

describe('the pages of access tokens', () => {
  test('create a token, which is shown once', async () => {
    const empty = await tab.get('/account/tokens')
    expect(empty.text).toContain('No access tokens yet.')
    expect(empty.text).toContain('claude mcp add --transport http flowkeep https://flowkeep.example.com/mcp<')
    const form = (await tab.get('/account/tokens/new')).dom().form('/account/tokens')
    const created = await tab.post('/account/tokens', { ...form, ...agent })
    const token = tokenIn(created.text)
    expect(created.status).toBe(200)
    expect(created.headers.get('Cache-Control')).toBe('no-store')
    expect([await status(token), await status(token, '/v1/instances')]).toEqual([200, 403])
    const [made] = await tokens()
    const days = (Date.parse(made.expiresAt) - Date.parse(made.createdAt)) / 86_400_000
    expect(days).toBeCloseTo(30, 2)
    const again = await tab.post('/account/tokens', { ...form, ...agent })
    expect(again).toMatchObject({ status: 303, location: '/account/tokens' })
    expect(await tokens()).toHaveLength(1)
    for (const path of ['/account/tokens', `/account/tokens/${made.id}`, '/audit']) {
      const page = await tab.get(path)
      expect({ path, status: page.status, names: page.text.includes('Agent') }).toEqual({
        path,
        status: 200,
        names: true,
      })
      expect(page.text).not.toContain(token)
    }
  })

  test('show errors at the fields and keep what was typed', async () => {
    const answer = await tab.post('/account/tokens', { ...agent, name: 'Typed', days: '' })
    expect(answer.status).toBe(422)
    expect(answer.text).toContain('Only a service token can have no expiry')
    expect(answer.dom().form('/account/tokens')).toMatchObject({ name: 'Typed', scopes: 'workflows:read' })
    const without = await tab.post('/account/tokens', { name: 'Typed', kind: 'personal', days: '30' })
    expect(without.text).toContain('At least one scope')
    const never = await tab.post('/account/tokens', { ...agent, name: 'Machine', kind: 'service', days: '' })
    expect(tokenIn(never.text)).not.toBe('')
    for (const days of ['x', '9999', '1e3', '-1']) {
      expect((await tab.post('/account/tokens', { ...agent, days })).status).toBe(422)
    }
  })

  test('rotate and revoke a token', async () => {
    const created = await tab.post('/account/tokens', { ...agent, name: 'Rotated' })
    const first = tokenIn(created.text)
    const [{ id }] = await tokens()
    const second = tokenIn((await tab.post(`/account/tokens/${id}/rotate`, { overlap: '3600' })).text)
    expect([await status(first), await status(second)]).toEqual([200, 200])
    const third = tokenIn((await tab.post(`/account/tokens/${id}/rotate`, { overlap: '0' })).text)
    expect([await status(first), await status(second), await status(third)]).toEqual([401, 401, 200])
    expect((await tab.get(`/account/tokens/${id}`)).dom().form(`/account/tokens/${id}/revoke`)).toBeDefined()
    const revoked = await tab.post(`/account/tokens/${id}/revoke`)
    expect(revoked).toMatchObject({ status: 303, location: '/account/tokens' })
    expect(await status(third)).toBe(401)
    expect((await tab.get(`/account/tokens/${id}`)).status).toBe(404)
  })

  test('belong to one user, and require a session', async () => {
    const stranger = await app.user()
    const { json } = await stranger.call('POST', '/v1/tokens', {
      body: { name: 'Theirs', scopes: ['admin'] },
    })
    for (const path of ['', '/rotate', '/revoke']) {
      const answer =
        path === ''
          ? await tab.get(`/account/tokens/${json.id}`)
          : await tab.post(`/account/tokens/${json.id}${path}`, { overlap: '0' })
      expect(answer.status).toBe(404)
    }
    expect((await tab.get('/account/tokens')).text).not.toContain('Theirs')
    const response = await app.app.request('https://flowkeep.example.com/account/tokens', {
      headers: { Authorization: `Bearer ${json.token}`, Accept: 'text/html' },
    })
    expect(response.status).toBe(303)
  })

  test('are linked from the account, whose password change can revoke all tokens', async () => {
    const page = await tab.get('/account')
    expect(page.dom().links).toContain('/account/tokens')
    const token = tokenIn((await tab.post('/account/tokens', agent)).text)
    expect(await status(token)).toBe(200)
    const passwords = { currentPassword: user.password, newPassword: 'another long passphrase' }
    await tab.post('/account/password', { ...passwords, revokeTokens: 'true' })
    expect(await status(token)).toBe(401)
    expect((await tab.get('/audit')).text).toContain('Revoked all access tokens')
  })
})

test('the settings of an instance mark it as production, and the audit trail names the token of a change', async () => {
  const owner = await app.user()
  const browserTab = browser(app.app)
  await browserTab.post('/sign-in', { email: owner.email, password: owner.password })
  const body = { name: 'Main', baseUrl: 'https://n8n.example.com', apiKey: 'planted' }
  const { id } = (await owner.call('POST', '/v1/instances', { body })).json
  const settings = (await browserTab.get(`/instances/${id}/settings`)).dom().form(`/instances/${id}/settings`)
  const save = (environment: string) =>
    browserTab.post(`/instances/${id}/settings`, { ...settings, expected: '', environment })
  const stored = async () => (await owner.call('GET', `/v1/instances/${id}`)).json.environment
  expect(
    (await browserTab.post(`/instances/${id}/settings`, { ...settings, environment: 'production' })).status,
  ).toBe(303)
  expect(await stored()).toBe('production')
  expect((await browserTab.get('/instances')).text).toContain('production · n8n.example.com')
  expect((await browserTab.get(`/instances/${id}`)).dom().getByText('production')).toBeDefined()
  expect((await save('staging')).status).toBe(422)
  const { json } = await owner.call('POST', '/v1/tokens', {
    body: { name: 'Build agent', scopes: ['admin'] },
  })
  await app.call('PATCH', '/v1/me', { token: json.token, body: { name: 'Maya' } })
  expect((await browserTab.get('/audit')).text).toContain('Token Build agent')
})
