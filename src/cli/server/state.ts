/** @module The development state in the project folder: generated keys and the embedded database. */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { settingNames } from '../variables.ts'

export const stateDir = (): string => resolve(process.env.FLOWKEEP_STATE ?? '.flowkeep')
export const dataDir = (): string => join(stateDir(), 'data')

const keyNames = ['CREDENTIAL_KEYS', 'ACCESS_TOKEN_KEYS', 'REFRESH_TOKEN_KEYS', 'PASSWORD_PEPPERS'] as const

/** A new set of all keys in the configuration. */
export function generateKeys(): Record<string, string> {
  const key = () => randomBytes(32).toString('base64')
  const rings = keyNames.map((name) => [name, JSON.stringify({ active: 'k1', keys: { k1: key() } })] as const)
  return { ...Object.fromEntries(rings), FINGERPRINT_KEY: key() }
}

const keysFile = () => join(stateDir(), 'keys.json')

/** Creates the state folder's keys, readable only by their owner, if they do not exist. */
export function ensureKeys(): void {
  mkdirSync(stateDir(), { recursive: true, mode: 0o700 })
  if (existsSync(keysFile())) return
  writeFileSync(keysFile(), `${JSON.stringify(generateKeys(), null, 2)}\n`, { mode: 0o600, flag: 'wx' })
}

/**
 * The keys from the environment, or else from the state folder. Never generates keys, because the server's own keys could
 * not decrypt what new ones encrypt.
 */
export function loadKeys(): Record<string, string> {
  const stored = existsSync(keysFile())
    ? (JSON.parse(readFileSync(keysFile(), 'utf8')) as Record<string, string>)
    : {}
  const given = [...keyNames, 'FINGERPRINT_KEY'].flatMap((name) => {
    const value = process.env[name] ?? stored[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return Object.fromEntries(given)
}

/** Settings other than keys and database that a development server takes from the environment. */
export function passedSettings(): Record<string, string> {
  const own = new Set<string>([
    ...keyNames,
    'FINGERPRINT_KEY',
    'DATABASE_URL',
    'DATABASE_REPLICA_URL',
    'DATABASE_CA_FILE',
    'PUBLIC_URL',
  ])
  const entries = settingNames
    .filter((name) => !own.has(name))
    .flatMap((name) => {
      const value = process.env[name]
      return value === undefined || value === '' ? [] : [[name, value] as const]
    })
  return Object.fromEntries(entries)
}
