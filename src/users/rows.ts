/** @module The columns of an account that its owner sees. */
import { sql } from 'drizzle-orm'
import { users } from '../db/schema/users.ts'
import type { User } from './contract.ts'

/** For a query over `users`. */
export const userColumns = {
  id: users.id,
  email: users.email,
  name: users.name,
  createdAt: users.createdAt,
  emailVerifiedAt: users.emailVerifiedAt,
  pendingEmail: sql<string | null>`(
    select l.email from account_links l
    where l.user_id = ${users}.id and l.purpose = 'confirm-email' and l.expires_at > now()
      and lower(l.email) <> lower(${users}.email)
    order by l.id desc limit 1)`,
}

export interface UserRow {
  id: string
  email: string
  name: string | null
  createdAt: Date
  emailVerifiedAt: Date | null
  pendingEmail: string | null
}

export const toUser = ({ id, email, name, createdAt, emailVerifiedAt, pendingEmail }: UserRow): User => ({
  id,
  email,
  name,
  createdAt: createdAt.toISOString(),
  emailVerified: emailVerifiedAt !== null,
  pendingEmail,
})
