/** Backups in an S3-compatible bucket, and retention. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  backupName,
  expiredBackups,
  findBackup,
  listBackups,
  removeBackups,
  retentionOf,
} from '../../../src/cli/backup/backup-folders.ts'
import { manifestName, readManifest } from '../../../src/cli/backup/manifest.ts'
import { verifyBackup } from '../../../src/cli/backup/read-backup.ts'
import { restoreBackup } from '../../../src/cli/backup/restore-backup.ts'
import { folderStorage, openStorage, type Storage } from '../../../src/cli/backup/storage.ts'
import { writeBackup } from '../../../src/cli/backup/write-backup.ts'
import { createTestDatabase, type TestDatabase } from '../../harness/database.ts'
import { contentOfDatabase, insertOddRows, rings, targetOf } from './odd-rows.ts'
import { type S3Stub, startS3Stub } from './s3-stub.ts'

let stub: S3Stub
beforeEach(async () => {
  stub = await startS3Stub()
})
afterEach(() => stub.close())

describe('a bucket', () => {
  const keys = rings()
  let source: TestDatabase
  beforeAll(async () => {
    source = await createTestDatabase()
    await insertOddRows(source, keys)
  })
  afterAll(() => source.close())

  const storage = () => openStorage('s3://backups/flowkeep/nightly', stub.environment)
  const backup = (to: Storage) =>
    writeBackup({ source: { kind: 'snapshot', backend: source.backend }, storage: to })

  test('stores a backup, which can be verified and restored', async () => {
    const name = backupName(new Date())
    await backup(storage().at(name))
    expect([...stub.objects.keys()].every((key) => key.startsWith(`flowkeep/nightly/${name}/`))).toBe(true)
    const found = await findBackup(storage())
    expect(found.description).toBe(`s3://backups/flowkeep/nightly/${name}`)
    await verifyBackup(found, await readManifest(found))
    const target = await createTestDatabase()
    try {
      await restoreBackup({ storage: found, target: targetOf(target), rings: keys })
      expect(await contentOfDatabase(target)).toEqual(await contentOfDatabase(source))
    } finally {
      await target.close()
    }
  })

  test('transient failures are retried: 503, and a connection that is cut in the body', async () => {
    stub.fail(/^PUT .*users/, { status: 503, code: 'SlowDown' })
    stub.fail(/^PUT .*workflows/, 'cut')
    stub.fail(/^GET .*users/, 'cut', 2)
    const to = storage().at('backup')
    await backup(to)
    await verifyBackup(to, await readManifest(to))
    expect(stub.requests.filter((line) => /^GET .*users/.test(line))).toHaveLength(3)
    expect(stub.requests.filter((line) => /^PUT .*users/.test(line))).toHaveLength(2)
  })

  test('an upload that fails leaves no manifest', async () => {
    stub.fail(/^PUT .*executions/, { status: 403, code: 'AccessDenied' })
    const to = storage().at('backup')
    await expect(backup(to)).rejects.toThrow(
      'The S3 server rejected a request for bucket backups (403 AccessDenied). Allow the access key to list, read, write and delete objects in the bucket.',
    )
    await expect(readManifest(to)).rejects.toThrow('manifest.json is missing')
  })

  test.each([
    [{ AWS_SECRET_ACCESS_KEY: 'wrong' }, '(403 SignatureDoesNotMatch). Check AWS_SECRET_ACCESS_KEY.'],
    [{ AWS_ACCESS_KEY_ID: 'other' }, '(403 InvalidAccessKeyId). Check AWS_ACCESS_KEY_ID.'],
    [{ AWS_ACCESS_KEY_ID: '' }, 'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'],
    [{ S3_ENDPOINT: 'minio:9000' }, 'S3_ENDPOINT is not an HTTP or HTTPS URL.'],
  ])('%j is reported with the fix', async (change, problem) => {
    const listing = async () => listBackups(openStorage('s3://backups/x', { ...stub.environment, ...change }))
    await expect(listing()).rejects.toThrow(problem)
  })

  test('a missing bucket and another kind of target are reported', async () => {
    await expect(listBackups(openStorage('s3://nowhere', stub.environment))).rejects.toThrow(
      '(404 NoSuchBucket). Create the bucket, or correct the target.',
    )
    expect(() => openStorage('s3://', stub.environment)).toThrow('s3://<bucket>/<prefix>')
    expect(() => openStorage('gs://bucket', stub.environment)).toThrow('a folder or s3://')
  })

  test('keys with special characters are signed and listed', async () => {
    const odd = storage().at("it's (1) *!~ é&<b>+%20")
    await odd.put('a b.txt', Buffer.from('x'))
    expect(await odd.list()).toEqual([{ path: 'a b.txt', bytes: 1 }])
    expect(await odd.get('a b.txt')).toEqual(Buffer.from('x'))
    await odd.remove(['a b.txt'])
    expect(await odd.get('a b.txt')).toBeNull()
  })
})

describe('retention', () => {
  const now = new Date('2026-11-29T12:00:00Z')
  const daysAgo = (days: number) => backupName(new Date(now.getTime() - days * 86_400_000))

  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flowkeep-retention-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  async function fill(storage: Storage): Promise<void> {
    for (const days of [0.1, 1, 2, 30, 31]) {
      await storage.at(daysAgo(days)).put('tables/users-00001.jsonl.gz', Buffer.from('x'))
      await storage.at(daysAgo(days)).put(manifestName, Buffer.from('{}'))
    }
    await storage.at(daysAgo(0.2)).put('running', Buffer.from('x'))
    await storage.at(daysAgo(3)).put('interrupted', Buffer.from('x'))
    await storage.put('notes.txt', Buffer.from('x'))
  }

  async function remaining(storage: Storage, values: Record<string, string>): Promise<string[]> {
    await fill(storage)
    await removeBackups(storage, expiredBackups(await listBackups(storage), retentionOf(values), now))
    return [...new Set((await storage.list()).map(({ path }) => path.split('/')[0] ?? ''))].toSorted()
  }

  const rules: [Record<string, string>, number[]][] = [
    [{}, [0.1, 0.2, 1, 2, 3, 30, 31]],
    [{ keep: '2' }, [0.1, 0.2, 1]],
    [{ 'keep-days': '30' }, [0.1, 0.2, 1, 2, 30]],
    [{ keep: '4', 'keep-days': '1' }, [0.1, 0.2, 1, 2, 30]],
  ]

  test.each(rules)('%j in a folder', async (values, kept) => {
    const names = await remaining(folderStorage(folder), values)
    expect(names).toEqual([...kept.map(daysAgo), 'notes.txt'].toSorted())
    expect((await readdir(folder)).toSorted()).toEqual(names)
  })

  test('in a bucket', async () => {
    const names = await remaining(openStorage('s3://backups/x', stub.environment), { keep: '1' })
    expect(names).toEqual([daysAgo(0.1), daysAgo(0.2), 'notes.txt'].toSorted())
  })

  test('never removes the newest complete backup', async () => {
    const storage = folderStorage(folder)
    await storage.at(daysAgo(400)).put(manifestName, Buffer.from('{}'))
    await storage.at(daysAgo(300)).put('interrupted', Buffer.from('x'))
    const expired = expiredBackups(await listBackups(storage), { keepDays: 1 }, now)
    expect(expired.map(({ name }) => name)).toEqual([daysAgo(300)])
  })

  test('a folder with interrupted backups only has none to restore', async () => {
    const storage = folderStorage(folder)
    await storage.at(daysAgo(1)).put('tables/users-00001.jsonl.gz', Buffer.from('x'))
    await expect(findBackup(storage)).rejects.toThrow(`no complete backup: ${daysAgo(1)} was interrupted`)
  })

  test.each(['0', '-1', '1.5', 'all', ''])('--keep %j is a usage error', (keep) => {
    expect(() => retentionOf({ keep })).toThrow('--keep must be a whole number above 0.')
  })

  test('finds the newest complete backup below a folder, and ignores other files', async () => {
    const storage = folderStorage(folder)
    await fill(storage)
    await writeFile(join(folder, `${daysAgo(0)}.txt`), '')
    expect((await findBackup(storage)).description).toBe(join(folder, daysAgo(0.1)))
  })
})
