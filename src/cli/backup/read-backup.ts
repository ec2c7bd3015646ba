/** @module Reads the lines of a backup of either method. Each file is checked before it is used. */
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { readCopyText } from './copy-text.ts'
import { BackupInvalid, type Manifest, readBackupFile } from './manifest.ts'
import { restoredText, toolVersion } from './postgres-tools.ts'
import type { Storage } from './storage.ts'
import { TableHash } from './table-hash.ts'

const decompress = promisify(gunzip)

/** Lines of at most a file or a chunk of the dump, in the order of the backup. */
export async function* backupLines(
  storage: Storage,
  manifest: Manifest,
): AsyncGenerator<{ table: string; lines: string[] }> {
  if (manifest.method === 'dump') {
    yield* readCopyText(restoredText(dumpParts(storage, manifest)), manifest.tables)
    return
  }
  for (const file of manifest.files) {
    if (file.table === undefined) continue
    const content = await decompress(await readBackupFile(storage, file))
    yield { table: file.table, lines: content.toString('utf8').split('\n').filter(Boolean) }
  }
}

async function* dumpParts(storage: Storage, { files }: Manifest): AsyncGenerator<Buffer> {
  for (const file of files) yield await readBackupFile(storage, file)
}

/** Whether this machine can read the backup's lines: `pg_restore` reads dumps, including those of earlier versions. */
export async function requireReader({ method, postgresVersion }: Manifest): Promise<void> {
  if (method !== 'dump') return
  const needed = Number.parseInt(postgresVersion, 10)
  const found = await toolVersion('pg_restore')
  if (found !== null && found >= needed) return
  throw new Error(
    `This backup was made by pg_dump. Install the Postgres ${needed} client tools: ` +
      (found === null ? 'pg_restore is not installed.' : `the installed pg_restore is version ${found}.`),
  )
}

/**
 * Reads everything and compares it with the manifest.
 * @throws {BackupInvalid} with the file or the table that differs
 */
export async function verifyBackup(
  storage: Storage,
  manifest: Manifest,
  progress?: ((line: string) => void) | null,
): Promise<void> {
  await requireReader(manifest)
  const hashes = new Map(manifest.tables.map(({ name }) => [name, new TableHash()]))
  for await (const { table, lines } of backupLines(storage, manifest)) {
    const hash = hashes.get(table)
    if (hash) for (const line of lines) hash.add(line)
    progress?.(`${table}: ${hash?.content.rows ?? 0} rows`)
  }
  for (const { name, rows, checksum } of manifest.tables) {
    const found = hashes.get(name)?.content
    if (found?.rows === rows && found.checksum === checksum) continue
    throw new BackupInvalid(
      `${storage.description}: table ${name} differs from the manifest (${found?.rows ?? 0} of ${rows} rows). Use another backup.`,
    )
  }
}
