/** Every search of the API and the dashboard uses an index for each table that grows. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type PostgresTestDatabase } from '../harness/database.ts'
import { fillForSearch, type Owners } from '../harness/search-fixtures.ts'
import { searchesOf } from '../harness/search-statements.ts'

let database: PostgresTestDatabase
let owners: Owners
beforeAll(async () => {
  database = await createTestDatabase({ timeoutMs: 60_000, statementTimeoutMs: 60_000 })
  owners = await fillForSearch(database.sql, { workflows: 400, runs: 2000 }, 100)
}, 180_000)
afterAll(() => database.close())

const growing = /Seq Scan on (workflows|executions|execution_keys|error_groups)/
/** Splits a stored prompt into words, which takes 50 ms if it is long. Without statistics, the planner chooses it for every row. */
const splitting = /search_words\((?:v\.)?prompt/

test.each(['many', 'few'] as const)(
  'for an owner with %s rows: uses an index for rare and common words, letters and types',
  { timeout: 180_000 },
  async (owner) => {
    const words = ['zyxgate', 'slack', 'café', 'a', 'sl', '报', '报告', '罕見']
    const searches = await searchesOf(database.gateway, owners[owner], words)
    expect(searches.length).toBeGreaterThan(words.length * 5)
    const scans: string[] = []
    for (const { name, term, statements } of searches)
      for (const { query, params } of statements) {
        // Sequential scans are disabled, because the planner prefers them for small tables. Only queries without an index scan.
        const [, rows = []] = await database.sql.transaction([
          database.sql`set local enable_seqscan = off`,
          database.sql.query(`explain ${query}`, params),
        ])
        const plan = rows.map((row) => Object.values(row)[0]).join('\n')
        if (growing.test(plan) || splitting.test(plan)) scans.push(`${name} for ${term}: ${plan}`)
      }
    expect(scans).toEqual([])
  },
)
