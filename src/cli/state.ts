/** @module The development state beside the project: keys made on first start, and the embedded database's folder. */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

export const stateDir = (): string => resolve(process.env.FLOWKEEP_STATE ?? '.flowkeep')
export const dataDir = (): string => join(stateDir(), 'data')

const keyNames = ['CREDENTIAL_KEYS', 'ACCESS_TOKEN_KEYS', 'REFRESH_TOKEN_KEYS', 'PASSWORD_PEPPERS'] as const

/** A fresh set of every key that the configuration asks for. */
export function generateKeys(): Record<string, string> {
  const key = () => randomBytes(32).toString('base64')
  const rings = keyNames.map((name) => [name, JSON.stringify({ active: 'k1', keys: { k1: key() } })] as const)
  return { ...Object.fromEntries(rings), FINGERPRINT_KEY: key() }
}

/**
 * The keys in the environment; any that is missing there comes from the state folder's file, which is made, readable
 * by its owner only, on first use.
 */
export function loadKeys(): Record<string, string> {
  const file = join(stateDir(), 'keys.json')
  mkdirSync(stateDir(), { recursive: true, mode: 0o700 })
  if (!existsSync(file)) {
    writeFileSync(file, `${JSON.stringify(generateKeys(), null, 2)}\n`, { mode: 0o600, flag: 'wx' })
  }
  const stored = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>
  return Object.fromEntries(Object.entries(stored).map(([name, value]) => [name, process.env[name] ?? value]))
}

/** Settings that pass through from the environment to the server, beside keys and database. */
export function passedSettings(): Record<string, string> {
  const names = /^(CORS_ORIGINS|LOG_LEVEL|QUOTA_[A-Z]+|ALLOW_LOOPBACK_INSTANCES|TRUSTED_PROXY_HOPS)$/
  return Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] => names.test(entry[0]) && entry[1] !== undefined,
    ),
  )
}
