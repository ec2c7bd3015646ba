/** @module The rings of the environment as they are written, and how commands describe and print them. */
import { type KeyRing, type RingKey, type RingName, ringNames } from '../../crypto/key-ring.ts'
import type { KmsName } from '../../crypto/kms/wrapped-key.ts'
import type { KeyUsage } from '../../db/key-usage.ts'
import type { Deps } from '../../deps.ts'
import { UsageError } from '../failure.ts'
import { plural } from '../terminal.ts'

export interface RawRing {
  active: string
  keys: Record<string, unknown>
}

const services: Record<KmsName, string> = { aws: 'AWS KMS', gcp: 'Google Cloud KMS', vault: 'Vault' }

export const wrappedBy = (key: RingKey | undefined): KmsName | null =>
  key === undefined || key instanceof Uint8Array ? null : key.wrapped.kms

export const describeWrapping = (kms: KmsName | null): string =>
  kms === null ? 'not wrapped' : services[kms]

export const ringsOf = ({ config }: Pick<Deps, 'config'>): Record<RingName, KeyRing> => ({
  CREDENTIAL_KEYS: config.credentialKeys,
  ACCESS_TOKEN_KEYS: config.accessTokenKeys,
  REFRESH_TOKEN_KEYS: config.refreshTokenKeys,
  PASSWORD_PEPPERS: config.passwordPeppers,
})

/** @throws {UsageError} */
export function ringNameOf(text: string): RingName {
  const name = ringNames.find((each) => each === text.toUpperCase())
  if (name) return name
  throw new UsageError(`There is no key ring with this name. Use one of: ${ringNames.join(', ')}.`)
}

const nouns: Record<string, string> = { users: 'password' }

/** Such as `3 credentials, 1 instance`. */
export function describeRows(usage: readonly KeyUsage[]): string {
  const byTable = new Map<string, number>()
  for (const { table, rows } of usage) byTable.set(table, (byTable.get(table) ?? 0) + rows)
  return Array.from(byTable, ([table, rows]) =>
    plural(rows, nouns[table] ?? table.replaceAll('_', ' ').replace(/s$/, '')),
  ).join(', ')
}

/** Quoted, so that shells and env files read it alike. */
export const variableLine = (name: string, value: string): string =>
  `${name}='${value.replaceAll("'", String.raw`\u0027`)}'`
