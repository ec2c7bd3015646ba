import { seeded } from '../harness/random.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { nodeCountsOf } from '../../src/executions/record/node-counts.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { pick, randomData } from './random-runs.ts'

const day = (date: string) => (Date.parse(`${date}T00:00:00Z`) - Date.UTC(2000, 0, 1)) / 86_400_000

test('returns type, name, day, runs, failure, items and time of each node', () => {
  const nodes = [
    {
      name: 'Call',
      type: 'n8n-nodes-base.httpRequest',
      status: 'error',
      startedAt: '2026-11-22T23:59:59.999Z',
      durationMs: 120,
      items: 3,
      runs: 4,
      error: { message: 'm', httpStatus: 401 },
    },
    {
      name: 'Wait',
      type: null,
      status: null,
      startedAt: null,
      durationMs: null,
      items: 0,
      runs: 1,
      error: null,
    },
  ]
  expect(nodeCountsOf({ nodes })).toEqual({
    names: '{"n8n-nodes-base.httpRequest\nCall","\nWait"}',
    counts: `{${day('2026-11-22')},4,1,3,120,null,1,0,0,null}`,
  })
})

test.each([
  [null],
  ['nodes'],
  [[{ nodes: [] }]],
  [{ nodes: { name: 'a' } }],
  [{ nodes: [] }],
  [{ nodes: [null, 1, 'a', [], {}, { name: 5 }] }],
  [{ truncated: true, sizeBytes: 300_000 }],
])('%j has no nodes to count', (data) => {
  expect(nodeCountsOf(data)).toBeNull()
})

/** Arbitrary values from a sender. */
const strange = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  -0.5,
  1e21,
  5e-21,
  2_000_000,
  9_007_199_254_740_992,
  '',
  '5',
  'x',
  [],
  [1],
  {},
  'Ä'.repeat(300),
  '😀'.repeat(300),
  'a\nb',
  '\n',
  ' ',
  "it's",
  '"quoted"',
  'back\\slash',
  '{1,2}',
  'NULL',
  '2026-02-31T10:00:00Z',
  '2026-13-01T00:00:00Z',
  '2026-1-1T00:00:00Z',
  '1999-12-31T00:00:00.000Z',
  '2099-12-31T23:59:59Z',
  '2026-11-22T10:00:00+01:00',
  '2026-11-22T\nZ',
  '٢٠٢٦-11-22T00:00:00Z',
  '2026-11-22TZ\n',
]

describe('the SQL function run_nodes', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createTestDatabase()
  })
  afterAll(() => database.close())

  /** The counts as written, and as Postgres parses them. */
  const bothWays = async (dataJson: string) => {
    const sent = nodeCountsOf(JSON.parse(dataJson))
    const [row] = await database.sql`select to_jsonb(run) as in_sql,
        jsonb_build_object('names', ${sent?.names ?? null}::text[], 'counts', ${sent?.counts ?? null}::integer[]) as sent
      from run_nodes(${dataJson}::jsonb) run`
    return { inSql: row?.['in_sql'] as { names: string[] | null }, sent: row?.['sent'] }
  }

  test('returns the same for all data', async () => {
    const next = seeded(1)
    const names = ['name', 'type', 'startedAt', 'durationMs', 'items', 'runs', 'error', 'status']
    const odd = () =>
      Object.fromEntries(
        names
          .filter(() => next() < 0.9)
          .map((name) => [name, next() < 0.4 && name === 'name' ? 'n' : pick(strange, next)]),
      )
    const found = { counted: 0, none: 0 }
    for (let index = 0; index < 400; index++) {
      const data =
        index % 3 === 0
          ? randomData(next, Date.now())
          : { nodes: Array.from({ length: 1 + Math.floor(next() * 4) }, odd) }
      const dataJson = JSON.stringify(data)
      const { inSql, sent } = await bothWays(dataJson)
      expect(inSql, dataJson).toEqual(sent)
      found[inSql.names ? 'counted' : 'none'] += 1
    }
    expect(found.counted).toBeGreaterThan(200)
    expect(found.none).toBeGreaterThan(10)
  })

  test('counts at most 500 nodes of a run', async () => {
    const nodes = Array.from({ length: 501 }, (_, index) => ({ name: `n${index}` }))
    const { inSql, sent } = await bothWays(JSON.stringify({ nodes }))
    expect(inSql.names).toHaveLength(500)
    expect(inSql).toEqual(sent)
  })
})
