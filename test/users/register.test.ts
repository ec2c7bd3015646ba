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

const register = (body: unknown) => accounts.call('POST', '/v1/auth/register', body)

describe('POST /v1/auth/register', () => {
  test('creates an account and signs in', async () => {
    const email = newEmail()
    const answer = await register({ email, password, name: ' Ada ' })
    expect(answer.status).toBe(201)
    expect(answer.headers.get('Cache-Control')).toBe('no-store')
    expect(Object.keys(answer.body).toSorted()).toEqual([
      'accessToken',
      'deviceToken',
      'expiresIn',
      'refreshToken',
      'user',
    ])
    expect(Object.keys(answer.body.user).toSorted()).toEqual([
      'createdAt',
      'email',
      'emailVerified',
      'id',
      'name',
      'pendingEmail',
    ])
    expect(answer.body).toMatchObject({ user: { email, name: 'Ada' }, expiresIn: 300 })
    expect((await accounts.me(answer.body.accessToken)).body).toEqual(answer.body.user)
    expect((await accounts.refresh(answer.body.refreshToken)).status).toBe(200)
  })

  test('the name is optional', async () => {
    expect((await accounts.register()).user.name).toBeNull()
    expect((await accounts.register({ name: null })).user.name).toBeNull()
  })

  test('an email address is accepted in any case', async () => {
    const { user } = await accounts.register()
    for (const email of [user.email, user.email.toUpperCase(), user.email.replace('user', 'User')]) {
      const answer = await register({ email, password })
      expect(answer.status).toBe(409)
      expect(answer.body.code).toBe('email-taken')
    }
    expect((await accounts.login(user.email.toUpperCase())).status).toBe(200)
  })

  test('trims white space around the email address', async () => {
    const email = newEmail()
    const answer = await register({ email: `\u3000 ${email}\u200b\n`, password })
    expect(answer).toMatchObject({ status: 201, body: { user: { email } } })
    expect((await accounts.login(`\u00a0${email} `)).status).toBe(200)
    expect((await register({ email: 'a b@example.com', password })).status).toBe(422)
  })

  test('only one of 20 concurrent registrations of the same address succeeds', async () => {
    const email = newEmail()
    const answers = await Promise.all(Array.from({ length: 20 }, () => register({ email, password })))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(19)
  })

  test('an address in use costs one hash, like a free one', async () => {
    const { user } = await accounts.register()
    accounts.scrypt.mockClear()
    await register({ email: user.email, password })
    expect(accounts.scrypt).toHaveBeenCalledTimes(1)
  })

  test.each([
    ['no @', 'ada.example.com'],
    ['no domain', 'ada@'],
    ['one label', 'ada@localhost'],
    ['a space', 'ada @example.com'],
    ['two @', 'ada@b@example.com'],
    ['a leading dot', '.ada@example.com'],
    ['two dots', 'a..da@example.com'],
    ['a line break', 'ada@example.com\r\nBcc: x@y.zz'],
    ['a NUL', 'a\u0000da@example.com'],
    ['markup', '<b>@example.com'],
    ['255 characters', `${'a'.repeat(60)}@${'b.'.repeat(95)}com${'x'.repeat(1)}`.padStart(255, 'a')],
    ['65 characters before the @', `${'a'.repeat(65)}@example.com`],
    ['a hundred thousand characters', `${'a.'.repeat(20_000)}@`],
    ['a number', 7],
    ['null', null],
  ])('rejects the address %s', async (_, email) => {
    const answer = await register({ email, password })
    expect(answer.status).toBe(422)
    expect(answer.body.errors[0].pointer).toBe('/email')
  })

  test.each(["o'brien+tag@sub.example.co.uk", 'x@example.xn--p1ai', 'A_b-c@EXAMPLE.com', '1@2.io'])(
    'accepts the address %s',
    async (address) => {
      const email = address.replace('@', `${Math.random().toString(36).slice(2)}@`)
      expect((await register({ email, password })).body.user.email).toBe(email)
    },
  )

  test.each([
    ['7 characters', 'Xk4#9qZ'],
    ['7 emoji in 14 code units', '🔑'.repeat(4) + '🗝'.repeat(3)],
    ['a common password', 'password1'],
    ['a common password in capitals', 'PASSWORD1'],
    ['digits in order', '123456789'],
    ['one repeated character', 'aaaaaaaaaaaa'],
    ['a keyboard row', 'qwertyuiop'],
    ['1,025 characters', 'x1'.repeat(512).concat('y')],
    ['an unpaired surrogate', 'abcdefgh\ud800'],
    ['a number', 12345678],
  ])('rejects the password without hashing: %s', async (_, refused) => {
    accounts.scrypt.mockClear()
    const answer = await register({ email: newEmail(), password: refused })
    expect(answer.status).toBe(422)
    expect(answer.body.errors[0].pointer).toBe('/password')
    expect(answer.text).not.toContain(JSON.stringify(refused).slice(1, -1))
    expect(accounts.scrypt).not.toHaveBeenCalled()
  })

  test('rejects a password that equals the email address', async () => {
    const email = newEmail()
    expect((await register({ email, password: email.toUpperCase() })).body.errors[0].pointer).toBe(
      '/password',
    )
  })

  test('rejects a password of one megabyte without hashing', async () => {
    accounts.scrypt.mockClear()
    expect((await register({ email: newEmail(), password: 'x'.repeat(1_048_576) })).status).toBe(413)
    expect(accounts.scrypt).not.toHaveBeenCalled()
  })

  test.each([
    ['spaces at both ends', `  ${'four words make this '.repeat(3)}`],
    ['8 emoji', '🔑🗝🔒🔓🔐🚪🏠🧱'],
    ['1,024 characters', 'xY3!'.repeat(200).concat('z'.repeat(224))],
  ])('stores the exact password: %s', async (_, exact) => {
    const { user } = await accounts.register({ password: exact })
    expect((await accounts.login(user.email, exact)).status).toBe(200)
    const characters = Array.from(exact)
    const changed = ['!', ...characters.slice(1)].join('')
    const near = [
      exact.trim(),
      characters.slice(1).join(''),
      characters.slice(0, -1).join(''),
      changed,
    ].filter((text) => text !== exact)
    for (const text of near) expect((await accounts.login(user.email, text)).status).toBe(401)
  })

  test.each([
    ['72 letters', 'abcdefghi'.repeat(8)],
    ['64 emoji', '🔑🗝'.repeat(32)],
  ])('does not truncate the password after %s', async (_, start) => {
    const { user } = await accounts.register({ password: `${start}X` })
    expect((await accounts.login(user.email, `${start}Y`)).status).toBe(401)
    expect((await accounts.login(user.email, `${start}X`)).status).toBe(200)
  })

  test('does not truncate the password after U+0000, or rejects it', async () => {
    const email = newEmail()
    const registered = await register({ email, password: 'abcdefgh\u0000def' })
    expect([201, 422]).toContain(registered.status)
    expect((await accounts.login(email, 'abcdefgh')).status).toBe(401)
    expect([401, 422]).toContain((await accounts.login(email, 'abcdefgh\u0000xyz')).status)
  })

  test.each([
    ['id', '0190a000-0000-7000-8000-000000000000'],
    ['isAdmin', true],
    ['passwordHash', 'x'],
    ['createdAt', '2020-01-01T00:00:00Z'],
    ['deletedAt', null],
  ])('rejects the unknown field %s', async (name, value) => {
    const answer = await register({ email: newEmail(), password, [name]: value })
    expect(answer.status).toBe(422)
    expect(answer.body.errors[0].pointer).toBe(`/${name}`)
  })

  test.each([
    ['invalid JSON', '{', 400],
    ['not an object', '[]', 422],
    ['nothing', '', 400],
  ])('rejects %s', async (_, body, status) => {
    expect((await register(body)).status).toBe(status)
  })

  test('neither the database nor the log contains passwords or tokens', async () => {
    const canary = 'canary-5b1e9c-password'
    const { user, accessToken, refreshToken } = await accounts.register({ password: canary })
    await accounts.login(user.email, canary)
    await accounts.login(user.email, `${canary}-wrong`)
    await accounts.refresh(refreshToken)
    await accounts.call('POST', '/v1/auth/register', { email: user.email, password: canary })
    await accounts.settled()
    const kept = `${await database.dump()}\n${accounts.logged.join('\n')}`
    expect(kept).toContain(user.email)
    const mac = refreshToken.slice(-43)
    for (const secret of [canary, btoa(canary), accessToken, refreshToken, mac])
      expect(kept).not.toContain(secret)
  })

  test('records the registration', async () => {
    const { user } = await accounts.register()
    const events = await database.sql`select action, subject_id from audit_events where user_id = ${user.id}`
    expect(events).toEqual([{ action: 'user.registered', subject_id: user.id }])
  })
})
