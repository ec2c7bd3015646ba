/** @module The columns of a credential that a client may see, and the context that encrypts its data. */
import type { SecretContext } from '../crypto/secret-box.ts'
import { credentials } from '../db/schema/credentials.ts'
import type { Credential } from './contract.ts'

/** Every column except the encrypted data. */
export const visible = {
  id: credentials.id,
  service: credentials.service,
  type: credentials.type,
  name: credentials.name,
  fields: credentials.fields,
  known: credentials.known,
  status: credentials.status,
  lastValidatedAt: credentials.lastValidatedAt,
  validationError: credentials.validationError,
  version: credentials.version,
  createdAt: credentials.createdAt,
  updatedAt: credentials.updatedAt,
}

export type VisibleRow = Pick<typeof credentials.$inferSelect, keyof typeof visible>

/** Copies only the visible columns, so that extra ones never leak. */
export function toCredential(row: VisibleRow): Credential {
  return {
    id: row.id,
    service: row.service,
    type: row.type,
    name: row.name,
    fields: row.fields,
    known: row.known,
    status: row.status,
    lastValidatedAt: row.lastValidatedAt?.toISOString() ?? null,
    validationError: row.validationError,
    version: row.version,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  }
}

export interface RowKey {
  userId: string
  id: string
  type: string
}

export const contextOf = ({ userId, id, type }: RowKey): SecretContext => ({
  purpose: 'n8n-credential',
  userId,
  rowId: id,
  type,
})
