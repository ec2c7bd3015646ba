/**
 * @module The same statement without a server: prepared on connections to Postgres, by `pgbench` if it is installed, otherwise
 * by a loop over `pg` in a process of its own, which is slower.
 */
import { execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'
import type { Statement } from './floor.ts'
import { requestsOf, unique } from './template.ts'

const run = promisify(execFile)

export const hasPgbench: Promise<boolean> = run('pgbench', ['--version']).then(
  () => true,
  () => false,
)

/** A literal without a colon, which begins a variable in a script of pgbench. */
const literal = (value: string) =>
  `E'${value.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll(':', '\\x3a').replaceAll('\n', '\\n')}'`

async function parameterTypes(url: string, { query }: Statement): Promise<string[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  await client.query(`prepare measured as ${query}`)
  const { rows } = await client.query<{ types: string[] }>(
    "select parameter_types::text[] types from pg_prepared_statements where name = 'measured'",
  )
  await client.end()
  return rows[0]?.types ?? []
}

/** @returns executions of the statement per second */
export async function perSecondInPostgres(
  url: string,
  statement: Statement,
  connections: number,
  seconds: number,
): Promise<number> {
  if (!(await hasPgbench))
    return loop({ url, statement, connections, seconds, first: Date.now() % 0x4000_0000 })
  const types = await parameterTypes(url, statement)
  const folder = await mkdtemp(join(tmpdir(), 'flowkeep-pgbench-'))
  try {
    const script = join(folder, 'script.sql')
    const text = statement.query.replaceAll('\n', ' ').replaceAll(/\$(\d+)/g, (_, place: string) => {
      const value = statement.params[Number(place) - 1] ?? null
      if (value === null) return 'null'
      return value.includes(unique)
        ? `cast(replace(${literal(value)}, '${unique}', lpad(to_hex(cast(:n as int)), 8, '0')) as ${types[Number(place) - 1] ?? 'text'})`
        : literal(value)
    })
    await writeFile(script, `\\set n random(0, 2147483647)\n${text};\n`)
    const { stdout, stderr } = await run(
      'pgbench',
      [
        '--no-vacuum',
        '--protocol=prepared',
        `--client=${connections}`,
        '--jobs=1',
        `--time=${Math.max(2, Math.ceil(seconds))}`,
        `--file=${script}`,
        url,
      ],
      { maxBuffer: 2 ** 26 },
    )
    const [, rate] = /tps = ([\d.]+)/.exec(stdout) ?? []
    // On a busy machine, the time can pass before the first one ends.
    if (rate === undefined && stdout.includes('processed: 0'))
      return await perSecondInPostgres(url, statement, connections, seconds * 2)
    if (rate === undefined) throw new Error(`pgbench: ${stderr.slice(0, 2000)}`)
    return Number(rate)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

interface Looped {
  url: string
  statement: Statement
  connections: number
  seconds: number
  first: number
}

async function loop(options: Looped): Promise<number> {
  const child = fork(import.meta.filename, ['--loop'], { execArgv: process.execArgv })
  child.send(options)
  const [perSecond] = (await once(child, 'message')) as [number]
  child.kill('SIGKILL')
  return perSecond
}

async function repeat({ url, statement, connections, seconds, first }: Looped): Promise<number> {
  const clients = Array.from({ length: connections }, () => new Client({ connectionString: url }))
  await Promise.all(clients.map((client) => client.connect()))
  const next = requestsOf(
    { method: 'POST', path: '', headers: {}, body: JSON.stringify(statement.params) },
    first,
  )
  let done = 0
  const startedAt = performance.now()
  await Promise.all(
    clients.map(async (client) => {
      while (performance.now() - startedAt < seconds * 1000) {
        const values = JSON.parse(next().body ?? '[]') as string[]
        await client.query({ name: 'statement', text: statement.query, values })
        done += 1
      }
    }),
  )
  const perSecond = done / ((performance.now() - startedAt) / 1000)
  await Promise.all(clients.map((client) => client.end()))
  return perSecond
}

if (process.argv.includes('--loop'))
  process.on('message', (options: Looped) => void repeat(options).then((rate) => process.send?.(rate)))
