import { sql as query } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { createDb, type Db, type DbOptions, idempotent, type SlowStatement } from '../../src/db/client.ts'
import { databaseError } from '../../src/db/errors.ts'

const PASSWORD = 'secret-canary'
const databaseUrl = `postgresql://app:${PASSWORD}@db.example/flowkeep`

const rows = () => Response.json({ fields: [], rows: [], command: 'SELECT', rowCount: 0, rowAsArray: true })
const refused = (status: number, code: string) => Response.json({ message: 'no', code }, { status })
const html = (status: number) => new Response('<html>', { status, headers: { 'content-type': 'text/html' } })
const lost = () => {
  throw new TypeError('fetch failed', { cause: Object.assign(new Error(), { code: 'ECONNRESET' }) })
}
const noConnection = () => {
  throw new TypeError('fetch failed', { cause: Object.assign(new Error(), { code: 'ECONNREFUSED' }) })
}
const cutShort = () =>
  new Response(
    new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('{"rows":['))
        controller.error(new TypeError('terminated'))
      },
    }),
    { headers: { 'content-type': 'application/json' } },
  )

/** A database that first returns `answers` and then works normally. */
function scripted(answers: (() => Response)[], options: Partial<DbOptions> = {}) {
  const requests: Request[] = []
  const fetch = async (request: Request) => {
    requests.push(request)
    return (answers[requests.length - 1] ?? rows)()
  }
  return { db: createDb({ databaseUrl, fetch, ...options }), requests }
}

const read = query`select * from t where updated_at < now()`
const write = query`with gone as (delete from t returning *) select * from gone`

describe('retries reads and writes that were certainly not applied', () => {
  test.each([
    ['serialization failure', () => refused(400, '40001')],
    ['deadlock', () => refused(400, '40P01')],
    ['too many connections', () => refused(500, '53300')],
    ['starting up', () => refused(500, '57P03')],
    ['429', () => html(429)],
    ['connection refused', noConnection],
  ])('%s', async (_, answer) => {
    for (const kind of ['read', 'write']) {
      const { db, requests } = scripted([answer, answer])
      await (kind === 'read' ? db.read.execute(read) : db.execute(write))
      expect(requests).toHaveLength(3)
    }
  })
})

describe('retries only reads after a failure that may have been applied', () => {
  test.each([
    ['connection to Postgres lost', () => refused(400, '')],
    ['500', () => refused(500, '')],
    ['502 with HTML', () => html(502)],
    ['200 with HTML', () => html(200)],
    ['400 with HTML', () => html(400)],
    ['a truncated response', cutShort],
    ['connection reset', lost],
  ])('%s', async (_, answer) => {
    const reading = scripted([answer, answer])
    await reading.db.read.execute(read)
    expect(reading.requests).toHaveLength(3)

    const writing = scripted([answer])
    const error = await writing.db.execute(write).catch((reason: unknown) => reason)
    expect(databaseError(error)).toEqual({ kind: 'unavailable', maybeApplied: true })
    expect(writing.requests).toHaveLength(1)
  })

  test.each([
    ['a function', query`select * from record_executions(null, null, null)`],
    ['an update', query`update t set a = 1`],
    ['a select that is not run as a read', read],
    ['a batch', undefined],
  ])('%s is a write, and is retried only if the caller declares it idempotent', async (_, statement) => {
    const run = async (db: Pick<Db, 'execute' | 'batch'>) =>
      statement ? db.execute(statement) : db.batch([db.execute(write), db.execute(write)])
    const once = scripted([lost])
    await expect(run(once.db)).rejects.toBeInstanceOf(Error)
    expect(once.requests).toHaveLength(1)
    for (const answer of [lost, () => refused(400, ''), () => refused(400, '57P01'), () => html(502)]) {
      const { db, requests } = scripted([answer, answer, answer, answer])
      await expect(run(idempotent(db))).rejects.toBeInstanceOf(Error)
      expect(requests).toHaveLength(3)
    }
    const refusal = scripted([() => refused(400, '23505')])
    await expect(run(idempotent(refusal.db))).rejects.toBeInstanceOf(Error)
    expect(refusal.requests).toHaveLength(1)
  })

  test('a batch with one write is a write', async () => {
    const { db, requests } = scripted([lost])
    const { $client: sql } = db
    await expect(sql.transaction([sql`select 1`, sql`update t set a = 1`])).rejects.toThrow('fetch failed')
    expect(requests).toHaveLength(1)
  })
})

describe('does not retry permanent failures', () => {
  test.each([
    ['a violated constraint', () => refused(400, '23505')],
    ['a wrong password', () => refused(400, '28P01')],
    ['a canceled statement', () => refused(400, '57014')],
    ['a request that is too large', () => html(413)],
    ['a response that is too large', () => html(507)],
  ])('%s', async (_, answer) => {
    const { db, requests } = scripted([answer])
    await expect(db.read.execute(read)).rejects.toThrow('Failed query')
    expect(requests).toHaveLength(1)
  })
})

test('makes at most three attempts', async () => {
  const { db, requests } = scripted([lost, lost, lost])
  await expect(db.read.execute(read)).rejects.toThrow('Failed query')
  expect(requests).toHaveLength(3)
})

test('gives up on an endpoint that never responds, aborts the request, and does not retry beyond the budget', async () => {
  let request: Request | undefined
  const db = createDb({
    databaseUrl,
    timeoutMs: 2_100,
    fetch: (sent) => {
      request = sent
      return new Promise(() => undefined)
    },
  })
  const error = await db.read.execute(read).catch((reason: unknown) => reason)
  expect(databaseError(error)).toEqual({ kind: 'unavailable', maybeApplied: true })
  expect(request?.signal.aborted).toBe(true)
})

test('several databases in one process are independent', async () => {
  const [a, b] = [scripted([]), scripted([])]
  await Promise.all([a.db.read.execute(read), b.db.read.execute(read), a.db.execute(write)])
  expect([a.requests.length, b.requests.length]).toEqual([2, 1])
})

test('uses the given endpoint', async () => {
  const { db, requests } = scripted([], { fetchEndpoint: 'http://127.0.0.1:1/sql' })
  await db.read.execute(read)
  expect(requests[0]?.url).toBe('http://127.0.0.1:1/sql')
})

test('reports slow statements with their SQL, cut to 500 characters, without parameters', async () => {
  const slow: SlowStatement[] = []
  const { db } = scripted([], { slowMs: 0, onSlow: (each) => slow.push(each) })
  await db.execute(query`select ${'canary'}::text`)
  await db.$client.transaction([db.$client`select 1`, db.$client`select ${'canary'}`]).catch(() => undefined)
  await db.$client.query(`select '${'x'.repeat(600)}'`)
  expect(slow.map(({ statement }) => statement.slice(0, 30))).toEqual([
    'select $1::text',
    'select 1; select $1',
    `select '${'x'.repeat(22)}`,
  ])
  expect(slow[2]?.statement).toHaveLength(500)
  expect(JSON.stringify(slow)).not.toContain('canary')
})

test('does not report fast statements', async () => {
  const slow: SlowStatement[] = []
  const { db } = scripted([], { slowMs: 60_000, onSlow: (each) => slow.push(each) })
  await db.read.execute(read)
  expect(slow).toEqual([])
})

test.each([
  [PASSWORD],
  [`mysql://app:${PASSWORD}@db.example/flowkeep`],
  [`postgresql://app:${PASSWORD}@db.example`],
  [`postgresql://:${PASSWORD}@db.example/flowkeep`],
  [''],
])('rejects an invalid connection string without repeating it', (wrong) => {
  const create = () => createDb({ databaseUrl: wrong })
  expect(create).toThrow('must look like')
  expect(create).not.toThrow(PASSWORD)
})
