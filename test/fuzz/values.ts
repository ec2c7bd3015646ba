/** @module Values for a JSON schema, and values that break parsers, databases and checks. */
import * as fc from 'fast-check'
import type { Resolve, Schema } from './operations.ts'

/** `{id:workflows:3}` becomes the ID of a resource that an earlier response contained. */
export const idToken = (collection: string, index: number): string => `{id:${collection}:${index}}`

/** Replaced in the text of a body, where `JSON.stringify` cannot write them. */
export const rawJson: Record<string, string> = {
  '{raw:deep}': `${'['.repeat(5000)}${']'.repeat(5000)}`,
  '{raw:deep-objects}': `${'{"a":'.repeat(1000)}1${'}'.repeat(1000)}`,
  '{raw:nested}': `${'['.repeat(101)}${']'.repeat(101)}`,
  '{raw:wide}': `[${'0,'.repeat(5000)}0]`,
  '{raw:wide-object}': `{${Array.from({ length: 2000 }, (_, i) => `"k${i}":${i}`).join(',')}}`,
  '{raw:huge}': '1e400',
  '{raw:long-number}': '9'.repeat(400),
  '{raw:minus-zero}': '-0',
  '{raw:duplicates}': '{"name":1,"name":"x","name":null}',
  '{raw:proto}': '{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"isAdmin":true}}}',
  '{raw:numbers}': `[${'1e308,'.repeat(500)}1e308]`,
}

export const hostileTexts = [
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  '\ud800',
  'a\udfff',
  '\ufffd',
  '\ufeff',
  '\u202e',
  'e\u0301',
  '😀',
  '\r\n',
  '\t',
  '\u001b[31m',
  '\\',
  '%',
  '%00',
  '%zz',
  '_',
  '*',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'null',
  'undefined',
  'NaN',
  "' or 1=1 --",
  "'; drop table users; --",
  '$1',
  '../../etc/passwd',
  '..',
  '/',
  '={{ $json.x }}',
  '<script>alert(1)</script>',
  '-1',
  '0',
  '1e308',
  '2147483648',
  '9007199254740993',
  '99999999999999999999',
  'infinity',
  '-infinity',
  'now',
  '2026-02-30',
  '2026-02-30T00:00:00Z',
  '0000-01-01T00:00:00Z',
  '0001-01-01T00:00:00Z',
  '9999-12-31T23:59:59.999Z',
  '+275760-09-13T00:00:00.000Z',
  '2026-11-29T09:30:00+14:00',
  '2026-11-29T23:59:60Z',
  '{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}',
  'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11',
  'a0eebc999c0b4ef8bb6d6bb9bd380a11',
  '00000000-0000-0000-0000-000000000000',
  'x'.repeat(300),
  'y'.repeat(5000),
  '0'.repeat(3000),
  'a.'.repeat(1500),
]

const hostileNumbers = [
  -1,
  0,
  1,
  0.5,
  -1.5,
  101,
  2 ** 31 - 1,
  2 ** 31,
  -(2 ** 31) - 1,
  2 ** 53,
  2 ** 63,
  1e21,
  1e308,
  5e-324,
]

export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(...hostileTexts),
  fc.constantFrom<unknown>(...hostileNumbers),
  fc.constantFrom<unknown>(...Object.keys(rawJson)),
  fc.constantFrom<unknown>(null, true, false, [], {}, [[]], [null], { a: {} }, ['x', 1, null]),
  fc.string({ unit: 'binary', maxLength: 12 }),
)

const dateTimes = fc
  .date({ min: new Date('2020-01-01'), max: new Date('2027-12-31'), noInvalidDate: true })
  .map((date) => date.toISOString())

/** The collection whose IDs fit a member, by its name: `workflowId` → `workflows`. */
export function collectionFor(name: string): string {
  const known: Record<string, string> = {
    workflowId: 'workflows',
    instanceId: 'instances',
    instanceIds: 'instances',
    deploymentId: 'deployments',
    credentialId: 'credentials',
    with: 'credentials',
    environmentId: 'environments',
    environment: 'environments',
    channelIds: 'alerts/channels',
    executionId: 'executions',
    replayId: 'test-runs',
  }
  return Object.hasOwn(known, name) ? (known[name] ?? '*') : '*'
}

/** @param limits the URL of an n8n server, for members that take one */
export function valueOf(
  schema: Schema,
  resolve: Resolve,
  options: { n8nUrl: string; name?: string; depth?: number },
): fc.Arbitrary<unknown> {
  const { name = '', depth = 0, n8nUrl } = options
  const node = resolve(schema) ?? {}
  const inner = (child: Schema, childName = name) =>
    valueOf(child, resolve, { n8nUrl, name: childName, depth: depth + 1 })
  if (depth > 7) return fc.constantFrom<unknown>(null, 'x', 1)
  if (name === 'workflow') return workflow
  if (node.const !== undefined) return fc.constant(node.const)
  if (node.enum) return fc.constantFrom<unknown>(...node.enum)
  const branches = node.oneOf ?? node.anyOf
  if (branches) return fc.oneof(...branches.map((branch: Schema) => inner(branch)))
  if (node.allOf) {
    return fc
      .tuple(...node.allOf.map((part: Schema) => inner(part)))
      .map((parts: unknown[]) => Object.assign({}, ...(parts as object[])) as unknown)
  }
  const types: string[] = [node.type ?? (node.properties ? 'object' : 'any')].flat()
  return fc.oneof(...types.map((type) => ofType(type, node, name, n8nUrl, inner)))
}

function ofType(
  type: string,
  node: Schema,
  name: string,
  n8nUrl: string,
  inner: (schema: Schema, name?: string) => fc.Arbitrary<unknown>,
): fc.Arbitrary<unknown> {
  switch (type) {
    case 'null':
      return fc.constant(null)
    case 'boolean':
      return fc.boolean()
    case 'integer':
    case 'number':
      return fc.integer({
        min: Math.max(node.minimum ?? node.exclusiveMinimum ?? -3, -1000),
        max: Math.min(node.maximum ?? 40, 1_000_000),
      })
    case 'string':
      return textOf(node, name, n8nUrl)
    case 'array':
      return fc.array(inner(node.items ?? {}), { minLength: Math.min(node.minItems ?? 0, 3), maxLength: 3 })
    case 'object':
      return objectOf(node, inner)
    default:
      return fc.oneof(fc.string({ maxLength: 8 }), fc.integer(), fc.constant({ a: [1, 'x', null] }))
  }
}

function textOf(node: Schema, name: string, n8nUrl: string): fc.Arbitrary<unknown> {
  if (node.format === 'uuid') return fc.nat(9).map((index) => idToken(collectionFor(name), index))
  if (node.format === 'date-time') return dateTimes
  if (node.format === 'date') return dateTimes.map((text) => text.slice(0, 10))
  if (node.format === 'uri' || /url/i.test(name)) {
    return fc.constantFrom(n8nUrl, 'https://n8n.invalid', 'http://127.0.0.1:1/x', 'https://10.0.0.1')
  }
  if (node.format === 'email') return fc.nat(999_999).map((number) => `fuzz${number}@example.com`)
  const plain = fc.string({
    unit: fc.constantFrom(...'abcXYZ019 -_.é'),
    minLength: Math.min(node.minLength ?? 1, 40),
    maxLength: Math.max(Math.min(node.maxLength ?? 20, 40), node.minLength ?? 1),
  })
  const example = node.example ?? node.examples?.[0]
  return example === undefined ? plain : fc.oneof(plain, fc.constant(example))
}

function objectOf(
  node: Schema,
  inner: (schema: Schema, name?: string) => fc.Arbitrary<unknown>,
): fc.Arbitrary<unknown> {
  const entries = Object.entries<Schema>(node.properties ?? {})
  const extra =
    typeof node.additionalProperties === 'object'
      ? fc.dictionary(fc.constantFrom('alpha', 'beta', 'accessToken'), inner(node.additionalProperties), {
          maxKeys: 2,
        })
      : fc.constant({})
  const members = fc.record(Object.fromEntries(entries.map(([key, child]) => [key, inner(child, key)])), {
    requiredKeys: node.required ?? [],
  })
  return fc.tuple(members, extra).map(([own, more]) => ({ ...own, ...more }))
}

const nodeTypes = [
  'n8n-nodes-base.webhook',
  'n8n-nodes-base.slack',
  'n8n-nodes-base.code',
  'n8n-nodes-base.set',
  'n8n-nodes-base.httpRequest',
  'n8n-nodes-base.executeWorkflow',
  'constructor',
  'x.unknown',
]

/** An n8n workflow, mostly well-formed. */
const workflow: fc.Arbitrary<unknown> = fc
  .array(
    fc.record(
      {
        id: fc.constantFrom('a', 'b', 'c'),
        name: fc.constantFrom('A', 'B', 'C', '__proto__'),
        type: fc.constantFrom(...nodeTypes),
        typeVersion: fc.constantFrom<unknown>(1, 2, 2.2, 99, '1'),
        position: fc.constantFrom<unknown>([0, 0], [1e308, 0], 'x', null),
        parameters: fc.oneof(
          fc.constantFrom<unknown>(
            { path: 'fuzz' },
            { jsCode: 'return $input.all()' },
            { url: '={{ $json.url }}' },
            { workflowId: { __rl: true, mode: 'list', value: 'x' } },
          ),
          fc.dictionary(fc.string({ maxLength: 6 }), hostileValue, { maxKeys: 3 }),
        ),
        credentials: fc.constantFrom<unknown>({ slackApi: { id: '1', name: 'Slack' } }, {}, null),
      },
      { requiredKeys: ['name', 'type', 'parameters'] },
    ),
    { maxLength: 4 },
  )
  .chain((nodes) =>
    fc.record(
      {
        name: fc.constantFrom('Fuzz', 'Orders'),
        nodes: fc.constant(nodes),
        connections: fc.constantFrom<unknown>(
          {},
          { A: { main: [[{ node: 'B', type: 'main', index: 0 }]] } },
          { A: { main: [[{ node: 'nowhere', type: 'main', index: -1 }]] } },
          { A: null },
          [],
        ),
        settings: fc.constantFrom<unknown>({}, { executionOrder: 'v1' }, { errorWorkflow: 'x' }, null),
      },
      { requiredKeys: ['nodes', 'connections'] },
    ),
  )

interface Mutation {
  /** Chooses one of the value's places. */
  place: number
  kind: 'replace' | 'remove' | 'add' | 'wrap'
  value: unknown
}

export const mutations: fc.Arbitrary<Mutation[]> = fc.oneof(
  { weight: 2, arbitrary: fc.constant<Mutation[]>([]) },
  {
    weight: 3,
    arbitrary: fc.array(
      fc.record({
        place: fc.nat(40),
        kind: fc.constantFrom(
          'replace' as const,
          'replace' as const,
          'remove' as const,
          'add' as const,
          'wrap' as const,
        ),
        value: hostileValue,
      }),
      { minLength: 1, maxLength: 2 },
    ),
  },
)

/** Applies the mutations to a copy. */
export function mutated(original: unknown, changes: readonly Mutation[]): unknown {
  const root: Record<string, unknown> = { value: structuredClone(original) }
  for (const { place, kind, value } of changes) {
    // A later change may change it.
    const replacement = structuredClone(value)
    const places = placesOf(root)
    const [holder, key] = places[place % places.length] ?? [root, 'value']
    if (kind === 'replace') holder[key] = replacement
    else if (kind === 'wrap') holder[key] = [holder[key]]
    else if (kind === 'remove' && holder !== (root as object)) delete holder[key]
    else {
      const target = holder[key]
      const isObject = typeof target === 'object' && target !== null && !Array.isArray(target)
      const name = ['extra', 'userId', 'id', 'isAdmin', 'name'][place % 5] ?? 'extra'
      if (isObject) (target as Record<string, unknown>)[name] = replacement
    }
  }
  return root.value
}

function placesOf(value: object): [Record<string, unknown>, string][] {
  const places: [Record<string, unknown>, string][] = []
  const visit = (holder: Record<string, unknown>) => {
    for (const key of Object.keys(holder)) {
      places.push([holder, key])
      const child = holder[key]
      if (typeof child === 'object' && child !== null) visit(child as Record<string, unknown>)
    }
  }
  visit(value as Record<string, unknown>)
  return places
}
