/** @module `flowkeep users reset-factors`: removes the second factors of a person who lost all of them. */
import type { CommandInput } from '../command.ts'
import { jsonResult, message } from '../terminal.ts'
import { withDeps } from './with-deps.ts'

export const resetFactorsCommand = ({ positionals, flags }: CommandInput): Promise<void> =>
  withDeps(async ({ users, factorRepository }) => {
    const email = positionals[0] ?? ''
    const account = await users.findByEmail(email)
    if (!account) throw new Error(`No account has the email address ${email}.`)
    await factorRepository.reset(account.user.id)
    if (flags.has('json')) return jsonResult({ email: account.user.email })
    message(`The second factors of ${account.user.email} were removed, and all sessions were ended.`)
  })
