/** The alert pages: rules as sentences, forms, mute, channels, messages and replay. */
import { beforeEach, describe, expect, test } from 'vitest'
import { evaluateRules } from '../../../src/alerts/evaluate.ts'
import { type TestUser, useTestApp } from '../../harness/app.ts'
import { browser, type Browser } from '../browser.ts'

const sent: string[] = []
const app = useTestApp({
  runtime: {
    instanceFetch: (async (input: string) => {
      sent.push(input)
      return new Response('', { status: input.includes('broken') ? 500 : 200 })
    }) as unknown as typeof fetch,
  },
})
let user: TestUser
let tab: Browser

beforeEach(async () => {
  sent.length = 0
  user = await app.user()
  tab = browser(app.app)
  await tab.post('/sign-in', { email: user.email, password: user.password })
})

const payload = `<img src=x onerror=alert(1)>"'&`
const list = async () => (await tab.get('/alerts')).dom()
const addHook = (name = 'On-call', url = 'https://hooks.example.com/planted') =>
  tab.post('/alerts/channels', { kind: 'webhook', name, url })
const items = async (path: string) => (await user.call('GET', `/v1/alerts/${path}`)).json.items

test('an account without rules sees what is missing, and the way to add one', async () => {
  const page = await list()
  expect(page.text).toContain('No alert rules yet.')
  expect(page.text).toContain('No channels yet.')
  expect(page.getByRole('link', { name: 'Add rule' }).getAttribute('href')).toBe('/alerts/new')
  expect((await tab.get('/alerts/new')).dom().text).toContain(
    'Alert me when more than 20% of the runs of any workflow fail within 1 hour',
  )
})

test('a rule is added with its scope, parameters and channels, changed, muted and deleted', async () => {
  const workflow = await user.call('POST', '/v1/workflows', {
    body: { workflow: { nodes: [], connections: {} }, name: payload },
  })
  await addHook()
  const [{ id: channelId }] = await items('channels')
  const head = await tab.get(`/workflows/${workflow.json.id}/alerts`)
  expect(head.location).toBe(`/alerts?workflow=${workflow.json.id}`)
  const form = (await tab.get(`/alerts/new?kind=error-rate&workflow=${workflow.json.id}`)).dom()
  const fields = form.form('/alerts')
  expect(fields).toMatchObject({ workflowId: workflow.json.id, percent: '20', channelIds: channelId })
  const added = await tab.post('/alerts', { ...fields, percent: '5', minRuns: '1' })
  expect(added).toMatchObject({ status: 303, location: '/alerts' })
  const sentence = `Alert me when more than 5% of the runs of “${payload}” fail within 1 hour`
  const page = await list()
  expect(page.injected).toEqual([])
  expect(page.table('Alert rules, newest first')[1]?.slice(0, 3)).toEqual([sentence, 'Quiet', 'never'])

  const [{ id }] = await items('rules')
  const edit = (await tab.get(`/alerts/${id}`)).dom().form(`/alerts/${id}`)
  expect(edit).toMatchObject({ percent: '5', enabled: 'true', channelIds: channelId })
  await tab.post(`/alerts/${id}`, { ...edit, percent: '50' })
  expect(await items('rules')).toMatchObject([{ parameters: { percent: 50 }, channelIds: [channelId] }])
  const stale = await tab.post(`/alerts/${id}`, { ...edit, percent: '60' })
  expect(stale.status).toBe(422)
  expect(stale.dom().text).toContain('The rule has changed since it was read')

  await tab.post(`/alerts/${id}/mute`, { hours: '24' })
  expect((await list()).table('Alert rules, newest first')[1]?.[1]).toMatch(/^Muted until/)
  await tab.post(`/alerts/${id}/mute`, { hours: '0' })
  expect((await list()).table('Alert rules, newest first')[1]?.[1]).toBe('Quiet')
  await tab.post(`/alerts/${id}/delete`)
  expect((await list()).text).toContain('No alert rules yet.')
})

test.each([
  [{ kind: 'error-rate', percent: '120', windowMinutes: '60', minRuns: '5' }, 'percent', 'At most 99'],
  [{ kind: 'missed-schedule', toleranceMinutes: '1' }, 'toleranceMinutes', 'At least 5'],
])('%j is rejected under its field', async (fields, field, message) => {
  const page = await tab.post('/alerts', fields)
  expect(page.status).toBe(422)
  expect(page.dom().errorOf(field)).toContain(message)
})

describe('a channel', () => {
  test('shows its signing secret once, and never its URL', async () => {
    const added = await addHook(payload)
    expect(added.dom().text).toMatch(/whsec_[A-Za-z0-9+/]{43}=/)
    const page = await tab.get('/alerts')
    expect(page.text).not.toContain('planted')
    expect(page.text).not.toContain('whsec_')
    expect(page.dom().injected).toEqual([])
    expect(page.dom().table('Channels, newest first')[1]?.[0]).toContain('hooks.example.com')
    const [{ id }] = await items('channels')
    expect((await tab.post(`/alerts/channels/${id}/secret`)).dom().text).toMatch(/whsec_/)
  })

  test('is tested and deleted', async () => {
    await addHook()
    await addHook('Broken', 'https://hooks.example.com/broken')
    const [broken, working] = await items('channels')
    await tab.post(`/alerts/channels/${working.id}/test`)
    expect((await list()).text).toContain('The test message was delivered.')
    await tab.post(`/alerts/channels/${broken.id}/test`)
    expect((await list()).text).toContain(
      'The test message was not delivered. The server responded with 500.',
    )
    await tab.post(`/alerts/channels/${broken.id}/delete`)
    expect(await items('channels')).toHaveLength(1)
  })

  test.each([
    [{ kind: 'slack', name: 'Slack', url: '' }, 'url', 'Required'],
    [{ kind: 'slack', name: 'Slack', url: 'https://127.0.0.1/planted' }, 'url', 'public internet'],
    [{ kind: 'slack', name: '', url: 'https://hooks.example.com/planted' }, 'name', 'Must not be empty'],
    [{ kind: 'email', name: 'Me', url: '' }, 'kind', 'not configured to send email'],
  ])('%j is rejected under its field, and the URL is not sent back', async (fields, field, message) => {
    const page = await tab.post('/alerts/channels', fields)
    expect(page.status).toBe(422)
    expect(page.dom().errorOf(field)).toContain(message)
    expect(page.text).not.toContain('planted')
  })
})

test('an open incident and its message are listed, and the message is replayed', async () => {
  await addHook()
  const [{ id: channelId }] = await items('channels')
  const data = { accessToken: 'xoxb-planted' }
  await user.call('POST', '/v1/credentials', { body: { type: 'slackApi', name: 'Team bot', data } })
  await app.database.sql`update credentials set status = 'invalid' where user_id = ${user.id}`
  await tab.post('/alerts', { kind: 'credential-rejected', channelIds: channelId })
  await evaluateRules(app.deps.db, new Date(), 100)
  await app.deps.deliverAlerts({ limit: 10 })
  const page = await list()
  expect(page.table('Alert rules, newest first')[1]?.[1]).toBe('Firing (1)')
  expect(page.table('Open incidents')[1]?.[0]).toBe('Credential “Team bot” was rejected')
  expect(page.table('Messages, newest first')[1]?.[1]).toMatch(/^Delivered/)
  const [{ id }] = await items('deliveries')
  const replayed = await tab.post(`/alerts/deliveries/${id}/replay`)
  expect(replayed).toMatchObject({ status: 303, location: '/alerts' })
  await app.deps.deliverAlerts({ limit: 10 })
  await expect.poll(() => sent.length).toBe(2)
})

test('another user’s rule, channel and message are not found', async () => {
  await addHook()
  await tab.post('/alerts', { kind: 'drift' })
  const [{ id: rule }] = await items('rules')
  const [{ id: channel }] = await items('channels')
  const stranger = await app.user()
  const other = browser(app.app)
  await other.post('/sign-in', { email: stranger.email, password: stranger.password })
  expect((await other.get(`/alerts/${rule}`)).status).toBe(404)
  const forms = [
    `/alerts/${rule}`,
    `/alerts/${rule}/mute`,
    `/alerts/${rule}/delete`,
    `/alerts/channels/${channel}/test`,
  ]
  for (const path of [...forms, `/alerts/channels/${channel}/secret`, `/alerts/channels/${channel}/delete`]) {
    expect({ path, status: (await other.post(path, { hours: '24' })).status }).toEqual({ path, status: 404 })
  }
  expect(await items('rules')).toHaveLength(1)
  expect(await items('channels')).toHaveLength(1)
})
