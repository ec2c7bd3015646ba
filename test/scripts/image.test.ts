/** The steps of the Dockerfile without a container engine: build, start as another user, health check, stop under load. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { cp, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DockerfileParser, type Instruction, type JSONInstruction } from 'dockerfile-ast'
import { validate } from 'dockerfile-utils'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { testEnvironment } from '../harness/app.ts'
import { createTestDatabase, type PostgresTestDatabase } from '../harness/database.ts'

const root = join(import.meta.dirname, '../..')
const maxImageBytes = 40 * 1024 * 1024

const dockerfile = await readFile(join(root, 'Dockerfile'), 'utf8')
const parsed = DockerfileParser.parse(dockerfile)
const of = (keyword: string) => parsed.getInstructions().filter((each) => each.getKeyword() === keyword)
const jsonOf = (instruction: Instruction | undefined): string[] =>
  (instruction as JSONInstruction).getJSONStrings().map((each) => JSON.parse(each.getValue()) as string)

describe('the Dockerfile', () => {
  test('is valid', () => {
    expect(validate(dockerfile).map(({ message }) => message)).toEqual([])
  })

  // Names of hadolint's rules.
  test('DL3006, DL3007: pins every base image', () => {
    const stages = of('FROM').map((each) => each.getArguments()[0]?.getValue() ?? '')
    expect(stages).toHaveLength(2)
    for (const image of stages) expect(image).toMatch(/:(?!latest$)[\w.-]+$/)
  })

  test('DL3002: runs as another user than root', () => {
    expect(of('USER').at(-1)?.getArguments()[0]?.getValue()).toBe('nonroot')
  })

  test('DL3000, DL3020, DL3025: absolute folders, no ADD, commands as lists', () => {
    for (const each of of('WORKDIR')) expect(each.getArguments()[0]?.getValue()).toMatch(/^\//)
    expect(of('ADD')).toEqual([])
    for (const each of [...of('CMD'), ...of('ENTRYPOINT')])
      expect(each.getRawArgumentsContent()).toMatch(/^\[.*\]$/)
  })

  test('contains no secret and copies only what the build needs', () => {
    const names = [...of('ARG'), ...of('ENV')].map((each) => each.getRawArgumentsContent() ?? '')
    expect(names.filter((text) => /KEY|SECRET|TOKEN|PASSWORD|DATABASE_URL/i.test(text))).toEqual([])
  })
})

test('.dockerignore excludes everything but the sources', async () => {
  const lines = (await readFile(join(root, '.dockerignore'), 'utf8')).trim().split('\n')
  expect(lines[0]).toBe('**')
  const kept = lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1))
  for (const name of kept) await expect(stat(join(root, name))).resolves.toBeDefined()
  expect(kept.filter((name) => /env|flowkeep$|node_modules|^\.git/.test(name))).toEqual([])
})

test('compose.yaml starts Flowkeep after the migration, without rights it does not need', async () => {
  const { services } = parse(await readFile(join(root, 'compose.yaml'), 'utf8'), { merge: true })
  expect(Object.keys(services).toSorted()).toEqual(['flowkeep', 'migrate', 'n8n', 'postgres'])
  for (const name of ['flowkeep', 'migrate'])
    expect(services[name]).toMatchObject({ read_only: true, cap_drop: ['ALL'], build: '.' })
  expect(services.migrate.command).toEqual(['migrate'])
  expect(services.flowkeep.depends_on.migrate).toEqual({ condition: 'service_completed_successfully' })
  for (const { image } of Object.values<{ image: string }>(services))
    expect(image).toMatch(/^flowkeep$|:(?!latest$)[\w.-]+$/)
  const known = Object.keys(testEnvironment())
  const { environment } = services.flowkeep
  expect(Object.keys(environment).filter((name) => !known.includes(name))).toEqual(['ALLOW_PRIVATE_NETWORKS'])
})

describe('the image', () => {
  let folder: string
  let database: PostgresTestDatabase
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flowkeep-image-'))
    const { status, stderr } = spawnSync(process.execPath, ['scripts/build.js', '--image'], {
      cwd: root,
      encoding: 'utf8',
    })
    expect({ status, stderr }).toMatchObject({ status: 0 })
    // Outside the repository, so that its packages cannot be found.
    await cp(join(root, 'dist/image'), folder, { recursive: true })
    database = await createTestDatabase()
  })
  afterAll(async () => {
    await database.close()
    await rm(folder, { recursive: true, force: true })
  })

  const environment = async (settings: Record<string, string> = {}): Promise<Record<string, string>> => ({
    ...testEnvironment({ LOG_LEVEL: 'info', BCRYPT_COST: '4' }),
    DATABASE_URL: database.postgresUrl,
    PORT: String(await freePort()),
    HOST: '127.0.0.1',
    ...settings,
  })
  /** Runs a command of the image as `ENTRYPOINT` does. */
  const command = (args: string[], env: Record<string, string>): ChildProcess =>
    spawn(process.execPath, ['node/flowkeep.js', ...args], {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })

  test('is small and holds no sources, tests or development packages', async () => {
    const files = await readdir(folder, { recursive: true, withFileTypes: true })
    let bytes = 0
    for (const file of files.filter((each) => each.isFile()))
      bytes += (await stat(join(file.parentPath, file.name))).size
    expect(bytes).toBeLessThan(maxImageBytes)
    expect((await readdir(folder)).toSorted()).toEqual([
      'LICENSE',
      'drizzle',
      'node',
      'node_modules',
      'package.json',
      'public',
    ])
  })

  test('migrates, starts, is healthy, and on SIGTERM loses and cuts off no request', async () => {
    const env = await environment()
    expect(await exit(command(['health'], env))).toBe(1)
    expect(await exit(command(['migrate'], env))).toBe(0)
    const server = command(jsonOf(of('CMD').at(-1)), env)
    const ended = exit(server)
    const lines = linesOf(server)
    try {
      await lines.until('listening')
      const health = of('HEALTHCHECK')[0]?.getRawArgumentsContent() ?? ''
      expect(health).toContain('"node/flowkeep.js", "health"')
      expect(await exit(command(['health'], env))).toBe(0)

      const url = `http://127.0.0.1:${env['PORT']}`
      const post = (path: string, body: unknown, token = '') =>
        fetch(url + path, {
          method: 'POST',
          headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
          body: JSON.stringify(body),
        })
      const account = { email: 'stop@example.com', password: 'kept until the end' }
      const { accessToken } = (await (await post('/v1/auth/register', account)).json()) as {
        accessToken: string
      }
      const outcomes: string[] = []
      const isOver = (outcome: string | undefined) => outcome === 'ECONNREFUSED'
      const load = async (worker: number) => {
        for (let turn = 0; !isOver(outcomes.at(-1)); turn += 1) {
          const workflow = { name: `${worker} ${turn}`, nodes: [], connections: {}, settings: {} }
          // A refused connection loses nothing: the request never reached the server.
          const outcome = await post('/v1/workflows', { workflow }, accessToken).then(
            async (response) => `${response.status} ${(await response.text()).length > 0}`,
            codeOf,
          )
          outcomes.push(outcome)
          if (isOver(outcome)) return
        }
      }
      const loads = Promise.all([1, 2, 3, 4].map(load))
      while (outcomes.length < 20) await new Promise((resolve) => setTimeout(resolve, 20))
      server.kill('SIGTERM')
      expect(await ended).toBe(0)
      await loads
      const created = outcomes.filter((each) => each === '201 true')
      expect(outcomes.filter((each) => each !== '201 true' && !isOver(each))).toEqual([])
      const [row] = await database.sql`select count(*)::integer as workflows from workflows`
      expect(row?.['workflows']).toBe(created.length)
    } finally {
      server.kill('SIGKILL')
    }
  })
})

const exit = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => child.once('close', resolve))

function linesOf(child: ChildProcess) {
  let printed = ''
  const append = (text: string) => void (printed += text)
  child.stdout?.setEncoding('utf8').on('data', append)
  child.stderr?.setEncoding('utf8').on('data', append)
  return {
    until: async (event: string) => {
      while (!printed.includes(`"event":"${event}"`)) {
        if (child.exitCode !== null) throw new Error(`It ended without "${event}":\n${printed}`)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    },
  }
}

const codeOf = (error: unknown): string => {
  const cause = error instanceof Error ? error.cause : undefined
  return typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : String(cause)
}

function freePort(): Promise<number> {
  const server = createServer()
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    }),
  )
}
