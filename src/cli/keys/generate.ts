/** @module `flowkeep generate-keys`: prints a new set of keys. */
import type { CommandInput } from '../command.ts'
import { generateKeys } from '../server/state.ts'
import { jsonResult, result } from '../terminal.ts'
import { variableLine } from './rings.ts'

export async function generateKeysCommand({ flags }: CommandInput): Promise<void> {
  const keys = generateKeys()
  if (flags.has('json')) return jsonResult(keys)
  for (const [name, value] of Object.entries(keys)) result(variableLine(name, value))
}
