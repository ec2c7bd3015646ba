/** @module Real workflows through the importer and the routes. Set FLOWKEEP_CORPUS to a folder with an index.json. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { importWorkflows } from '../../src/cli/transfer/import.ts'
import { canonicalJson, contentHash } from '../../src/lib/canonical-json.ts'
import { unwrapWorkflowFile } from '../../src/n8n/reading/workflow-json.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { caller, createUser, createWorkflowServer } from './workflow-server.ts'

const folder = process.env.FLOWKEEP_CORPUS ?? ''
const absent = !existsSync(path.join(folder, 'index.json'))

interface Fact {
  file: string
  valid: boolean
  node_types?: string[]
  nodes: number | null
}

describe.skipIf(absent)(`the corpus in ${folder}${absent ? ' (absent: skipped)' : ''}`, () => {
  let database: TestDatabase
  let call: ReturnType<typeof caller>
  let facts: Fact[]
  const files = () => facts.map(({ file }) => path.join(folder, file))

  beforeAll(async () => {
    facts = JSON.parse(await readFile(path.join(folder, 'index.json'), 'utf8'))
    database = await createTestDatabase()
    call = caller(createWorkflowServer(database.db).app, await createUser(database.db))
  })
  afterAll(() => database?.close())

  async function run() {
    const complaints: string[] = []
    const outcome = await importWorkflows(
      files(),
      { FLOWKEEP_TOKEN: 'x' },
      {
        fetch: async (url, { method = 'GET', body: sent, headers: given }) => {
          const { pathname, search } = new URL(url)
          const { status, body } = await call(method, pathname + search, sent, given)
          return Response.json(body, { status })
        },
        sleep: () => Promise.resolve(),
        message: (line) => complaints.push(line),
        progress: null,
        ask: null,
      },
    )
    return { exitCode: outcome.exitCode, summary: outcome.summary, complaints }
  }

  test('is imported completely; a second run creates nothing', async () => {
    const valid = facts.filter((fact) => fact.valid).length
    const empty = `${path.join(folder, 'x-empty.json')}: empty file`
    expect(await run()).toEqual({
      exitCode: 3,
      summary: `${valid} created, 0 already existed, 1 rejected`,
      complaints: [empty],
    })
    expect(await run()).toEqual({
      exitCode: 3,
      summary: `0 created, ${valid} already existed, 1 rejected`,
      complaints: [empty],
    })
  })

  test('is returned unchanged, with the node types that an independent reader found', async () => {
    const byHash = new Map<string, string>()
    let cursor: string | null = ''
    while (cursor !== null) {
      const { body } = await call('GET', `/v1/workflows?limit=100${cursor && `&cursor=${cursor}`}`)
      for (const item of body.items) byHash.set(item.contentHash, item.id)
      cursor = body.nextCursor
    }
    const differing: string[] = []
    for (const fact of facts.filter(({ valid }) => valid)) {
      const [original] = unwrapWorkflowFile(JSON.parse(await readFile(path.join(folder, fact.file), 'utf8')))
      const { body } = await call('GET', `/v1/workflows/${byHash.get(await contentHash(original))}`)
      if (canonicalJson(body.workflow) !== canonicalJson(original)) differing.push(`${fact.file}: JSON`)
      if (canonicalJson(body.nodeTypes) !== canonicalJson(fact.node_types))
        differing.push(`${fact.file}: node types`)
      if (body.nodeCount !== fact.nodes) differing.push(`${fact.file}: node count`)
    }
    expect(differing).toEqual([])
  })

  test('is found by node type exactly where the type occurs', async () => {
    for (const type of ['n8n-nodes-base.slack', '@n8n/n8n-nodes-langchain.agent', 'n8n-nodes-base.webhook']) {
      const { body } = await call('GET', `/v1/workflows?limit=100&nodeType=${encodeURIComponent(type)}`)
      const expected = facts.filter(({ node_types }) => node_types?.includes(type)).length
      expect(expected).toBeGreaterThan(0)
      expect(body.items).toHaveLength(Math.min(expected, 100))
    }
  })
})
