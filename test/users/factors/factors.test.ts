import { afterEach, describe, expect, test } from 'vitest'
import type { Mail } from '../../../src/mail/mail.ts'
import { totpCode, totpStep } from '../../../src/users/factors/totp.ts'
import { type TestUser, useTestApp } from '../../harness/app.ts'
import { Authenticator } from './authenticator.ts'

const origin = 'https://flowkeep.example.com'
let skewMs = 0
const mails: Mail[] = []
const app = useTestApp({
  runtime: {
    now: () => new Date(Date.now() + skewMs),
    sendMail: async (mail) => void mails.push(mail),
  },
})
afterEach(() => {
  skewMs = 0
})

const step = () => totpStep(new Date(Date.now() + skewMs))
const factors = '/v1/me/factors'
const post = (user: TestUser, path: string, body: unknown = {}) =>
  user.call('POST', `${factors}${path}`, { body })
const login = ({ email, password }: TestUser) =>
  app.call('POST', '/v1/auth/login', { body: { email, password } })
const finish = (body: unknown) => app.call('POST', '/v1/auth/second-factor', { body })

/** The password was right. */
async function secondStep(user: TestUser) {
  const { status, json } = await login(user)
  expect(status).toBe(403)
  expect(json.code).toBe('second-factor-required')
  return json.secondFactor
}
const tokenOf = async (user: TestUser): Promise<string> => (await secondStep(user)).token

async function withTotp(user?: TestUser) {
  const owner = user ?? (await app.user())
  const started = await post(owner, '/totp', { password: owner.password })
  expect(started.status).toBe(201)
  const { secret } = started.json
  // The code of the step before, so that the current one is unused.
  const confirmed = await post(owner, '/totp/confirm', { code: await totpCode(secret, step() - 1) })
  expect(confirmed.status).toBe(200)
  return { user: owner, secret: secret as string, recoveryCodes: confirmed.json.recoveryCodes as string[] }
}

async function withPasskey(user?: TestUser, authenticator = new Authenticator(origin), proof = {}) {
  const owner = user ?? (await app.user())
  const { json } = await post(owner, '/passkeys/options', { password: owner.password, ...proof })
  const passkey = await authenticator.create(json.options)
  const added = await post(owner, '/passkeys', { name: 'Laptop', passkey })
  expect(added.status).toBe(201)
  return { user: owner, authenticator, added: added.json }
}

const passkeyOptions = async () => (await app.call('POST', '/v1/auth/passkey/options')).json.options
const passkeySignIn = (passkey: unknown) => app.call('POST', '/v1/auth/passkey', { body: { passkey } })

async function actionsOf(user: TestUser): Promise<string[]> {
  const { json } = await user.call('GET', '/v1/audit-events')
  return json.items.map(({ action }: { action: string }) => action)
}

const textsTo = ({ email }: TestUser) => mails.filter(({ to }) => to === email).map(({ text }) => text)

describe('an account without a second factor', () => {
  test('signs in as before', async () => {
    const user = await app.user()
    const answer = await login(user)
    expect(answer.status).toBe(200)
    expect(Object.keys(answer.json).toSorted()).toEqual([
      'accessToken',
      'deviceToken',
      'expiresIn',
      'refreshToken',
      'user',
    ])
  })

  test('has none to list', async () => {
    const user = await app.user()
    const { json } = await user.call('GET', factors)
    expect(json).toEqual({ totp: null, passkeys: [], recoveryCodesLeft: 0 })
  })

  test('gets no recovery codes', async () => {
    const user = await app.user()
    expect((await post(user, '/recovery-codes', { password: user.password })).json.code).toBe('conflict')
  })
})

describe('an authenticator app', () => {
  test('is required after the password once a code confirmed it', async () => {
    const user = await app.user()
    const { json } = await post(user, '/totp', { password: user.password })
    expect((await login(user)).status).toBe(200)
    const wrong = await post(user, '/totp/confirm', { code: await totpCode(json.secret, step() + 9) })
    expect(wrong).toMatchObject({ status: 422, json: { errors: [{ pointer: '/code' }] } })
    expect((await login(user)).status).toBe(200)
    expect((await post(user, '/totp/confirm', { code: await totpCode(json.secret, step()) })).status).toBe(
      200,
    )
    const challenge = await secondStep(user)
    expect(challenge).toEqual({
      token: expect.any(String),
      expiresIn: 300,
      methods: ['totp', 'recovery-code'],
      passkeyOptions: null,
    })
  })

  test('completes a sign-in, whose session refreshes without it', async () => {
    const { user, secret } = await withTotp()
    const answer = await finish({ token: await tokenOf(user), code: await totpCode(secret, step()) })
    expect(answer.status).toBe(200)
    expect(answer.json.user.id).toBe(user.id)
    const { refreshToken, accessToken } = answer.json
    expect((await app.call('GET', '/v1/me', { token: accessToken })).status).toBe(200)
    expect((await app.call('POST', '/v1/auth/refresh', { body: { refreshToken } })).status).toBe(200)
    expect(await actionsOf(user)).toContain('session.started')
    expect((await user.call('GET', factors)).json.totp).toEqual({
      confirmedAt: expect.any(String),
      lastUsedAt: expect.any(String),
    })
  })

  test('accepts each code once, and no earlier one', async () => {
    const { user, secret } = await withTotp()
    const code = await totpCode(secret, step())
    expect((await finish({ token: await tokenOf(user), code })).status).toBe(200)
    for (const each of [code, await totpCode(secret, step() - 1)]) {
      const again = await finish({ token: await tokenOf(user), code: each })
      expect(again).toMatchObject({ status: 401, json: { code: 'invalid-second-factor' } })
    }
    expect(await actionsOf(user)).toContain('factor.failed')
  })

  test('accepts a code once among parallel sign-ins', async () => {
    const { user, secret } = await withTotp()
    const code = await totpCode(secret, step())
    const tokens = await Promise.all([1, 2, 3, 4].map(() => tokenOf(user)))
    const answers = await Promise.all(tokens.map((token) => finish({ token, code })))
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 401, 401, 401])
  })

  test('limits wrong codes, but not recovery codes or passkeys', async () => {
    const { user, secret, recoveryCodes } = await withTotp()
    const token = await tokenOf(user)
    const wrong = await totpCode(secret, step() + 50)
    const statuses = []
    for (let attempt = 0; attempt < 7; attempt += 1)
      statuses.push((await finish({ token, code: wrong })).status)
    expect(statuses.slice(0, 5)).toEqual([401, 401, 401, 401, 401])
    expect(statuses.at(-1)).toBe(429)
    const limited = await finish({ token, code: await totpCode(secret, step()) })
    expect(limited.status).toBe(429)
    expect(Number(limited.headers.get('Retry-After'))).toBeGreaterThan(0)
    expect((await finish({ token, recoveryCode: recoveryCodes[0] })).status).toBe(200)
  })

  test('does not sign in with the code that confirmed it', async () => {
    const { user, secret } = await withTotp()
    const answer = await finish({ token: await tokenOf(user), code: await totpCode(secret, step() - 1) })
    expect(answer).toMatchObject({ status: 401, json: { code: 'invalid-second-factor' } })
  })

  test('of another account is not accepted', async () => {
    const [{ user }, other] = [await withTotp(), await withTotp()]
    const answer = await finish({ token: await tokenOf(user), code: await totpCode(other.secret, step()) })
    expect(answer.status).toBe(401)
  })

  test('cannot be set up twice, and an unconfirmed one is replaced', async () => {
    const user = await app.user()
    const first = await post(user, '/totp', { password: user.password })
    const { secret } = await withTotp(user)
    expect(secret).not.toBe(first.json.secret)
    const third = await post(user, '/totp', { password: user.password, code: await totpCode(secret, step()) })
    expect(third.json.code).toBe('conflict')
  })

  test('keeps its secret out of the database, logs and later answers', async () => {
    const { user, secret } = await withTotp()
    const rows = await app.database.sql`select secret::text from totp_factors where user_id = ${user.id}`
    expect(JSON.stringify(rows)).not.toContain(secret)
    const before = app.answers.length
    await user.call('GET', factors)
    await user.call('GET', '/v1/audit-events')
    expect(app.answers.slice(before).join()).not.toContain(secret)
    expect(app.logs.join()).not.toContain(secret)
  })
})

describe('a sign-in with a second factor', () => {
  test('is listed with its method, and failed ones too', async () => {
    const { user, secret, recoveryCodes } = await withTotp()
    const token = await tokenOf(user)
    await finish({ token, code: await totpCode(secret, step() + 50) })
    await finish({ token, code: await totpCode(secret, step()) })
    await finish({ token: await tokenOf(user), recoveryCode: recoveryCodes[0] })
    await expect
      .poll(async () => (await user.call('GET', '/v1/me/sign-ins')).json.items.length)
      .toBeGreaterThanOrEqual(4)
    const { items } = (await user.call('GET', '/v1/me/sign-ins')).json
    const entries = items.map(({ method, success }: { method: string; success: boolean }) => [
      method,
      success,
    ])
    expect(entries.slice(0, 2)).toEqual([
      ['recovery-code', true],
      ['totp', true],
    ])
    expect(entries).toContainEqual(['totp', false])
  })

  test('is announced from a new device, unless it sends the token of a known one', async () => {
    const { user, recoveryCodes } = await withTotp()
    const signIn = async (agent: string, recoveryCode: string | undefined, deviceToken?: string) => {
      const body = { token: await tokenOf(user), recoveryCode, deviceToken }
      const answer = await app.call('POST', '/v1/auth/second-factor', {
        body,
        headers: { 'User-Agent': agent },
      })
      expect(answer.status).toBe(200)
      return answer.json.deviceToken as string
    }
    const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
    const known = await signIn(firefox, recoveryCodes[0])
    await signIn('curl/8.5.0', recoveryCodes[1], known)
    await expect.poll(() => textsTo(user).filter((text) => text.includes('recovery code')).length).toBe(2)
    await expect.poll(() => textsTo(user)).toContainEqual(expect.stringContaining('signed in to your'))
    const signIns = textsTo(user).filter((text) => text.includes('signed in to your'))
    expect(signIns).toEqual([expect.stringContaining('Firefox')])
  })

  test('is still needed after a password reset by email', async () => {
    const { user, secret } = await withTotp()
    await app.call('POST', '/v1/auth/forgot-password', { body: { email: user.email } })
    const tokenIn = (text: string) => /reset-password#(\S+)/.exec(text)?.[1]
    await expect.poll(() => textsTo(user).some((text) => tokenIn(text))).toBe(true)
    const token = textsTo(user).map(tokenIn).find(Boolean)
    const newPassword = 'a password after the reset'
    const reset = await app.call('POST', '/v1/auth/reset-password', { body: { token, newPassword } })
    expect(reset.status).toBe(204)
    const challenge = await secondStep({ ...user, password: newPassword })
    const code = await totpCode(secret, step())
    expect((await finish({ token: challenge.token, code })).status).toBe(200)
  })
})

describe('the token of the second step', () => {
  test('works once', async () => {
    const { user, secret, recoveryCodes } = await withTotp()
    const token = await tokenOf(user)
    expect((await finish({ token, code: await totpCode(secret, step()) })).status).toBe(200)
    const again = await finish({ token, recoveryCode: recoveryCodes[0] })
    expect(again).toMatchObject({ status: 401, json: { code: 'sign-in-expired' } })
  })

  test('expires after five minutes', async () => {
    const { user, recoveryCodes } = await withTotp()
    const token = await tokenOf(user)
    skewMs = 301_000
    const late = await finish({ token, recoveryCode: recoveryCodes[0] })
    expect(late.json.code).toBe('sign-in-expired')
  })

  test('ends when the password changes', async () => {
    const { user, recoveryCodes } = await withTotp()
    const token = await tokenOf(user)
    const change = { currentPassword: user.password, newPassword: 'a new long passphrase' }
    expect((await user.call('POST', '/v1/me/password', { body: change })).status).toBe(204)
    expect((await finish({ token, recoveryCode: recoveryCodes[0] })).json.code).toBe('sign-in-expired')
  })

  test('is no session token, and a session token is none', async () => {
    const { user, recoveryCodes } = await withTotp()
    const token = await tokenOf(user)
    expect((await app.call('GET', '/v1/me', { token })).status).toBe(401)
    for (const other of [user.accessToken, user.refreshToken, 'x', `${token}x`, token.replace(/^./, 'f')]) {
      expect((await finish({ token: other, recoveryCode: recoveryCodes[0] })).json.code).toBe(
        'sign-in-expired',
      )
    }
  })

  test('needs exactly one factor', async () => {
    const { user } = await withTotp()
    const token = await tokenOf(user)
    expect((await finish({ token })).status).toBe(422)
    expect((await finish({ token, code: '123456', recoveryCode: 'x' })).status).toBe(422)
    expect((await finish({ token, code: '12345' })).status).toBe(422)
  })

  test('comes only after the right password', async () => {
    const [{ user }, plain] = [await withTotp(), await app.user()]
    const body = { password: 'not the password' }
    const answers = await Promise.all(
      [user, plain].map(({ email }) => app.call('POST', '/v1/auth/login', { body: { ...body, email } })),
    )
    const [first, second] = answers.map(({ status, json }) => ({ status, json: { ...json, requestId: '' } }))
    expect(first).toEqual(second)
    expect(first?.status).toBe(401)
  })
})

describe('recovery codes', () => {
  test('come with the first factor, once', async () => {
    const { user, secret, recoveryCodes } = await withTotp()
    expect(recoveryCodes).toHaveLength(10)
    expect(new Set(recoveryCodes).size).toBe(10)
    expect(recoveryCodes.every((code) => /^[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4}$/.test(code))).toBe(true)
    const { added } = await withPasskey(user, undefined, { code: await totpCode(secret, step()) })
    expect(added.recoveryCodes).toBeNull()
    const rows = await app.database.sql`select hash from recovery_codes where user_id = ${user.id}`
    expect(rows).toHaveLength(10)
    expect(JSON.stringify(rows)).not.toContain(recoveryCodes[0])
  })

  test('work once, however they are typed', async () => {
    const { user, recoveryCodes } = await withTotp()
    const typed = ` ${recoveryCodes[0]?.toUpperCase().replaceAll('-', ' ').replaceAll('0', 'O')} `
    expect((await finish({ token: await tokenOf(user), recoveryCode: typed })).status).toBe(200)
    expect((await user.call('GET', factors)).json.recoveryCodesLeft).toBe(9)
    const again = await finish({ token: await tokenOf(user), recoveryCode: recoveryCodes[0] })
    expect(again.json.code).toBe('invalid-second-factor')
    expect(await actionsOf(user)).toContain('factor.recovery-code-used')
  })

  test('work once among parallel sign-ins', async () => {
    const { user, recoveryCodes } = await withTotp()
    const tokens = await Promise.all([1, 2, 3, 4].map(() => tokenOf(user)))
    const answers = await Promise.all(
      tokens.map((token) => finish({ token, recoveryCode: recoveryCodes[3] })),
    )
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 401, 401, 401])
  })

  test('of another account do not work', async () => {
    const [{ user }, other] = [await withTotp(), await withTotp()]
    const answer = await finish({ token: await tokenOf(user), recoveryCode: other.recoveryCodes[0] })
    expect(answer.status).toBe(401)
    expect((await other.user.call('GET', factors)).json.recoveryCodesLeft).toBe(10)
  })

  test('can be guessed five times, then each guess waits', async () => {
    const { user, recoveryCodes } = await withTotp()
    const token = await tokenOf(user)
    const statuses = []
    for (let attempt = 0; attempt < 6; attempt += 1)
      statuses.push((await finish({ token, recoveryCode: '0000-0000-0000' })).status)
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429])
    expect((await finish({ token, recoveryCode: recoveryCodes[0] })).status).toBe(429)
  })

  test('are replaced with the password and a factor', async () => {
    const { user, secret, recoveryCodes } = await withTotp()
    const code = await totpCode(secret, step())
    const { json } = await post(user, '/recovery-codes', { password: user.password, code })
    expect(json.recoveryCodes).toHaveLength(10)
    const old = await finish({ token: await tokenOf(user), recoveryCode: recoveryCodes[0] })
    expect(old.status).toBe(401)
    expect((await finish({ token: await tokenOf(user), recoveryCode: json.recoveryCodes[9] })).status).toBe(
      200,
    )
  })
})

describe('a passkey', () => {
  test('signs in without a password', async () => {
    const { user, authenticator, added } = await withPasskey()
    expect(added.passkey).toMatchObject({ name: 'Laptop', isSynced: false, lastUsedAt: null })
    expect(added.recoveryCodes).toHaveLength(10)
    const options = await passkeyOptions()
    expect(options).toMatchObject({
      rpId: 'flowkeep.example.com',
      userVerification: 'required',
      allowCredentials: [],
    })
    const answer = await passkeySignIn(await authenticator.get(options))
    expect(answer.status).toBe(200)
    expect(answer.json.user.id).toBe(user.id)
    const { json } = await user.call('GET', factors)
    expect(json.passkeys).toEqual([{ ...added.passkey, lastUsedAt: expect.any(String) }])
  })

  test('is the second factor after the password', async () => {
    const { user, authenticator } = await withPasskey()
    const { token, passkeyOptions: options, methods } = await secondStep(user)
    expect(methods).toEqual(['passkey', 'recovery-code'])
    expect(options.allowCredentials).toEqual([
      { type: 'public-key', id: authenticator.id, transports: ['internal'] },
    ])
    expect((await finish({ token, passkey: await authenticator.get(options) })).status).toBe(200)
  })

  test('can be one of several', async () => {
    const { user, authenticator } = await withPasskey()
    const { json } = await post(user, '/passkey-check')
    const second = await withPasskey(user, new Authenticator(origin, null), {
      passkey: await authenticator.get(json.options),
    })
    for (const each of [authenticator, second.authenticator]) {
      expect((await passkeySignIn(await each.get(await passkeyOptions()))).status).toBe(200)
      expect((await passkeySignIn(await each.get(await passkeyOptions()))).status).toBe(200)
    }
    expect((await user.call('GET', factors)).json.passkeys).toHaveLength(2)
  })

  test('is created once per challenge', async () => {
    const user = await app.user()
    const { json } = await post(user, '/passkeys/options', { password: user.password })
    const first = await post(user, '/passkeys', {
      name: 'One',
      passkey: await new Authenticator(origin).create(json.options),
    })
    expect(first.status).toBe(201)
    const second = await post(user, '/passkeys', {
      name: 'Two',
      passkey: await new Authenticator(origin).create(json.options),
    })
    expect(second.status).toBe(409)
  })

  test.each([
    ['another origin', { origin: 'https://flowkeep.example.com.evil.example' }],
    ['another port', { origin: 'https://flowkeep.example.com:8443' }],
    ['another relying party', { rpId: 'evil.example' }],
    ['another challenge', { challenge: Buffer.from('invented').toString('base64url') }],
    ['another ceremony', { type: 'webauthn.get' }],
    ['no user verification', { isUnverified: true }],
  ])('is not created with %s', async (_, lies) => {
    const user = await app.user()
    const { json } = await post(user, '/passkeys/options', { password: user.password })
    const passkey = await new Authenticator(origin).create(json.options, lies)
    expect((await post(user, '/passkeys', { name: 'Bad', passkey })).status).toBe(422)
    expect((await user.call('GET', factors)).json.passkeys).toEqual([])
  })

  test('is created regardless of an attestation statement', async () => {
    const user = await app.user()
    const { json } = await post(user, '/passkeys/options', { password: user.password })
    const passkey = await new Authenticator(origin).create(json.options, { fmt: 'packed' })
    expect((await post(user, '/passkeys', { name: 'Key', passkey })).status).toBe(201)
  })

  test("is not created with another user's challenge", async () => {
    const [user, other] = [await app.user(), await app.user()]
    const { json } = await post(other, '/passkeys/options', { password: other.password })
    const passkey = await new Authenticator(origin).create(json.options)
    expect((await post(user, '/passkeys', { name: 'Stolen', passkey })).status).toBe(422)
  })

  test.each([
    ['another origin', { origin: 'https://evil.example' }],
    ['another relying party', { rpId: 'evil.example' }],
    ['an invented challenge', { challenge: Buffer.from('invented').toString('base64url') }],
    ['another ceremony', { type: 'webauthn.create' }],
    ['no user verification', { isUnverified: true }],
    ['an invented user', { userHandle: 'AAAA' }],
    ['a counter that does not increase', { isCopied: true }],
  ])('does not sign in with %s', async (_, lies) => {
    const { authenticator } = await withPasskey()
    expect((await passkeySignIn(await authenticator.get(await passkeyOptions()))).status).toBe(200)
    const answer = await passkeySignIn(await authenticator.get(await passkeyOptions(), lies))
    expect(answer.status, answer.text).toBe(401)
    expect(answer.json.code).toBe('invalid-second-factor')
  })

  test('that fails is listed', async () => {
    const { user, authenticator } = await withPasskey()
    const lies = { origin: 'https://evil.example' }
    expect((await passkeySignIn(await authenticator.get(await passkeyOptions(), lies))).status).toBe(401)
    await expect
      .poll(async () => (await user.call('GET', '/v1/me/sign-ins')).json.items)
      .toContainEqual(expect.objectContaining({ method: 'passkey', success: false }))
  })

  test('does not sign in twice with one signature', async () => {
    const { authenticator } = await withPasskey(undefined, new Authenticator(origin, null))
    const passkey = await authenticator.get(await passkeyOptions())
    const answers = await Promise.all([1, 2, 3].map(() => passkeySignIn(passkey)))
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 401, 401])
  })

  test('does not sign in after five minutes', async () => {
    const { authenticator } = await withPasskey()
    const options = await passkeyOptions()
    skewMs = 301_000
    expect((await passkeySignIn(await authenticator.get(options))).status).toBe(401)
  })

  test('does not sign in to another account', async () => {
    const [mine, other] = [await withPasskey(), await withPasskey()]
    const userHandle = Buffer.from(other.user.id.replaceAll('-', ''), 'hex').toString('base64url')
    const passkey = await mine.authenticator.get(await passkeyOptions(), { userHandle })
    expect((await passkeySignIn(passkey)).status).toBe(401)
    const { token, passkeyOptions: options } = await secondStep(other.user)
    const answer = await finish({ token, passkey: await mine.authenticator.get(options) })
    expect(answer).toMatchObject({ status: 401, json: { code: 'invalid-second-factor' } })
  })

  test('does not complete the second step with a challenge for another purpose or account', async () => {
    const [{ user, authenticator }, other] = [await withPasskey(), await withPasskey()]
    const token = await tokenOf(user)
    const others = [await passkeyOptions(), (await post(other.user, '/passkey-check')).json.options]
    for (const options of others) {
      expect((await finish({ token, passkey: await authenticator.get(options) })).status).toBe(401)
    }
  })

  test('does not sign in to a deleted account', async () => {
    const { user, authenticator } = await withPasskey()
    const { password } = user
    expect((await user.call('POST', '/v1/me/delete', { body: { password } })).status).toBe(204)
    expect((await passkeySignIn(await authenticator.get(await passkeyOptions()))).status).toBe(401)
  })
})

describe('changes to second factors', () => {
  test.each([
    ['/totp', 201],
    ['/passkeys/options', 200],
    ['/totp/remove', 404],
  ])('%s needs the password', async (path, status) => {
    const user = await app.user()
    expect((await post(user, path, { password: 'wrong password' })).json.code).toBe('bad-credentials')
    expect((await post(user, path)).status).toBe(422)
    expect((await post(user, path, { password: user.password })).status).toBe(status)
  })

  test('need a factor once the account has one', async () => {
    const { user, secret } = await withTotp()
    for (const path of ['/totp/remove', '/passkeys/options', '/recovery-codes', '/totp']) {
      const answer = await post(user, path, { password: user.password })
      expect(answer).toMatchObject({ status: 403, json: { code: 'second-factor-required' } })
      expect(answer.json.secondFactor).toBeUndefined()
    }
    const code = await totpCode(secret, step())
    expect((await post(user, '/totp/remove', { password: user.password, code })).status).toBe(204)
    expect((await login(user)).status).toBe(200)
    expect((await user.call('GET', factors)).json).toEqual({ totp: null, passkeys: [], recoveryCodesLeft: 0 })
    expect(await actionsOf(user)).toEqual(
      expect.arrayContaining(['factor.totp-added', 'factor.totp-removed']),
    )
  })

  test('keep the recovery codes while a factor is left', async () => {
    const { user, secret, recoveryCodes } = await withTotp()
    const code = await totpCode(secret, step())
    const { added } = await withPasskey(user, undefined, { code })
    const proof = { password: user.password, recoveryCode: recoveryCodes[0] }
    expect((await post(user, '/totp/remove', proof)).status).toBe(204)
    expect((await user.call('GET', factors)).json).toMatchObject({ totp: null, recoveryCodesLeft: 9 })
    const last = { password: user.password, recoveryCode: recoveryCodes[1] }
    expect((await post(user, `/passkeys/${added.passkey.id}/remove`, last)).status).toBe(204)
    expect((await user.call('GET', factors)).json.recoveryCodesLeft).toBe(0)
    expect((await login(user)).status).toBe(200)
  })

  test("do not reach another user's passkey", async () => {
    const [{ added, user: owner }, stranger] = [await withPasskey(), await app.user()]
    const answer = await post(stranger, `/passkeys/${added.passkey.id}/remove`, {
      password: stranger.password,
    })
    expect(answer.status).toBe(404)
    expect((await owner.call('GET', factors)).json.passkeys).toHaveLength(1)
  })

  test('reject access tokens with any scopes', async () => {
    const user = await app.user()
    const { json } = await user.call('POST', '/v1/tokens', { body: { name: 'Agent', scopes: ['admin'] } })
    const { password } = user
    for (const [method, path] of [
      ['GET', ''],
      ['POST', '/totp'],
      ['POST', '/passkeys/options'],
    ] as const) {
      const answer = await app.call(method, `${factors}${path}`, {
        token: json.token,
        ...(method === 'POST' && { body: { password } }),
      })
      expect(answer).toMatchObject({ status: 403, json: { code: 'insufficient-scope' } })
    }
  })

  test('are announced to the owner', async () => {
    const { user, recoveryCodes } = await withTotp()
    const { added } = await withPasskey(user, undefined, { recoveryCode: recoveryCodes[0] })
    const proof = (recoveryCode: string | undefined) => ({ password: user.password, recoveryCode })
    await post(user, `/passkeys/${added.passkey.id}/remove`, proof(recoveryCodes[1]))
    const fresh = await post(user, '/recovery-codes', proof(recoveryCodes[2]))
    await post(user, '/totp/remove', proof(fresh.json.recoveryCodes[0]))
    for (const change of [
      'an authenticator app was added',
      'a recovery code was used',
      'a passkey was added',
      'a passkey was removed',
      'new recovery codes were created',
      'the authenticator app was removed',
    ]) {
      await expect.poll(() => textsTo(user)).toContainEqual(expect.stringContaining(change))
    }
  })

  test('leave access tokens as they are', async () => {
    const user = await app.user()
    const { json } = await user.call('POST', '/v1/tokens', {
      body: { name: 'Agent', scopes: ['workflows:read'] },
    })
    await withTotp(user)
    expect((await app.call('GET', '/v1/workflows', { token: json.token })).status).toBe(200)
  })
})
