/** @module `flowkeep keys drop`: prints a ring without a key, after checking that nothing stored needs that key. */
import { keyUsage } from '../../db/key-usage.ts'
import type { CommandInput } from '../command.ts'
import { UsageError } from '../failure.ts'
import { withDeps } from '../operate/with-deps.ts'
import { loadKeys } from '../server/state.ts'
import { jsonResult, message, result } from '../terminal.ts'
import { describeRows, type RawRing, ringNameOf, ringsOf, variableLine } from './rings.ts'
import { untilOf } from './status.ts'

export async function keysDropCommand({ positionals, flags }: CommandInput): Promise<void> {
  const [ringText = '', id = ''] = positionals
  const name = ringNameOf(ringText)
  await withDeps(async (deps) => {
    const ring = ringsOf(deps)[name]
    if (!ring.keys.has(id)) {
      throw new UsageError(
        `${name} does not contain this key. It contains ${[...ring.keys.keys()].join(', ')}.`,
      )
    }
    if (id === ring.active) {
      throw new Error(`${id} is the active key of ${name}. Make another key active on every server first.`)
    }
    const usage = (await keyUsage(deps.db, deps.now())).filter(
      ({ ring: each, keyId }) => each === name && (keyId === id || keyId === null),
    )
    if (usage.length > 0) {
      const rows = `${describeRows(usage)}${untilOf(usage)}`
      throw new Error(`${id} of ${name} is in use: ${rows}. ${remedies[name]} Backups may need it as well.`)
    }
    const raw = JSON.parse(loadKeys()[name] ?? '') as RawRing
    const { [id]: _, ...keys } = raw.keys
    const value = JSON.stringify({ ...raw, keys })
    if (flags.has('json')) jsonResult({ [name]: value })
    else result(variableLine(name, value))
    message(`Set it on every server. Make sure that no server still has ${id} as its active key.`)
    if (name === 'CREDENTIAL_KEYS' || name === 'PASSWORD_PEPPERS') {
      message(`Without ${id}, backups made while it was in use cannot be restored. See docs/keys.md.`)
    }
  })
}

const remedies = {
  CREDENTIAL_KEYS: 'Run `npm run flowkeep -- keys rotate`, then try again.',
  PASSWORD_PEPPERS: 'A password moves to the active key when its user signs in.',
  REFRESH_TOKEN_KEYS: 'A session moves to the active key when it is refreshed.',
  ACCESS_TOKEN_KEYS: 'They end when they expire or their user signs out.',
}
