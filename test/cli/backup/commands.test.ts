/** The commands as processes: output, exit codes, environment. */
import { spawn } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { keyOf } from '../../crypto/rings.ts'
import { createTestDatabase, type PostgresTestDatabase } from '../../harness/database.ts'
import { contentOfDatabase, insertOddRows, rings } from './odd-rows.ts'
import { type S3Stub, startS3Stub } from './s3-stub.ts'

const root = join(import.meta.dirname, '../../..')
const keys = rings()
let folder: string
let source: PostgresTestDatabase
let stub: S3Stub

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flowkeep-backup-commands-'))
  source = await createTestDatabase()
  stub = await startS3Stub()
  await insertOddRows(source, keys)
})
afterAll(async () => {
  await stub.close()
  await source.close()
  await rm(folder, { recursive: true, force: true })
})

const ringTexts = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(keys).map(([name, ring]) => {
      const texts = [...ring.keys.keys()].map((id) => [id, Buffer.from(keyOf(ring, id)).toString('base64')])
      return [name, JSON.stringify({ active: ring.active, keys: Object.fromEntries(texts) })]
    }),
  )

async function run(args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [join(root, 'bin/flowkeep.js'), ...args], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '',
      FLOWKEEP_STATE: join(folder, 'state'),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { status: await ended, stdout, stderr }
}

const database = ({ postgresUrl }: PostgresTestDatabase) => ({ DATABASE_URL: postgresUrl })

test('backs up to a folder, verifies, and restores into an empty database', async () => {
  const made = await run(['backup', 'backups', '--method', 'driver'], database(source))
  expect({ ...made, stdout: '' }).toMatchObject({ status: 0 })
  expect(made.stdout).toMatch(/^backups\/flowkeep-\S+Z: \d+ rows, 0\.\d MB, method driver\n$/)
  expect(made.stderr).toBe(
    'Required keys, which the backup does not contain: CREDENTIAL_KEYS k1, k2; PASSWORD_PEPPERS p1. Store them separately.\n',
  )
  const verified = await run(['backup', 'verify', 'backups'])
  expect(verified).toMatchObject({ status: 0, stdout: expect.stringContaining('is complete: ') })
  const target = await createTestDatabase()
  try {
    const refused = await run(['restore', 'backups'], database(target))
    expect(refused).toMatchObject({ status: 1, stdout: '' })
    expect(refused.stderr).toContain('CREDENTIAL_KEYS is missing k1, k2; PASSWORD_PEPPERS is missing p1')
    const restored = await run(['restore', 'backups'], { ...database(target), ...ringTexts() })
    expect(restored).toMatchObject({ status: 0, stderr: '' })
    expect(restored.stdout).toMatch(/^executions +3 +3 {2}equal$/m)
    expect(await contentOfDatabase(target)).toEqual(await contentOfDatabase(source))
  } finally {
    await target.close()
  }
})

test('backs up to a bucket and keeps the newest', async () => {
  const env = { ...database(source), ...stub.environment }
  const target = 's3://backups/nightly'
  for (const _ of [1, 2]) {
    expect(await run(['backup', target, '--method', 'driver', '--keep', '1', '--json'], env)).toMatchObject({
      status: 0,
    })
  }
  const { stdout } = await run(['backup', 'list', target, '--json'], stub.environment)
  const { backups } = JSON.parse(stdout) as { backups: { name: string; isComplete: boolean }[] }
  expect(backups).toMatchObject([{ isComplete: true }])
  const names = new Set([...stub.objects.keys()].map((key) => key.split('/')[1]))
  expect([...names]).toEqual([backups[0]?.name])
})

test('a backup that fails removes what it wrote', async () => {
  stub.fail(/^PUT .*\/executions-/, { status: 403, code: 'AccessDenied' })
  const env = { ...database(source), ...stub.environment }
  const failed = await run(['backup', 's3://backups/failing', '--method', 'driver'], env)
  expect(failed).toMatchObject({ status: 1, stdout: '' })
  expect([...stub.objects.keys()].filter((key) => key.startsWith('failing/'))).toEqual([])
})

test.each([
  [['backup', 'x', '--method', 'copy'], '--method must be dump or driver.'],
  [['backup', 'gs://x'], 'The target must be a folder or s3://'],
])('%j is a usage error', async (args, problem) => {
  const { status, stderr } = await run(args, database(source))
  expect({ status, stderr }).toMatchObject({ status: 2, stderr: expect.stringContaining(problem) })
  expect(await readdir(folder)).not.toContain('x')
})

test('jobs reports that the scheduled job has not run', async () => {
  const { status, stderr } = await run(['jobs'], database(source))
  expect(status).toBe(1)
  expect(stderr).toContain('The scheduled job has not run yet')
})
