/** Backups of both methods, restored into both kinds of databases. */
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BackupInvalid, readManifest, writeManifest } from '../../../src/cli/backup/manifest.ts'
import { toolVersion } from '../../../src/cli/backup/postgres-tools.ts'
import { verifyBackup } from '../../../src/cli/backup/read-backup.ts'
import { RestoreDiffers, restoreBackup } from '../../../src/cli/backup/restore-backup.ts'
import { folderStorage } from '../../../src/cli/backup/storage.ts'
import { type BackupSource, writeBackup } from '../../../src/cli/backup/write-backup.ts'
import { overHttp } from '../../../src/cli/backup/transaction.ts'
import { readMigrations } from '../../../src/cli/migrate/files.ts'
import { readLines, readTables } from '../../../src/db/backup/catalog.ts'
import type { Backend } from '../../../src/db/gateway/protocol.ts'
import { migrate } from '../../../src/db/migrate.ts'
import { schemaVersion } from '../../../src/db/schema-version.ts'
import { keyOf, randomRing } from '../../crypto/rings.ts'
import {
  createPgliteTestDatabase,
  createTestDatabase,
  databaseKinds,
  type PostgresTestDatabase,
  type TestDatabase,
} from '../../harness/database.ts'
import { contentOfDatabase, idOf, insertOddRows, rings, targetOf, userId } from './odd-rows.ts'

/** Tests of `pg_dump` need the client tools of at least the server's version. */
const hasTools = ((await toolVersion('pg_dump')) ?? 0) >= 15 && ((await toolVersion('pg_restore')) ?? 0) >= 15
if (!hasTools) console.warn('pg_dump is not installed: the tests of the method "dump" are skipped.')

let folder: string
let source: PostgresTestDatabase
const keys = rings()
let content: string[]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flowkeep-backup-'))
  source = await createTestDatabase()
  await insertOddRows(source, keys, 50)
  content = await contentOfDatabase(source)
})
afterAll(async () => {
  await source.close()
  await rm(folder, { recursive: true, force: true })
})

let made = 0
async function backup(from: BackupSource) {
  made += 1
  const storage = folderStorage(join(folder, `backup-${made}`))
  return {
    storage,
    path: join(folder, `backup-${made}`),
    manifest: await writeBackup({ source: from, storage }),
  }
}
const snapshot = () => backup({ kind: 'snapshot', backend: source.backend })
const dump = () => backup({ kind: 'dump', backend: source.backend, databaseUrl: source.postgresUrl })

async function withTarget(
  create: () => Promise<TestDatabase>,
  work: (target: TestDatabase) => Promise<void>,
): Promise<void> {
  const target = await create()
  try {
    await work(target)
  } finally {
    await target.close()
  }
}

describe.each(databaseKinds)('into $kind', ({ create }) => {
  test('the driver restores every value of every table', () =>
    withTarget(create, async (target) => {
      const { storage } = await snapshot()
      const { tables, repairs } = await restoreBackup({ storage, target: targetOf(target), rings: keys })
      expect(tables.filter(({ isEqual }) => !isEqual)).toEqual([])
      expect(repairs).toEqual([])
      expect(await contentOfDatabase(target)).toEqual(content)
    }))

  test.skipIf(!hasTools)('a dump restores every value of every table', () =>
    withTarget(create, async (target) => {
      const { storage, manifest } = await dump()
      expect(manifest.tables).toEqual((await snapshot()).manifest.tables)
      await verifyBackup(storage, manifest)
      await restoreBackup({ storage, target: targetOf(target), rings: keys })
      expect(await contentOfDatabase(target)).toEqual(content)
    }),
  )

  test('foreign keys and identity columns work after the restore', () =>
    withTarget(create, async (target) => {
      const { storage } = await snapshot()
      await restoreBackup({ storage, target: targetOf(target), rings: keys })
      const keysOf = ({ sql }: TestDatabase) =>
        sql`select conrelid::regclass::text as table, conname, pg_get_constraintdef(oid) from pg_constraint
          where contype = 'f' order by 1, 2`
      expect(await keysOf(target)).toEqual(await keysOf(source))
      const [row] = await target.sql`insert into execution_changes
        (user_id, deployment_id, workflow_id, instance_id, workflow_version, recorded_at, sign, status)
        values (${userId}, ${userId}, ${userId}, ${userId}, 1, now(), 1, 'success') returning id::integer`
      expect(row?.['id']).toBe(2)
      await target.sql`delete from users`
      expect(await target.sql`select 1 from workflow_versions`).toEqual([])
    }))

  test('a restore that fails midway changes nothing, and the next one succeeds', () =>
    withTarget(create, async (target) => {
      const { storage } = await snapshot()
      let statements = 0
      const failing: Backend = {
        ...target.backend,
        withConnection: (use) =>
          target.backend.withConnection((execute) =>
            use((statement, maxChars) => {
              if (statement.query.startsWith('insert into')) statements += 1
              if (statements === 5) throw new Error('connection lost')
              return execute(statement, maxChars)
            }),
          ),
      }
      const before = await contentOfDatabase(target)
      const restoring = restoreBackup({
        storage,
        target: { ...targetOf(target), backend: failing },
        rings: keys,
      })
      await expect(restoring).rejects.toThrow('connection lost')
      expect(await contentOfDatabase(target)).toEqual(before)
      await restoreBackup({ storage, target: targetOf(target), rings: keys })
      expect(await contentOfDatabase(target)).toEqual(content)
    }))
})

test('backs up the embedded database', () =>
  withTarget(createPgliteTestDatabase, async (embedded) => {
    await insertOddRows(embedded, keys, 1)
    const { storage, manifest } = await backup({ kind: 'snapshot', backend: embedded.backend })
    await verifyBackup(storage, manifest)
    await withTarget(createTestDatabase, async (target) => {
      await restoreBackup({ storage, target: targetOf(target), rings: keys })
      expect(await contentOfDatabase(target)).toEqual(await contentOfDatabase(embedded))
    })
  }))

test('reads large tables in pages, in the order of the primary key, without gaps', () =>
  withTarget(createTestDatabase, async (database) => {
    await database.sql`insert into key_checks (key_id, sealed)
      select 'k' || n, jsonb_build_array(n, repeat('x', case when n % 97 = 0 then 300000 else 0 end)) from generate_series(1, 5000) n`
    const query = overHttp(database.sql)
    const table = (await readTables(query)).find(({ name }) => name === 'key_checks')
    if (!table) throw new Error('The table is missing')
    const read: string[] = []
    let largest = 0
    for await (const page of readLines(query, table)) {
      largest = Math.max(largest, page.join('').length)
      read.push(...page.map((line) => (JSON.parse(line) as string[])[0] ?? ''))
    }
    const sorted = await database.sql`select key_id from key_checks order by key_id`
    expect(read).toEqual(sorted.map((row) => row['key_id']))
    expect(largest).toBeLessThan(3_000_000)
  }))

test('contains no key and no secret in plain text', async () => {
  const { path } = await snapshot()
  const manifest = await readFile(join(path, 'manifest.json'), 'utf8')
  for (const ring of Object.values(keys)) {
    for (const id of ring.keys.keys()) {
      const key = keyOf(ring, id)
      expect(manifest).not.toContain(Buffer.from(key).toString('base64'))
      expect(manifest).not.toContain(Buffer.from(key).toString('base64url'))
    }
  }
  expect(JSON.parse(manifest)).toMatchObject({
    keyIds: { CREDENTIAL_KEYS: ['k1', 'k2'], PASSWORD_PEPPERS: ['p1'] },
    method: 'driver',
    consistency: 'snapshot',
    schemaVersion,
  })
})

describe('a damaged backup is refused and names the file', () => {
  const methods = ['driver', ...(hasTools ? ['dump'] : [])]

  let target: TestDatabase
  beforeAll(async () => {
    target = await createTestDatabase()
  })
  afterAll(() => target.close())

  async function copyOf(method: string) {
    const { path } = method === 'dump' ? await dump() : await snapshot()
    const names = (await readdir(path, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
    return { path, names }
  }

  const messageOf = async (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'nothing was refused',
      (error: unknown) => (error instanceof BackupInvalid ? error.message : `unexpected: ${String(error)}`),
    )

  /** What `backup verify` and `restore` say. */
  async function refusalsOf(path: string): Promise<string[]> {
    const storage = folderStorage(path)
    const verified = await messageOf(
      readManifest(storage).then((manifest) => verifyBackup(storage, manifest)),
    )
    const restored = await messageOf(restoreBackup({ storage, target: targetOf(target), rings: keys }))
    return [verified, restored]
  }

  test.each(methods)('%s: a backup that was interrupted has no manifest', async (method) => {
    const { path } = await copyOf(method)
    await rm(join(path, 'manifest.json'))
    for (const refusal of await refusalsOf(path)) expect(refusal).toContain('manifest.json is missing')
  })

  test.each(methods)('%s: a missing, shortened or changed file', async (method) => {
    const { path, names } = await copyOf(method)
    const before = await contentOfDatabase(target)
    for (const name of ['manifest.json', names.find((each) => /executions-|dump/.test(each)) ?? '']) {
      const original = await readFile(join(path, name))
      const flipped = Buffer.from(original)
      const middle = Math.trunc(original.length / 2)
      flipped[middle] = (flipped[middle] ?? 0) ^ 1
      for (const changed of [flipped, original.subarray(0, middle), null]) {
        const copy = await mkdtemp(join(folder, 'damaged-'))
        await cp(path, copy, { recursive: true })
        if (changed) await writeFile(join(copy, name), changed)
        else await rm(join(copy, name))
        for (const refusal of await refusalsOf(copy)) expect(refusal).toContain(name)
      }
    }
    expect(await contentOfDatabase(target)).toEqual(before)
  })

  test('a newer format or schema asks for a newer Flowkeep', async () => {
    const { storage, manifest } = await snapshot()
    const future = { ...manifest, formatVersion: 2 } as unknown as typeof manifest
    await writeManifest(storage, future)
    await expect(readManifest(storage)).rejects.toThrow('Upgrade Flowkeep')
    await writeManifest(storage, { ...manifest, schemaVersion: '9999_later', flowkeepVersion: '9.9.9' })
    await withTarget(createTestDatabase, async (target) => {
      const restoring = restoreBackup({ storage, target: targetOf(target), rings: keys })
      await expect(restoring).rejects.toThrow('schema 9999_later, which is newer than this release')
    })
  })

  test('rows that differ from the manifest are rolled back and listed', async () => {
    const { storage, manifest } = await snapshot()
    const tables = manifest.tables.map((table) =>
      table.name === 'workflows' ? { ...table, checksum: '1' } : table,
    )
    await writeManifest(storage, { ...manifest, tables })
    await expect(verifyBackup(storage, await readManifest(storage))).rejects.toThrow('table workflows')
    await withTarget(createTestDatabase, async (target) => {
      const restoring = restoreBackup({ storage, target: targetOf(target), rings: keys })
      await expect(restoring).rejects.toThrow(RestoreDiffers)
      await expect(restoring).rejects.toThrow('workflows')
      expect(await target.sql`select 1 from users`).toEqual([])
    })
  })
})

describe('keys', () => {
  test.each([
    ['a missing key', { ...keys, CREDENTIAL_KEYS: randomRing('k3') }, 'CREDENTIAL_KEYS is missing k1, k2'],
    ['a missing ring', { CREDENTIAL_KEYS: keys.CREDENTIAL_KEYS }, 'PASSWORD_PEPPERS is missing p1'],
    [
      'another key under the same ID',
      { ...keys, CREDENTIAL_KEYS: randomRing('k1', 'k2') },
      'CREDENTIAL_KEYS has a different key under the ID k1',
    ],
  ])('%s is refused and named', async (_, configured, problem) => {
    const { storage } = await snapshot()
    await withTarget(createTestDatabase, async (target) => {
      const restoring = restoreBackup({ storage, target: targetOf(target), rings: configured })
      await expect(restoring).rejects.toThrow(problem)
    })
  })
})

describe('the target', () => {
  test('is refused when it has rows of a user', () =>
    withTarget(createTestDatabase, async (target) => {
      await target.sql`insert into users (id, email, password_hash, pepper_id) values (${idOf(9)}, 'a@example.com', 'h', 'p1')`
      const { storage } = await snapshot()
      const restoring = restoreBackup({ storage, target: targetOf(target), rings: keys })
      await expect(restoring).rejects.toThrow('rows in users')
    }))

  test('is refused when it has a table of another application', () =>
    withTarget(createTestDatabase, async (target) => {
      await target.sql`create table invoices (id integer primary key)`
      const { storage } = await snapshot()
      const restoring = restoreBackup({ storage, target: targetOf(target), rings: keys })
      await expect(restoring).rejects.toThrow('the table invoices')
    }))

  test('may be without a schema, and a backup of an older schema is migrated', () =>
    withTarget(createTestDatabase, async (old) => {
      const released = await readMigrations('drizzle')
      const earlier = released.findIndex(({ name }) => name === '0025_error_group_states') + 1
      const empty = async ({ sql }: TestDatabase) => {
        await sql`drop schema public cascade`
        await sql`create schema public`
      }
      await empty(old)
      await migrate({ sql: old.sql, migrations: released.slice(0, earlier) })
      await insertOddRows(old, keys)
      const { storage, manifest } = await backup({ kind: 'snapshot', backend: old.backend })
      expect(manifest.schemaVersion).toBe('0025_error_group_states')
      await withTarget(createTestDatabase, async (target) => {
        const tooNew = restoreBackup({ storage, target: targetOf(target), rings: keys })
        await expect(tooNew).rejects.toThrow(`The database has schema ${schemaVersion}`)
        await empty(target)
        await restoreBackup({ storage, target: targetOf(target), rings: keys })
        await migrate({ sql: old.sql, migrations: released })
        expect(await contentOfDatabase(target)).toEqual(await contentOfDatabase(old))
      })
    }))
})
