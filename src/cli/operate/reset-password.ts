/** @module `flowkeep users reset-password`: sets a new password for a user who has lost theirs. */
import type { PasswordHasher } from '../../crypto/password.ts'
import { NewPassword } from '../../users/contract.ts'
import type { UserRepository } from '../../users/repository.ts'

export interface ResetPasswordDeps {
  users: UserRepository
  hasher: PasswordHasher
  /** Prompts on the terminal without echo. If absent, a password is generated. */
  askHidden?: ((question: string) => Promise<string>) | undefined
}

/**
 * Sets a generated or entered password and ends all sessions.
 * @returns the stored email address, and the password if it was generated
 * @throws {Error} for an unknown address or an invalid password
 */
export async function resetPassword(
  email: string,
  { users, hasher, askHidden }: ResetPasswordDeps,
): Promise<{ email: string; password: string | null }> {
  const password = askHidden ? await typedPassword(askHidden) : generatedPassword()
  const user = await users.resetPassword(email, await hasher.hash(password))
  if (!user) throw new Error(`No account has the email address ${email}`)
  return { email: user.email, password: askHidden ? null : password }
}

/** 120 random bits. */
const generatedPassword = (): string =>
  Buffer.from(crypto.getRandomValues(new Uint8Array(15))).toString('base64url')

async function typedPassword(askHidden: (question: string) => Promise<string>): Promise<string> {
  const parsed = NewPassword.safeParse(await askHidden('New password: '))
  if (!parsed.success) throw new Error(`Password: ${parsed.error.issues[0]?.message}`)
  if ((await askHidden('Repeat the password: ')) !== parsed.data)
    throw new Error('The passwords do not match')
  return parsed.data
}
