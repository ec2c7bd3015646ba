/** The worker's substitute for `@neondatabase/serverless` against the package: the same requests, values and errors. */
import * as theirs from '@neondatabase/serverless'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as ours from '../../src/worker/neon-http.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
  await database.sql`create table pets (id integer primary key, age integer constraint pets_age_check check (age >= 0))`
  // As drizzle does for the package and for its substitute, which share nothing.
  for (const { types } of [theirs, ours]) {
    for (const oid of [1082, 1114, 1184, 1186, 1231, 1115, 1182, 1185, 1187])
      types.setTypeParser(oid, (text: string) => text)
  }
})
afterAll(() => database.close())

interface Exchange {
  outcome: unknown
  request: unknown
}

type Client = ReturnType<typeof ours.neon>

/** What a client sends and makes of the response; `respond` in place of the database. */
async function exchange(
  driver: typeof theirs | typeof ours,
  work: (client: Client) => PromiseLike<unknown>,
  respond: (request: Request) => Promise<Response> = database.gateway.fetch,
  url = database.url,
): Promise<Exchange> {
  const sent: unknown[] = []
  const fetchFunction = async (endpoint: string, init: RequestInit) => {
    sent.push({ endpoint, method: init.method, headers: init.headers, body: JSON.parse(init.body as string) })
    return respond(new Request('http://gateway.internal/sql', init))
  }
  driver.neonConfig.fetchFunction = fetchFunction as never
  const client = driver.neon(url, { disableWarningInBrowsers: true }) as unknown as Client
  const outcome = await work(client).then(
    (result) => ({ result: comparable(result) }),
    (error: unknown) => ({
      error: error instanceof driver.NeonDbError && { ...error, message: error.message, name: error.name },
    }),
  )
  return { outcome, request: sent }
}

/** Bytes whichever class holds them, and nothing that only the package's own code reads. */
function comparable(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value]
  if (Array.isArray(value)) return value.map(comparable)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]) =>
      ['_parsers', '_types'].includes(name) ? [] : [[name, comparable(inner)]],
    ),
  )
}

async function expectSame(
  work: (client: Client) => PromiseLike<unknown>,
  respond?: () => Promise<Response>,
  url?: string,
): Promise<Exchange> {
  const mine = await exchange(ours, work, respond, url)
  expect(mine).toEqual(await exchange(theirs, work, respond, url))
  return mine
}

const values = [
  ...['true', 'false', 'null', '12::int2', '-7::int4', '9007199254740993::int8', '26::oid', '1.5::float4'],
  ...["'NaN'::float8", "'-Infinity'::float8", '1e308::float8', '12345678901234567890.12::numeric'],
  ...["''::text", "E'a\\n\"\\\\é💥'::text", "'x'::varchar", "'x'::char(3)", "'n'::name"],
  ...[
    "'\\x'::bytea",
    "'\\xdeadBEEF00'::bytea",
    '\'{"a":[1,null,"b"]}\'::json',
    "'[]'::jsonb",
    "'null'::jsonb",
  ],
  ...["'2026-11-29T10:00:00.123Z'::timestamptz", "'2026-11-29'::date", "'10:00'::time", "'3 days'::interval"],
  ...["'0190a5c0-0000-7000-8000-000000000000'::uuid", "'10.0.0.1'::inet", "'{}'::int4[]"],
  ...[
    'array[1,null,3]::int4[]',
    'array[1,2]::int2[]',
    'array[9007199254740993]::int8[]',
    'array[1.5,null]::float8[]',
  ],
  ...['array[true,false,null]', 'array[[1,2],[3,4]]', 'array[[[true]]]', "'[0:1]={7,8}'::int4[]"],
  ...["array['a,b','{c}','\"d\\\"','',null,'NULL','null',' e ','\\']::text[]", "array['a']::varchar[]"],
  ...[
    "array['\\x00ff','\\x']::bytea[]",
    'array[\'{"a":"}\\"}"}\']::json[]',
    'array[\'["x,y"]\',null]::jsonb[]',
  ],
  ...[
    "array['0190a5c0-0000-7000-8000-000000000000']::uuid[]",
    "array['2026-11-29T10:00:00Z']::timestamptz[]",
  ],
  ...['array[1.50]::numeric[]', "array['2026-11-29']::date[]", "row(1,'a')", 'int4range(1,5)'],
]

describe('the substitute for @neondatabase/serverless', () => {
  test.each(values)('reads %s as the package does', async (value) => {
    expect.hasAssertions()
    await expectSame((client) => client.query(`select ${value} as value`))
    await expectSame((client) =>
      client.query(`select ${value} as value`, [], { arrayMode: true, fullResults: true }),
    )
  })

  test.each([
    ['nothing', null],
    ['undefined', undefined],
    ['text', 'é"\\\u0001'],
    ['a number', 12.5],
    ['a bigint', 9007199254740993n],
    ['a boolean', true],
    ['an object', { a: ['b', null, { c: 'd"' }] }],
    ['an empty array', []],
    ['an array', ['a', 'b,c', '"d"', '\\', '', null, undefined, '{e}', 'NULL']],
    ['a nested array', [['a'], ['b']]],
    ['an array of numbers, booleans and objects', [1, true, { a: 1 }]],
    ['bytes', new Uint8Array([0, 1, 254, 255])],
    ['a part of bytes', new Uint8Array([0, 1, 2, 3]).subarray(1, 3)],
  ])('sends %s as the package does', async (_, value) => {
    const { request } = await expectSame((client) => client.query('select $1::text as value', [value]))
    expect(request).toHaveLength(1)
  })

  test('sends an instant that names the same time', async () => {
    const instant = new Date('2026-11-29T10:00:00.123Z')
    const sent = await exchange(ours, (client) =>
      client.query('select extract(epoch from $1::timestamptz)::float8 as at', [instant]),
    )
    expect(sent.outcome).toEqual({ result: [{ at: instant.getTime() / 1000 }] })
  })

  test('sends a batch in one request, each statement with its own options', async () => {
    const { request } = await expectSame((client) =>
      client.transaction(
        [
          client.query('select $1::int4 as a', [1], { arrayMode: false, fullResults: true }),
          client.query("select 'x' as b", [], { arrayMode: true, fullResults: true }),
          client.query("select 'y' as c"),
        ],
        { arrayMode: true, fullResults: true },
      ),
    )
    expect(request).toHaveLength(1)
  })

  test.each([
    'insert into pets values (1, -1)',
    'selec 1',
    "select 'x'::int4",
    'select * from no_such_table',
  ])('fails as the package does on %s', async (statement) => {
    const { outcome } = await expectSame((client) => client.query(statement))
    expect(outcome).toMatchObject({ error: { name: 'NeonDbError', code: expect.stringMatching(/^\w{5}$/) } })
    await expectSame((client) => client.transaction([client.query('select 1'), client.query(statement)]))
  })

  test.each([
    ['500', () => new Response('out of order', { status: 500 })],
    ['429 without a body', () => new Response(null, { status: 429 })],
    ['a batch without results', () => Response.json({})],
    ['400 with little in it', () => Response.json({ message: 'no' }, { status: 400 })],
  ])('fails as the package does on %s', async (_, respond) => {
    const { outcome } = await expectSame(
      (client) => client.transaction([client.query('select 1')]),
      async () => respond(),
    )
    expect(outcome).toHaveProperty('error')
  })

  test('wraps a failed connection', async () => {
    const cause = new TypeError('refused')
    const { outcome } = await expectSame(
      (client) => client.query('select 1'),
      () => Promise.reject(cause),
    )
    expect(outcome).toMatchObject({ error: { sourceError: cause } })
  })

  test.each([
    'postgresql://user:p%40ss@ep-cool-1.eu-central-1.aws.neon.tech/main?sslmode=require',
    'postgres://user:secret@ep-cool-1-pooler.eu-central-1.aws.neon.tech:5432/main',
    'postgresql://user@db.example.com/main?application_name=mine&options=-c%20search_path%3Dx',
  ])('asks the endpoint of %s with its connection string', async (url) => {
    const { request } = await expectSame(
      (client) => client.query('select 1'),
      async () => Response.json({ fields: [], rows: [] }),
      url,
    )
    expect(JSON.stringify(request)).toContain('/sql')
  })
})
