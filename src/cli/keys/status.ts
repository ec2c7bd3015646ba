/** @module `flowkeep keys status`: the keys of every ring, what wraps them, and the rows that need them. */
import { ringNames } from '../../crypto/key-ring.ts'
import { type KeyUsage, keyUsage } from '../../db/key-usage.ts'
import { type CommandInput, exitCode } from '../command.ts'
import { withDeps } from '../operate/with-deps.ts'
import { jsonResult, message, result } from '../terminal.ts'
import { describeRows, describeWrapping, ringsOf, wrappedBy } from './rings.ts'

/** Exits with failure when rows need a key that a ring does not contain. */
export const keysStatusCommand = ({ flags }: CommandInput): Promise<number> =>
  withDeps(async (deps) => {
    const all = await keyUsage(deps.db, deps.now())
    const open = ringsOf(deps)
    const rings = ringNames.map((name) => {
      const { active, keys } = open[name]
      const usage = all.filter(({ ring }) => ring === name)
      const ids = new Set([...keys.keys(), ...usage.flatMap(({ keyId }) => keyId ?? [])])
      return {
        name,
        active,
        keys: [...ids].map((id) => {
          const wrapping = wrappedBy(keys.get(id))
          const used = usage.filter(({ keyId }) => keyId === id)
          return { id, isActive: id === active, isMissing: !keys.has(id), wrapping, usage: used }
        }),
        /** Sessions that an earlier release started. */
        unknown: usage.filter(({ keyId }) => keyId === null),
      }
    })
    const fingerprint = wrappedBy(deps.config.fingerprintKey)
    const missing = rings.flatMap(({ name, keys }) =>
      keys.flatMap(({ id, isMissing }) => (isMissing ? [`${name} does not contain ${id}`] : [])),
    )
    if (flags.has('json')) {
      jsonResult({
        rings: rings.map(({ name, active, keys, unknown }) => ({
          name,
          active,
          keys: keys.map(({ id, isActive, isMissing, wrapping, usage }) => ({
            id,
            active: isActive,
            missing: isMissing,
            wrappedBy: wrapping,
            ...counts(usage),
          })),
          unknownKey: counts(unknown),
        })),
        fingerprintKey: { wrappedBy: fingerprint },
      })
    } else {
      for (const { name, keys, unknown } of rings) {
        result(name)
        for (const { id, isActive, isMissing, wrapping, usage } of keys) {
          const state = isMissing ? 'MISSING' : isActive ? 'active' : ''
          const rows = usage.length === 0 ? 'not in use' : describeRows(usage)
          const wrapped = isMissing ? '' : describeWrapping(wrapping)
          result(`  ${id.padEnd(16)}  ${state.padEnd(7)}  ${wrapped.padEnd(16)}  ${rows}${untilOf(usage)}`)
        }
        if (unknown.length > 0) {
          result(`  any key: ${describeRows(unknown)} from an earlier release${untilOf(unknown)}`)
        }
      }
      result('FINGERPRINT_KEY')
      result(`  ${'key'.padEnd(16)}  ${'active'.padEnd(7)}  ${describeWrapping(fingerprint)}`)
    }
    if (missing.length === 0) return exitCode.success
    message(`${missing.join('. ')}. Add the keys that are still in use to the rings.`)
    return exitCode.failure
  })

function counts(usage: readonly KeyUsage[]) {
  const until = latest(usage)
  return { rows: Object.fromEntries(usage.map(({ table, rows }) => [table, rows])), until }
}

export const latest = (usage: readonly KeyUsage[]): string | null =>
  usage
    .flatMap(({ until }) => until?.toISOString() ?? [])
    .toSorted()
    .at(-1) ?? null

export function untilOf(usage: readonly KeyUsage[]): string {
  const until = latest(usage)
  return until === null ? '' : ` until ${until.slice(0, 10)}`
}
