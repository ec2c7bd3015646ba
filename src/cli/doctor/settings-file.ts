/** @module The file with the settings of an installation. Lines are added, never changed. */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import type { Settings } from './facts.ts'

export const readSettings = (path: string): Settings =>
  existsSync(path) ? parseEnv(readFileSync(path, 'utf8')) : {}

/**
 * Adds settings that the file does not have. Creates the file for its owner only.
 * @returns the names that were added
 * @throws {Error} for a value that no quotes can hold
 */
export function addSettings(path: string, settings: Readonly<Record<string, string>>): string[] {
  const present = readSettings(path)
  const added = Object.entries(settings).filter(([name]) => !present[name])
  if (added.length === 0) return []
  const lines = added.map(([name, value]) => `${name}=${quoted(name, value)}\n`).join('')
  if (!existsSync(path)) {
    writeFileSync(path, lines, { mode: 0o600, flag: 'wx' })
  } else {
    const text = readFileSync(path, 'utf8')
    appendFileSync(path, text === '' || text.endsWith('\n') ? lines : `\n${lines}`)
  }
  return added.map(([name]) => name)
}

/** Single quotes, which shells, Node and wrangler read alike. */
function quoted(name: string, value: string): string {
  if (!/['\r\n]/.test(value)) return `'${value}'`
  throw new Error(
    `${name} contains a quote or line break, which a settings file cannot hold. Percent-encode it.`,
  )
}
