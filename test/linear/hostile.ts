/** @module Hostile input of a size for the operations of the OpenAPI document, derived from their schemas and examples. */
import { collectionFor } from '../fuzz/values.ts'
import { exampleOf } from '../../src/http/openapi-examples.ts'
import { workflowKinds } from './workflows.ts'

// oxlint-disable-next-line typescript/no-explicit-any -- the OpenAPI document, and values of its schemas
type Any = any

export const range = <Value>(count: number, of: (index: number) => Value): Value[] =>
  Array.from({ length: Math.floor(count) }, (_, at) => of(at))

/** An input's size, and the largest size that it is compared with. */
export interface Scale {
  size: number
  largest: number
}

/** At the largest size, the limit. */
const within = (limit: number, { size, largest }: Scale) => Math.max(1, Math.floor((limit * size) / largest))

/** What patterns and searches stumble over. */
const texts: Record<string, string> = {
  equal: 'a',
  words: 'wörd ',
  marks: '={{ $json.a }} \\"/~%00$1,.\n',
}

export const textOf = (kind: string, length: number) =>
  (texts[kind] ?? '').repeat(length / (texts[kind]?.length ?? 1) + 1).slice(0, length)

/** Values of any type. */
export const values: Record<string, (size: number) => unknown> = {
  'a wide object': (size) => Object.fromEntries(range(size, (at) => [`member ${at}`, at])),
  'long keys': (size) => Object.fromEntries(range(size / 20, (at) => [`${'key.'.repeat(50)}${at}`, 'x'])),
  'a deep object': (size) => JSON.parse(`${'{"a":'.repeat(size)}1${'}'.repeat(size)}`),
  'a deep array': (size) => JSON.parse(`${'['.repeat(size)}${']'.repeat(size)}`),
  'equal items': (size) => range(size, () => ({ id: 'same', name: 'same' })),
  'empty items': (size) => range(size, () => []),
  'long text': (size) => textOf('marks', size * 20),
}

const kindsOfWorkflow = ['chain', 'fanOut', 'oneName', 'oneId', 'wide', 'deep', 'dupConnections', 'longNames']
export const workflowsOf = (size: number): object[] =>
  kindsOfWorkflow.map((kind) => ({ ...workflowKinds[kind]?.(size), name: 'Hostile' }))

/** The documented request of an operation. */
export interface Operation {
  method: string
  path: string
  parameters: { name: string; in: string; schema: Any; required?: boolean }[]
  body: { schema: Any; example: unknown } | undefined
  isPublic: boolean
}

export function operationsIn(document: Any): { operations: Operation[]; resolve: (schema: Any) => Any } {
  const resolve = (schema: Any): Any =>
    typeof schema?.$ref === 'string'
      ? resolve(
          schema.$ref
            .slice(2)
            .split('/')
            .reduce((node: Any, key: string) => node[key], document),
        )
      : schema
  const operations = Object.entries<Any>(document.paths).flatMap(([path, item]) =>
    Object.entries<Any>(item).map(([method, operation]): Operation => {
      const json = operation.requestBody?.content?.['application/json']
      return {
        method: method.toUpperCase(),
        path,
        parameters: (operation.parameters ?? []).map(resolve),
        body: json && {
          schema: json.schema,
          example: json.example ?? exampleOf(json.schema, document),
        },
        isPublic: operation.security?.length === 0,
      }
    }),
  )
  return { operations, resolve }
}

/** Bodies that are wrong as a whole. Text is sent as it is. */
export const wholeBodies = ({ size }: Scale): unknown[] => [
  ...Object.values(values).map((value) => value(size)),
  `{${range(size, () => '"same":1').join(',')}}`,
  '{"name":'.repeat(size),
]

/** Copies of an example in which one place is hostile. */
export function bodiesOf(
  document: Any,
  resolve: (schema: Any) => Any,
  root: { schema: Any; example: unknown },
  scale: Scale,
): unknown[] {
  const anything = () => Object.values(values).map((value) => value(scale.size))

  function at(schema: Any, example: Any, name: string, above: readonly Any[]): unknown[] {
    const node = resolve(schema)
    if (above.includes(node)) return []
    const inner = (child: Any, value: Any, childName = name) => at(child, value, childName, [...above, node])
    const sample = (child: Any, childName = name) => exampleOf(child, document, childName)
    if (name === 'workflow') return workflowsOf(scale.size)
    if (typeof node !== 'object') return anything()
    const branches: Any[] = node.anyOf ?? node.oneOf ?? node.allOf ?? []
    if (branches.length > 0) {
      return branches.flatMap((branch) => [sample(branch), ...inner(branch, sample(branch))])
    }
    const types: unknown[] = [node.type ?? (node.properties ? 'object' : 'any')].flat()
    return types.flatMap((type) => {
      if (type === 'object') {
        const members = Object.entries<Any>(node.properties ?? {}).flatMap(([key, child]) =>
          inner(child, example?.[key] ?? sample(child, key), key).map((value) => ({
            ...example,
            [key]: value,
          })),
        )
        const more = node.additionalProperties
        if (more === undefined || more === false) return members
        const value = typeof more === 'object' ? sample(more, '') : 'x'
        const many = range(scale.size, (index) => [`KEY_${index}`, value] as const)
        return [
          ...members,
          { ...example, ...Object.fromEntries(many) },
          { ...example, ...Object.fromEntries(many.map(([key]) => [`${key}${'y'.repeat(50)}`, value])) },
          ...inner(more, value, '').map((hostile) => ({ ...example, KEY: hostile })),
        ]
      }
      if (type === 'array') {
        const item = example?.[0] ?? sample(node.items ?? {})
        const few = within(Math.min(node.maxItems ?? scale.largest, scale.largest), scale)
        const equal = (count: number, value: unknown) => range(count, () => value)
        const choices: Any[] = resolve(node.items)?.anyOf ?? resolve(node.items)?.oneOf ?? []
        return [
          equal(few, item),
          equal(scale.size, item),
          range(few, (index) => (typeof item === 'string' ? `${item}${index}` : index)),
          ...choices.map((choice) => equal(few, sample(choice))),
          ...inner(node.items ?? {}, item).map((hostile) => [hostile]),
        ]
      }
      if (type === 'string') {
        if (node.enum || node.const !== undefined) return []
        const length = within(Math.min(node.maxLength ?? 30_000, 30_000), scale)
        return [...Object.keys(texts).map((kind) => textOf(kind, length)), textOf('words', scale.size * 20)]
      }
      return type === 'any' ? anything() : []
    })
  }
  return at(root.schema, root.example, '', [])
}

/** Query strings in which a parameter is long, repeated or a long list, and one of unknown parameters. */
export function queriesOf(names: readonly string[], { size }: Scale): string[] {
  const one = (pairs: [string, string][]) => new URLSearchParams(pairs).toString()
  return [
    one(range(size, (at): [string, string] => [`f${at}`, 'x'])),
    ...names.flatMap((name) => [
      one([[name, textOf('words', size * 5)]]),
      one([[name, 'a,'.repeat(size)]]),
      one(range(size, (): [string, string] => [name, 'same'])),
    ]),
  ]
}

/** Parts of a path that no resource has. */
export const hostileIds = ({ size }: Scale): string[] =>
  Object.keys(texts).map((kind) => encodeURIComponent(textOf(kind, size * 5)))

/** A copy with the IDs of existing resources, by the names of members. */
export function withIds(value: unknown, ids: Record<string, string>, name = ''): unknown {
  if (Array.isArray(value)) return value.map((each) => withIds(each, ids, name))
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withIds(each, ids, key)]))
  }
  const isId = typeof value === 'string' && /^[\da-f]{8}-[\da-f-]{27}$/.test(value)
  return isId ? (ids[collectionFor(name)] ?? value) : value
}
