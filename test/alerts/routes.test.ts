/** The API of alerts: rules as sentences, validation, channels, quotas, audit events, deletion. */
import { beforeEach, describe, expect, test } from 'vitest'
import { evaluateRules } from '../../src/alerts/evaluate.ts'
import { purgeDeletedAccounts } from '../../src/users/delete-account.ts'
import { type TestUser, useTestApp } from '../harness/app.ts'

const sent: { url: string; body: string }[] = []
const app = useTestApp({
  env: { QUOTA_ALERT_RULES: '3', QUOTA_ALERT_CHANNELS: '2' },
  runtime: {
    instanceFetch: (async (input: string, init: { body: string }) => {
      sent.push({ url: input, body: init.body })
      return new Response('', { status: input.includes('broken') ? 500 : 200 })
    }) as typeof fetch,
  },
})
let user: TestUser
beforeEach(async () => {
  sent.length = 0
  user = await app.user()
})

const create = (body: object) => user.call('POST', '/v1/alerts/rules', { body })
const channel = (body: object) => user.call('POST', '/v1/alerts/channels', { body })
const hook = { kind: 'webhook', name: 'Hook', url: 'https://hooks.example.com/a' }

describe('a rule', () => {
  test.each([
    [
      { kind: 'error-rate' },
      'Alert me when more than 20% of the runs of any workflow fail within 1 hour, if there are at least 5 runs',
    ],
    [
      { kind: 'error-rate', parameters: { percent: 5, windowMinutes: 90, minRuns: 1 } },
      'Alert me when more than 5% of the runs of any workflow fail within 90 minutes',
    ],
    [
      { kind: 'new-error' },
      'Alert me when any workflow fails with a new error, or with one that was resolved',
    ],
    [
      { kind: 'missed-schedule', parameters: { toleranceMinutes: 120 } },
      'Alert me when a scheduled run of any workflow is more than 2 hours late',
    ],
    [{ kind: 'credential-rejected' }, 'Alert me when a service rejects any credential'],
    [{ kind: 'instance-unreachable' }, 'Alert me when any instance is unreachable or rejects its API key'],
    [{ kind: 'drift' }, 'Alert me when any workflow drifts from its deployed version'],
  ])('reads as a sentence: %j', async (body, sentence) => {
    const created = await create(body)
    expect(created.status).toBe(201)
    expect(created.json).toMatchObject({ sentence, enabled: true, openIncidents: 0, lastFiredAt: null })
    expect(created.headers.get('Location')).toBe(`/v1/alerts/rules/${created.json.id}`)
  })

  test('names what it is limited to, and is deleted with it', async () => {
    const workflow = await user.call('POST', '/v1/workflows', {
      body: { workflow: { nodes: [], connections: {} }, name: 'Order intake' },
    })
    const created = await create({ kind: 'drift', workflowId: workflow.json.id })
    expect(created.json.sentence).toBe('Alert me when “Order intake” drifts from its deployed version')
    const list = await user.call('GET', `/v1/alerts/rules?workflowId=${workflow.json.id}`)
    expect(list.json.items).toMatchObject([{ id: created.json.id }])
    await user.call('DELETE', `/v1/workflows/${workflow.json.id}`)
    expect((await user.call('GET', `/v1/alerts/rules/${created.json.id}`)).status).toBe(404)
  })

  test.each([
    [{ kind: 'weather' }, '/kind'],
    [{ kind: 'drift', credentialId: '01890000-0000-7000-8000-000000000000' }, '/credentialId'],
    [{ kind: 'drift', workflowId: '01890000-0000-7000-8000-000000000000' }, '/workflowId'],
    [{ kind: 'drift', parameters: { percent: 5 } }, '/parameters/percent'],
    [{ kind: 'error-rate', parameters: { percent: 100 } }, '/parameters/percent'],
    [{ kind: 'error-rate', parameters: { windowMinutes: 5 } }, '/parameters/windowMinutes'],
    [{ kind: 'drift', channelIds: ['01890000-0000-7000-8000-000000000000'] }, '/channelIds/0'],
    [{ kind: 'drift', color: 'red' }, '/color'],
  ])('is rejected: %j', async (body, pointer) => {
    const answer = await create(body)
    expect(answer.status).toBe(422)
    expect(answer.json.errors).toMatchObject([{ pointer }])
  })

  test('is changed with If-Match; a change to the same values makes no version', async () => {
    const { json } = await create({ kind: 'error-rate' })
    const path = `/v1/alerts/rules/${json.id}`
    const patch = (body: object, match?: string) =>
      user.call('PATCH', path, { body, headers: match === undefined ? {} : { 'If-Match': match } })
    expect((await patch({ enabled: false })).status).toBe(428)
    expect((await patch({ parameters: { percent: 50 } }, '"1"')).json).toMatchObject({
      version: 2,
      parameters: { percent: 50 },
    })
    expect((await patch({ parameters: { percent: 10 } }, '"1"')).status).toBe(412)
    expect((await patch({ parameters: { percent: 50 } }, '"2"')).json.version).toBe(2)
    expect((await patch({ parameters: { toleranceMinutes: 50 } }, '*')).status).toBe(422)
    expect((await patch({ mutedUntil: null, enabled: false }, '*')).json).toMatchObject({
      version: 3,
      enabled: false,
    })
  })

  test('counts against a quota', async () => {
    for (const _ of [1, 2, 3]) await create({ kind: 'drift' })
    expect((await create({ kind: 'drift' })).json).toMatchObject({
      code: 'quota-exceeded',
      detail: 'You have 3 alert rules, which is the limit. Delete some first',
    })
  })
})

describe('a channel', () => {
  test('returns its signing secret once, and never its URL', async () => {
    const created = await channel(hook)
    expect(created.json).toEqual({
      id: expect.any(String),
      kind: 'webhook',
      name: 'Hook',
      host: 'hooks.example.com',
      createdAt: expect.any(String),
      signingSecret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
    })
    const { signingSecret: _, ...shown } = created.json
    expect((await user.call('GET', '/v1/alerts/channels')).json.items).toEqual([shown])
  })

  test('is tested with one message', async () => {
    const { id } = (await channel(hook)).json
    const broken = (await channel({ kind: 'slack', name: 'Broken', url: 'https://hooks.example.com/broken' }))
      .json
    expect((await user.call('POST', `/v1/alerts/channels/${id}/test`)).json).toEqual({
      ok: true,
      detail: null,
    })
    expect((await user.call('POST', `/v1/alerts/channels/${broken.id}/test`)).json).toEqual({
      ok: false,
      detail: 'The server responded with 500',
    })
    expect(sent.map(({ body }) => JSON.parse(body).type)).toEqual(['alert.test', undefined])
  })

  test.each([
    [{ kind: 'email', name: 'Me' }, '/kind', 'This server is not configured to send email. Use a webhook'],
    [
      { kind: 'email', name: 'Me', url: 'https://a.example.com' },
      '/url',
      "Email goes to the account's own address. Omit the URL",
    ],
    [{ kind: 'slack', name: 'Slack' }, '/url', 'Required'],
    [{ kind: 'slack', name: '', url: 'https://a.example.com' }, '/name', 'Must not be empty'],
  ])('is rejected: %j', async (body, pointer, detail) => {
    const answer = await channel(body)
    expect(answer.json).toMatchObject({ status: 422, errors: [{ pointer, detail }] })
  })

  test('has a unique name, and counts against a quota', async () => {
    await channel(hook)
    expect((await channel(hook)).json.code).toBe('name-taken')
    await channel({ ...hook, name: 'Two' })
    expect((await channel({ ...hook, name: 'Three' })).json.code).toBe('quota-exceeded')
  })

  test('that is deleted disappears from its rules', async () => {
    const { id } = (await channel(hook)).json
    const rule = (await create({ kind: 'drift', channelIds: [id] })).json
    expect((await user.call('DELETE', `/v1/alerts/channels/${id}`)).status).toBe(204)
    expect((await user.call('GET', `/v1/alerts/rules/${rule.id}`)).json.channelIds).toEqual([])
  })

  test('has no signing secret to rotate unless it is a signed webhook', async () => {
    const { id } = (await channel({ ...hook, kind: 'slack' })).json
    expect((await user.call('POST', `/v1/alerts/channels/${id}/secret`)).status).toBe(422)
  })
})

/** A rule that has fired, with its message queued. */
async function fired() {
  const { id } = (await channel(hook)).json
  const data = { accessToken: 'xoxb-planted' }
  await user.call('POST', '/v1/credentials', { body: { type: 'slackApi', name: 'Bot', data } })
  await app.database.sql`update credentials set status = 'invalid' where user_id = ${user.id}`
  const rule = (await create({ kind: 'credential-rejected', channelIds: [id] })).json
  await evaluateRules(app.deps.db, new Date(), 100)
  return { rule, channelId: id }
}

test('a replay sends the message after the response', async () => {
  await fired()
  const [{ id }] = (await user.call('GET', '/v1/alerts/deliveries?state=pending')).json.items
  await app.deps.deliverAlerts({ limit: 10 })
  expect(sent).toHaveLength(1)
  await user.call('POST', `/v1/alerts/deliveries/${id}/replay`)
  await app.deps.deliverAlerts({ limit: 10 })
  await expect.poll(() => sent.length).toBe(2)
  expect(sent[1]?.body).toBe(sent[0]?.body)
})

test('changes are audit events, without URLs and secrets', async () => {
  const { rule, channelId } = await fired()
  await user.call('POST', `/v1/alerts/channels/${channelId}/secret`)
  await user.call('PATCH', `/v1/alerts/rules/${rule.id}`, {
    body: { enabled: false },
    headers: { 'If-Match': '*' },
  })
  await user.call('DELETE', `/v1/alerts/rules/${rule.id}`)
  await user.call('DELETE', `/v1/alerts/channels/${channelId}`)
  const { json, text } = await user.call('GET', '/v1/audit-events?action=alert')
  expect(json.items.map(({ action }: { action: string }) => action)).toEqual([
    'alert.channel-deleted',
    'alert.rule-deleted',
    'alert.rule-updated',
    'alert.secret-rotated',
    'alert.rule-created',
    'alert.channel-created',
  ])
  expect(text).not.toContain('hooks.example.com')
})

test('a deleted account sends nothing, and leaves no rows', async () => {
  await fired()
  await user.call('POST', '/v1/me/delete', { body: { password: user.password } })
  await app.deps.deliverAlerts({ limit: 10 })
  expect(sent).toEqual([])
  await purgeDeletedAccounts(app.deps.db, { userId: user.id })
  const [left] = await app.database.sql`
    select (select count(*) from alert_rules where user_id = ${user.id})
      + (select count(*) from alert_channels where user_id = ${user.id})
      + (select count(*) from alert_incidents where user_id = ${user.id})
      + (select count(*) from alert_deliveries where user_id = ${user.id}) as count`
  expect(Number(left?.count)).toBe(0)
})
