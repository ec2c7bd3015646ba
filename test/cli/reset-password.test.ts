import { afterAll, beforeAll, expect, test } from 'vitest'
import { resetPassword } from '../../src/cli/reset-password.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { type Accounts, createAccounts, newEmail } from '../users/fixture.ts'

let database: TestDatabase
let accounts: Accounts

beforeAll(async () => {
  database = await createTestDatabase()
  accounts = createAccounts(database.db)
})
afterAll(() => database.close())

/** Runs the command with these answers on the terminal; gives what it printed. */
async function run(args: string[], answers: string[] = []): Promise<string> {
  const lines: string[] = []
  const { users, hasher } = accounts
  const askHidden = async () => answers.shift() ?? ''
  await resetPassword(args, { users, hasher, print: (line) => lines.push(line), askHidden })
  return lines.join('\n')
}

test('sets a generated password, prints it once and ends all sessions', async () => {
  const { user, refreshToken } = await accounts.register()
  const printed = await run([user.email.toUpperCase()])
  const generated = /shown this once: (\S{20})$/.exec(printed)?.[1] ?? ''
  expect((await accounts.login(user.email)).status).toBe(401)
  expect((await accounts.login(user.email, generated)).status).toBe(200)
  expect((await accounts.refresh(refreshToken)).status).toBe(401)
  expect(await database.dump()).not.toContain(generated)
})

test('sets the password that is typed in, and does not print it', async () => {
  const { user } = await accounts.register()
  const typed = 'typed on the terminal'
  expect(await run([user.email, '--ask'], [typed, typed])).not.toContain(typed)
  expect((await accounts.login(user.email, typed)).status).toBe(200)
})

test.each([
  ['the two differ', ['typed on the terminal', 'typed another way'], /differ/],
  ['it is common', ['password1', 'password1'], /common/],
  ['it is short', ['short', 'short'], /8 characters/],
])('changes nothing when %s', async (_, answers, message) => {
  const { user, refreshToken } = await accounts.register()
  await expect(run([user.email, '--ask'], answers)).rejects.toThrow(message)
  expect((await accounts.login(user.email)).status).toBe(200)
  expect((await accounts.refresh(refreshToken)).status).toBe(200)
})

test('says that there is no such account', async () => {
  await expect(run([newEmail()])).rejects.toThrow('There is no account')
})

test.each([[[]], [['a@example.com', 'b@example.com']], [['a@example.com', '--force']]])(
  'explains itself for the arguments %j',
  async (args) => {
    await expect(run(args)).rejects.toThrow('Usage: ')
  },
)
