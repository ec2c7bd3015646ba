/** @module Writes a backup: the data in files of bounded size, then the manifest. */
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import {
  type CatalogTable,
  contentOf,
  lockTables,
  type Query,
  readLines,
  readMonths,
  readRequiredKeys,
  readSchemaVersion,
  readSequences,
  readTables,
} from '../../db/backup/catalog.ts'
import type { Sql } from '../../db/client.ts'
import type { Backend } from '../../db/gateway/protocol.ts'
import { packageVersion } from '../package-root.ts'
import { type BackupFile, type Manifest, sha256Of, writeManifest } from './manifest.ts'
import { dumpChunks } from './postgres-tools.ts'
import type { Storage } from './storage.ts'
import { TableHash } from './table-hash.ts'
import { inTransaction, overHttp } from './transaction.ts'

/** Uncompressed. Parts of the dump are compressed and have the same size. */
const partBytes = 8 * 1024 * 1024

/** `pages` reads over Neon's HTTP, where no snapshot spans several statements. */
export type BackupSource =
  | { kind: 'dump'; backend: Backend; databaseUrl: string }
  | { kind: 'snapshot'; backend: Backend }
  | { kind: 'pages'; sql: Sql }

export interface BackupOptions {
  source: BackupSource
  /** Empty, for this backup alone. */
  storage: Storage
  progress?: ((line: string) => void) | null
  now?: () => Date
}

type Content = Pick<Manifest, 'tables' | 'files'>

/** @throws {Error} when a statement or a file fails; the storage then has no manifest */
export async function writeBackup({
  source,
  storage,
  progress,
  now = () => new Date(),
}: BackupOptions): Promise<Manifest> {
  const startedAt = now().toISOString()
  const files = new FileWriter(storage, progress)
  const write = async (query: Query): Promise<Manifest> => {
    const schemaVersion = await readSchemaVersion(query)
    if (schemaVersion === null) {
      throw new Error('The database is not migrated, so there is nothing to back up.')
    }
    const tables = await readTables(query)
    if (source.kind !== 'pages') await lockTables(query, tables)
    const content =
      source.kind === 'dump'
        ? await writeDump(query, tables, source.databaseUrl, files)
        : await writeTables(query, source.kind === 'pages' ? tables.toReversed() : tables, files)
    const keys = await readRequiredKeys(query)
    const [version] = await query(`select current_setting('server_version')`)
    return {
      format: 'flowkeep-backup',
      formatVersion: 1,
      flowkeepVersion: packageVersion(),
      schemaVersion,
      method: source.kind === 'dump' ? 'dump' : 'driver',
      consistency: source.kind === 'pages' ? 'pages' : 'snapshot',
      startedAt,
      finishedAt: now().toISOString(),
      postgresVersion: version?.[0] ?? '',
      keyIds: keys.ids,
      keyChecks: keys.checks,
      months: await readMonths(query),
      sequences: await readSequences(query),
      ...content,
    }
  }
  const manifest =
    source.kind === 'pages'
      ? await write(overHttp(source.sql))
      : await inTransaction(source.backend, 'snapshot', write)
  await writeManifest(storage, manifest)
  return manifest
}

class FileWriter {
  readonly files: BackupFile[] = []
  readonly report: (line: string) => void
  readonly #storage: Storage
  #bytes = 0

  constructor(storage: Storage, progress: ((line: string) => void) | null | undefined) {
    this.#storage = storage
    this.report = (line) => progress?.(`${line}, ${(this.#bytes / 1e6).toFixed(1)} MB written`)
  }

  async put(path: string, content: Buffer, table?: string): Promise<void> {
    await this.#storage.put(path, content)
    this.#bytes += content.length
    this.files.push({
      path,
      bytes: content.length,
      sha256: sha256Of(content),
      ...(table !== undefined && { table }),
    })
  }
}

const numbered = (part: number): string => String(part).padStart(5, '0')
const compress = promisify(gzip)

async function writeTables(query: Query, tables: CatalogTable[], files: FileWriter): Promise<Content> {
  const written: Content['tables'] = []
  for (const table of tables) {
    const { name, columns } = table
    const hash = new TableHash()
    let part = 0
    let lines: string[] = []
    let chars = 0
    const flush = async () => {
      part += 1
      const content = await compress(`${lines.join('\n')}\n`, { level: 5 })
      await files.put(`tables/${name}-${numbered(part)}.jsonl.gz`, content, name)
      lines = []
      chars = 0
    }
    for await (const page of readLines(query, table)) {
      for (const line of page) {
        hash.add(line)
        lines.push(line)
        chars += line.length
        if (chars >= partBytes) await flush()
      }
      files.report(`${name}: ${hash.content.rows} rows`)
    }
    if (lines.length > 0) await flush()
    written.push({ name, columns, ...hash.content })
  }
  return { tables: written, files: files.files }
}

/** The dump and the checksums read the same snapshot. */
async function writeDump(
  query: Query,
  tables: CatalogTable[],
  databaseUrl: string,
  files: FileWriter,
): Promise<Content> {
  const [row] = await query('select pg_export_snapshot()')
  let part = 0
  let chunks: Buffer[] = []
  let bytes = 0
  const flush = async () => {
    part += 1
    await files.put(`database.dump.${numbered(part)}`, Buffer.concat(chunks))
    chunks = []
    bytes = 0
  }
  for await (const chunk of dumpChunks(databaseUrl, row?.[0] ?? '')) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes >= partBytes) await flush()
    files.report('pg_dump')
  }
  if (bytes > 0) await flush()
  const counted: Content['tables'] = []
  for (const table of tables) {
    files.report(`${table.name}: checksum`)
    counted.push({ name: table.name, columns: table.columns, ...(await contentOf(query, table)) })
  }
  return { tables: counted, files: files.files }
}
