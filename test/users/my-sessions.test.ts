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

const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'

const login = (email: string, { agent = 'curl/8.5.0', ip = '192.0.2.9', secret = password } = {}) =>
  accounts.call(
    'POST',
    '/v1/auth/login',
    { email, password: secret },
    { ip, headers: { 'User-Agent': agent } },
  )

interface Listed {
  id: string
  current: boolean
}

const list = async (token: string): Promise<Listed[]> => {
  const { status, text } = await accounts.call('GET', '/v1/me/sessions', undefined, { token })
  expect(status).toBe(200)
  return JSON.parse(text).items
}

const end = (token: string, id: string) =>
  accounts.call('DELETE', `/v1/me/sessions/${id}`, undefined, { token })

describe('sessions', () => {
  test('are listed with device, address and times, and the current one is marked', async () => {
    const { user, accessToken } = await accounts.register()
    await login(user.email, { agent: firefox })
    expect(await list(accessToken)).toMatchObject([
      { device: 'Firefox on Linux', clientAddress: '192.0.2.9', current: false },
      { device: null, clientAddress: '192.0.2.1', current: true, lastSeenAt: expect.any(String) },
    ])
  })

  test('show the time and the address of the last refresh', async () => {
    const { user } = await accounts.register()
    const { refreshToken } = (await login(user.email)).body
    accounts.advance(3_600_000)
    const answer = await accounts.call('POST', '/v1/auth/refresh', { refreshToken }, { ip: '198.51.100.4' })
    const [session] = (await list(answer.body.accessToken)) as (Listed & {
      createdAt: string
      lastSeenAt: string
    })[]
    expect(session).toMatchObject({ current: true, clientAddress: '198.51.100.4' })
    expect(Date.parse(session?.lastSeenAt ?? '')).toBeGreaterThan(
      Date.parse(session?.createdAt ?? '') + 3_000_000,
    )
  })

  test('end one by one: the refresh token immediately, the session token after at most five seconds', async () => {
    const { user, accessToken } = await accounts.register()
    const other = (await login(user.email)).body
    expect((await accounts.me(other.accessToken)).status).toBe(200)
    const [{ id } = { id: '' }] = await list(accessToken)
    expect((await end(accessToken, id)).status).toBe(204)
    expect((await accounts.me(other.accessToken)).status).toBe(401)
    expect((await accounts.refresh(other.refreshToken)).status).toBe(401)
    expect((await end(accessToken, id)).status).toBe(404)
    expect(await list(accessToken)).toHaveLength(1)
  })

  test('that another server ended stop working after five seconds', async () => {
    const { accessToken } = await accounts.register()
    expect((await accounts.me(accessToken)).status).toBe(200)
    const [{ id } = { id: '' }] = await list(accessToken)
    await database.sql`update sessions set revoked_at = now() where id = ${id}`
    expect((await accounts.me(accessToken)).status).toBe(200)
    accounts.advance(5_000)
    expect((await accounts.me(accessToken)).status).toBe(401)
  })

  test('of other people cannot be ended', async () => {
    const [mine, theirs] = [await accounts.register(), await accounts.register()]
    const [{ id } = { id: '' }] = await list(theirs.accessToken)
    expect((await end(mine.accessToken, id)).status).toBe(404)
    expect((await accounts.me(theirs.accessToken)).status).toBe(200)
  })

  test('end all except the one of the request', async () => {
    const { user, accessToken, refreshToken } = await accounts.register()
    const other = (await login(user.email)).body
    const answer = await accounts.call('POST', '/v1/me/sessions/end-others', {}, { token: accessToken })
    expect(answer.status).toBe(204)
    expect((await accounts.me(other.accessToken)).status).toBe(401)
    expect((await accounts.me(accessToken)).status).toBe(200)
    expect((await accounts.refresh(refreshToken)).status).toBe(200)
  })

  test('all end with logout-all, and create nothing afterwards', async () => {
    const { accessToken } = await accounts.register()
    await accounts.call('POST', '/v1/auth/logout-all', {}, { token: accessToken })
    expect((await accounts.me(accessToken)).status).toBe(401)
    expect((await accounts.call('PATCH', '/v1/me', { name: 'Thief' }, { token: accessToken })).status).toBe(
      401,
    )
  })
})

test('sign-ins are listed, successful and failed, without the entered text', async () => {
  const { user, accessToken } = await accounts.register()
  const stranger = await accounts.register()
  await login(user.email, { agent: firefox })
  await login(user.email, { secret: 'planted wrong password' })
  await accounts.settled()
  const answer = await accounts.call('GET', '/v1/me/sign-ins', undefined, { token: accessToken })
  expect(JSON.parse(answer.text).items).toMatchObject([
    { success: false, method: 'password', device: 'curl', clientAddress: '192.0.2.9', sessionId: null },
    { success: true, method: 'password', device: 'Firefox on Linux', sessionId: expect.any(String) },
    { success: true, method: 'registration', device: null },
  ])
  expect(await database.dump()).not.toContain('planted wrong password')
  const theirs = await accounts.call('GET', '/v1/me/sign-ins', undefined, { token: stranger.accessToken })
  expect(JSON.parse(theirs.text).items).toHaveLength(1)
  const page = await accounts.call('GET', '/v1/me/sign-ins?limit=2', undefined, { token: accessToken })
  expect(JSON.parse(page.text)).toMatchObject({ items: [{}, {}], nextCursor: expect.any(String) })
})
