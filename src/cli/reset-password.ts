/** @module `flowkeep users reset-password`: the way back in for somebody who has lost the password. */
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { parseArgs } from 'node:util'
import type { PasswordHasher } from '../crypto/password.ts'
import { NewPassword } from '../users/contract.ts'
import type { UserRepository } from '../users/repository.ts'

const usage = 'Usage: npm run flowkeep -- users reset-password <email> [--ask]'

export interface ResetPasswordDeps {
  users: UserRepository
  hasher: PasswordHasher
  print?: (line: string) => void
  /** Asks on the terminal without showing what is typed. */
  askHidden?: (question: string) => Promise<string>
}

/**
 * Sets a generated password and prints it this once, or with `--ask` one that is typed in. All sessions end.
 * @throws {Error} for wrong arguments, an unknown address or an unfit password
 */
export async function resetPassword(
  args: string[],
  { users, hasher, print = console.log, askHidden = askOnTerminal }: ResetPasswordDeps,
): Promise<void> {
  const { email, ask } = parse(args)
  const password = ask ? await typedPassword(askHidden) : generatedPassword()
  const user = await users.resetPassword(email, await hasher.hash(password))
  if (!user) throw new Error(`There is no account with the e-mail address ${email}`)
  print(`The password of ${user.email} is set, and all sessions are ended.`)
  if (!ask) print(`New password, shown this once: ${password}`)
}

function parse(args: string[]): { email: string; ask: boolean } {
  try {
    const { positionals, values } = parseArgs({
      args,
      options: { ask: { type: 'boolean', default: false } },
      allowPositionals: true,
    })
    const [email, ...rest] = positionals
    if (email && rest.length === 0) return { email, ask: values.ask }
  } catch {
    // The usage says what was wrong.
  }
  throw new Error(usage)
}

/** 120 random bits. */
const generatedPassword = (): string =>
  Buffer.from(crypto.getRandomValues(new Uint8Array(15))).toString('base64url')

async function typedPassword(askHidden: (question: string) => Promise<string>): Promise<string> {
  const result = NewPassword.safeParse(await askHidden('New password: '))
  if (!result.success) throw new Error(`Password: ${result.error.issues[0]?.message}`)
  if ((await askHidden('Again: ')) !== result.data) throw new Error('The two passwords differ')
  return result.data
}

async function askOnTerminal(question: string): Promise<string> {
  process.stdout.write(question)
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const terminal = createInterface({ input: process.stdin, output: nowhere, terminal: process.stdin.isTTY })
  try {
    return await terminal.question('')
  } finally {
    terminal.close()
    process.stdout.write('\n')
  }
}
