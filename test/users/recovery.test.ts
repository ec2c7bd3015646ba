import { v7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createFingerprint } from '../../src/crypto/fingerprint.ts'
import { dayMs, hourMs, minuteMs } from '../../src/lib/time.ts'
import { AccountMail } from '../../src/users/account-mail/account-mail.ts'
import { LinkTokens } from '../../src/users/account-mail/link-tokens.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { type Accounts, createAccounts, newEmail, password, type SignedIn } from './fixture.ts'

let database: TestDatabase
let accounts: Accounts

beforeAll(async () => {
  database = await createTestDatabase()
  accounts = createAccounts(database.db, { canSend: true })
})
afterAll(() => database.close())

const newPassword = 'a password that nobody uses'
const invalidLink = { status: 422, body: { code: 'invalid', errors: [{ pointer: '/token' }] } }

/** Registers an account without its first email. */
async function register(): Promise<SignedIn> {
  const signedIn = await accounts.register()
  await accounts.settled()
  accounts.mails.length = 0
  return signedIn
}

const post = (path: string, body: unknown, token?: string) =>
  accounts.call('POST', path, body, { ip: `198.51.100.${++calls % 250}`, ...(token && { token }) })
let calls = 0

/** The token of the newest email to an address. */
async function tokenFor(recipient: string): Promise<string> {
  await accounts.settled()
  const text = accounts.mails.findLast(({ to }) => to === recipient)?.text ?? ''
  return /https:\/\/flowkeep\.test\/[a-z-]+#(\S+)/.exec(text)?.[1] ?? ''
}

async function forgot(email: string): Promise<string> {
  expect((await post('/v1/auth/forgot-password', { email })).status).toBe(202)
  return tokenFor(email)
}

const reset = (token: string, secret = newPassword) =>
  post('/v1/auth/reset-password', { token, newPassword: secret })

const subjects = async () => {
  await accounts.settled()
  return accounts.mails.map(({ to, subject }) => ({ to, subject }))
}

describe('a password reset', () => {
  test('sets the password, ends all sessions, confirms the address and tells the owner', async () => {
    const { user, refreshToken, accessToken } = await register()
    const token = await forgot(user.email.toUpperCase().toLowerCase())
    expect((await reset(token)).status).toBe(204)
    expect((await accounts.refresh(refreshToken)).status).toBe(401)
    expect((await accounts.me(accessToken)).status).toBe(401)
    expect((await accounts.login(user.email)).status).toBe(401)
    const signedIn = await accounts.login(user.email, newPassword)
    expect(signedIn.status).toBe(200)
    expect(signedIn.body.user).toMatchObject({ email: user.email, emailVerified: true, pendingEmail: null })
    expect(await subjects()).toContainEqual({
      to: user.email,
      subject: '[Flowkeep] Your password was changed',
    })
  })

  test('works once, even for two concurrent requests', async () => {
    const { user } = await register()
    const token = await forgot(user.email)
    const secrets = ['first of two passwords', 'second of two passwords']
    const answers = await Promise.all(secrets.map((secret) => reset(token, secret)))
    expect(answers.map(({ status }) => status).toSorted()).toEqual([204, 422])
    const winner = answers.findIndex(({ status }) => status === 204)
    expect((await accounts.login(user.email, secrets[winner])).status).toBe(200)
    expect((await accounts.login(user.email, secrets[1 - winner])).status).toBe(401)
    expect(await reset(token)).toMatchObject(invalidLink)
  })

  test('ends the other reset links of the account, and not the links of other accounts', async () => {
    const [one, other] = [await register(), await register()]
    const [first, second] = [await forgot(one.user.email), await forgot(one.user.email)]
    const others = await forgot(other.user.email)
    expect((await reset(second)).status).toBe(204)
    expect(await reset(first)).toMatchObject(invalidLink)
    expect((await reset(others)).status).toBe(204)
  })

  test('rejects expired, forged and malformed tokens, and those of another purpose', async () => {
    const { user, accessToken } = await register()
    const token = await forgot(user.email)
    expect((await post('/v1/me/verify-email', undefined, accessToken)).status).toBe(202)
    const confirmation = await tokenFor(user.email)
    expect(confirmation).not.toBe(token)
    const forged = [
      token.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
      `${token}0`,
      token.toUpperCase(),
      'fkl_',
      'x',
      confirmation,
    ]
    for (const each of forged) expect(await reset(each)).toMatchObject(invalidLink)
    expect(await post('/v1/auth/confirm-email', { token })).toMatchObject(invalidLink)
    expect(await post('/v1/auth/undo-email-change', { token })).toMatchObject(invalidLink)
    accounts.advance(30 * minuteMs)
    expect(await reset(token)).toMatchObject(invalidLink)
    expect((await accounts.login(user.email)).status).toBe(200)
  })

  test('ends what known devices may do, also after an earlier sign-out everywhere', async () => {
    const ip = `203.0.113.${++calls % 250}`
    const { user, accessToken } = await register()
    await post('/v1/auth/logout-all', undefined, accessToken)
    accounts.advance(1)
    const { deviceToken } = (await accounts.login(user.email)).body
    for (let each = 0; each < 30; each += 1) await accounts.login(newEmail(), 'wrong password', ip)
    const onDevice = (secret: string) => {
      const body = { email: user.email, password: secret, deviceToken }
      return accounts.call('POST', '/v1/auth/login', body, { ip })
    }
    expect((await onDevice(password)).status).toBe(200)
    accounts.advance(1)
    expect((await reset(await forgot(user.email))).status).toBe(204)
    expect((await onDevice(newPassword)).status).toBe(429)
  })

  test('rejects a common password without using up the link', async () => {
    const { user } = await register()
    const token = await forgot(user.email)
    expect((await reset(token, 'password1')).status).toBe(422)
    expect((await reset(token)).status).toBe(204)
  })

  test('answers the same for an unknown address, without sending anything', async () => {
    const { user } = await register()
    const known = await post('/v1/auth/forgot-password', { email: user.email })
    const unknown = await post('/v1/auth/forgot-password', { email: newEmail() })
    const shown = ({ status, text, headers }: typeof known) => ({
      status,
      text,
      headers: [...headers].filter(([name]) => name !== 'x-request-id'),
    })
    expect(shown(unknown)).toEqual(shown(known))
    expect(await subjects()).toEqual([{ to: user.email, subject: '[Flowkeep] Reset your password' }])
  })

  test('hashes nothing for a link that is not valid', async () => {
    const { user } = await register()
    const token = await forgot(user.email)
    await reset(token)
    const before = accounts.scrypt.mock.calls.length
    await reset(token)
    await reset('fkl_forged')
    expect(accounts.scrypt.mock.calls.length).toBe(before)
  })

  test('is limited per address and per network', async () => {
    const email = newEmail()
    for (let time = 0; time < 5; time += 1) await forgot(email)
    const late = await post('/v1/auth/forgot-password', { email: email.toUpperCase() })
    expect(late).toMatchObject({ status: 429, body: { code: 'too-many-requests' } })
    const from = (suffix: number) =>
      accounts.call(
        'POST',
        '/v1/auth/forgot-password',
        { email: newEmail() },
        { ip: `2001:db8:7:8::${suffix}` },
      )
    for (let time = 1; time <= 20; time += 1) expect((await from(time)).status).toBe(202)
    expect((await from(21)).status).toBe(429)
    accounts.advance(hourMs)
    expect((await from(22)).status).toBe(202)
  })

  test('leaves no token in the database, the log or a URL', async () => {
    const { user } = await register()
    const token = await forgot(user.email)
    expect(token).toMatch(/^fkl_/)
    // The end of the secret, which can contain any character of base64url.
    const mac = token.slice(-20)
    expect(await database.dump()).not.toContain(mac)
    await reset(token)
    expect(accounts.logged.join('\n')).not.toContain(mac)
  })
})

describe('the email address', () => {
  const change = (token: string, email: string) =>
    accounts.call('PATCH', '/v1/me', { email, currentPassword: password }, { token })
  const confirm = (token: string) => post('/v1/auth/confirm-email', { token })
  const undo = (token: string) => post('/v1/auth/undo-email-change', { token })

  test('of a new account gets a link that confirms it', async () => {
    const { user, accessToken } = await accounts.register()
    const token = await tokenFor(user.email)
    expect((await accounts.me(accessToken)).body).toMatchObject({ emailVerified: false })
    expect((await confirm(token)).status).toBe(204)
    expect((await accounts.me(accessToken)).body).toMatchObject({ emailVerified: true, pendingEmail: null })
    expect(await confirm(token)).toMatchObject(invalidLink)
  })

  test('changes when the new address is confirmed', async () => {
    const { user, accessToken, refreshToken } = await register()
    const email = newEmail()
    expect((await change(accessToken, email)).body).toMatchObject({
      email: user.email,
      pendingEmail: email,
    })
    const token = await tokenFor(email)
    const resetOfFormer = await forgot(user.email)
    expect((await accounts.login(email)).status).toBe(401)
    expect((await confirm(token)).status).toBe(204)
    expect(await reset(resetOfFormer)).toMatchObject(invalidLink)
    expect((await accounts.me(accessToken)).body).toMatchObject({
      email,
      emailVerified: true,
      pendingEmail: null,
    })
    expect((await accounts.login(email)).status).toBe(200)
    expect((await accounts.refresh(refreshToken)).status).toBe(200)
    expect(await subjects()).toContainEqual({
      to: user.email,
      subject: '[Flowkeep] Your email address was changed',
    })
  })

  test('is restored by the former address, without a password that still works', async () => {
    const { user, accessToken, refreshToken } = await register()
    const email = newEmail()
    await change(accessToken, email)
    await confirm(await tokenFor(email))
    const token = await tokenFor(user.email)
    accounts.advance(7 * dayMs - minuteMs)
    expect((await undo(token)).status).toBe(204)
    expect((await accounts.refresh(refreshToken)).status).toBe(401)
    for (const address of [email, user.email]) expect((await accounts.login(address)).status).toBe(401)
    expect(await undo(token)).toMatchObject(invalidLink)
    expect((await reset(await tokenFor(user.email))).status).toBe(204)
    expect((await accounts.login(user.email, newPassword)).body.user).toMatchObject({
      id: user.id,
      email: user.email,
    })
  })

  test('can be restored to the first address after two changes, and only then no longer to the second', async () => {
    const { user, accessToken } = await register()
    const [second, third] = [newEmail(), newEmail()]
    await change(accessToken, second)
    await confirm(await tokenFor(second))
    const toFirst = await tokenFor(user.email)
    await change(accessToken, third)
    await confirm(await tokenFor(third))
    const toSecond = await tokenFor(second)
    expect((await undo(toSecond)).status).toBe(204)
    expect((await undo(toFirst)).status).toBe(204)
    expect(await undo(toSecond)).toMatchObject(invalidLink)
  })

  test('that is restored to the first address cannot be restored to a later one', async () => {
    const { user, accessToken } = await register()
    const [second, third] = [newEmail(), newEmail()]
    await change(accessToken, second)
    await confirm(await tokenFor(second))
    const toFirst = await tokenFor(user.email)
    await change(accessToken, third)
    await confirm(await tokenFor(third))
    const toSecond = await tokenFor(second)
    expect((await undo(toFirst)).status).toBe(204)
    expect(await undo(toSecond)).toMatchObject(invalidLink)
  })

  test('cannot be undone after 7 days', async () => {
    const { user, accessToken } = await register()
    const email = newEmail()
    await change(accessToken, email)
    await confirm(await tokenFor(email))
    const token = await tokenFor(user.email)
    accounts.advance(7 * dayMs)
    expect(await undo(token)).toMatchObject(invalidLink)
  })

  test('that another account has is rejected, even if it was taken after the request', async () => {
    const [one, other] = [await register(), await register()]
    expect((await change(one.accessToken, other.user.email)).body.code).toBe('email-taken')
    const email = newEmail()
    await change(one.accessToken, email)
    const token = await tokenFor(email)
    await accounts.register({ email })
    expect((await confirm(token)).body.code).toBe('email-taken')
    expect((await accounts.me(one.accessToken)).body.email).toBe(one.user.email)
  })

  test('that is requested last replaces the one before', async () => {
    const { accessToken } = await register()
    const [first, second] = [newEmail(), newEmail()]
    await change(accessToken, first)
    const token = await tokenFor(first)
    await change(accessToken, second)
    expect(await confirm(token)).toMatchObject(invalidLink)
    expect((await accounts.me(accessToken)).body).toMatchObject({ pendingEmail: second })
  })
})

describe('notices', () => {
  test('tell the owner about a new device, once', async () => {
    const { user } = await register()
    const login = (agent: string) =>
      accounts.call(
        'POST',
        '/v1/auth/login',
        { email: user.email, password },
        { headers: { 'User-Agent': agent } },
      )
    const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
    for (const agent of [firefox, firefox, 'curl/8.5.0\u00e9 evil@example.com'])
      expect((await login(agent)).status).toBe(200)
    await accounts.settled()
    const texts = accounts.mails.map(({ text }) => text.split('\n')[0])
    expect(texts).toEqual([
      'Someone signed in to your Flowkeep account, from Firefox on Linux at 192.0.2.1.',
      'Someone signed in to your Flowkeep account, from curl at 192.0.2.1.',
    ])
  })

  test('have one line per header, for every name', async () => {
    const { user } = await register()
    accounts.mail.notify(user.id, 'token-created', {
      name: 'a\r\nBcc: evil@example.com\r\n\r\nSee \u202Ehttps://x',
    })
    await accounts.settled()
    const [mail] = accounts.mails
    expect(mail).toMatchObject({ to: user.email, subject: '[Flowkeep] An access token was created' })
    expect(mail?.text.split('\n')[0]).toContain('“a Bcc: evil@example.com See https://x”')
  })
})

test('a message that the mail server rejects is sent later, with the same ID, until it is a day old', async () => {
  const own = createAccounts(database.db, { canSend: true })
  const { user } = await own.register()
  await own.settled()
  const ids: string[] = []
  let isDown = true
  own.mails.push = (...sent) => {
    ids.push(...sent.map(({ messageId }) => messageId))
    if (isDown) throw new Error('down')
    return 1
  }
  own.mail.notify(user.id, 'password-changed')
  await own.settled()
  own.advance(hourMs)
  await own.mail.deliverDue({ limit: 10 })
  isDown = false
  own.advance(5 * hourMs)
  await own.mail.deliverDue({ limit: 10 })
  await own.mail.deliverDue({ limit: 10 })
  expect(ids.length).toBe(3)
  expect(new Set(ids).size).toBe(1)
})

test('the late failure of a server does not end the lease of the one that replaced it', async () => {
  const { user } = await createAccounts(database.db).register()
  const clock = { now: new Date('2027-01-01T00:00:00Z') }
  const finish: PromiseWithResolvers<void>[] = []
  const mail = new AccountMail(database.db, () => clock.now, {
    links: new LinkTokens(createFingerprint(crypto.getRandomValues(new Uint8Array(32)))),
    publicUrl: 'https://flowkeep.test',
    sendMail: () => {
      const sending = Promise.withResolvers<void>()
      finish.push(sending)
      return finish.length > 2 ? Promise.resolve() : sending.promise
    },
    defer: () => undefined,
  })
  await database.sql`insert into account_mails (id, user_id, kind, recipient, details, next_attempt_at, created_at)
    values (${v7()}, ${user.id}, 'password-changed', ${user.email}, '{}', ${clock.now}, ${clock.now})`
  const start = async () => {
    const before = finish.length
    const work = mail.deliverDue({ limit: 1 })
    await vi.waitFor(() => expect(finish.length).toBe(before + 1))
    return { work }
  }
  const first = await start()
  clock.now = new Date(clock.now.getTime() + 121_000)
  const second = await start()
  finish[0]?.reject(new Error('down'))
  await first.work
  clock.now = new Date(clock.now.getTime() + 100_000)
  expect(await mail.deliverDue({ limit: 1 })).toBe(0)
  finish[1]?.resolve()
  await second.work
  expect(await database.sql`select id from account_mails where user_id = ${user.id}`).toEqual([])
})

describe('a server without email', () => {
  test('says how to reset a password, and changes the address immediately', async () => {
    const own = createAccounts(database.db)
    const { user, accessToken } = await own.register()
    const answer = await own.call('POST', '/v1/auth/forgot-password', { email: user.email })
    expect(answer).toMatchObject({ status: 409, body: { code: 'conflict' } })
    expect(answer.text).toContain('flowkeep users reset-password')
    const email = newEmail()
    const changed = await own.call(
      'PATCH',
      '/v1/me',
      { email, currentPassword: password },
      { token: accessToken },
    )
    expect(changed.body).toMatchObject({ email, emailVerified: false, pendingEmail: null })
  })
})
