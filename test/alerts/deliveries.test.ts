/** Messages: one per incident, channel and event, with the same ID in every attempt, under retries and two workers. */
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Webhook } from 'standardwebhooks'
import { beforeEach, describe, expect, test } from 'vitest'
import { deliverDue } from '../../src/alerts/deliver.ts'
import { sendMessage } from '../../src/alerts/send.ts'
import { deliveryWaitMs } from '../../src/lib/retry.ts'
import { minuteMs } from '../../src/lib/time.ts'
import { mailApi } from '../../src/mail/mail.ts'
import { smtpMail } from '../../src/mail/net/smtp.ts'
import { useTestApp } from '../harness/app.ts'
import { type AlertWorld, createAlertWorld, createReceiver, type Received, type Receiver } from './world.ts'

const app = useTestApp({ runtime: { sendMail: async () => undefined } })
let receiver: Receiver
let world: AlertWorld

beforeEach(async () => {
  await app.database.sql`delete from alert_rules`
  receiver = createReceiver()
  world = await createAlertWorld(app, receiver)
})

const url = 'https://hooks.example.com/alerts?team=1'
const idsOf = (received: Received[]) => received.map(({ headers }) => headers['webhook-id'])

async function drifting(...channels: object[]) {
  const { deploymentId } = await world.track('Order intake')
  const created = []
  for (const channel of channels) created.push(await world.post('/v1/alerts/channels', channel))
  await world.post('/v1/alerts/rules', { kind: 'drift', channelIds: created.map(({ id }) => id) })
  const set = (since: Date | null) =>
    app.database.sql`update deployments set drifted_since = ${since} where id = ${deploymentId}`
  await set(new Date())
  return { channels: created, set }
}

const hook = { kind: 'webhook', name: 'Hook', url }

test('two workers and a receiver that fails twice: one delivery, the same ID, delivered once', async () => {
  await drifting(hook)
  receiver.respond = (_, count) => new Response('', { status: count < 3 ? 503 : 200 })
  for (const minute of [1, 5, 15, 40, 90]) await Promise.all([world.work(minute), world.work(minute)])
  expect(receiver.received).toHaveLength(3)
  expect(new Set(idsOf(receiver.received)).size).toBe(1)
  const deliveries = await world.list('deliveries')
  expect(deliveries).toMatchObject([
    { id: idsOf(receiver.received)[0], event: 'opened', state: 'delivered', attempts: 3, lastError: null },
  ])
})

test('concurrent workers open one incident and send one message', async () => {
  await drifting(hook)
  const reset = () => app.database.sql`update alert_rules set evaluated_at = null`
  await Promise.all(
    Array.from({ length: 6 }, (_, index) => reset().then(() => world.evaluate(1 + index / 100))),
  )
  await Promise.all(Array.from({ length: 6 }, () => world.deliver(2)))
  expect(await world.list('incidents')).toHaveLength(1)
  expect(receiver.received).toHaveLength(1)
})

test('a receiver that times out after it accepted gets the same ID again, and no one sends meanwhile', async () => {
  await drifting(hook)
  let isFirst = true
  receiver.respond = async () => {
    if (!isFirst) return new Response('ok')
    isFirst = false
    // Another worker finds nothing to send while this attempt holds the lease.
    expect(await world.deliver(1)).toBe(0)
    throw new DOMException('The operation timed out', 'TimeoutError')
  }
  await world.work(1)
  expect(await world.list('deliveries')).toMatchObject([
    { state: 'pending', attempts: 1, lastError: 'The server did not respond within 10 seconds' },
  ])
  await world.deliver(3)
  expect(new Set(idsOf(receiver.received)).size).toBe(1)
  expect(await world.list('deliveries')).toMatchObject([{ state: 'delivered', attempts: 2 }])
})

test('a worker that died after sending is replaced when its lease ends, and its late result is ignored', async () => {
  await drifting(hook)
  await world.evaluate(1)
  let finishFirst: (response: Response) => void = () => undefined
  receiver.respond = (_, count) =>
    count === 1 ? new Promise((resolve) => (finishFirst = resolve)) : new Response('ok')
  const first = world.deliver(1)
  while (receiver.received.length === 0) await new Promise((resolve) => setImmediate(resolve))
  await world.deliver(4)
  finishFirst(new Response('', { status: 500 }))
  await first
  expect(await world.list('deliveries')).toMatchObject([{ state: 'delivered', attempts: 2 }])
})

test('the late failure of a worker does not end the lease of the one that replaced it', async () => {
  await drifting(hook)
  await world.evaluate(1)
  const finish: ((response: Response) => void)[] = []
  receiver.respond = (_, count) =>
    count > 2 ? new Response('ok') : new Promise((resolve) => finish.push(resolve))
  const works = [world.deliver(1)]
  while (finish.length === 0) await new Promise((resolve) => setImmediate(resolve))
  works.push(world.deliver(4))
  while (finish.length === 1) await new Promise((resolve) => setImmediate(resolve))
  finish[0]?.(new Response('', { status: 500 }))
  await works[0]
  expect(await world.deliver(5)).toBe(0)
  finish[1]?.(new Response('ok'))
  await works[1]
  expect(await world.list('deliveries')).toMatchObject([{ state: 'delivered', attempts: 2 }])
})

test('honors Retry-After, gives up after a day, and replays with the same ID', async () => {
  await drifting(hook)
  receiver.respond = () => new Response('', { status: 429, headers: { 'Retry-After': '7200' } })
  await world.work(1)
  await world.deliver(110)
  expect(receiver.received).toHaveLength(1)
  for (let hours = 3; hours < 30; hours += 3) await world.deliver(hours * 60)
  const [failed] = await world.list('deliveries')
  expect(failed).toMatchObject({
    state: 'failed',
    lastError: 'The server responded with 429',
    nextAttemptAt: null,
  })
  receiver.respond = () => new Response('ok')
  const replayed = await world.user.call('POST', `/v1/alerts/deliveries/${failed.id}/replay`)
  expect(replayed.json).toMatchObject({ id: failed.id, state: 'pending', attempts: 0 })
  await app.database
    .sql`update alert_deliveries set lease_until = null, next_attempt_at = now(), attempts = 0, state = 'pending'`
  await world.deliver(31 * 60)
  expect(await world.list('deliveries?state=delivered')).toMatchObject([{ id: failed.id }])
  expect(new Set(idsOf(receiver.received)).size).toBe(1)
})

test('stops at 410 Gone', async () => {
  await drifting(hook)
  receiver.respond = () => new Response('', { status: 410 })
  await world.work(1)
  expect(await world.list('deliveries')).toMatchObject([{ state: 'failed', attempts: 1 }])
})

test('sends the resolution after the opening, even if the opening is retried', async () => {
  const { set } = await drifting(hook)
  receiver.respond = (_, count) => new Response('', { status: count === 1 ? 500 : 200 })
  await world.work(1)
  await set(null)
  await world.evaluate(2)
  await world.evaluate(8)
  for (const minute of [9, 10]) await world.deliver(minute)
  const types = receiver.received.map(({ body }) => JSON.parse(body).type)
  expect(types).toEqual(['alert.opened', 'alert.opened', 'alert.resolved'])
  expect(new Set(idsOf(receiver.received)).size).toBe(2)
})

test('waits longer after each attempt, at least as long as asked', () => {
  for (let attempt = 1; attempt < 20; attempt += 1) {
    const fullMs = Math.min(2 ** (attempt - 1), 240) * minuteMs
    expect(deliveryWaitMs(attempt)).toBeGreaterThanOrEqual(fullMs / 2)
    expect(deliveryWaitMs(attempt)).toBeLessThanOrEqual(fullMs)
  }
  expect(deliveryWaitMs(1, 3600)).toBe(60 * minuteMs)
})

describe('signatures', () => {
  const signatures = (request?: Received) => request?.headers['webhook-signature']?.split(' ')

  test('are accepted by the standardwebhooks package, and not after a change', async () => {
    const { channels } = await drifting(hook)
    await world.work(1)
    const [{ headers, body } = { headers: {}, body: '' }] = receiver.received
    // The package rejects times that differ from its clock by more than five minutes; the test's clock is a minute ahead.
    const verified = new Webhook(channels[0].signingSecret).verify(body, headers)
    expect(verified).toMatchObject({
      type: 'alert.opened',
      data: {
        ruleKind: 'drift',
        rule: 'Alert me when any workflow drifts from its deployed version',
        summary: '“Order intake” drifted on “Production”',
        url: expect.stringContaining('https://flowkeep.example.com/deployments/'),
        resolvedAt: null,
      },
    })
    expect(() => new Webhook(channels[0].signingSecret).verify(`${body} `, headers)).toThrow(/signature/)
  })

  test('are accepted by the function in docs/alerts.md, and not after a change', async () => {
    const { channels } = await drifting(hook)
    await world.work(1)
    const [{ headers, body } = { headers: {}, body: '' }] = receiver.received
    const docs = await readFile(join(import.meta.dirname, '../../docs/alerts.md'), 'utf8')
    const [, code = ''] = /```js\n([\s\S]+?)```/.exec(docs) ?? []
    const folder = await mkdtemp(join(tmpdir(), 'flowkeep-alerts-'))
    try {
      await writeFile(join(folder, 'verify.mjs'), code)
      const { verify } = await import(/* @vite-ignore */ pathToFileURL(join(folder, 'verify.mjs')).href)
      const secret = channels[0].signingSecret
      expect(verify(secret, headers, body)).toMatchObject({ type: 'alert.opened' })
      expect(() => verify(secret, headers, `${body} `)).toThrow('The signature does not match')
      const old = { ...headers, 'webhook-timestamp': '1' }
      expect(() => verify(secret, old, body)).toThrow('The timestamp is too old')
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test('carry both secrets for a day after a rotation', async () => {
    const { channels, set } = await drifting(hook)
    const [{ id, signingSecret: previous }] = channels
    const rotated = await world.user.call('POST', `/v1/alerts/channels/${id}/secret`)
    const { signingSecret } = rotated.json
    expect(signingSecret).not.toBe(previous)
    await world.work(1)
    const [{ headers, body } = { headers: {}, body: '' }] = receiver.received
    expect(signatures(receiver.received.at(-1))).toHaveLength(2)
    for (const secret of [previous, signingSecret]) {
      expect(new Webhook(secret).verify(body, headers)).toMatchObject({ type: 'alert.opened' })
    }
    await set(null)
    await world.evaluate(25 * 60)
    await world.work(25 * 60 + 6)
    expect(signatures(receiver.received.at(-1))).toHaveLength(1)
  })
})

test('posts what Slack expects, with markup escaped and without signatures', async () => {
  const { deploymentId } = await world.track('Orders <!channel> & more')
  const { id } = await world.post('/v1/alerts/channels', { kind: 'slack', name: 'Slack', url })
  await world.post('/v1/alerts/rules', { kind: 'drift', channelIds: [id] })
  await app.database.sql`update deployments set drifted_since = now() where id = ${deploymentId}`
  await world.work(1)
  const [{ headers, body } = { headers: {}, body: '' }] = receiver.received
  expect(Object.keys(headers).filter((name) => name.startsWith('webhook-'))).toEqual([])
  const { text, blocks } = JSON.parse(body)
  expect(text).toBe('Alert: “Orders &lt;!channel&gt; &amp; more” drifted on “Production”')
  expect(blocks[0]).toMatchObject({ type: 'section', text: { type: 'mrkdwn' } })
})

describe('email', () => {
  test('goes to the address of the account', async () => {
    await drifting({ kind: 'email', name: 'Me' })
    await world.work(1)
    expect(receiver.mails).toMatchObject([
      {
        to: world.user.email,
        subject: '[Flowkeep] Alert: “Order intake” drifted on “Production”',
        text: expect.stringContaining('https://flowkeep.example.com/deployments/'),
      },
    ])
  })

  test('is sent over SMTP to a server', async () => {
    const server = createServer(answerSmtp)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      const { port } = server.address() as { port: number }
      const from = 'Flowkeep <alerts@example.com>'
      const send = smtpMail({ url: `smtp://127.0.0.1:${port}`, from })
      const mail = {
        to: 'ada@example.com',
        subject: '[Flowkeep] Alert: “Café”',
        text: 'It failed.\n',
        messageId: 'm1@example.com',
      }
      await send(mail)
      expect(smtp.join('\n')).toContain('RCPT TO:<ada@example.com>')
      expect(smtp.join('\n')).toContain('MAIL FROM:<alerts@example.com>')
      expect(smtp.join('\n')).toContain('Message-ID: <m1@example.com>')
      expect(smtp.join('\n')).toContain('It failed.')
      await expect(send({ ...mail, to: 'refused@example.com' })).rejects.toThrow('550')
    } finally {
      server.close()
    }
  })

  test('is sent through an HTTP mail API', async () => {
    const api = { url: 'https://mail.example.com/emails', token: 'planted-token', from: 'alerts@example.com' }
    const mail = { to: 'ada@example.com', subject: 'Alert', text: 'It failed', messageId: 'm1@example.com' }
    await mailApi(api, receiver.fetch)(mail)
    expect(receiver.received).toMatchObject([
      {
        url: api.url,
        headers: { authorization: 'Bearer planted-token', 'idempotency-key': 'm1@example.com' },
      },
    ])
    expect(JSON.parse(receiver.received[0]?.body ?? '')).toEqual({
      from: 'alerts@example.com',
      to: ['ada@example.com'],
      subject: 'Alert',
      text: 'It failed',
    })
    receiver.respond = () => new Response('planted-token', { status: 401 })
    const result = await sendMessage(
      { kind: 'email', target: null, email: 'ada@example.com' },
      { id: 'm1', event: 'test', at: new Date(), summary: 'Test', url, rule: null, incident: null },
      { ...world.delivery, now: () => new Date(), sendMail: mailApi(api, receiver.fetch) },
    )
    expect(result).toEqual({ ok: false, detail: 'The mail server did not accept the message' })
  })
})

const smtp: string[] = []

/** The part of SMTP (RFC 5321) that a client needs. Rejects one recipient. */
function answerSmtp(socket: Socket): void {
  let isData = false
  let rest = ''
  socket.write('220 test ESMTP\r\n')
  socket.on('data', (chunk) => {
    const lines = (rest + chunk.toString('utf8')).split('\r\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      smtp.push(line)
      if (isData) {
        if (line !== '.') continue
        isData = false
        socket.write('250 queued\r\n')
      } else if (line === 'DATA') {
        isData = true
        socket.write('354 go on\r\n')
      } else if (line === 'QUIT') socket.end('221 bye\r\n')
      else socket.write(line.includes('<refused@') ? '550 no such user\r\n' : '250 ok\r\n')
    }
  })
}

test.each([
  ['https://127.0.0.1/hook', 'The host is not on the public internet. Use a public URL'],
  ['https://169.254.169.254/latest/meta-data', 'The host is not on the public internet. Use a public URL'],
  ['https://hooks.internal/x', 'The host is not on the public internet. Use a public URL'],
  ['http://hooks.example.com/x', 'Use https'],
  ['https://user:planted@hooks.example.com/x', 'Remove the user name and password'],
  [
    'https://flowkeep.example.com/v1/alerts',
    'This is the URL of Flowkeep itself. Enter the URL of the other server',
  ],
])('a channel to %s is rejected, and never called', async (target, detail) => {
  const body = { kind: 'webhook', name: 'Hook', url: target }
  const answer = await world.user.call('POST', '/v1/alerts/channels', { body })
  expect(answer.json).toMatchObject({ code: 'url-not-allowed', errors: [{ pointer: '/url', detail }] })
  const sent = await sendMessage(
    { kind: 'webhook', target: { url: target, secret: 'whsec_AAAA' }, email: '' },
    { id: 'm1', event: 'test', at: new Date(), summary: 'Test', url, rule: null, incident: null },
    { ...world.delivery, now: () => new Date() },
  )
  expect(sent).toMatchObject({ ok: false })
  expect(receiver.received).toEqual([])
})

test('follows no redirect, so that a message goes nowhere else', async () => {
  const called: string[] = []
  const server = createHttpServer(({ url: path = '' }, response) => {
    called.push(path)
    response.writeHead(path === '/hook' ? 307 : 200, { Location: '/elsewhere' }).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const urls = { allowLoopback: true, publicUrl: 'https://flowkeep.example.com' }
  const sent = await sendMessage(
    { kind: 'webhook', target: { url: `http://127.0.0.1:${port}/hook`, secret: 'whsec_AAAA' }, email: '' },
    { id: 'm1', event: 'test', at: new Date(), summary: 'Test', url, rule: null, incident: null },
    { ...world.delivery, fetch: globalThis.fetch, urls, now: () => new Date() },
  )
  expect(sent).toMatchObject({ ok: false, detail: 'The server responded with 307' })
  expect(called).toEqual(['/hook'])
  server.closeAllConnections()
  server.close()
})

test('stops between messages when the job is stopped or out of time', async () => {
  await drifting(hook)
  await world.evaluate(1)
  const now = () => world.after(2)
  expect(await deliverDue({ ...world.delivery, now }, { limit: 10, signal: AbortSignal.abort() })).toBe(0)
  expect(await deliverDue({ ...world.delivery, now }, { limit: 10, budgetMs: 0 })).toBe(0)
  expect(receiver.received).toEqual([])
})

test('no response, log line or stored row shows a URL or a signing secret after its creation', async () => {
  const { channels } = await drifting({ ...hook, url: 'https://hooks.example.com/planted-path' })
  const from = app.answers.length
  const created = channels[0].signingSecret
  for (const path of ['rules', 'channels', 'incidents', 'deliveries']) await world.list(path)
  await world.user.call('POST', `/v1/alerts/channels/${channels[0].id}/test`)
  await world.user.call('GET', '/v1/audit-events')
  await world.work(1)
  const stored = JSON.stringify(await app.database.dump())
  for (const text of [...app.answers.slice(from), ...app.logs, stored]) {
    expect(text).not.toContain('planted-path')
    expect(text).not.toContain(created)
  }
})
