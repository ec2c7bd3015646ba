import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createDb, type Db } from '../../src/db/client.ts'
import { databaseError } from '../../src/db/errors.ts'
import { asOneRequest } from '../../src/db/read-batching.ts'
import { users } from '../../src/db/schema/users.ts'
import { databaseKinds, type TestDatabase } from '../harness/database.ts'

interface Sent {
  queries: string[]
  isReadOnly: boolean
}

describe.each(databaseKinds)('reads of one request, on $kind', ({ create }) => {
  let database: TestDatabase
  let db: Db
  const sent: Sent[] = []
  beforeAll(async () => {
    database = await create()
    db = createDb({
      databaseUrl: database.url,
      fetch: async (request) => {
        const body: { query: string } | { queries: { query: string }[] } = await request.clone().json()
        const queries = 'queries' in body ? body.queries.map(({ query }) => query) : [body.query]
        sent.push({ queries, isReadOnly: request.headers.get('Neon-Batch-Read-Only') === 'true' })
        return database.gateway.fetch(request)
      },
    })
  })
  afterAll(() => database.close())
  beforeEach(() => void sent.splice(0))

  const number = async (value: number, from = db.read) => {
    const { rows } = await from.execute<{ value: number }>(sql`select ${value}::integer as value`)
    return rows[0]?.value
  }
  const afterTurns = async (turns: number, value: number) => {
    for (let turn = 0; turn < turns; turn++) await Promise.resolve()
    return number(value)
  }

  test('issued together, they are one read-only batch, and each gets its own rows', async () => {
    const results = await asOneRequest(() =>
      Promise.all([
        number(1),
        afterTurns(9, 2),
        db.read.select({ id: users.id }).from(users),
        db.read.$count(users),
        db.read.batch([db.read.execute(sql`select 'a' as letter`), db.read.select().from(users)]),
      ]),
    )
    expect(results).toEqual([1, 2, [], 0, [expect.objectContaining({ rows: [{ letter: 'a' }] }), []]])
    expect(sent.map(({ queries, isReadOnly }) => [queries.length, isReadOnly])).toEqual([[6, true]])
  })

  test('one after another, they are requests of their own, and see what was written between them', async () => {
    await asOneRequest(async () => {
      const before = await db.read.$count(users)
      const id = crypto.randomUUID()
      await db.insert(users).values({ id, email: `${id}@example.com`, passwordHash: 'x', pepperId: 'p' })
      expect(await db.read.$count(users)).toBe(before + 1)
    })
    expect(sent.map(({ queries }) => queries.length)).toEqual([1, 1, 1])
  })

  test('a batch is never shared with another request, nor a request with what runs outside', async () => {
    const shared = Promise.resolve()
    const request = (value: number) =>
      asOneRequest(async () => {
        await shared
        return Promise.all([number(value), number(value + 1)])
      })
    const results = await Promise.all([request(10), request(20), number(30), number(31)])
    expect(results).toEqual([[10, 11], [20, 21], 30, 31])
    expect(sent.map(({ queries }) => queries.length).toSorted()).toEqual([1, 1, 2, 2])
  })

  test('a batch outside a request is one request', async () => {
    await db.read.batch([db.read.execute(sql`select 1`), db.read.execute(sql`select 2`)])
    expect(sent.map(({ queries }) => queries.length)).toEqual([2])
  })

  test('many are dealt to several batches', async () => {
    const values = Array.from({ length: 30 }, (_, index) => index)
    const results = await asOneRequest(() => Promise.all(values.map((value) => number(value))))
    expect(results).toEqual(values)
    expect(sent.map(({ queries }) => queries.length).toSorted()).toEqual([10, 10, 10])
  })

  test('one that fails does not fail the others', async () => {
    const results = await asOneRequest(() =>
      Promise.allSettled([number(1), db.read.execute(sql`select 1 / 0`), number(3)]),
    )
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    const [, failed] = results
    expect(failed?.status === 'rejected' && databaseError(failed.reason).sqlState).toBe('22012')
  })

  test.each([
    ['fails', undefined, 'select 1 / 0'],
    [
      'is canceled by the database',
      () => Response.json({ message: 'no', code: '57014' }, { status: 400 }),
      'select 2',
    ],
    ['gets no response in time', () => Promise.reject(new DOMException('late', 'TimeoutError')), 'select 2'],
  ])('only the one that %s is reported, with its own statement', async (_, refuse, statement) => {
    const requests: number[] = []
    const own = createDb({
      databaseUrl: database.url,
      fetch: async (request) => {
        const text = await request.clone().text()
        requests.push(text.split('"query"').length - 1)
        return refuse && text.includes(statement) ? refuse() : database.gateway.fetch(request)
      },
    })
    const results = await asOneRequest(() =>
      Promise.allSettled([number(1, own.read), own.read.execute(sql.raw(statement)), number(3, own.read)]),
    )
    expect(results).toMatchObject([
      { status: 'fulfilled', value: 1 },
      { status: 'rejected', reason: { query: statement } },
      { status: 'fulfilled', value: 3 },
    ])
    expect(requests[0]).toBe(3)
  })

  test('a write that is run as a read is refused, alone and with the reads of its batch', async () => {
    const write = () => db.read.execute(sql`delete from users`)
    await expect(write()).rejects.toMatchObject({ cause: { code: '25006' } })
    const both = await asOneRequest(() => Promise.allSettled([write(), number(2)]))
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  })

  test('an unavailable database fails them all without asking once more for each', async () => {
    let requests = 0
    const away = createDb({
      databaseUrl: database.url,
      fetch: () => {
        requests += 1
        return Promise.resolve(Response.json({ message: 'no', code: '08001' }, { status: 500 }))
      },
    })
    const results = await asOneRequest(() =>
      Promise.allSettled([number(1, away.read), number(2, away.read), number(3, away.read)]),
    )
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    expect(requests).toBe(3)
  })
})
