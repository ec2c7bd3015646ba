/** @module The manifest of a backup. It is written last: a folder without one is an incomplete backup. */
import { createHash } from 'node:crypto'
import * as z from 'zod'
import { packageVersion } from '../package-root.ts'
import type { Storage } from './storage.ts'

export const manifestName = 'manifest.json'
export const formatVersion = 1

const Hash = z.string().regex(/^[0-9a-f]{64}$/)

const BackupTable = z.object({
  name: z.string(),
  /** The columns of each line, in order, with their Postgres types. */
  columns: z.array(z.object({ name: z.string(), type: z.string() })),
  rows: z.int(),
  checksum: z.string(),
})
export type BackupTable = z.output<typeof BackupTable>

const BackupFile = z.object({
  path: z.string().regex(/^[a-z0-9_.-]+(\/[a-z0-9_.-]+)*$/i),
  bytes: z.int(),
  sha256: Hash,
  /** The table whose lines it contains; absent for a part of the dump. */
  table: z.string().optional(),
})
export type BackupFile = z.output<typeof BackupFile>

const Manifest = z.object({
  format: z.literal('flowkeep-backup'),
  formatVersion: z.literal(formatVersion),
  flowkeepVersion: z.string(),
  schemaVersion: z.string(),
  method: z.enum(['dump', 'driver']),
  /**
   * `snapshot`: the database at one point in time. `pages`: each page at a different one; restore repairs the
   * differences.
   */
  consistency: z.enum(['snapshot', 'pages']),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
  postgresVersion: z.string(),
  /** Variable → IDs of the keys that the data needs. */
  keyIds: z.record(z.string(), z.array(z.string())),
  /** Key ID of CREDENTIAL_KEYS → a known text that it sealed. */
  keyChecks: z.record(z.string(), z.unknown()),
  months: z.array(z.string().regex(/^\d{4}-\d{2}$/)),
  sequences: z.array(z.object({ name: z.string(), lastValue: z.string(), isCalled: z.boolean() })),
  tables: z.array(BackupTable),
  files: z.array(BackupFile),
})
export type Manifest = z.output<typeof Manifest>

export const sha256Of = (content: Buffer | string): string =>
  createHash('sha256').update(content).digest('hex')

/** Appends the hash of the manifest itself, so that a changed byte is detected. */
export const writeManifest = (storage: Storage, manifest: Manifest): Promise<void> =>
  storage.put(
    manifestName,
    Buffer.from(
      `${JSON.stringify({ ...manifest, manifestSha256: sha256Of(JSON.stringify(manifest)) }, null, 2)}\n`,
    ),
  )

/** A backup that cannot be used, with the file that is wrong. */
export class BackupInvalid extends Error {}

/**
 * @throws {BackupInvalid} when the manifest is missing, changed or of a newer format, or when a file is missing or has the
 * wrong size
 */
export async function readManifest(storage: Storage): Promise<Manifest> {
  const where = `${storage.description}/${manifestName}`
  const content = await storage.get(manifestName)
  if (content === null) {
    throw new BackupInvalid(`${where} is missing: this is not a backup, or the backup was interrupted.`)
  }
  const damaged = () => new BackupInvalid(`${where} is damaged. Use another backup.`)
  let parsed: unknown
  try {
    parsed = JSON.parse(content.toString('utf8'))
  } catch {
    throw damaged()
  }
  const head = z.looseObject({ format: z.string(), formatVersion: z.int() }).safeParse(parsed)
  if (!head.success || head.data.format !== 'flowkeep-backup') throw damaged()
  if (head.data.formatVersion !== formatVersion) {
    throw new BackupInvalid(
      `${where} has format ${head.data.formatVersion}, and Flowkeep ${packageVersion()} reads format ${formatVersion}. Upgrade Flowkeep.`,
    )
  }
  const { manifestSha256, ...body } = head.data
  const manifest = Manifest.safeParse(body)
  if (manifestSha256 !== sha256Of(JSON.stringify(body)) || !manifest.success) throw damaged()
  await requireFiles(storage, manifest.data)
  return manifest.data
}

async function requireFiles(storage: Storage, manifest: Manifest): Promise<void> {
  const stored = new Map((await storage.list()).map(({ path, bytes }) => [path, bytes]))
  for (const { path, bytes } of manifest.files) {
    const found = stored.get(path)
    if (found === bytes) continue
    const problem = found === undefined ? 'is missing' : `has ${found} bytes instead of ${bytes}`
    throw new BackupInvalid(`${storage.description}/${path} ${problem}. Use another backup.`)
  }
}

/** @throws {BackupInvalid} when the file is missing or its content has changed */
export async function readBackupFile(storage: Storage, { path, sha256 }: BackupFile): Promise<Buffer> {
  const content = await storage.get(path)
  if (content !== null && sha256Of(content) === sha256) return content
  const problem = content === null ? 'is missing' : 'has changed since the backup was made'
  throw new BackupInvalid(`${storage.description}/${path} ${problem}. Use another backup.`)
}
