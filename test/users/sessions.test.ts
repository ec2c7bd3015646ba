import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { type Accounts, createAccounts, password } from './fixture.ts'

let database: TestDatabase
let accounts: Accounts

beforeAll(async () => {
  database = await createTestDatabase()
  accounts = createAccounts(database.db)
})
afterAll(() => database.close())

const dayMs = 86_400_000

async function actionsOf(userId: string): Promise<unknown[]> {
  const rows = await database.sql`select action from audit_events where user_id = ${userId} order by id`
  return rows.map(({ action }) => action)
}

test('a session stores the IDs of the keys that signed its tokens, when it starts and after a refresh', async () => {
  const { user, refreshToken } = await accounts.register()
  await accounts.login(user.email)
  const keysOf = () =>
    database.sql`select distinct refresh_key_id, access_key_id from sessions where user_id = ${user.id}`
  const keys = [{ refresh_key_id: 'r1', access_key_id: 'a1' }]
  expect(await keysOf()).toEqual(keys)
  await database.sql`update sessions set refresh_key_id = null, access_key_id = 'a0' where user_id = ${user.id}`
  await accounts.refresh(refreshToken)
  expect(await keysOf()).toEqual(expect.arrayContaining(keys))
})

describe('POST /v1/auth/refresh', () => {
  test('returns a session token and a valid successor', async () => {
    const { user, refreshToken } = await accounts.register()
    const first = await accounts.refresh(refreshToken)
    expect(first.status).toBe(200)
    expect(first.headers.get('Cache-Control')).toBe('no-store')
    expect(Object.keys(first.body).toSorted()).toEqual(['accessToken', 'expiresIn', 'refreshToken'])
    expect(first.body.refreshToken).not.toBe(refreshToken)
    expect((await accounts.me(first.body.accessToken)).body.id).toBe(user.id)
    expect((await accounts.refresh(first.body.refreshToken)).status).toBe(200)
  })

  test('repeats a lost response within the grace period', async () => {
    const { refreshToken } = await accounts.register()
    const first = await accounts.refresh(refreshToken)
    const again = await accounts.refresh(refreshToken)
    expect(again.status).toBe(200)
    expect(again.body.refreshToken).toBe(first.body.refreshToken)
  })

  test('reusing a token older than the last one ends the session', async () => {
    const { user, refreshToken: first } = await accounts.register()
    const second = (await accounts.refresh(first)).body.refreshToken
    const third = (await accounts.refresh(second)).body.refreshToken
    const reused = await accounts.refresh(first)
    expect(reused.status).toBe(401)
    expect(reused.body.code).toBe('invalid-refresh-token')
    expect((await accounts.refresh(third)).status).toBe(401)
    expect(await actionsOf(user.id)).toContain('session.token-reused')
  })

  test('reusing a replaced token after the grace period ends the session', async () => {
    const own = createAccounts(database.db)
    const { refreshToken: first } = await own.register()
    const second = (await own.refresh(first)).body.refreshToken
    own.advance(10_000)
    expect((await own.refresh(first)).status).toBe(401)
    expect((await own.refresh(second)).status).toBe(401)
  })

  test('other sessions of the same user continue', async () => {
    const { user, refreshToken: first } = await accounts.register()
    const other = (await accounts.login(user.email)).body.refreshToken
    await accounts.refresh((await accounts.refresh(first)).body.refreshToken)
    expect((await accounts.refresh(first)).status).toBe(401)
    expect((await accounts.refresh(other)).status).toBe(200)
  })

  test('a session ends after 30 days regardless of refreshes', async () => {
    const own = createAccounts(database.db)
    let { refreshToken } = await own.register()
    for (let day = 1; day < 30; day += 1) {
      own.advance(dayMs)
      const answer = await own.refresh(refreshToken)
      expect(answer.status).toBe(200)
      refreshToken = answer.body.refreshToken
    }
    own.advance(dayMs)
    expect((await own.refresh(refreshToken)).status).toBe(401)
  })

  test('1,000 concurrent refreshes with one token get the same successor and advance the session once', async () => {
    const { refreshToken } = await accounts.register()
    const answers = await Promise.all(Array.from({ length: 1000 }, () => accounts.refresh(refreshToken)))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    const successors = new Set(answers.map(({ body }) => body.refreshToken))
    expect(successors.size).toBe(1)
    const [successor = ''] = successors
    expect(await accounts.refreshTokens.read(successor)).toMatchObject({ generation: 2 })
    expect((await accounts.refresh(successor)).status).toBe(200)
  })

  test('without a grace period exactly one of 1,000 concurrent refreshes succeeds', async () => {
    const strict = createAccounts(database.db, { graceSeconds: 0 })
    const { refreshToken } = await strict.register()
    const answers = await Promise.all(Array.from({ length: 1000 }, () => strict.refresh(refreshToken)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    // The first failures from an address are answered 401, the others 429.
    expect(answers.filter(({ status }) => status === 401 || status === 429)).toHaveLength(999)
  })

  test.each([
    ['an unknown token', async () => 'x'],
    [
      'another server',
      async () => createAccounts(database.db).refreshTokens.issue({ sessionId: uuidv7(), generation: 1 }),
    ],
    ['no session', async () => accounts.refreshTokens.issue({ sessionId: uuidv7(), generation: 1 })],
    ['a changed generation', async () => (await accounts.register()).refreshToken.replace('_1_', '_2_')],
    ['a trailing space', async () => `${(await accounts.register()).refreshToken} `],
  ])('rejects the token: %s', async (_, make) => {
    const answer = await accounts.refresh(await make())
    expect(answer.status).toBe(401)
    expect(answer.body.code).toBe('invalid-refresh-token')
    expect(answer.headers.get('Cache-Control')).toBe('no-store')
  })

  test.each([[{}], [{ refreshToken: 7 }], [{ refreshToken: '' }], [{ refreshToken: 'x', more: 1 }], [[]]])(
    'rejects the body %j',
    async (body) => {
      expect((await accounts.call('POST', '/v1/auth/refresh', body)).status).toBe(422)
    },
  )
})

describe('signing out', () => {
  test('logout ends only its session, with any token of the family', async () => {
    const { user, refreshToken: first } = await accounts.register()
    const other = (await accounts.login(user.email)).body.refreshToken
    const second = (await accounts.refresh(first)).body.refreshToken
    const answer = await accounts.call('POST', '/v1/auth/logout', { refreshToken: first })
    expect(answer.status).toBe(204)
    expect(answer.text).toBe('')
    expect((await accounts.refresh(second)).status).toBe(401)
    expect((await accounts.refresh(other)).status).toBe(200)
  })

  test('logout with an invalid token gets the same response and ends no session', async () => {
    const { refreshToken } = await accounts.register()
    const forged = refreshToken.replace('_1_', '_2_')
    for (const token of ['x', forged]) {
      expect((await accounts.call('POST', '/v1/auth/logout', { refreshToken: token })).status).toBe(204)
    }
    expect((await accounts.refresh(refreshToken)).status).toBe(200)
  })

  test("logout-all ends only the user's sessions, and all of them", async () => {
    const [mine, theirs] = [await accounts.register(), await accounts.register()]
    const other = (await accounts.login(mine.user.email)).body.refreshToken
    const answer = await accounts.call('POST', '/v1/auth/logout-all', undefined, { token: mine.accessToken })
    expect(answer.status).toBe(204)
    expect((await accounts.refresh(mine.refreshToken)).status).toBe(401)
    expect((await accounts.refresh(other)).status).toBe(401)
    expect((await accounts.refresh(theirs.refreshToken)).status).toBe(200)
    expect(await actionsOf(mine.user.id)).toContain('session.all-ended')
  })

  test('logout-all requires a session token', async () => {
    const { refreshToken } = await accounts.register()
    expect((await accounts.call('POST', '/v1/auth/logout-all')).status).toBe(401)
    expect(
      (await accounts.call('POST', '/v1/auth/logout-all', undefined, { token: refreshToken })).status,
    ).toBe(401)
    expect((await accounts.refresh(refreshToken)).status).toBe(200)
  })
})

test('a session that starts during a password change ends with the others', async () => {
  for (let round = 0; round < 20; round += 1) {
    const { user } = await accounts.register()
    const account = await accounts.users.find(user.id)
    if (!account) throw new Error('The account is missing')
    const own = await accounts.sessions.start(user.id, account.password.hash)
    if (!own) throw new Error('The session is missing')
    const next = await accounts.hasher.hash(`${password} 2`, '')
    const [changed, ...started] = await Promise.all([
      accounts.users.changePassword(user.id, own.sessionId, account.password, next),
      ...Array.from({ length: 8 }, () => accounts.sessions.start(user.id, account.password.hash)),
    ])
    expect(changed).toBe(true)
    for (const { refreshToken } of started.filter((each) => each !== null)) {
      await expect(accounts.sessions.refresh(refreshToken)).rejects.toMatchObject({
        code: 'invalid-refresh-token',
      })
    }
    await expect(accounts.sessions.refresh(own.refreshToken)).resolves.toMatchObject({ userId: user.id })
  }
})
