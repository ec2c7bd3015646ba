/** Every kind of rule fires once, stays open, resolves and fires again. */
import { beforeEach, describe, expect, test } from 'vitest'
import { useTestApp } from '../harness/app.ts'
import { type AlertWorld, createAlertWorld, createReceiver, type Receiver } from './world.ts'

const app = useTestApp()
let receiver: Receiver
let world: AlertWorld
let channelId: string

beforeEach(async () => {
  await app.database.sql`delete from alert_rules`
  receiver = createReceiver()
  world = await createAlertWorld(app, receiver)
  const channel = { kind: 'webhook', name: 'Hook', url: 'https://hooks.example.com/alerts' }
  channelId = (await world.post('/v1/alerts/channels', channel)).id
})

const addRule = (rule: object) => world.post('/v1/alerts/rules', { channelIds: [channelId], ...rule })
const events = () => receiver.received.map(({ body }) => JSON.parse(body).type)
const summaries = () => receiver.received.map(({ body }) => JSON.parse(body).data.summary)

/**
 * The life of an incident: it fires once, however often it is evaluated, stays open through a short break, resolves after
 * five minutes without the condition, and fires again.
 */
async function expectLife(start: () => Promise<unknown>, stop: () => Promise<unknown>, from = 1) {
  await world.work(from - 1)
  expect(events()).toEqual([])
  await start()
  for (const minute of [from, from + 1, from + 2]) await world.work(minute)
  expect(events()).toEqual(['alert.opened'])
  await stop()
  await world.work(from + 3)
  await start()
  await world.work(from + 4)
  await stop()
  await world.work(from + 5)
  await world.work(from + 9)
  expect(events()).toEqual(['alert.opened'])
  await world.work(from + 10)
  await world.work(from + 11)
  expect(events()).toEqual(['alert.opened', 'alert.resolved'])
  await start()
  await world.work(from + 12)
  await world.work(from + 13)
  expect(events()).toEqual(['alert.opened', 'alert.resolved', 'alert.opened'])
  expect(await world.list('incidents?state=open')).toHaveLength(1)
  expect(await world.list('incidents?state=resolved')).toHaveLength(1)
}

test('spend on models', async () => {
  const orders = await world.track('Order intake')
  const others = await world.track('Newsletter')
  await addRule({ kind: 'spend', workflowId: orders.workflowId, parameters: { usd: 2, windowHours: 1 } })
  await addRule({ kind: 'spend', parameters: { tokens: 2_000_000, windowHours: 1 } })
  const prices = [{ model: 'acme-*', inputPerMillion: 3, outputPerMillion: 3 }]
  const answer = await world.user.call('PUT', '/v1/model-prices', { body: { items: prices } })
  expect(answer.status).toBe(200)
  await others.used(0, 1_900_000)
  await orders.used(0, 500_000)
  await world.work(1)
  expect(summaries()).toEqual(['AI nodes used 2400000 tokens within 1 hour'])
  await orders.used(2, 200_000)
  for (const minute of [3, 4]) await world.work(minute)
  expect(summaries().slice(1)).toEqual(['AI nodes of “Order intake” used $2.1 within 1 hour'])
  // The runs have left the window.
  for (const minute of [70, 76]) await world.work(minute)
  expect(events()).toEqual(['alert.opened', 'alert.opened', 'alert.resolved', 'alert.resolved'])
  const sentences = (await world.list('rules')).map(({ sentence }: { sentence: string }) => sentence)
  expect(sentences).toEqual([
    'Alert me when the AI nodes of all workflows use more than 2,000,000 tokens within 1 hour',
    'Alert me when the AI nodes of “Order intake” use more than $2 within 1 hour',
  ])
  await world.post('/v1/alerts/rules', { kind: 'spend', parameters: { usd: 0 } }, 422)
})

test('drift', async () => {
  const { deploymentId, workflowId } = await world.track('Order intake')
  await addRule({ kind: 'drift', workflowId })
  const set = (since: Date | null) =>
    app.database.sql`update deployments set drifted_since = ${since} where id = ${deploymentId}`
  await expectLife(
    () => set(new Date()),
    () => set(null),
  )
  expect(summaries()[0]).toBe('“Order intake” drifted on “Production”')
})

test('an unreachable instance', async () => {
  await addRule({ kind: 'instance-unreachable' })
  const set = (failures: number) =>
    app.database
      .sql`update instances set poll_failures = ${failures}, status = 'unreachable' where id = ${world.instance.id}`
  await set(1)
  await expectLife(
    () => set(2),
    () => set(0),
  )
  expect(summaries()[0]).toBe('Instance “Production” is unreachable')
})

test('a rejected credential', async () => {
  const data = { accessToken: 'xoxb-planted' }
  const credential = await world.post('/v1/credentials', { type: 'slackApi', name: 'Team bot', data })
  const other = await world.post('/v1/credentials', { type: 'slackApi', name: 'Other bot', data })
  await app.database.sql`update credentials set status = 'invalid' where id = ${other.id}`
  await addRule({ kind: 'credential-rejected', credentialId: credential.id })
  const set = (status: string, error: string | null) =>
    app.database
      .sql`update credentials set status = ${status}, validation_error = ${error} where id = ${credential.id}`
  await expectLife(
    () => set('invalid', 'The service responded with 401 to node “Slack”'),
    () => set('valid', null),
  )
  expect(summaries()[0]).toBe(
    'Credential “Team bot” was rejected: The service responded with 401 to node “Slack”',
  )
})

describe('the error rate', () => {
  test('counts finished production runs in the window, per workflow', async () => {
    const [orders, other] = [await world.track('Order intake'), await world.track('Other')]
    await addRule({ kind: 'error-rate', parameters: { percent: 50, windowMinutes: 60, minRuns: 4 } })
    for (const minute of [-70, -65]) await orders.ran(minute, 'error')
    for (const minute of [-50, -40]) await orders.ran(minute, 'success')
    for (const minute of [-30, -3]) await orders.ran(minute, 'error')
    for (const minute of [-2, -2, -2]) await other.ran(minute, 'error')
    for (const _ of [1, 2, 3]) await orders.ran(-4, 'error', 'No', 'manual')
    await world.work(0)
    expect(events()).toEqual([])
    await orders.ran(0, 'error')
    await world.work(1)
    await world.work(2)
    expect(summaries()).toEqual(['3 of 5 runs of “Order intake” failed within 1 hour'])
    expect(await world.list('incidents')).toMatchObject([
      { subject: orders.workflowId, link: `/workflows/${orders.workflowId}`, state: 'open' },
    ])
  })

  test.each([10, 90, 1440])('is exact to the minute with a window of %i minutes', async (windowMinutes) => {
    const { ran } = await world.track('Order intake')
    await addRule({ kind: 'error-rate', parameters: { percent: 0, windowMinutes, minRuns: 1 } })
    await ran(-windowMinutes - 1, 'error')
    await world.work(0)
    expect(events()).toEqual([])
    await ran(-windowMinutes + 2, 'error')
    await world.work(1)
    expect(events()).toHaveLength(1)
  })

  test('resolves when successes outweigh failures, and fires again', async () => {
    const { ran } = await world.track('Order intake')
    await addRule({ kind: 'error-rate', parameters: { percent: 50, windowMinutes: 10, minRuns: 1 } })
    await ran(0, 'error')
    await world.work(1)
    expect(events()).toEqual(['alert.opened'])
    for (const minute of [5, 11, 17]) await world.work(minute)
    expect(events()).toEqual(['alert.opened', 'alert.resolved'])
    await ran(18, 'error')
    await world.work(19)
    await world.work(20)
    expect(events()).toEqual(['alert.opened', 'alert.resolved', 'alert.opened'])
  })
})

test('a new error group fires once, resolves when it is resolved, and fires again when it is back', async () => {
  const { ran } = await world.track('Order intake')
  await ran(-10, 'error', 'An old error')
  await addRule({ kind: 'new-error' })
  await ran(1, 'error', 'An old error')
  await world.work(2)
  expect(events()).toEqual([])
  await ran(3, 'error', 'A new error')
  for (const minute of [4, 5]) await world.work(minute)
  expect(summaries()).toEqual(['New error: A new error'])
  const [{ subject }] = await world.list('incidents')
  const resolved = await world.user.call('PATCH', `/v1/analytics/errors/${subject}`, {
    body: { state: 'resolved' },
  })
  expect(resolved.status).toBe(200)
  // The decision is taken now; the failure above lies minutes ahead.
  await app.database.sql`update error_group_states set changed_at = ${world.after(6)}`
  for (const minute of [7, 13, 14]) await world.work(minute)
  expect(events()).toEqual(['alert.opened', 'alert.resolved'])
  await ran(15, 'error', 'A new error')
  for (const minute of [16, 17]) await world.work(minute)
  expect(events()).toEqual(['alert.opened', 'alert.resolved', 'alert.opened'])
  expect(summaries()[2]).toBe('Resolved error is back: A new error')
})

test('a new error group that stays quiet for a day resolves, and is not new again', async () => {
  const { ran } = await world.track('Order intake')
  await addRule({ kind: 'new-error' })
  await app.database.sql`update alert_rules set created_at = ${world.after(-30 * 60)}`
  await ran(-28 * 60, 'error', 'Timed out')
  for (const hours of [-27, -26, -2, -1.8]) await world.work(hours * 60)
  expect(events()).toEqual(['alert.opened', 'alert.resolved'])
  await ran(-60, 'error', 'Timed out')
  await world.work(0)
  expect(events()).toEqual(['alert.opened', 'alert.resolved'])
})

test('a schedule that did not run, judged by what polls have covered', async () => {
  const rule = { interval: [{ field: 'minutes', minutesInterval: 30 }] }
  const trigger = {
    id: 'n1',
    name: 'Schedule',
    type: 'n8n-nodes-base.scheduleTrigger',
    typeVersion: 1.2,
    position: [0, 0],
    parameters: { rule },
  }
  const { ran, deploymentId } = await world.track('Nightly sync', [trigger])
  await world.track('Not saved', [trigger], { saveDataSuccessExecution: 'none' })
  await addRule({ kind: 'missed-schedule' })
  const polled = (minutes: number) =>
    app.database
      .sql`update instances set polled_through = ${world.after(minutes)} where id = ${world.instance.id}`
  await polled(39)
  await world.work(60)
  expect(events()).toEqual([])
  await polled(41)
  for (const minute of [61, 62]) await world.work(minute)
  expect(events()).toEqual(['alert.opened'])
  expect(summaries()[0]).toContain('“Nightly sync” on “Production” missed its schedule')
  expect((await world.list('incidents'))[0]).toMatchObject({ subject: deploymentId })
  await ran(45, 'success')
  await polled(80)
  for (const minute of [81, 87]) await world.work(minute)
  expect(events()).toEqual(['alert.opened', 'alert.resolved'])
  await ran(50, 'success', '', 'webhook')
  await polled(86)
  for (const minute of [88, 89]) await world.work(minute)
  expect(events()).toEqual(['alert.opened', 'alert.resolved', 'alert.opened'])
})

test('a muted rule records incidents but sends nothing, and a disabled one closes them', async () => {
  const { deploymentId } = await world.track('Order intake')
  const rule = await addRule({ kind: 'drift' })
  const change = (body: object, version: number) =>
    world.user.call('PATCH', `/v1/alerts/rules/${rule.id}`, {
      body,
      headers: { 'If-Match': `"${version}"` },
    })
  await change({ mutedUntil: world.after(30).toISOString() }, 1)
  await app.database.sql`update deployments set drifted_since = now() where id = ${deploymentId}`
  await world.work(1)
  expect(await world.list('deliveries')).toMatchObject([{ state: 'muted', attempts: 0, event: 'opened' }])
  await app.database.sql`update deployments set drifted_since = null where id = ${deploymentId}`
  for (const minute of [31, 37]) await world.work(minute)
  expect(receiver.received).toEqual([])
  expect((await world.list('deliveries')).map(({ state }: { state: string }) => state)).toEqual([
    'muted',
    'muted',
  ])
  await app.database.sql`update deployments set drifted_since = now() where id = ${deploymentId}`
  await world.work(40)
  expect(events()).toEqual(['alert.opened'])
  expect((await change({ enabled: false }, 2)).json).toMatchObject({ openIncidents: 0, enabled: false })
  await world.work(50)
  expect(events()).toEqual(['alert.opened'])
})

test('one rule opens at most 100 incidents', async () => {
  await addRule({ kind: 'credential-rejected', channelIds: [] })
  await app.database.sql`
    insert into credentials (id, user_id, service, n8n_credential_type, name, credential_data, field_names, known, status)
    select gen_random_uuid(), ${world.user.id}, 'slack', 'slackApi', 'Bot ' || n, '{"header":{"kid":"k1"}}', '{}', true, 'invalid'
    from generate_series(1, 120) n`
  await world.evaluate(1)
  await world.evaluate(2)
  const [{ open }] = (await app.database.sql`
    select count(*)::integer as open from alert_incidents where resolved_at is null and user_id = ${world.user.id}`) as [
    { open: number },
  ]
  expect(open).toBe(100)
})
