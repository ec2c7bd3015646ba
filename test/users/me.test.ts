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

const wrong = 'a wrong password'
const patch = (token: string, body: unknown) => accounts.call('PATCH', '/v1/me', body, { token })
const post = (path: string, token: string, body: unknown) => accounts.call('POST', path, body, { token })

test.each([
  ['GET', '/v1/me'],
  ['PATCH', '/v1/me'],
  ['POST', '/v1/me/password'],
  ['POST', '/v1/me/delete'],
])('%s %s requires a session', async (method, path) => {
  expect((await accounts.call(method, path, method === 'GET' ? undefined : {})).status).toBe(401)
})

describe('PATCH /v1/me', () => {
  test('changes only the name; null removes it', async () => {
    const { user, accessToken } = await accounts.register({ name: 'Ada' })
    expect((await patch(accessToken, { name: 'Grace' })).body).toEqual({ ...user, name: 'Grace' })
    expect((await patch(accessToken, {})).body).toEqual({ ...user, name: 'Grace' })
    expect((await patch(accessToken, { name: null })).body.name).toBeNull()
    expect((await accounts.me(accessToken)).body).toEqual(user.name ? { ...user, name: null } : user)
  })

  test('changes the email address with the current password', async () => {
    const { user, accessToken } = await accounts.register()
    const email = newEmail()
    const answer = await patch(accessToken, { email, currentPassword: password })
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual({ ...user, email })
    expect((await accounts.login(user.email)).status).toBe(401)
    expect((await accounts.login(email)).status).toBe(200)
  })

  test('requires the correct current password to change the email address', async () => {
    const { user, accessToken } = await accounts.register()
    const without = await patch(accessToken, { email: newEmail() })
    expect(without.status).toBe(422)
    expect(without.body.errors[0].pointer).toBe('/currentPassword')
    const refused = await patch(accessToken, { email: newEmail(), currentPassword: wrong })
    expect(refused.status).toBe(401)
    expect(refused.body.code).toBe('bad-credentials')
    expect((await accounts.me(accessToken)).body).toEqual(user)
  })

  test("rejects another user's email address in any case", async () => {
    const [mine, theirs] = [await accounts.register(), await accounts.register()]
    const email = theirs.user.email.toUpperCase()
    const answer = await patch(mine.accessToken, { email, currentPassword: password })
    expect(answer.status).toBe(409)
    expect(answer.body.code).toBe('email-taken')
  })

  test("accepts the user's own email address in another case", async () => {
    const { user, accessToken } = await accounts.register()
    const email = user.email.toUpperCase()
    expect((await patch(accessToken, { email, currentPassword: password })).body.email).toBe(email)
  })

  test.each([
    ['id', { id: 'x' }, '/id'],
    ['password', { password: 'another good one' }, '/password'],
    ['createdAt', { createdAt: 'x' }, '/createdAt'],
    ['an empty name', { name: '  ' }, '/name'],
    ['a long name', { name: 'x'.repeat(201) }, '/name'],
    ['a name that is not a string', { name: 7 }, '/name'],
    ['an invalid address', { email: 'x', currentPassword: password }, '/email'],
  ])('rejects %s', async (_, body, pointer) => {
    const { user, accessToken } = await accounts.register()
    const answer = await patch(accessToken, body)
    expect(answer.status).toBe(422)
    expect(answer.body.errors[0].pointer).toBe(pointer)
    expect((await accounts.me(accessToken)).body).toEqual(user)
  })
})

describe('POST /v1/me/password', () => {
  const newPassword = 'another good one'

  test('sets the new password and ends all other sessions', async () => {
    const { user, accessToken, refreshToken } = await accounts.register()
    const other = (await accounts.login(user.email)).body.refreshToken
    const answer = await post('/v1/me/password', accessToken, { currentPassword: password, newPassword })
    expect(answer.status).toBe(204)
    expect((await accounts.refresh(other)).status).toBe(401)
    expect((await accounts.refresh(refreshToken)).status).toBe(200)
    expect((await accounts.login(user.email, password)).status).toBe(401)
    expect((await accounts.login(user.email, newPassword)).status).toBe(200)
  })

  test('changes nothing when the current password is wrong', async () => {
    const { user, accessToken, refreshToken } = await accounts.register()
    const answer = await post('/v1/me/password', accessToken, { currentPassword: wrong, newPassword })
    expect(answer.status).toBe(401)
    expect(answer.body.code).toBe('bad-credentials')
    expect((await accounts.refresh(refreshToken)).status).toBe(200)
    expect((await accounts.login(user.email)).status).toBe(200)
  })

  test.each([
    ['a common password', { currentPassword: password, newPassword: 'password1' }],
    ['a short password', { currentPassword: password, newPassword: 'x' }],
    ['no current password', { newPassword }],
    ['more', { currentPassword: password, newPassword, userId: 'x' }],
  ])('rejects %s', async (_, body) => {
    const { accessToken } = await accounts.register()
    expect((await post('/v1/me/password', accessToken, body)).status).toBe(422)
  })

  test('only one of two concurrent changes with the same current password succeeds', async () => {
    const { user, accessToken } = await accounts.register()
    const choices = ['first good choice', 'second good choice']
    const answers = await Promise.all(
      choices.map((choice) =>
        post('/v1/me/password', accessToken, { currentPassword: password, newPassword: choice }),
      ),
    )
    const won = choices.filter((_, at) => answers[at]?.status === 204)
    expect(won).toHaveLength(1)
    expect((await accounts.login(user.email, won[0])).status).toBe(200)
  })
})

describe('POST /v1/me/delete', () => {
  test('prevents sign-in immediately, frees the email address and purges the data', async () => {
    const { user, accessToken, refreshToken } = await accounts.register()
    const answer = await post('/v1/me/delete', accessToken, { password })
    expect(answer.status).toBe(204)
    expect((await accounts.refresh(refreshToken)).status).toBe(401)
    expect((await accounts.login(user.email)).status).toBe(401)
    expect((await accounts.me(accessToken)).status).toBe(401)
    const again = await accounts.call('POST', '/v1/auth/register', { email: user.email, password })
    expect(again.status).toBe(201)
    expect(again.body.user.id).not.toBe(user.id)
    await accounts.settled()
    const trail = /^-- (?:audit_heads|erased_audit_events)\n(?:\(.*\n?)*/gm
    const dump = await database.dump()
    expect(dump.replaceAll(trail, '')).not.toContain(user.id)
    expect(dump.split(user.email)).toHaveLength(2)
    expect((await accounts.me(again.body.accessToken)).status).toBe(200)
  })

  test('changes nothing when the password is wrong', async () => {
    const { user, accessToken } = await accounts.register()
    expect((await post('/v1/me/delete', accessToken, { password: wrong })).status).toBe(401)
    expect((await accounts.me(accessToken)).body).toEqual(user)
    expect((await accounts.login(user.email)).status).toBe(200)
  })

  test.each([[{}], [{ password: 7 }], [{ password, userId: 'x' }]])('rejects %j', async (body) => {
    const { accessToken } = await accounts.register()
    expect((await post('/v1/me/delete', accessToken, body)).status).toBe(422)
  })
})
