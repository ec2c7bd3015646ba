/** @module Which second factors an account has, as columns of a query of `users`. */
import { sql } from 'drizzle-orm'

export const factorMethods = ['totp', 'passkey', 'recovery-code'] as const
export type FactorMethod = (typeof factorMethods)[number]

/** Recovery codes alone are no factor: they exist only beside another one. */
export const methodsColumn = sql<FactorMethod[]>`array_remove(array[
  case when exists (select from totp_factors f where f.user_id = users.id and f.confirmed_at is not null) then 'totp' end,
  case when exists (select from passkeys f where f.user_id = users.id) then 'passkey' end,
  case when exists (select from recovery_codes f where f.user_id = users.id) then 'recovery-code' end
], null)`

export const needsSecondFactor = (methods: readonly FactorMethod[]): boolean =>
  methods.includes('totp') || methods.includes('passkey')
