import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createFingerprint } from '../../src/crypto/fingerprint.ts'
import { AppError } from '../../src/errors.ts'
import { createPostgresTestDatabase, type TestDatabase } from '../harness/database.ts'
import { createAccounts, newEmail, password } from './fixture.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createPostgresTestDatabase()
})
afterAll(() => database.close())

const wrong = 'a wrong password'
const ip = '198.51.100.7'

describe('guessing passwords', () => {
  test('five attempts pass, then each delay doubles, up to 15 minutes', async () => {
    const { login, register, advance } = createAccounts(database.db)
    const { user } = await register()
    for (let attempt = 1; attempt <= 5; attempt += 1)
      expect((await login(user.email, wrong, ip)).status).toBe(401)
    const waits: number[] = []
    for (let attempt = 6; attempt <= 18; attempt += 1) {
      const blocked = await login(user.email, wrong, ip)
      expect(blocked.status).toBe(429)
      expect(blocked.body.code).toBe('too-many-requests')
      const wait = Number(blocked.headers.get('Retry-After'))
      waits.push(wait)
      advance(wait * 1000 - 1)
      expect((await login(user.email, wrong, ip)).status).toBe(429)
      advance(1)
      // The account's own bucket delays for at most half a minute.
      advance(30_000)
      const next = await login(user.email, wrong, ip)
      expect(next.status).toBe(401)
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900])
  })

  test('the correct password waits as well and resets the count', async () => {
    const { login, register, advance } = createAccounts(database.db)
    const { user } = await register()
    for (let attempt = 1; attempt <= 5; attempt += 1) await login(user.email, wrong, ip)
    expect((await login(user.email, password, ip)).status).toBe(429)
    advance(1000)
    expect((await login(user.email, password, ip)).status).toBe(200)
    for (let attempt = 1; attempt <= 5; attempt += 1)
      expect((await login(user.email, wrong, ip)).status).toBe(401)
  })

  test('the owner can sign in while someone guesses from another address', async () => {
    const { login, register } = createAccounts(database.db)
    const { user } = await register()
    for (let attempt = 1; attempt <= 60; attempt += 1) await login(user.email, wrong, ip)
    expect((await login(user.email, password, ip)).status).toBe(429)
    expect((await login(user.email, password, '203.0.113.9')).status).toBe(200)
  })

  test('guessing from many addresses delays the owner by at most half a minute', async () => {
    const { login, register, advance } = createAccounts(database.db)
    const { user } = await register()
    for (let round = 0; round < 12; round += 1) {
      for (let host = 0; host < 4; host += 1) await login(user.email, wrong, `203.0.113.${round * 4 + host}`)
      advance(30_000)
    }
    for (let host = 0; host < 4; host += 1) await login(user.email, wrong, `203.0.113.${100 + host}`)
    const blocked = await login(user.email, password, '192.0.2.77')
    expect(blocked.status).toBe(429)
    const wait = Number(blocked.headers.get('Retry-After'))
    expect(wait).toBeLessThanOrEqual(30)
    advance(wait * 1000)
    expect((await login(user.email, password, '192.0.2.77')).status).toBe(200)
  })

  test('an address without an account is throttled in the same way', async () => {
    const { login } = createAccounts(database.db)
    const email = newEmail()
    const statuses: number[] = []
    for (let attempt = 1; attempt <= 7; attempt += 1) statuses.push((await login(email, wrong, ip)).status)
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429])
  })

  test('neither the case of the email address nor a client header creates a second bucket', async () => {
    const { call, register } = createAccounts(database.db)
    const { user } = await register()
    const statuses: number[] = []
    for (let attempt = 1; attempt <= 7; attempt += 1) {
      const email = attempt % 2 ? user.email.toUpperCase() : user.email
      const headers = { 'X-Forwarded-For': `10.0.0.${attempt}`, Forwarded: `for=10.0.0.${attempt}` }
      statuses.push(
        (await call('POST', '/v1/auth/login', { email, password: wrong }, { ip, headers })).status,
      )
    }
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429])
  })

  test('only five of 100 concurrent guesses are checked', async () => {
    const { login, register, compare } = createAccounts(database.db)
    const { user } = await register()
    compare.mockClear()
    const answers = await Promise.all(Array.from({ length: 100 }, () => login(user.email, wrong, ip)))
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(5)
    const refused = answers.filter(({ status }) => status === 429)
    expect(refused).toHaveLength(95)
    for (const { headers } of refused) expect(Number(headers.get('Retry-After'))).toBeGreaterThanOrEqual(1)
    expect(compare).toHaveBeenCalledTimes(5)
  })

  test('counts survive a restart', async () => {
    const fingerprint = createFingerprint(crypto.getRandomValues(new Uint8Array(32)))
    const email = newEmail()
    const before = createAccounts(database.db, { fingerprint })
    for (let attempt = 1; attempt <= 5; attempt += 1) await before.login(email, wrong, ip)
    const after = createAccounts(database.db, { fingerprint })
    expect((await after.login(email, wrong, ip)).status).toBe(429)
  })

  test("guesses of a signed-in user's current password are throttled in the same way", async () => {
    const { call, register } = createAccounts(database.db)
    const { accessToken } = await register()
    const statuses: number[] = []
    for (let attempt = 1; attempt <= 7; attempt += 1) {
      const body = { currentPassword: `${wrong}${attempt}`, newPassword: 'another good one' }
      statuses.push((await call('POST', '/v1/me/password', body, { token: accessToken })).status)
    }
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429])
  })

  test('an attempt without a free hashing slot does not count', async () => {
    const { login, register, compare } = createAccounts(database.db)
    const { user } = await register()
    compare.mockRejectedValueOnce(new AppError('too-many-requests', 'busy', { retryAfterSeconds: 2 }))
    expect((await login(user.email, password, ip)).headers.get('Retry-After')).toBe('2')
    for (let attempt = 1; attempt <= 5; attempt += 1)
      expect((await login(user.email, wrong, ip)).status).toBe(401)
    expect((await login(user.email, wrong, ip)).status).toBe(429)
  })

  test('stores no addresses', async () => {
    const { login } = createAccounts(database.db)
    const email = newEmail()
    await login(email, wrong, ip)
    const dump = JSON.stringify(await database.sql`select * from login_throttles`)
    expect(dump).not.toContain(email)
    expect(dump).not.toContain(ip)
  })
})

describe('registrations from one address', () => {
  test('a thousand pass, then each is delayed', async () => {
    const { throttle, advance } = createAccounts(database.db)
    for (let attempt = 1; attempt <= 1000; attempt += 1) await throttle.claimRegistration(ip)
    await expect(throttle.claimRegistration(ip)).rejects.toMatchObject({
      code: 'too-many-requests',
      retryAfterSeconds: 1,
    })
    await throttle.claimRegistration('203.0.113.1')
    advance(1000)
    await throttle.claimRegistration(ip)
    advance(3_601_000)
    await throttle.claimRegistration(ip)
    await throttle.claimRegistration(ip)
  })
})
