/** @module Random changes of a node's parameters, type and version, from a seed. */
import type { Random } from '../harness/random.ts'
import type { NodeFacts, PropertyFacts } from '../../src/check/facts/node-facts.ts'
import { isContainer, type JsonObject } from '../../src/lib/json-object.ts'

export const pick = <Item>(random: Random, items: readonly Item[]): Item =>
  items[Math.floor(random() * items.length)] as Item

/** Values of every kind, some with the structure of a parameter. */
const oddValues: readonly unknown[] = [
  null,
  '',
  0,
  1,
  -1,
  1.5,
  true,
  false,
  [],
  {},
  '=x',
  '={{ $json.a }}',
  'abc',
  '0',
  'x'.repeat(50),
  '2020-01-01',
  '{"a":1}',
  '{a:1}',
  [[]],
  [{}],
  [null],
  ['=a'],
  { a: 1 },
  { __rl: true, mode: 'id', value: 'x' },
  { __rl: true, mode: 'url', value: 'https://example.com/a' },
  { __rl: true, mode: 'list', value: '' },
  { mode: 'id', value: null },
  { mappingMode: 'defineBelow', schema: [{ id: 'a', required: true, type: 'number' }], value: { a: 'x' } },
  { mappingMode: 'defineBelow', schema: [{ id: 'a', required: true, type: 'object' }], value: {} },
  { conditions: [], combinator: 'and' },
  { conditions: {}, combinator: 'and' },
  { options: 'x' },
]
const texts = ['', 'text', '=x', '2020-01-01T00:00:00Z', '{"a":1}', '5', 'a b']
const selectors = new Set(['operation', 'resource', 'mode', 'authentication'])

/** A value for the parameter, usually a fitting one. */
export function sampleValue(random: Random, facts: PropertyFacts, depth = 0): unknown {
  const { type, options = [], typeOptions, modes } = facts
  const some = (likelihood: number) => random() < likelihood
  if (some(0.1)) return structuredClone(pick(random, oddValues))
  const sampleAll = (properties: readonly PropertyFacts[], likelihood: number): JsonObject =>
    Object.fromEntries(
      properties
        .filter(() => some(likelihood))
        .map((each) => [each.name, sampleValue(random, each, depth + 1)]),
    )
  switch (type ?? '') {
    case 'options':
      return options.length > 0 ? pick(random, options).value : 'x'
    case 'multiOptions':
      return some(0.3) || options.length === 0 ? [] : [pick(random, options).value]
    case 'boolean':
      return some(0.5)
    case 'number':
      return pick(random, [0, 1, 5, '7', 'x'])
    case 'resourceLocator': {
      const value = pick(random, ['', 'abc', '123', 5, '=x', 'https://example.com/a'])
      return { __rl: true, mode: pick(random, modes ?? [{ name: 'id' }]).name, value }
    }
    case 'collection': {
      const values = depth < 4 ? sampleAll(options, 0.4) : {}
      return typeOptions?.multipleValues ? [values] : values
    }
    case 'fixedCollection': {
      const groups = depth < 4 ? options.filter(() => some(0.6)) : []
      const entry = (group: PropertyFacts) => sampleAll(group.values ?? [], 0.6)
      const entriesOf = (group: PropertyFacts) =>
        typeOptions?.multipleValues
          ? Array.from({ length: Math.floor(random() * 3) }, () => entry(group))
          : entry(group)
      return Object.fromEntries(groups.map((group) => [group.name, entriesOf(group)]))
    }
    default:
      return pick(random, texts)
  }
}

interface Spot {
  owner: object
  key: string
}

function spotsIn(value: unknown, depth = 0): Spot[] {
  if (!isContainer(value) || depth > 8) return []
  return Object.entries(value).flatMap(([key, item]) => [{ owner: value, key }, ...spotsIn(item, depth + 1)])
}

export interface SampleNode extends JsonObject {
  type: string
  parameters: JsonObject
}

/**
 * A changed copy: a parameter removed, set, or of another kind, another version or operation.
 * @param facts undefined for an unknown type or version, which stays as it is
 */
export function mutated(
  random: Random,
  node: SampleNode,
  facts: NodeFacts | undefined,
  versions: readonly number[],
): SampleNode {
  const copy = structuredClone(node)
  if (!facts || facts.properties.length === 0) return copy
  const spots = spotsIn(copy.parameters)
  const { owner, key } = spots.length > 0 ? pick(random, spots) : { owner: copy.parameters, key: 'none' }
  const value: unknown = Reflect.get(owner, key)
  const change = Math.floor(random() * 8)
  if (change === 0) {
    if (Array.isArray(owner)) owner.splice(Number(key), 1)
    else Reflect.deleteProperty(owner, key)
  } else if (change === 1) {
    Reflect.set(owner, key, structuredClone(pick(random, oddValues)))
  } else if (change === 2) {
    copy.typeVersion = pick(random, versions)
  } else if (change === 3) {
    const choices = facts.properties.filter(({ name, options }) => selectors.has(name) && options?.length)
    if (choices.length > 0) {
      const { name, options = [] } = pick(random, choices)
      copy.parameters[name] = pick(random, options).value
    }
  } else if (change === 4) {
    const wrapped = Array.isArray(value)
      ? Object.fromEntries(value.map((each, at) => [`k${at}`, each]))
      : [value]
    Reflect.set(owner, key, wrapped)
  } else {
    const property = pick(random, facts.properties)
    copy.parameters[property.name] = sampleValue(random, property)
  }
  return copy
}
