/**
 * @module Turns n8n's expressions for inputs and outputs into tables of facts. Runs the expression once for each
 * combination of values that it reads, and records the connections that result.
 */
import { runInThisContext } from 'node:vm'
import type { ConnectionCase, ConnectionFacts, Connections } from '../../src/check/facts/node-facts.ts'
import type { DescribedNode, DescribedProperty } from './prune.ts'

/** Entries of the first sample list; the next ones have more. No expression lists as many connections by itself. */
const smallestSample = 20
const maxRuns = 20_000

type RawConnection = string | (Partial<ConnectionFacts> & { type: string })
type CountKind = NonNullable<ConnectionFacts['count']>['kind']
type Table = { cases: ConnectionCase[] }

export function connectionsIn(
  description: DescribedNode,
  given: RawConnection[] | string,
  names: string[] | undefined,
): Connections {
  if (typeof given !== 'string') return given.map((each, index) => connection(each, names?.[index]))
  const { cases } = new Explorer(description, given).table()
  const [only] = cases
  return cases.length === 1 && only && !only.when && !only.connections.some(({ count }) => count)
    ? only.connections
    : { cases }
}

function connection(given: RawConnection, name?: string): ConnectionFacts {
  const {
    type,
    required,
    maxConnections,
    displayName = name,
    filter,
  } = typeof given === 'string' ? ({ type: given } as Exclude<RawConnection, string>) : given
  return {
    type,
    ...(required === true && { required }),
    ...(maxConnections !== undefined && { maxConnections }),
    ...(displayName && { displayName }),
    ...(filter && { filter }),
  }
}

/** Thrown when the expression reads a value that the run does not define. */
class Unknown {
  readonly path: string
  readonly isKeyList: boolean
  constructor(path: string, isKeyList = false) {
    this.path = path
    this.isKeyList = isKeyList
  }
}

/** `size`: the value is a number or a list of that size. */
type Sample = { value: unknown; size?: number; kind?: CountKind }

class Explorer {
  readonly #evaluate: (parameters: unknown, version: () => unknown) => unknown
  readonly #description: DescribedNode
  readonly #expression: string
  #runs = 0

  constructor(description: DescribedNode, expression: string) {
    this.#description = description
    this.#expression = expression
    const body = expression
      .replace(/^=\s*\{\{/, '')
      .replace(/\}\}\s*$/, '')
      .replaceAll('$nodeVersion', 'version()')
    this.#evaluate = runInThisContext(`(($parameter, version) => (${body}))`)
  }

  table(): Table {
    return this.#explore(new Map())
  }

  #explore(known: ReadonlyMap<string, Sample>): Table {
    if (++this.#runs > maxRuns) throw new Error(`${this.#description.name}: too many combinations`)
    try {
      return { cases: [{ connections: this.#run(known) }] }
    } catch (thrown) {
      if (!(thrown instanceof Unknown)) throw thrown
      return thrown.isKeyList ? this.#keyBranches(thrown.path, known) : this.#branches(thrown.path, known)
    }
  }

  #run(known: ReadonlyMap<string, Sample>): ConnectionFacts[] {
    const parameters = this.#proxy(this.#description.properties, '', known)
    let list: RawConnection[]
    try {
      list = Array.from(this.#evaluate(parameters, () => this.#read('@version', known)) as RawConnection[])
    } catch (thrown) {
      if (thrown instanceof Unknown) throw thrown
      // n8n gives the node no connections.
      return []
    }
    const counted = [...known].findLast(([, { size }]) => size !== undefined && list.length >= size)
    if (!counted) return list.map((each) => connection(each))
    const [path, { size = 0, kind = 'list' }] = counted
    return collapse(list, { path, size, kind, standard: this.#standardCount(path, known) })
  }

  /** How many connections there are without the value. */
  #standardCount(path: string, known: ReadonlyMap<string, Sample>): number {
    const { cases } = this.#explore(new Map([...known, [path, { value: undefined }]]))
    return cases[0]?.connections.length ?? 0
  }

  #read(path: string, known: ReadonlyMap<string, Sample>): unknown {
    const sample = known.get(path)
    if (!sample) throw new Unknown(path)
    return sample.value
  }

  #proxy(properties: DescribedProperty[], prefix: string, known: ReadonlyMap<string, Sample>): unknown {
    return new Proxy(
      {},
      {
        get: (_, key) => {
          if (typeof key === 'symbol') return undefined
          const path = prefix + key
          const named = properties.filter(({ name }) => name === key)
          const group = named.find(({ type }) => type === 'collection' || type === 'fixedCollection')
          if (group) return this.#proxy(fieldsOf(group), `${path}.`, known)
          return this.#read(path, known)
        },
        ownKeys: () => {
          const path = prefix.slice(0, -1)
          const sample = known.get(`${path}?`)
          if (!sample) throw new Unknown(path, true)
          return typeof sample.value === 'string' ? [sample.value] : []
        },
        getOwnPropertyDescriptor: () => ({ configurable: true, enumerable: true, value: undefined }),
      },
    )
  }

  #branches(path: string, known: ReadonlyMap<string, Sample>): Table {
    const listed = [...known.values()].filter(({ size }) => size !== undefined).length
    const samples = this.#samples(path, smallestSample * (listed + 1))
    const list = samples.find(({ size }) => size !== undefined)
    if (list) {
      const table = this.#explore(new Map([...known, [path, list]]))
      if (JSON.stringify(table).includes('"count":')) return table
    }
    const groups = new Map<string, { values: unknown[]; table: Table }>()
    for (const sample of samples) {
      if (sample.size !== undefined) continue
      const table = this.#explore(new Map([...known, [path, sample]]))
      const key = JSON.stringify(table)
      const group = groups.get(key) ?? { values: [], table }
      groups.set(key, group)
      group.values.push(sample.value ?? null)
    }
    return merge(
      [...groups.values()].map(({ values, table }) => ({
        when: { [path]: values },
        table,
        weight: values.includes(other) ? Infinity : values.length,
      })),
    )
  }

  /** One case for each key that matters; n8n's own expressions test whether any of some keys is present. */
  #keyBranches(path: string, known: ReadonlyMap<string, Sample>): Table {
    const group = this.#description.properties.find(({ name }) => name === path)
    const keys = (group ? fieldsOf(group) : []).map(({ name }) => name)
    const branch = (value: unknown) => this.#explore(new Map([...known, [`${path}?`, { value }]]))
    const standard = branch(undefined)
    const branches = [...new Set(keys)].flatMap((key) => {
      const table = branch(key)
      const when = { [`${path}.${key}`]: [{ _cnd: { exists: true } }] }
      return JSON.stringify(table) === JSON.stringify(standard) ? [] : [{ when, table, weight: 0 }]
    })
    return merge([...branches, { when: {}, table: standard, weight: Infinity }])
  }

  /** The values to try: all legal ones, none, and a list of the size where the expression may count. */
  #samples(path: string, size: number): Sample[] {
    if (path === '@version') return [...[this.#description.version].flat(), 0].map((value) => ({ value }))
    const compared = [...this.#expression.matchAll(/[!=]== ?['"](\w+)['"]/g)].map(([, literal]) => literal)
    const samples: Sample[] = [{ value: undefined }, { value: other }]
    const entries = Array.from({ length: size }, () => ({ type: '*' }))
    for (const { type, options = [], default: standard } of this.#propertiesAt(path)) {
      const values = options.map((option) => option['value'])
      const isNumber =
        type === 'number' || (values.length > 0 && values.every((value) => typeof value === 'number'))
      if (type === 'boolean') samples.push({ value: true }, { value: false })
      else if (isNumber) samples.push({ value: size, size, kind: 'number' })
      else if (type === 'multiOptions' || type === undefined)
        samples.push({ value: entries, size, kind: 'list' })
      else if (type === 'string') {
        const isList = typeof standard === 'string' && standard.includes(',')
        if (isList) samples.push({ value: entries.map(() => 'x').join(','), size, kind: 'text' })
      } else {
        const legal = type === 'options' && values.length > 0 ? values : compared
        samples.push(...legal.map((value) => ({ value })))
      }
    }
    return [...new Map(samples.map((sample) => [sample.value, sample])).values()]
  }

  #propertiesAt(path: string): DescribedProperty[] {
    let level: DescribedProperty[] = this.#description.properties
    const keys = path.split('.')
    for (const key of keys.slice(0, -1)) level = level.filter(({ name }) => name === key).flatMap(fieldsOf)
    return level.filter(({ name }) => name === keys.at(-1))
  }
}

/** A value that n8n does not list. */
const other = '\0'

const fieldsOf = (property: DescribedProperty): DescribedProperty[] => property.options ?? []

/** Replaces the connections of the sample's entries by a counted one. */
function collapse(
  list: RawConnection[],
  { path, size, kind, standard }: { path: string; size: number; kind: CountKind; standard: number },
): ConnectionFacts[] {
  const [first = 'main'] = list
  const { displayName: _, ...template } = connection(first)
  const rest = list.slice(size).map((each) => connection(each))
  return [{ ...template, count: { of: path, kind, default: Math.max(standard - rest.length, 0) } }, ...rest]
}

/** The branch of other values becomes the last one, without a condition. */
function merge(branches: { when: Record<string, unknown[]>; table: Table; weight: number }[]): Table {
  const ordered = branches.toSorted((a, b) => a.weight - b.weight)
  const cases = ordered.flatMap(({ when, table }, index) =>
    table.cases.map(({ when: inner, connections }): ConnectionCase => {
      const conditions = index === ordered.length - 1 ? { ...inner } : { ...when, ...inner }
      return { ...(Object.keys(conditions).length > 0 && { when: conditions }), connections }
    }),
  )
  const standard = JSON.stringify(cases.at(-1)?.connections)
  const kept = cases.findLastIndex(({ connections }) => JSON.stringify(connections) !== standard)
  return { cases: [...cases.slice(0, kept + 1), ...cases.slice(-1)] }
}
