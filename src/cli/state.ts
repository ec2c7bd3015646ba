/** @module The development state beside the project: keys made on first start, and the embedded database's folder. */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { settingNames } from './variables.ts'

export const stateDir = (): string => resolve(process.env.FLOWKEEP_STATE ?? '.flowkeep')
export const dataDir = (): string => join(stateDir(), 'data')

const keyNames = ['CREDENTIAL_KEYS', 'ACCESS_TOKEN_KEYS', 'REFRESH_TOKEN_KEYS', 'PASSWORD_PEPPERS'] as const

/** A fresh set of every key that the configuration asks for. */
export function generateKeys(): Record<string, string> {
  const key = () => randomBytes(32).toString('base64')
  const rings = keyNames.map((name) => [name, JSON.stringify({ active: 'k1', keys: { k1: key() } })] as const)
  return { ...Object.fromEntries(rings), FINGERPRINT_KEY: key() }
}

const keysFile = () => join(stateDir(), 'keys.json')

/** Makes the state folder's keys, readable by their owner only, unless they are there. */
export function ensureKeys(): void {
  mkdirSync(stateDir(), { recursive: true, mode: 0o700 })
  if (existsSync(keysFile())) return
  writeFileSync(keysFile(), `${JSON.stringify(generateKeys(), null, 2)}\n`, { mode: 0o600, flag: 'wx' })
}

/**
 * The keys in the environment; any that is missing there comes from the state folder, and stays missing where there is
 * none: a key made up now would seal and hash what the server's own keys never open.
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

/** The settings in the environment, beside keys and database, that a development server takes over. */
export function passedSettings(): Record<string, string> {
  const own = new Set<string>([
    ...keyNames,
    'FINGERPRINT_KEY',
    'DATABASE_URL',
    'DATABASE_REPLICA_URL',
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
