import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Mail } from '../../src/mail/mail.ts'
import { createTestApp, type TestApp } from '../harness/app.ts'
import { browser } from '../web/browser.ts'

const breached = 'correct horse battery staple'
const padded = 'another fine passphrase'
const unknown = 'nobody ever leaked this one'
const hashOf = (password: string) => createHash('sha1').update(password).digest('hex').toUpperCase()
const inRange = (password: string, count: number) => `${hashOf(password).slice(5)}:${count}`

interface Seen {
  method: string | undefined
  url: string | undefined
  padding: unknown
  bytes: number
}

type Respond = (response: ServerResponse, request: IncomingMessage) => void
const asUsual: Respond = (response) => {
  const lines = [
    '0018A45C4D1DEF81644B54AB7F969B88D65:3',
    inRange(breached, 3_730_471),
    inRange(padded, 0),
    'malformed',
  ]
  response.end(lines.join('\r\n'))
}

let respond = asUsual
const seen: Seen[] = []
const mails: Mail[] = []
const api = createServer((request, response) => {
  const entry: Seen = {
    method: request.method,
    url: request.url,
    padding: request.headers['add-padding'],
    bytes: 0,
  }
  seen.push(entry)
  request.on('data', (chunk: Buffer) => (entry.bytes += chunk.length))
  respond(response, request)
})
let url: string
let app: TestApp

const startApp = (check: string): Promise<TestApp> =>
  createTestApp({
    env: { PASSWORD_BREACH_CHECK: check },
    runtime: { instanceFetch: fetch, sendMail: async (mail) => void mails.push(mail) },
  })

beforeAll(async () => {
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(api.address() as AddressInfo).port}/range`
  app = await startApp(url)
})
afterAll(async () => {
  await app?.close()
  api.closeAllConnections()
  await new Promise((resolve) => api.close(resolve))
})
beforeEach(() => {
  respond = asUsual
  seen.length = 0
})

const newEmail = () => `${crypto.randomUUID()}@example.com`
const register = (password: string, on = app) =>
  on.call('POST', '/v1/auth/register', { body: { email: newEmail(), password } })
const rejection = (pointer: string) => ({
  status: 422,
  json: {
    code: 'invalid',
    errors: [{ pointer, detail: 'Appears in known data breaches. Choose a different password' }],
  },
})

async function resetLink(email: string): Promise<string> {
  await app.call('POST', '/v1/auth/forgot-password', { body: { email } })
  const token = () =>
    mails.flatMap(({ to, text }) => (to === email ? (/reset-password#(\S+)/.exec(text)?.[1] ?? []) : []))[0]
  await expect.poll(token).toBeDefined()
  return token() ?? ''
}

describe('a password from a data breach', () => {
  test('does not register, and only five digits of its hash leave the server', async () => {
    expect(await register(breached)).toMatchObject(rejection('/password'))
    const prefix = hashOf(breached).slice(0, 5)
    expect(seen).toEqual([{ method: 'GET', url: `/range/${prefix}`, padding: 'true', bytes: 0 }])
    expect(app.logs.join('')).not.toContain(prefix)
  })

  test('does not replace a password, which stays valid', async () => {
    const user = await app.user()
    const change = (newPassword: string) =>
      user.call('POST', '/v1/me/password', { body: { currentPassword: user.password, newPassword } })
    expect(await change(breached)).toMatchObject(rejection('/newPassword'))
    expect((await change(unknown)).status).toBe(204)
  })

  test('is looked up only after the current password was right', async () => {
    const user = await app.user()
    seen.length = 0
    const body = { currentPassword: 'not the current one', newPassword: breached }
    expect((await user.call('POST', '/v1/me/password', { body })).status).toBe(401)
    expect(seen).toEqual([])
  })

  test('does not reset a password, and the link stays valid', async () => {
    const user = await app.user()
    const token = await resetLink(user.email)
    const reset = (newPassword: string) =>
      app.call('POST', '/v1/auth/reset-password', { body: { token, newPassword } })
    expect(await reset(breached)).toMatchObject(rejection('/newPassword'))
    expect((await reset(unknown)).status).toBe(204)
  })

  test('is named at its field on the pages', async () => {
    const tab = browser(app.app)
    const registration = await tab.post('/register', { email: newEmail(), password: breached })
    expect(registration.status).toBe(422)
    expect(registration.text).toMatch(/id="field-password-error"[^]*known data breaches/)
    const user = await app.user()
    await tab.post('/sign-in', { email: user.email, password: user.password })
    const fields = { currentPassword: user.password, newPassword: breached }
    const changed = await tab.post('/account/password', fields)
    expect(changed.status).toBe(422)
    expect(changed.text).toMatch(/id="field-newPassword-error"[^]*known data breaches/)
    const token = await resetLink(user.email)
    const reset = await tab.post('/reset-password', { token, newPassword: breached })
    expect(reset.status).toBe(422)
    expect(reset.text).toContain('known data breaches')
  })
})

test('a password that is only padding in the answer, or not in it, registers', async () => {
  for (const password of [padded, unknown]) expect((await register(password)).status).toBe(201)
  expect(seen).toHaveLength(2)
})

test('a password is accepted, and a warning logged, when the API fails', async () => {
  const sized = (status: number): Respond => {
    return (response) =>
      void response.writeHead(status, { Location: `${url}/00000` }).end(inRange(breached, 9))
  }
  const failures: Record<string, Respond> = {
    'an error': sized(503),
    'a limit': sized(429),
    'a redirect': sized(302),
    'no answer': () => undefined,
    'an answer without an end': (response) => void response.writeHead(200).write('0018A4'),
    'a closed connection': (_, request) => void request.socket.destroy(),
  }
  for (const [failure, respondWith] of Object.entries(failures)) {
    respond = respondWith
    app.logs.length = 0
    expect([failure, (await register(breached)).status]).toEqual([failure, 201])
    const warnings = app.logs.filter((line) => line.includes('"event":"password-breach-check-failed"'))
    expect([failure, warnings.length]).toEqual([failure, 1])
    expect(warnings.join('')).not.toContain(hashOf(breached).slice(0, 5))
  }
})

test('passwords are not looked up by default', async () => {
  const own = await startApp('')
  try {
    expect((await register(breached, own)).status).toBe(201)
    expect(seen).toEqual([])
  } finally {
    await own.close()
  }
})
