import { afterAll, beforeAll, expect, test } from 'vitest'
import { resetLink, resetPassword } from '../../src/cli/operate/reset-password.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { type Accounts, createAccounts, newEmail } from '../users/fixture.ts'

let database: TestDatabase
let accounts: Accounts

beforeAll(async () => {
  database = await createTestDatabase()
  accounts = createAccounts(database.db)
})
afterAll(() => database.close())

/** Runs the command. With answers, enters them as the password. */
async function run(email: string, answers?: string[]) {
  const { users, hashNew } = accounts
  const askHidden = answers && (async () => answers.shift() ?? '')
  return resetPassword(email, { users, hashNew, askHidden })
}

test('sets a generated password, prints it once and ends all sessions', async () => {
  const { user, refreshToken } = await accounts.register()
  const { email, password: generated } = await run(user.email.toUpperCase())
  expect(email).toBe(user.email)
  expect(generated).toMatch(/^\S{20}$/)
  expect((await accounts.login(user.email)).status).toBe(401)
  expect((await accounts.login(user.email, generated ?? '')).status).toBe(200)
  expect((await accounts.refresh(refreshToken)).status).toBe(401)
  expect(await database.dump()).not.toContain(generated)
})

test('sets the entered password and does not print it', async () => {
  const { user } = await accounts.register()
  const typed = 'typed on the terminal'
  expect(await run(user.email, [typed, typed])).toEqual({ email: user.email, password: null })
  expect((await accounts.login(user.email, typed)).status).toBe(200)
})

test.each([
  ['the two differ', ['typed on the terminal', 'typed another way'], /do not match/],
  ['it is common', ['password1', 'password1'], /common/],
  ['it is short', ['short', 'short'], /8 characters/],
])('changes nothing when %s', async (_, answers, message) => {
  const { user, refreshToken } = await accounts.register()
  await expect(run(user.email, answers)).rejects.toThrow(message)
  expect((await accounts.login(user.email)).status).toBe(200)
  expect((await accounts.refresh(refreshToken)).status).toBe(200)
})

test('prints a link that sets a password once and changes nothing else', async () => {
  const { user, refreshToken } = await accounts.register()
  const { email, link } = await resetLink(user.email.toUpperCase(), accounts.links, 'https://flowkeep.test')
  expect(email).toBe(user.email)
  expect((await accounts.login(user.email)).status).toBe(200)
  const [page, token] = link.split('#')
  expect(page).toBe('https://flowkeep.test/reset-password')
  const body = { token, newPassword: 'chosen by the owner' }
  expect((await accounts.call('POST', '/v1/auth/reset-password', body)).status).toBe(204)
  expect((await accounts.call('POST', '/v1/auth/reset-password', body)).status).toBe(422)
  const { user: owner } = (await accounts.login(user.email, body.newPassword)).body
  expect(owner).toMatchObject({ email, emailVerified: false })
  expect((await accounts.refresh(refreshToken)).status).toBe(401)
})

test('reports an unknown account', async () => {
  await expect(run(newEmail())).rejects.toThrow('No account has the email address')
})
