/** The command line as real processes: exit codes, output streams, signals, and the build without dev dependencies. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { isBuiltin } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { commands } from '../../src/cli/commands.ts'
import { testEnvironment } from '../harness/app.ts'
import { createTestDatabase, type PostgresTestDatabase } from '../harness/database.ts'

const root = join(import.meta.dirname, '../..')
const built = join(root, 'dist/node/flowkeep.js')
const commandLine = join(root, 'bin/flowkeep.js')
let folder: string
let database: PostgresTestDatabase

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flowkeep-cli-'))
  database = await createTestDatabase()
  const { status, stderr } = spawnSync(process.execPath, ['scripts/build.js'], {
    cwd: root,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`The build failed:\n${stderr}`)
}, 180_000)
afterAll(async () => {
  await database.close()
  await rm(folder, { recursive: true, force: true })
})

/** Only the variables that locate programs. */
const environment = (more: Record<string, string> = {}) => ({
  PATH: process.env['PATH'] ?? '',
  HOME: process.env['HOME'] ?? '',
  FLOWKEEP_STATE: join(folder, 'state'),
  ...more,
})

interface Ended {
  status: number | null
  stdout: string
  stderr: string
}

async function run(args: string[], env: Record<string, string> = {}, { program = built, cwd = folder } = {}) {
  const child = spawn(process.execPath, [program, ...args], {
    cwd,
    env: environment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { status: await ended, stdout, stderr } satisfies Ended
}

/** Below the range of ephemeral ports, so that nothing else uses it in the meantime. */
async function freePort(): Promise<number> {
  const port = 20_000 + Math.floor(Math.random() * 12_000)
  const server = createServer()
  const isFree = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true))
  })
  if (!isFree) return freePort()
  await new Promise((resolve) => server.close(resolve))
  return port
}

describe('every command', () => {
  test.each(commands.map(({ name }) => [name]))(
    '%s --help prints usage to stdout and exits with 0',
    async (name) => {
      const { status, stdout, stderr } = await run([...name.split(' '), '--help'])
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
      expect(stdout).toContain(`Usage: npm run flowkeep -- ${name}`)
      expect(stdout).toContain('Exit codes:')
    },
  )

  test('creates no files for help or invalid arguments', async () => {
    await run(['rotate-keys', '--help'])
    await run(['rotate-keys', '--nonsense'])
    await run(['users', 'reset-password', 'a@example.com'])
    expect(existsSync(join(folder, 'state'))).toBe(false)
  })

  test.each([
    [['--version'], 0, '0.'],
    [['help', 'import'], 0, 'Usage: npm run flowkeep -- import'],
    [['users', '--help'], 0, 'users reset-password'],
  ])('%j prints to stdout', async (args, expected, answer) => {
    const { status, stdout } = await run(args)
    expect(status).toBe(expected)
    expect(stdout).toContain(answer)
  })

  test.each([
    [['improt', 'x'], 'Did you mean import?'],
    [['import', '--jsno', 'x'], 'Did you mean --json?'],
    [['import'], 'Missing <file or folder>'],
    [['serve', 'now'], 'Unexpected argument "now"'],
    [['export', 'a', 'b'], 'Unexpected argument "b"'],
    [['users'], 'users reset-password'],
    [['users', 'reset-pasword', 'a@example.com'], 'Did you mean users reset-password?'],
    [['dev', '--node=yes'], 'does not take an argument'],
    [['demo'], 'npm run demo'],
    [['\u001b[31m'], 'Unknown command'],
  ])('%j is a usage error: exit code 2, message on stderr', async (args, message) => {
    const { status, stdout, stderr } = await run(args)
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toContain(message)
    expect(stderr).not.toContain('\u001b')
  })

  test('behaves the same from the sources', async () => {
    const sources = await run(['--help'], {}, { program: commandLine, cwd: root })
    expect(sources).toEqual(await run(['--help']))
  })
})

describe('keys', () => {
  test('are printed in a form that env files and shells read alike', async () => {
    const { stdout } = await run(['generate-keys'])
    const file = join(folder, 'keys.env')
    await writeFile(file, stdout)
    const print = 'process.stdout.write(process.env.CREDENTIAL_KEYS)'
    const byNode = spawnSync(process.execPath, [`--env-file=${file}`, '-e', print], {
      encoding: 'utf8',
      env: {},
    })
    const byShell = spawnSync('sh', ['-c', `set -a; . "${file}"; "${process.execPath}" -e '${print}'`], {
      encoding: 'utf8',
    })
    expect(JSON.parse(byNode.stdout)).toEqual({ active: 'k1', keys: { k1: expect.any(String) } })
    expect(byShell.stdout).toBe(byNode.stdout)
  })

  test('are a JSON object with --json', async () => {
    const { stdout } = await run(['generate-keys', '--json'])
    expect(Object.keys(JSON.parse(stdout))).toContain('FINGERPRINT_KEY')
  })
})

describe('an unusable database', () => {
  const changed = (change: (url: URL) => void) => {
    const url = new URL(database.postgresUrl)
    change(url)
    return url.href
  }
  test.each([
    ['a wrong password', (url: URL) => (url.password = 'never-printed'), /rejected the password of user/],
    [
      'an unknown database',
      (url: URL) => (url.pathname = '/no_such_database'),
      /has no database "no_such_database"/,
    ],
    [
      'an unknown host',
      (url: URL) => (url.hostname = 'no-such-host.invalid'),
      /"no-such-host.invalid" cannot be resolved/,
    ],
  ])('%s is reported on stderr without the password', async (_, change, message) => {
    const { status, stdout, stderr } = await run(['migrate'], { DATABASE_URL: changed(change) })
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toMatch(message)
    expect(stderr).not.toContain('never-printed')
  })

  test('a port without a listener is reported', async () => {
    const port = await freePort()
    const url = `postgresql://someone:never-printed@127.0.0.1:${port}/flowkeep`
    const { status, stderr } = await run(['migrate'], { DATABASE_URL: url })
    expect(status).toBe(1)
    expect(stderr).toContain(`Nothing is listening on 127.0.0.1:${port}`)
  })

  test('an unmigrated database is reported, in serve too', async () => {
    const empty = changed((url) => (url.pathname = '/postgres'))
    const settings = testEnvironment({ DATABASE_URL: empty })
    for (const args of [['rotate-keys'], ['serve']]) {
      const { status, stderr } = await run(args, settings)
      expect({ args, status }).toEqual({ args, status: 1 })
      expect(stderr).toContain('npm run flowkeep -- migrate')
    }
  })

  test('migrate prints JSON for scripts', async () => {
    const { status, stdout } = await run(['migrate', '--json'], { DATABASE_URL: database.postgresUrl })
    expect({ status, answer: JSON.parse(stdout) }).toEqual({ status: 0, answer: { applied: [], left: [] } })
  })

  test('a log line, as of a slow statement, goes to stderr, so that stdout is only the result', async () => {
    const { sql } = database
    await sql`create function sleep_longer() returns trigger language plpgsql
      as 'begin perform pg_sleep(1.2); return null; end'`
    await sql`create trigger slow after insert on key_checks for each statement execute function sleep_longer()`
    try {
      const ring = JSON.stringify({ active: 'slow', keys: { slow: randomBytes(32).toString('base64') } })
      const settings = testEnvironment({ DATABASE_URL: database.postgresUrl, CREDENTIAL_KEYS: ring })
      const { stdout, stderr } = await run(['keys', 'rotate', '--json'], settings)
      expect(stderr).toContain('slow-statement')
      expect(JSON.parse(stdout)).toMatchObject({ activeKey: 'slow', rewrapped: 0 })
    } finally {
      await sql`drop trigger slow on key_checks`
      await sql`drop function sleep_longer()`
    }
  })

  test('settings come from .env in the current folder, and the environment takes precedence', async () => {
    await writeFile(join(folder, '.env'), `DATABASE_URL='${database.postgresUrl}'\n`)
    try {
      expect((await run(['migrate', '--json'])).stdout).toContain('"applied": []')
      const { stderr } = await run(['migrate'], { DATABASE_URL: 'postgresql://a:b@no-such-host.invalid/c' })
      expect(stderr).toContain('no-such-host.invalid')
    } finally {
      await rm(join(folder, '.env'))
    }
  })
})

describe('serve', () => {
  /** The same keys for every server on the database. */
  const keys = testEnvironment({ LOG_LEVEL: 'warn' })
  /** Reads output lines until one contains `event`. */
  async function until(child: ChildProcess, lines: string[], event: string): Promise<void> {
    const isThere = () => lines.some((line) => line.includes(`"event":"${event}"`))
    while (!isThere()) {
      if (child.exitCode !== null) throw new Error(`It ended without "${event}":\n${lines.join('\n')}`)
      await new Promise((resolve) => child.stdout?.once('data', resolve).once('end', resolve))
    }
  }

  test.each([
    ['npm start', ['start']],
    ['npm run flowkeep', ['run', 'flowkeep', '--', 'serve']],
  ])('stops on SIGTERM to `%s` after finishing requests in progress', async (_, args) => {
    const port = await freePort()
    const child = spawn('npm', args, {
      cwd: root,
      env: environment({
        ...keys,
        DATABASE_URL: database.postgresUrl,
        PORT: String(port),
        HOST: '127.0.0.1',
      }),
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
    const lines: string[] = []
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => lines.push(...chunk.split('\n')))
    await until(child, lines, 'listening')

    const body = '{"email":"nobody@example.com"}'
    const socket = connect(port, '127.0.0.1')
    const answer = text(socket)
    socket.write(
      `POST /v1/auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`,
    )
    // A response shows that the server has read the previous request.
    const health = await fetch(`http://127.0.0.1:${port}/health/ready`)
    expect(health.status).toBe(200)
    await health.text()
    child.kill('SIGTERM')
    await until(child, lines, 'stopping')
    socket.write(body)
    expect(await answer).toMatch(/^HTTP\/1.1 422 /)
    await until(child, lines, 'stopped')
    await ended
    await expect(fetch(`http://127.0.0.1:${port}/health/live`)).rejects.toThrow('fetch failed')
  })

  test('reports a port that is in use', async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const address = taken.address()
    const port = typeof address === 'object' && address ? address.port : 0
    const settings = testEnvironment({ DATABASE_URL: database.postgresUrl })
    const { status, stderr } = await run(['serve'], { ...settings, PORT: String(port), HOST: '127.0.0.1' })
    await new Promise((resolve) => taken.close(resolve))
    expect(status).toBe(1)
    expect(stderr).toContain(`Port ${port} is in use`)
  })

  test('is built from production dependencies only', async () => {
    const { dependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>
    }
    const output = join(root, 'dist/node')
    const missing = new Set<string>()
    for (const name of (await readdir(output)).filter((each) => each.endsWith('.js'))) {
      const code = await readFile(join(output, name), 'utf8')
      for (const [, specifier = ''] of code.matchAll(/^\s*import (?:[^'"]*from )?"([^"./][^"]*)"/gm)) {
        const [scope = '', rest] = specifier.split('/')
        const packageName = scope.startsWith('@') ? `${scope}/${rest}` : scope
        if (!isBuiltin(specifier) && !(packageName in dependencies)) missing.add(packageName)
      }
    }
    expect([...missing]).toEqual([])
  })
})
