/** @module Restores a backup into an empty database: everything in one transaction, or nothing. */
import { createSecretBox } from '../../crypto/secret-box.ts'
import type { KeyRing } from '../../crypto/key-ring.ts'
import {
  addForeignKeys,
  type CatalogTable,
  contentOf,
  dropForeignKeys,
  ensureMonth,
  insertLines,
  type Query,
  quoted,
  readSchemaVersion,
  readTables,
  type TableContent,
  tableWithUserRows,
} from '../../db/backup/catalog.ts'
import { type Repair, repairPages } from '../../db/backup/repair.ts'
import type { Backend } from '../../db/gateway/protocol.ts'
import { opensKeyCheck } from '../../db/key-check.ts'
import { type BackupTable, type Manifest, readManifest } from './manifest.ts'
import { backupLines, requireReader } from './read-backup.ts'
import type { Storage } from './storage.ts'
import { inTransaction } from './transaction.ts'

export interface RestoreTarget {
  backend: Backend
  /** In order. */
  migrations: readonly string[]
  /** Migrates up to and including a migration, or to the newest. */
  migrate: (until?: string) => Promise<unknown>
}

export interface RestoreOptions {
  storage: Storage
  target: RestoreTarget
  rings: Readonly<Record<string, KeyRing | undefined>>
  progress?: ((line: string) => void) | null
}

export interface ComparedTable {
  table: string
  /** In the backup. */
  rows: number
  /** In the database, before repairs. */
  restored: number
  isEqual: boolean
}

export interface Restored {
  manifest: Manifest
  tables: ComparedTable[]
  /** Only of backups that were read page by page. */
  repairs: Repair[]
}

/** The restored rows differ from the backup. Nothing was changed. */
export class RestoreDiffers extends Error {
  readonly tables: ComparedTable[]

  constructor(tables: ComparedTable[]) {
    const names = tables.filter(({ isEqual }) => !isEqual).map(({ table }) => table)
    super(`The restored rows differ from the backup in ${names.join(', ')}. The restore was rolled back.`)
    this.tables = tables
  }
}

/**
 * Everything that can be checked is checked first: files, keys, schema and target.
 * @throws {BackupInvalid} for a missing, short or altered file
 * @throws {RestoreDiffers} when a table differs afterwards
 * @throws {Error} for missing keys, a newer schema or a database with data
 */
export async function restoreBackup({ storage, target, rings, progress }: RestoreOptions): Promise<Restored> {
  const manifest = await readManifest(storage)
  await requireKeys(manifest, rings)
  if (!target.migrations.includes(manifest.schemaVersion)) {
    throw new Error(
      `This backup has schema ${manifest.schemaVersion}, which is newer than this release. ` +
        `Restore it with Flowkeep ${manifest.flowkeepVersion} or newer.`,
    )
  }
  await requireReader(manifest)
  await inTransaction(target.backend, 'snapshot', (query) => requireEmpty(query, manifest, target.migrations))
  await target.migrate(manifest.schemaVersion)
  const restored = await inTransaction(target.backend, 'writable', async (query) => {
    const tables = await requireSameTables(query, manifest)
    await requireEmpty(query, manifest, target.migrations)
    for (const month of manifest.months) await ensureMonth(query, month)
    // Rows that migrations and idle servers write.
    for (const { name } of tables) await query(`delete from ${quoted(name)}`)
    await dropForeignKeys(query, tables)
    await load(query, storage, manifest, progress)
    const compared: ComparedTable[] = []
    for (const table of manifest.tables) {
      progress?.(`${table.name}: comparing`)
      compared.push(compare(table, await contentOf(query, table)))
    }
    if (compared.some(({ isEqual }) => !isEqual)) throw new RestoreDiffers(compared)
    const repairs =
      manifest.consistency === 'pages' ? await repairPages(query, tables, manifest.startedAt) : []
    await addForeignKeys(query, tables)
    for (const { name, lastValue, isCalled } of manifest.sequences) {
      await query('select setval($1::regclass, $2::bigint, $3::boolean)::text', [
        quoted(name),
        lastValue,
        String(isCalled),
      ])
    }
    return { tables: compared, repairs }
  })
  await target.migrate()
  // The planner has no statistics of the new rows yet.
  await inTransaction(target.backend, 'writable', async (query) => {
    for (const { name } of await readTables(query)) await query(`analyze ${quoted(name)}`)
  })
  return { manifest, ...restored }
}

const compare = ({ name, rows, checksum }: BackupTable, restored: TableContent): ComparedTable => ({
  table: name,
  rows,
  restored: restored.rows,
  isEqual: rows === restored.rows && checksum === restored.checksum,
})

/** @throws {Error} with the variable and the IDs of the keys that are missing or differ */
export async function requireKeys(
  { keyIds, keyChecks }: Manifest,
  rings: RestoreOptions['rings'],
): Promise<void> {
  const problems = Object.entries(keyIds).flatMap(([variable, ids]) => {
    const missing = ids.filter((id) => !rings[variable]?.keys.has(id))
    return missing.length > 0 ? [`${variable} is missing ${missing.join(', ')}`] : []
  })
  const ring = rings['CREDENTIAL_KEYS']
  const box = ring && createSecretBox(ring)
  for (const [id, sealed] of Object.entries(keyChecks)) {
    if (box && ring.keys.has(id) && !(await opensKeyCheck(box, id, sealed)))
      problems.push(`CREDENTIAL_KEYS has a different key under the ID ${id}`)
  }
  if (problems.length === 0) return
  throw new Error(
    `This backup needs keys that are not configured: ${problems.join('; ')}. Add the keys that were in use when the backup was made.`,
  )
}

/** @throws {Error} that names the first table with data */
async function requireEmpty(query: Query, manifest: Manifest, migrations: readonly string[]): Promise<void> {
  const tables = await readTables(query)
  const version = await readSchemaVersion(query)
  const backedUp = new Set(manifest.tables.map(({ name }) => name))
  const own = tables.filter(({ name }) => version !== null && backedUp.has(name))
  const foreign = tables.find(({ name }) => version === null || !backedUp.has(name))
  const position = version === null ? -1 : migrations.indexOf(version)
  if (version !== null && (position === -1 || position > migrations.indexOf(manifest.schemaVersion))) {
    throw new Error(
      `The database has schema ${version}, but the backup has ${manifest.schemaVersion}. Restore into an empty database; the command migrates it.`,
    )
  }
  const used = (await tableWithUserRows(query, own)) ?? foreign?.name
  if (used === undefined) return
  throw new Error(
    `The database is not empty: it has ${used === foreign?.name ? 'the table' : 'rows in'} ${used}. Restore into an empty database.`,
  )
}

async function requireSameTables(query: Query, manifest: Manifest): Promise<CatalogTable[]> {
  const tables = await readTables(query)
  const signature = ({ name, columns }: Pick<BackupTable, 'name' | 'columns'>) =>
    `${name} (${columns.map((column) => `${column.name} ${column.type}`).join(', ')})`
  const expected = new Set(manifest.tables.map(signature))
  const different = tables.find((table) => !expected.has(signature(table)))
  if (different === undefined && tables.length === manifest.tables.length) return tables
  const name =
    different?.name ?? manifest.tables.find((table) => !tables.some((t) => t.name === table.name))?.name
  throw new Error(`The backup does not match schema ${manifest.schemaVersion}: table ${name} differs.`)
}

const batchChars = 2 * 1024 * 1024
const batchRows = 2000

async function load(
  query: Query,
  storage: Storage,
  manifest: Manifest,
  progress: RestoreOptions['progress'],
): Promise<void> {
  const tables = new Map(manifest.tables.map((table) => [table.name, table]))
  const counts = new Map<string, number>()
  for await (const { table: name, lines } of backupLines(storage, manifest)) {
    const table = tables.get(name)
    if (!table) continue
    let start = 0
    let chars = 0
    for (const [index, line] of lines.entries()) {
      chars += line.length
      const end = index + 1
      if (chars < batchChars && end - start < batchRows && end < lines.length) continue
      await insertLines(query, table, lines.slice(start, end))
      start = end
      chars = 0
    }
    const count = (counts.get(name) ?? 0) + lines.length
    counts.set(name, count)
    progress?.(`${name}: ${count} of ${table.rows} rows`)
  }
}
