import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createFingerprint } from '../../src/crypto/fingerprint.ts'
import { AppError } from '../../src/errors.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { createAccounts, newEmail, password } from './fixture.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
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

  test('guesses from 25 addresses never delay the owner, who waits as long as Retry-After says', async () => {
    const { login, register, advance, scrypt } = createAccounts(database.db)
    const { user } = await register()
    scrypt.mockClear()
    let signedIn = 0
    let refused = 0
    let guesses = 0
    // 23 guesses a second.
    for (let second = 0; second < 30; second += 1) {
      const round = Array.from({ length: 23 }, (_, index) => `203.0.113.${(second * 23 + index) % 25}`)
      const answers = await Promise.all(round.map((address) => login(user.email, wrong, address)))
      guesses += answers.filter(({ status }) => status === 401).length
      const owner = await login(user.email, password, `192.0.2.${second % 3}`)
      if (owner.status === 200) signedIn += 1
      else refused += 1
      advance(1000)
    }
    expect([signedIn, refused]).toEqual([30, 0])
    // Five free ones until there are 20 failures; then waits of 1, 2, 4, 8 and 16 seconds.
    expect(guesses).toBeLessThanOrEqual(25 * 6)
  })

  test('during an attack, a wrong password delays the owner by seconds', async () => {
    const { login, register, advance } = createAccounts(database.db)
    const { user } = await register()
    for (let host = 0; host < 20; host += 1) await login(user.email, wrong, `203.0.113.${host}`)
    const own = '192.0.2.77'
    const waits: number[] = []
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      expect((await login(user.email, wrong, own)).status).toBe(401)
      const blocked = await login(user.email, password, own)
      expect(blocked.status).toBe(429)
      waits.push(Number(blocked.headers.get('Retry-After')))
      advance((waits.at(-1) ?? 0) * 1000)
    }
    expect(waits).toEqual([1, 2, 4])
    expect((await login(user.email, password, own)).status).toBe(200)
  })

  test('an IPv6 /64 is one network', async () => {
    const { login, register } = createAccounts(database.db)
    const { user } = await register()
    const statuses: number[] = []
    for (let host = 1; host <= 7; host += 1) {
      statuses.push((await login(user.email, wrong, `2001:db8:1:2::${host}`)).status)
    }
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429])
    expect((await login(user.email, password, '2001:db8:1:3::1')).status).toBe(200)
  })

  test("signing in does not reset an attacker's counts", async () => {
    const { login, register, advance } = createAccounts(database.db)
    const { user } = await register()
    for (let host = 0; host < 20; host += 1) await login(user.email, wrong, `203.0.113.${host}`)
    expect((await login(user.email, password, '192.0.2.77')).status).toBe(200)
    expect((await login(user.email, wrong, '203.0.113.99')).status).toBe(401)
    expect((await login(user.email, wrong, '203.0.113.99')).status).toBe(429)
    advance(86_401_000)
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      expect((await login(user.email, wrong, '203.0.113.98')).status).toBe(401)
    }
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
    const { login, register, scrypt } = createAccounts(database.db)
    const { user } = await register()
    scrypt.mockClear()
    const answers = await Promise.all(Array.from({ length: 100 }, () => login(user.email, wrong, ip)))
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(5)
    const refused = answers.filter(({ status }) => status === 429)
    expect(refused).toHaveLength(95)
    for (const { headers } of refused) expect(Number(headers.get('Retry-After'))).toBeGreaterThanOrEqual(1)
    expect(scrypt).toHaveBeenCalledTimes(5)
  })

  test('counts survive a restart', async () => {
    const fingerprint = createFingerprint(crypto.getRandomValues(new Uint8Array(32)))
    const email = newEmail()
    const before = createAccounts(database.db, { fingerprint })
    // So that its waits have not passed, however long this test takes.
    before.advance(60_000)
    for (let attempt = 1; attempt <= 5; attempt += 1) await before.login(email, wrong, ip)
    const after = createAccounts(database.db, { fingerprint })
    expect((await after.login(email, wrong, ip)).status).toBe(429)
  })

  test("guesses of a signed-in user's current password delay that session only", async () => {
    const { call, register, login } = createAccounts(database.db)
    const { accessToken, user } = await register()
    const statuses: number[] = []
    for (let attempt = 1; attempt <= 7; attempt += 1) {
      const body = { currentPassword: `${wrong}${attempt}`, newPassword: 'another good one' }
      statuses.push((await call('POST', '/v1/me/password', body, { token: accessToken })).status)
    }
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429])
    const { body: other } = await login(user.email)
    const change = { currentPassword: password, newPassword: 'another good one' }
    expect((await call('POST', '/v1/me/password', change, { token: other.accessToken })).status).toBe(204)
  })

  test('guesses of strangers do not block changing the password, changing the address or deleting the account', async () => {
    const { call, register, login } = createAccounts(database.db)
    const { accessToken, user } = await register()
    for (let attempt = 1; attempt <= 30; attempt += 1) await login(user.email, wrong)
    expect((await login(user.email)).status).toBe(429)
    const token = { token: accessToken }
    const email = newEmail()
    expect((await call('PATCH', '/v1/me', { email, currentPassword: password }, token)).status).toBe(200)
    const change = { currentPassword: password, newPassword: 'another good one' }
    expect((await call('POST', '/v1/me/password', change, token)).status).toBe(204)
    expect((await call('POST', '/v1/me/delete', { password: 'another good one' }, token)).status).toBe(204)
  })

  test('an attempt without a free hashing slot does not count', async () => {
    const { login, register, scrypt } = createAccounts(database.db)
    const { user } = await register()
    scrypt.mockRejectedValueOnce(new AppError('too-many-requests', 'busy', { retryAfterSeconds: 2 }))
    expect((await login(user.email, password, ip)).headers.get('Retry-After')).toBe('2')
    for (let attempt = 1; attempt <= 5; attempt += 1)
      expect((await login(user.email, wrong, ip)).status).toBe(401)
    expect((await login(user.email, wrong, ip)).status).toBe(429)
  })

  test('attempts without a free hashing slot are no attack on the account', async () => {
    const { login, register, scrypt } = createAccounts(database.db)
    const { user } = await register()
    for (let each = 1; each <= 20; each += 1) {
      scrypt.mockRejectedValueOnce(new AppError('too-many-requests', 'busy', { retryAfterSeconds: 2 }))
      expect((await login(user.email, wrong, `203.0.113.${each}`)).status).toBe(429)
    }
    for (let attempt = 1; attempt <= 5; attempt += 1)
      expect((await login(user.email, wrong, ip)).status).toBe(401)
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

const rowCount = async (): Promise<number> => {
  const [row] = await database.sql`select count(*)::integer as count from login_throttles`
  return (row as { count: number }).count
}

describe('guessing at many accounts from one network', () => {
  test('thirty fail, then one every 20 seconds is checked; other networks are not affected', async () => {
    const { login, register, advance } = createAccounts(database.db)
    const { user } = await register()
    const spray = async (count: number) => {
      const statuses: number[] = []
      for (let each = 0; each < count; each += 1) {
        statuses.push((await login(newEmail(), wrong, `2001:db8::${each}`)).status)
      }
      return statuses.filter((status) => status === 401).length
    }
    expect(await spray(40)).toBe(30)
    expect((await login(user.email, password, '2001:db8::1')).headers.get('Retry-After')).toBe('20')
    advance(19_999)
    expect(await spray(2)).toBe(0)
    advance(1)
    expect(await spray(2)).toBe(1)
    advance(60_000)
    expect(await spray(9)).toBe(3)
    advance(86_400_000)
    expect(await spray(40)).toBe(30)
    expect((await login(user.email, password, '198.51.100.20')).status).toBe(200)
  })

  test('sign-ins that succeed do not count', async () => {
    const { login, register } = createAccounts(database.db)
    const { user } = await register()
    for (let each = 0; each < 40; each += 1) expect((await login(user.email)).status).toBe(200)
  })

  test('a refused sign-in stores nothing, whether the account exists or not', async () => {
    const { login, register, scrypt } = createAccounts(database.db)
    const { user } = await register()
    const network = '198.51.100.99'
    for (let each = 0; each < 30; each += 1) await login(newEmail(), wrong, network)
    const before = await rowCount()
    const refused = [await login(user.email, wrong, network), await login(newEmail(), wrong, network)]
    for (let each = 0; each < 50; each += 1) await login(newEmail(), wrong, network)
    expect(refused.map(({ status, headers }) => [status, headers.get('Retry-After')])).toEqual([
      [429, '20'],
      [429, '20'],
    ])
    expect(await rowCount()).toBe(before)
    scrypt.mockRejectedValueOnce(new AppError('too-many-requests', 'busy', { retryAfterSeconds: 2 }))
    expect((await login(newEmail(), wrong, '198.51.100.98')).status).toBe(429)
    // The count of the network.
    expect(await rowCount()).toBe(before + 1)
  })

  test('an attempt that succeeds leaves the row of the network only', async () => {
    const { login, register } = createAccounts(database.db)
    const { user } = await register()
    const before = await rowCount()
    expect((await login(user.email, password, '198.51.100.97')).status).toBe(200)
    expect(await rowCount()).toBe(before + 1)
  })
})

describe('a known device', () => {
  const signIn = (
    accounts: ReturnType<typeof createAccounts>,
    email: string,
    secret: string,
    deviceToken: string,
  ) => accounts.call('POST', '/v1/auth/login', { email, password: secret, deviceToken }, { ip })

  async function attacked() {
    const accounts = createAccounts(database.db)
    const { user, accessToken, deviceToken } = await accounts.register()
    for (let each = 0; each < 30; each += 1) await accounts.login(newEmail(), wrong, ip)
    for (let each = 0; each < 30; each += 1) await accounts.login(user.email, wrong, ip)
    return { accounts, user, accessToken, deviceToken }
  }

  test("signs in from the attacker's own network, as often as needed", async () => {
    const { accounts, user, deviceToken } = await attacked()
    expect((await accounts.login(user.email, password, ip)).status).toBe(429)
    let token = deviceToken
    for (let each = 0; each < 40; each += 1) {
      const answer = await signIn(accounts, user.email, password, token)
      expect(answer.status).toBe(200)
      token = answer.body.deviceToken
    }
  })

  test('has five wrong passwords, then delays of its own', async () => {
    const { accounts, user, deviceToken } = await attacked()
    const statuses: number[] = []
    for (let each = 0; each < 7; each += 1) {
      statuses.push((await signIn(accounts, user.email, wrong, deviceToken)).status)
    }
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429])
    accounts.advance(1000)
    const { status, body } = await signIn(accounts, user.email, password, deviceToken)
    expect(status).toBe(200)
    await accounts.settled()
    const { body: listed } = await accounts.call('GET', '/v1/me/sign-ins', undefined, {
      token: body.accessToken,
    })
    const { items } = listed as unknown as { items: { success: boolean }[] }
    expect(items.filter(({ success }) => !success).length).toBeGreaterThanOrEqual(5)
  })

  test('does not replace the password, and counts for no other account', async () => {
    const { accounts, user, deviceToken } = await attacked()
    const { user: other } = await accounts.register()
    expect((await signIn(accounts, other.email, password, deviceToken)).status).toBe(429)
    expect((await signIn(accounts, user.email, wrong, deviceToken)).status).toBe(401)
  })

  test.each([
    ['another user', (token: string, other: string) => `${other.slice(0, 26)}${token.slice(26)}`],
    ['another time', (token: string) => token.replace(/_([a-z0-9]+)_([0-9a-f]{64})$/, '_zzzzzzzz_$2')],
    ['another mac', (token: string) => token.slice(0, -4) + (token.endsWith('0000') ? '1111' : '0000')],
    ['nothing of ours', () => 'fkd_x'],
  ])('forged with %s is not known', async (_, forge) => {
    const { accounts, user, deviceToken } = await attacked()
    const { deviceToken: other } = await accounts.register()
    expect((await signIn(accounts, user.email, password, forge(deviceToken, other))).status).toBe(429)
  })

  test('is forgotten when the password changes, when the user signs out everywhere, and after 180 days', async () => {
    const changed = await attacked()
    const change = { currentPassword: password, newPassword: 'another good one' }
    changed.accounts.advance(1)
    const done = await changed.accounts.call('POST', '/v1/me/password', change, {
      token: changed.accessToken,
    })
    expect(done.status).toBe(204)
    const after = (each: typeof changed, secret: string) =>
      signIn(each.accounts, each.user.email, secret, each.deviceToken)
    expect((await after(changed, 'another good one')).status).toBe(429)

    const everywhere = await attacked()
    everywhere.accounts.advance(1)
    await everywhere.accounts.call('POST', '/v1/auth/logout-all', undefined, {
      token: everywhere.accessToken,
    })
    expect((await after(everywhere, password)).status).toBe(429)
    everywhere.accounts.advance(1)
    const { body } = await everywhere.accounts.login(everywhere.user.email, password, '198.51.100.8')
    everywhere.accounts.advance(1)
    expect(
      (await signIn(everywhere.accounts, everywhere.user.email, password, body.deviceToken)).status,
    ).toBe(200)

    const old = createAccounts(database.db)
    const { user, deviceToken } = await old.register()
    old.advance(180 * 86_400_000 + 1)
    for (let each = 0; each < 30; each += 1) await old.login(newEmail(), wrong, ip)
    expect((await signIn(old, user.email, password, deviceToken)).status).toBe(429)
  })

  test('stays known after signing out', async () => {
    const accounts = createAccounts(database.db)
    const { user, refreshToken, deviceToken } = await accounts.register()
    await accounts.call('POST', '/v1/auth/logout', { refreshToken })
    for (let each = 0; each < 30; each += 1) await accounts.login(newEmail(), wrong, ip)
    expect((await signIn(accounts, user.email, password, deviceToken)).status).toBe(200)
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
