/** @module Random changes of nodes, repeatable by their seed. */
import type { Random } from '../../harness/random.ts'

type Container = Record<string, unknown>

/** All objects below a value that match, at any depth. */
export function valuesIn(value: unknown, matches: (object: Container) => boolean): Container[] {
  if (typeof value !== 'object' || value === null) return []
  const own = !Array.isArray(value) && matches(value as Container) ? [value as Container] : []
  return own.length > 0 ? own : Object.values(value).flatMap((each) => valuesIn(each, matches))
}

const pick = <T>(list: readonly T[], random: Random): T | undefined =>
  list[Math.floor(random() * list.length)]

const strangers: unknown[] = [
  '',
  'x',
  '=',
  '={{ $json.a }}',
  0,
  1,
  3.5,
  true,
  false,
  null,
  {},
  [],
  ['a', 'b'],
  { a: 1 },
  { mode: 'id', value: '' },
  { __rl: true, mode: 'url', value: 'nonsense' },
  { values: [{}] },
  'GET',
  'create',
  'getAll',
  'sendAndWait',
]

/** One to three changes: a parameter removed, replaced or moved, another version, another operation. */
export function mutated<T extends { typeVersion: number; parameters: Container }>(
  node: T,
  versions: readonly number[],
  random: Random,
  values: readonly unknown[] = strangers,
): T {
  const copy = structuredClone(node)
  const changes = 1 + Math.floor(random() * 3)
  for (let change = 0; change < changes; change++) {
    if (random() < 0.2) {
      copy.typeVersion = pick(versions, random) ?? copy.typeVersion
      continue
    }
    const container = pick(containersIn(copy.parameters), random)
    if (!container) continue
    const key = pick(Object.keys(container), random)
    const kind = random()
    if (key !== undefined && kind < 0.35) delete container[key]
    else if (key !== undefined && kind < 0.85) container[key] = structuredClone(pick(values, random))
    else
      container[pick(['resource', 'operation', 'mode', 'options', 'authentication'], random) ?? 'mode'] =
        structuredClone(pick(values, random))
  }
  return copy
}

function containersIn(value: unknown): Container[] {
  if (typeof value !== 'object' || value === null) return []
  return [value as Container, ...Object.values(value).flatMap(containersIn)]
}
