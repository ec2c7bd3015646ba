/**
 * Clients edit a few workflows at the same time, over two servers with their own connections to a real Postgres:
 * `npx tsx bench/edits.ts [edits] [workflows]`. Each edit increments a counter of one node, based on what the client read. A lost edit
 * or an edit based on an outdated value would make the counters differ from the number of confirmed edits.
 */
import assert from 'node:assert/strict'
import { readMigrations } from '../src/cli/migrate/files.ts'
import { createDb } from '../src/db/client.ts'
import { postgresBackend } from '../src/db/gateway/postgres.ts'
import { createGateway } from '../src/db/gateway/protocol.ts'
import { migrate } from '../src/db/migrate.ts'
import { startPostgres } from '../test/harness/postgres-server.ts'
import { seeded } from '../test/harness/random.ts'
import {
  caller,
  createUser,
  createWorkflowServer,
  node,
  workflowOf,
} from '../test/workflows/workflow-server.ts'

const edits = Number(process.argv[2] ?? 10_000)
const clients = 24
const workflows = Number(process.argv[3] ?? 8)
const nodes = 8

const postgres = await startPostgres()
// On a loaded machine, a lock can take seconds.
const patient = { lockTimeoutMs: 120_000, statementTimeoutMs: 120_000, connectTimeoutMs: 120_000 }
const backends = [1, 2].map(() => postgresBackend(postgres.url, patient))
const databases = backends.map((backend) => {
  const gateway = createGateway(backend)
  return createDb({ databaseUrl: gateway.url, fetch: gateway.fetch, timeoutMs: 300_000 })
})
try {
  const [first] = databases
  if (!first) throw new Error('No database')
  await migrate({ sql: first.$client, migrations: await readMigrations('drizzle') })
  const userId = await createUser(first)
  const calls = databases.map((db) => caller(createWorkflowServer(db).app, userId))
  const [call] = calls
  if (!call) throw new Error('No server')

  const names = Array.from({ length: nodes }, (_, index) => `Node ${index}`)
  const workflow = workflowOf('Race', ...names.map((name) => node(name, 'set')))
  for (const each of workflow.nodes) Object.assign(each, { parameters: { count: 0 } })
  const paths: string[] = []
  for (let index = 0; index < workflows; index += 1) {
    paths.push(`/v1/workflows/${(await call('POST', '/v1/workflows', { workflow })).body.id}`)
  }

  const counts = { confirmed: 0, rebased: 0, conflicts: 0, applies: 0 }
  let left = edits
  async function client(number: number): Promise<void> {
    const random = seeded(number)
    const send = calls[number % calls.length] as ReturnType<typeof caller>
    while (left > 0) {
      left -= 1
      const at = Math.floor(random() * nodes)
      const path = paths[Math.floor(random() * workflows)] ?? ''
      const isRebasing = random() < 0.7
      for (let isDone = false; !isDone; ) {
        const { body: read } = await send('GET', path)
        const { count } = read.workflow.nodes[at].parameters
        const operations = [
          { op: 'setParameter', node: `Node ${at}`, pointer: '/count', value: count + 1 },
          { op: 'moveNode', node: `Node ${at}`, position: [count, at] },
        ]
        const edit = (rebase: boolean) =>
          send('POST', `${path}/edits`, { operations, rebase }, { 'If-Match': `"${read.version}"` })
        let answer = await edit(isRebasing)
        if (answer.status === 412 && answer.body.applies === true) {
          counts.applies += 1
          answer = await edit(true)
        }
        if (answer.status === 412) counts.conflicts += 1
        else {
          assert.equal(answer.status, 200, JSON.stringify(answer.body))
          assert.equal(answer.body.stored, true)
          counts.confirmed += 1
          if (answer.body.rebasedFrom !== undefined) counts.rebased += 1
          isDone = true
        }
      }
    }
  }
  const start = performance.now()
  await Promise.all(Array.from({ length: clients }, (_, number) => client(number)))
  const seconds = (performance.now() - start) / 1000
  let sum = 0
  for (const path of paths) {
    const { body } = await call('GET', path)
    for (const { parameters } of body.workflow.nodes) sum += Number(parameters.count)
  }
  const [stored] =
    await first.$client`select count(*)::integer as versions, count(operations)::integer as edits
    from workflow_versions`
  console.log(`${counts.confirmed} edits confirmed in ${seconds.toFixed(0)} s by ${clients} clients:`, counts)
  console.log(`Sum of the counters: ${sum}; lost: ${counts.confirmed - sum}.`, stored)
  assert.equal(sum, counts.confirmed)
  assert.deepEqual(stored, { versions: edits + workflows, edits })
} finally {
  await Promise.all(backends.map((backend) => backend.close()))
  await postgres.stop()
}
