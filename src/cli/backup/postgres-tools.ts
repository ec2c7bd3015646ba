/** @module Runs `pg_dump` and `pg_restore`. The password is passed in the environment, not as an argument. */
import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { promisify } from 'node:util'
import { libpqTls, tlsOf } from '../operate/database-tls.ts'

type Tool = 'pg_dump' | 'pg_restore'

/** The major version of an installed tool; null if it is not installed. */
export async function toolVersion(tool: Tool): Promise<number | null> {
  try {
    const { stdout } = await promisify(execFile)(tool, ['--version'])
    return Number(/\s(\d+)/.exec(stdout)?.[1]) || null
  } catch {
    return null
  }
}

/** Connection parameter → variable of libpq. */
const parameters: Readonly<Record<string, string>> = {
  sslmode: 'PGSSLMODE',
  sslrootcert: 'PGSSLROOTCERT',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
  channel_binding: 'PGCHANNELBINDING',
  options: 'PGOPTIONS',
}

/** The variables of libpq for a connection string. */
export function connectionEnvironment(databaseUrl: string): Record<string, string> {
  const { hostname, port, username, password, pathname, searchParams } = new URL(databaseUrl)
  const given = [...searchParams].flatMap(([name, value]) => {
    const variable = parameters[name]
    return variable === undefined ? [] : [[variable, value] as const]
  })
  return {
    ...Object.fromEntries(given),
    ...libpqTls(tlsOf(databaseUrl)),
    PGHOST: searchParams.get('host') ?? hostname.replace(/^\[(.*)\]$/, '$1'),
    PGPORT: port || '5432',
    PGUSER: decodeURIComponent(username),
    PGPASSWORD: decodeURIComponent(password),
    PGDATABASE: decodeURIComponent(pathname.slice(1)),
    PGCONNECT_TIMEOUT: '10',
    // Times in the dump are in UTC, as `readLines` returns them.
    PGTZ: 'UTC',
  }
}

/** The custom format of a snapshot that an open transaction exported. */
export function dumpChunks(databaseUrl: string, snapshot: string): AsyncGenerator<Buffer> {
  return output(
    'pg_dump',
    [
      '--format=custom',
      '--encoding=UTF8',
      '--schema=public',
      '--load-via-partition-root',
      `--snapshot=${snapshot}`,
      '--no-password',
    ],
    { env: connectionEnvironment(databaseUrl) },
  )
}

/** The data of a dump as COPY text. @param dump the dump's content */
export function restoredText(dump: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  return output('pg_restore', ['--data-only', '--file=-'], { input: dump })
}

interface Options {
  env?: Record<string, string>
  input?: AsyncIterable<Buffer>
}

/** @throws {Error} with the last line of its messages when the tool fails, or with the error of `input` */
async function* output(tool: Tool, args: string[], { env, input }: Options): AsyncGenerator<Buffer> {
  const child = spawn(tool, args, {
    env: { ...process.env, ...env },
    stdio: [input ? 'pipe' : 'ignore', 'pipe', 'pipe'],
  }) as ChildProcessByStdio<Writable | null, Readable, Readable>
  let messages = ''
  child.stderr.on('data', (chunk: Buffer) => {
    messages = `${messages}${chunk.toString()}`.slice(-4000)
  })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  ended.catch(() => undefined)
  const feeding = input && child.stdin ? feed(child.stdin, input) : Promise.resolve()
  // A failed input ends the tool; its error is thrown below instead of the tool's.
  feeding.catch(() => child.kill())
  try {
    for await (const chunk of child.stdout) yield chunk as Buffer
    await feeding
    if ((await ended) !== 0) {
      const last = messages.trim().split('\n').at(-1) ?? ''
      throw new Error(`${tool} failed: ${last.replace(/^pg_\w+: (error: )?/, '')}`)
    }
  } finally {
    child.kill()
  }
}

async function feed(stdin: Writable, input: AsyncIterable<Buffer>): Promise<void> {
  // The tool may end before it has read everything; its exit code says why.
  let isClosed = false
  const closed = new Promise<void>((resolve) => {
    const close = () => {
      isClosed = true
      resolve()
    }
    stdin.once('close', close).once('error', close)
  })
  for await (const chunk of input) {
    if (isClosed) return
    if (!stdin.write(chunk)) {
      await Promise.race([new Promise<void>((resolve) => stdin.once('drain', resolve)), closed])
    }
  }
  stdin.end()
}
