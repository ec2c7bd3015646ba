import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { rolldown } from 'rolldown'
import { expect, test } from 'vitest'
import * as whole from 'zod'
import {
  errorsSubset,
  methodsCalledIn,
  schemasSubset,
  zodModules,
  zodSubset,
} from '../../scripts/zod-subset.ts'

const root = join(import.meta.dirname, '../..')
const sourceOf = (name: string) => readFile(join(root, `node_modules/zod/v4/classic/${name}.js`), 'utf8')

/** zod as it is in the worker. */
async function reducedZod(): Promise<typeof whole> {
  const folder = await mkdtemp(join(tmpdir(), 'flowkeep-zod-'))
  try {
    const entry = join(folder, 'entry.js')
    await writeFile(entry, `export * from ${JSON.stringify(join(root, 'node_modules/zod/index.js'))}`)
    await using bundle = await rolldown({
      input: entry,
      plugins: [
        {
          name: 'zod',
          transform: {
            filter: { id: zodModules },
            handler: (source, id) => ({
              code: zodSubset(id, source, methodsCalledIn(join(root, 'src'))),
              map: null,
            }),
          },
        },
      ],
    })
    const { output } = await bundle.generate({ format: 'esm' })
    const file = join(folder, 'zod.mjs')
    await writeFile(file, output[0].code)
    return (await import(pathToFileURL(file).href)) as typeof whole
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const reduced = await reducedZod()

const schemas = (z: typeof whole) => ({
  object: z.object({
    a: z.string().min(2).max(4).optional(),
    b: z.int().default(3),
    c: z.array(z.boolean()),
  }),
  strict: z.strictObject({ id: z.uuid({ version: 'v7' }), at: z.iso.datetime({ offset: true }) }),
  loose: z.looseObject({ kind: z.enum(['x', 'y']) }),
  record: z.record(z.string().regex(/^k/), z.number().min(0)),
  union: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('a'), n: z.coerce.number() }),
    z.object({ kind: z.literal('b'), text: z.string().trim().nullable() }),
  ]),
  transformed: z.string().transform((text, ctx) => {
    if (text === 'bad') ctx.addIssue({ code: 'custom', message: 'Is bad' })
    return text.length
  }),
  refined: z.object({ a: z.number() }).superRefine(({ a }, ctx) => {
    if (a > 1) ctx.addIssue({ code: 'custom', path: ['a'], message: 'Too much' })
  }),
  tuple: z.tuple([z.string(), z.number()]),
  url: z.url(),
})

const inputs: unknown[] = [
  null,
  'bad',
  'good',
  ' ',
  7,
  [],
  ['a', 1],
  ['a'],
  {},
  { a: 'long text', b: 1.5, c: [1] },
  { c: [true], extra: 1 },
  { id: '01890a5d-ac96-774b-bcce-b302099a8057', at: '2026-11-29T00:00:00Z' },
  { id: 'x', at: 'yesterday', more: 1 },
  { kind: 'x', other: 1 },
  { kind: 'a', n: '5' },
  { kind: 'b', text: ' t ' },
  { kind: 'c' },
  { key: 1, other: -1 },
  { a: 2 },
  'https://example.test/a?b=c',
]

test('parses and reports as zod does', () => {
  const parseAll = (z: typeof whole) =>
    Object.entries(schemas(z)).map(([name, schema]) => [
      name,
      inputs.map((input) => {
        const { success, data, error } = schema.safeParse(structuredClone(input))
        return { success, data, issues: error?.issues, message: error?.message }
      }),
    ])
  expect(parseAll(reduced)).toEqual(parseAll(whole))
})

test('is without methods that the sources do not call', () => {
  const [text, wholeText] = [reduced.string(), whole.string()]
  expect(['cuid', 'nanoid', 'emoji', 'jwt'].filter((name) => name in wholeText)).toHaveLength(4)
  expect(['cuid', 'nanoid', 'emoji', 'jwt'].filter((name) => name in text)).toEqual([])
})

test('counts calls of methods, not of functions of z', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'flowkeep-calls-'))
  try {
    await writeFile(join(folder, 'a.ts'), 'z.uuid()\nz.string()\n  .min(1)\n  .trim()\nx.format')
    await writeFile(join(folder, 'b.js'), 'z.string().max(1)')
    await writeFile(join(folder, 'c.mjs'), 'x.loose()')
    expect([...methodsCalledIn(folder)].toSorted()).toEqual(['loose', 'min', 'trim'])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})

test('reports a zod of another shape', async () => {
  const source = await sourceOf('schemas')
  expect(() => schemasSubset(source.replaceAll('memoizer()', 'memo()'), new Set())).toThrow('zod has no')
  expect(() =>
    schemasSubset(
      source.replaceAll('core.$constructor', 'make').replaceAll('util.derived', 'make'),
      new Set(),
    ),
  ).toThrow('zod has no methods')
  expect(() => errorsSubset('')).toThrow('zod has no')
})
