/** @module The commands `backup`, `backup list`, `backup verify` and `restore`. */
import { createDb } from '../../db/client.ts'
import { type CommandInput, exitCode } from '../command.ts'
import { UsageError } from '../failure.ts'
import {
  openDatabase,
  openExistingDatabase,
  type OpenDatabase,
  releasedMigrations,
} from '../operate/database.ts'
import { configuredRings } from '../operate/key-rings.ts'
import { jsonResult, message, plural, progress, result } from '../terminal.ts'
import {
  backupName,
  expiredBackups,
  findBackup,
  listBackups,
  removeBackups,
  retentionOf,
} from './backup-folders.ts'
import { type Manifest, readManifest } from './manifest.ts'
import { toolVersion } from './postgres-tools.ts'
import { verifyBackup } from './read-backup.ts'
import { type ComparedTable, RestoreDiffers, restoreBackup } from './restore-backup.ts'
import { openStorage, type Storage } from './storage.ts'
import { type BackupSource, writeBackup } from './write-backup.ts'

export async function backupCommand({ positionals, flags, values }: CommandInput): Promise<void> {
  const retention = retentionOf(values)
  const { method } = values
  if (method !== undefined && method !== 'dump' && method !== 'driver') {
    throw new UsageError('--method must be dump or driver.')
  }
  const target = openStorage(positionals[0] ?? '')
  const database = openExistingDatabase()
  try {
    const source = await sourceOf(database, method)
    const now = new Date()
    const storage = target.at(backupName(now))
    const manifest = await withoutRest(storage, () => writeBackup({ source, storage, progress }))
    progress?.('')
    const expired = expiredBackups(await listBackups(target), retention, now)
    await removeBackups(target, expired)
    const removed = expired.map(({ name }) => name)
    if (flags.has('json')) return jsonResult({ backup: storage.description, ...summary(manifest), removed })
    const { rows, bytes } = summary(manifest)
    result(`${storage.description}: ${plural(rows, 'row')}, ${megabytes(bytes)}, method ${manifest.method}`)
    printKeys(manifest)
    for (const name of removed) message(`Removed ${name}`)
  } finally {
    progress?.('')
    await database.close()
  }
}

/** Removes what a failed backup has written. */
async function withoutRest<T>(storage: Storage, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const remove = async () => storage.remove((await storage.list()).map(({ path }) => path))
    await remove().catch(() => undefined)
    throw error
  }
}

async function sourceOf(database: OpenDatabase, method: string | undefined): Promise<BackupSource> {
  await database.opened()
  const { postgresUrl } = database
  if (postgresUrl === null) {
    if (method === 'dump') {
      throw new UsageError('The embedded database has no pg_dump. Use --method driver.')
    }
    return { kind: 'snapshot', backend: database.connect() }
  }
  const backend = database.connect()
  const serverVersion = await majorVersion(backend)
  if (serverVersion === null) return overHttpSource(database, method)
  const found = await toolVersion('pg_dump')
  const isSuitable = found !== null && found >= serverVersion
  if (method === 'dump' && !isSuitable) {
    throw new Error(
      `The server is Postgres ${serverVersion}, and ` +
        (found === null ? 'pg_dump is not installed' : `the installed pg_dump is version ${found}`) +
        `. Install the Postgres ${serverVersion} client tools, or use --method driver.`,
    )
  }
  return method !== 'driver' && isSuitable
    ? { kind: 'dump', backend, databaseUrl: postgresUrl }
    : { kind: 'snapshot', backend }
}

/** Null when the server cannot be reached over the Postgres protocol. */
const majorVersion = (backend: ReturnType<OpenDatabase['connect']>): Promise<number | null> =>
  backend
    .withConnection(async (execute) => {
      const { rows } = await execute({ query: `show server_version_num`, params: [] }, 100)
      return Math.trunc(Number(rows[0]?.[0]) / 10_000)
    })
    .catch(() => null)

function overHttpSource({ url, fetch, description }: OpenDatabase, method: string | undefined): BackupSource {
  const problem = `${description} cannot be reached over the Postgres protocol (port 5432)`
  if (method === 'dump' || fetch !== undefined) throw new Error(`${problem}.`)
  message(`${problem}. Reading page by page over HTTP; restore repairs rows that change in the meantime.`)
  return { kind: 'pages', sql: createDb({ databaseUrl: url, timeoutMs: 120_000 }).$client }
}

function summary({ method, consistency, schemaVersion, tables, files, keyIds }: Manifest) {
  return {
    method,
    consistency,
    schemaVersion,
    keyIds,
    rows: tables.reduce((sum, { rows }) => sum + rows, 0),
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    files: files.length,
    tables: Object.fromEntries(tables.map(({ name, rows }) => [name, rows])),
  }
}

function printKeys({ keyIds }: Manifest): void {
  const keys = Object.entries(keyIds).map(([variable, ids]) => `${variable} ${ids.join(', ')}`)
  if (keys.length > 0) {
    message(`Required keys, which the backup does not contain: ${keys.join('; ')}. Store them separately.`)
  }
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`

export async function listBackupsCommand({ positionals, flags }: CommandInput): Promise<void> {
  const backups = await listBackups(openStorage(positionals[0] ?? ''))
  if (flags.has('json')) {
    return jsonResult({
      backups: backups.map(({ name, startedAt, bytes, isComplete }) => ({
        name,
        startedAt,
        bytes,
        isComplete,
      })),
    })
  }
  if (backups.length === 0) message('No backups found.')
  for (const { name, bytes, isComplete } of backups) {
    result(`${name}  ${megabytes(bytes).padStart(12)}  ${isComplete ? 'complete' : 'incomplete'}`)
  }
}

export async function verifyBackupCommand({ positionals, flags }: CommandInput): Promise<void> {
  const storage = await findBackup(openStorage(positionals[0] ?? ''))
  try {
    const manifest = await readManifest(storage)
    await verifyBackup(storage, manifest, progress)
    progress?.('')
    if (flags.has('json')) return jsonResult({ backup: storage.description, ...summary(manifest) })
    const { rows, files, bytes } = summary(manifest)
    result(
      `${storage.description} is complete: ${plural(rows, 'row')} in ${plural(files, 'file')}, ${megabytes(bytes)}`,
    )
    printKeys(manifest)
  } finally {
    progress?.('')
  }
}

export async function restoreCommand({ positionals, flags }: CommandInput): Promise<number> {
  const storage = await findBackup(openStorage(positionals[0] ?? ''))
  const database = openDatabase()
  try {
    await database.opened()
    const migrations = (await releasedMigrations()).map(({ name }) => name)
    const target = { backend: database.connect(), migrations, migrate: database.migrate }
    const { manifest, tables, repairs } = await restoreBackup({
      storage,
      target,
      rings: configuredRings(),
      progress,
    })
    progress?.('')
    if (flags.has('json')) {
      jsonResult({
        backup: storage.description,
        database: database.description,
        equal: true,
        tables,
        repairs,
      })
      return exitCode.success
    }
    printTables(tables)
    for (const { table, rows, problem } of repairs) message(`${table}: ${plural(rows, 'row')} ${problem}`)
    const { rows } = summary(manifest)
    result(`Restored ${plural(rows, 'row')} into ${database.description}. All tables match the backup.`)
    return exitCode.success
  } catch (error) {
    if (!(error instanceof RestoreDiffers)) throw error
    progress?.('')
    if (flags.has('json')) {
      jsonResult({ backup: storage.description, equal: false, tables: error.tables, repairs: [] })
    } else printTables(error.tables)
    message(error.message)
    return exitCode.failure
  } finally {
    progress?.('')
    await database.close()
  }
}

function printTables(tables: readonly ComparedTable[]): void {
  const width = Math.max(5, ...tables.map(({ table }) => table.length))
  result(`${'Table'.padEnd(width)}  ${'Backup'.padStart(10)}  ${'Restored'.padStart(10)}  Content`)
  for (const { table, rows, restored, isEqual } of tables) {
    const counts = `${String(rows).padStart(10)}  ${String(restored).padStart(10)}`
    result(`${table.padEnd(width)}  ${counts}  ${isEqual ? 'equal' : 'DIFFERENT'}`)
  }
}
