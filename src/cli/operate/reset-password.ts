/** @module `flowkeep users reset-password`: sets a new password for a user who has lost theirs, or prints a link that does. */
import { asOperator } from '../../db/actor.ts'
import type { AccountLinks } from '../../users/account-mail/account-links.ts'
import { linkPaths } from '../../users/account-mail/texts.ts'
import type { HashNewPassword } from '../../users/breached-passwords.ts'
import { loadCommonPasswords } from '../../users/common-passwords.ts'
import { NewPassword } from '../../users/contract.ts'
import type { UserRepository } from '../../users/repository.ts'
import type { CommandInput } from '../command.ts'
import { ask, jsonResult, message, result } from '../terminal.ts'
import { withDeps } from './with-deps.ts'

export interface ResetPasswordDeps {
  users: UserRepository
  hashNew: HashNewPassword
  /** Prompts on the terminal without echo. If absent, a password is generated. */
  askHidden?: ((question: string) => Promise<string>) | undefined
}

export const resetPasswordCommand = ({ positionals, flags }: CommandInput): Promise<void> =>
  withDeps(async ({ users, hashNew, accountLinks, config }) => {
    if (flags.has('link')) {
      const issued = await asOperator(() => resetLink(positionals[0] ?? '', accountLinks, config.publicUrl))
      if (flags.has('json')) return jsonResult(issued)
      message(`Send this link to ${issued.email}. It works once, within 30 minutes.`)
      return result(issued.link)
    }
    const askHidden = flags.has('ask') ? (question: string) => ask(question, true) : undefined
    const reset = await resetPassword(positionals[0] ?? '', { users, hashNew, askHidden })
    if (flags.has('json')) return jsonResult(reset)
    message(`The password of ${reset.email} was set, and all sessions were ended.`)
    if (reset.password !== null) result(`New password, shown only once: ${reset.password}`)
  })

/**
 * Sets a generated or entered password and ends all sessions.
 * @returns the stored email address, and the password if it was generated
 * @throws {Error} for an unknown address or an invalid password
 */
export async function resetPassword(
  email: string,
  { users, hashNew, askHidden }: ResetPasswordDeps,
): Promise<{ email: string; password: string | null }> {
  const password = askHidden ? await typedPassword(askHidden) : generatedPassword()
  const hashed = await hashNew(password, 'operator', '/password')
  const user = await asOperator(() => users.resetPassword(email, hashed))
  if (!user) throw new Error(`No account has the email address ${email}.`)
  return { email: user.email, password: askHidden ? null : password }
}

/** @throws {Error} for an unknown address */
export async function resetLink(
  email: string,
  links: Pick<AccountLinks, 'issueReset'>,
  publicUrl: string,
): Promise<{ email: string; link: string }> {
  const issued = await links.issueReset(email)
  if (!issued) throw new Error(`No account has the email address ${email}.`)
  return { email: issued.email, link: `${publicUrl}${linkPaths['reset-password']}#${issued.token}` }
}

/** 120 random bits. */
const generatedPassword = (): string =>
  Buffer.from(crypto.getRandomValues(new Uint8Array(15))).toString('base64url')

async function typedPassword(askHidden: (question: string) => Promise<string>): Promise<string> {
  await loadCommonPasswords()
  const parsed = NewPassword.safeParse(await askHidden('New password: '))
  if (!parsed.success) throw new Error(`Invalid password. ${parsed.error.issues[0]?.message}.`)
  if ((await askHidden('Repeat the password: ')) !== parsed.data)
    throw new Error('The passwords do not match.')
  return parsed.data
}
