import { v7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { type Accounts, createAccounts, newEmail, password } from './fixture.ts'

let database: TestDatabase
let accounts: Accounts

beforeAll(async () => {
  database = await createTestDatabase()
  accounts = createAccounts(database.db)
})
afterAll(() => database.close())

/** The parts of a response that every failed sign-in has in common. */
function withoutRequest({ status, headers, body }: Awaited<ReturnType<Accounts['call']>>) {
  const { requestId: _, ...rest } = body
  const names = [...headers].filter(([name]) => name !== 'x-request-id')
  return { status, names, rest }
}

const wrong = 'a wrong password'

describe('POST /v1/auth/login', () => {
  test('signs in with a new session each time', async () => {
    const { user, refreshToken } = await accounts.register({ name: 'Ada' })
    const answer = await accounts.login(user.email)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('Cache-Control')).toBe('no-store')
    expect(answer.body.user).toEqual(user)
    expect(answer.body.expiresIn).toBe(300)
    await accounts.call('POST', '/v1/auth/logout', { refreshToken: answer.body.refreshToken })
    expect((await accounts.refresh(refreshToken)).status).toBe(200)
  })

  test('an unknown address, a wrong password and a damaged hash get the same response', async () => {
    const [{ user }, damaged] = [await accounts.register(), await accounts.register()]
    await database.sql`update users set password_hash = 'x' where id = ${damaged.user.id}`
    const known = withoutRequest(await accounts.login(user.email, wrong))
    expect(known).toMatchObject({ status: 401, rest: { code: 'bad-credentials' } })
    expect(withoutRequest(await accounts.login(newEmail(), wrong))).toEqual(known)
    expect(withoutRequest(await accounts.login(damaged.user.email, password))).toEqual(known)
    expect(withoutRequest(await accounts.login('no address', wrong))).toEqual(known)
  })

  test('an unknown address, a wrong password and a damaged hash each cost one verification', async () => {
    const [{ user }, damaged] = [await accounts.register(), await accounts.register()]
    await database.sql`update users set password_hash = '$2b$04$short' where id = ${damaged.user.id}`
    for (const email of [user.email, newEmail(), damaged.user.email]) {
      accounts.scrypt.mockClear()
      await accounts.login(email, wrong)
      expect(accounts.scrypt).toHaveBeenCalledTimes(1)
      expect(accounts.scrypt.mock.calls[0]?.[2]).toEqual({ N: 2 ** 4, r: 8, p: 5 })
    }
  })

  test.each([
    ['1,025 characters of password', { password: 'x'.repeat(1025) }, 422],
    ['an unpaired surrogate', { password: 'abcdefgh\ud800' }, 422],
    ['no password', { password: undefined }, 422],
    ['an unknown field', { admin: true }, 422],
    ['a megabyte', { password: 'x'.repeat(1_048_576) }, 413],
  ])('rejects invalid input without hashing: %s', async (_, change, status) => {
    accounts.scrypt.mockClear()
    const body = { email: newEmail(), password, ...change }
    expect((await accounts.call('POST', '/v1/auth/login', body)).status).toBe(status)
    expect(accounts.scrypt).not.toHaveBeenCalled()
  })

  test('the next sign-in renews a hash with a retired pepper', async () => {
    const { user } = await accounts.register()
    const { createPasswordHasher } = await import('../../src/crypto/password.ts')
    const retired = createPasswordHasher({
      compareBcrypt: async () => false,
      peppers: { ...accounts.peppers, active: 'p1' },
      cost: 4,
    })
    const old = await retired.hash(password, '')
    await database.sql`update users set password_hash = ${old.hash}, pepper_id = 'p1' where id = ${user.id}`
    expect((await accounts.login(user.email)).status).toBe(200)
    await accounts.settled()
    expect(await database.sql`select pepper_id from users where id = ${user.id}`).toEqual([
      { pepper_id: 'p2' },
    ])
    expect((await accounts.login(user.email)).status).toBe(200)
  })

  test('records successful and failed sign-ins', async () => {
    const { user } = await accounts.register()
    await accounts.login(user.email, wrong)
    await accounts.login(user.email)
    await accounts.settled()
    const events =
      await database.sql`select action from audit_events where user_id = ${user.id} order by action`
    expect(events.map(({ action }) => action)).toEqual([
      'session.started',
      'user.login-failed',
      'user.registered',
    ])
  })

  test('does not start a session with a password that was just replaced', async () => {
    const { user } = await accounts.register()
    const account = await accounts.users.find(user.id)
    if (!account) throw new Error('The account is missing')
    await accounts.users.changePassword(
      user.id,
      v7(),
      account.password,
      await accounts.hasher.hash('another good one', ''),
    )
    expect(await accounts.sessions.start(user.id, account.password.hash)).toBeNull()
  })
})

describe('session tokens over HTTP', () => {
  test.each([
    ['no header', {}],
    ['another scheme', { Authorization: 'Basic dXNlcjpwYXNz' }],
    ['an empty token', { Authorization: 'Bearer ' }],
    ['no token', { Authorization: 'Bearer x.y.z' }],
  ])('rejects %s', async (_, headers) => {
    const answer = await accounts.call('GET', '/v1/me', undefined, { headers })
    expect(answer.status).toBe(401)
    expect(answer.body.code).toBe('unauthenticated')
    expect(answer.headers.get('WWW-Authenticate')).toBe('Bearer')
  })

  test('rejects a token in the URL', async () => {
    const { accessToken } = await accounts.register()
    expect((await accounts.call('GET', `/v1/me?access_token=${accessToken}`)).status).toBe(401)
    expect(accounts.logged.join('\n')).not.toContain(accessToken)
  })

  test.each(['=', ' ', '\t', '%20', '.x'])('rejects a token that contains %j', async (foreign) => {
    const { accessToken } = await accounts.register()
    expect((await accounts.me(accessToken.slice(0, -1) + foreign + accessToken.slice(-1))).status).toBe(401)
  })

  // White space around a header's value is not part of it (RFC 9110 §5.5).
  test.each(['=', '==', '%20', '.x'])('rejects a token followed by %j', async (ending) => {
    const { accessToken } = await accounts.register()
    expect((await accounts.me(accessToken + ending)).status).toBe(401)
  })

  test('access and refresh tokens are not interchangeable', async () => {
    const { accessToken, refreshToken } = await accounts.register()
    expect((await accounts.me(refreshToken)).status).toBe(401)
    expect((await accounts.refresh(accessToken)).status).toBe(401)
  })

  test('a session token expires after five minutes plus the tolerance', async () => {
    const own = createAccounts(database.db)
    const { accessToken } = await own.register()
    own.advance(299_000)
    const answer = await own.me(accessToken)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('Cache-Control')).toBe('no-store')
    own.advance(7_000)
    expect((await own.me(accessToken)).status).toBe(401)
  })
})
