/** @module The backups in a folder or bucket: naming, finding and retention. */
import { dayMs } from '../../lib/time.ts'
import { UsageError } from '../failure.ts'
import { BackupInvalid, manifestName } from './manifest.ts'
import type { Storage } from './storage.ts'

const namePattern = /^flowkeep-(\d{4}-\d{2}-\d{2})T(\d{2})-(\d{2})-(\d{2})-(\d{3})Z$/

/** Sorts by time. */
export const backupName = (at: Date): string => `flowkeep-${at.toISOString().replaceAll(/[:.]/g, '-')}`

function timeOf(name: string): Date | null {
  const [, day, hours, minutes, seconds, ms] = namePattern.exec(name) ?? []
  return day === undefined ? null : new Date(`${day}T${hours}:${minutes}:${seconds}.${ms}Z`)
}

export interface ListedBackup {
  name: string
  startedAt: Date
  bytes: number
  /** Whether it has a manifest. */
  isComplete: boolean
  paths: string[]
}

/** Newest first. */
export async function listBackups(storage: Storage): Promise<ListedBackup[]> {
  const backups = new Map<string, ListedBackup>()
  for (const { path, bytes } of await storage.list()) {
    const [name = ''] = path.split('/')
    const startedAt = timeOf(name)
    if (startedAt === null) continue
    const backup = backups.get(name) ?? { name, startedAt, bytes: 0, isComplete: false, paths: [] }
    backups.set(name, backup)
    backup.bytes += bytes
    backup.paths.push(path)
    backup.isComplete ||= path === `${name}/${manifestName}`
  }
  return [...backups.values()].toSorted((a, b) => b.startedAt.getTime() - a.startedAt.getTime())
}

/**
 * The backup at the target, or the newest complete one below it.
 * @throws {BackupInvalid} when all backups below it were interrupted
 */
export async function findBackup(target: Storage): Promise<Storage> {
  if ((await target.get(manifestName)) !== null) return target
  const backups = await listBackups(target)
  const newest = backups.find(({ isComplete }) => isComplete)
  if (newest) return target.at(newest.name)
  const [interrupted] = backups
  if (!interrupted) return target
  throw new BackupInvalid(
    `${target.description} has no complete backup: ${interrupted.name} was interrupted or is still running.`,
  )
}

export interface Retention {
  keep?: number | undefined
  keepDays?: number | undefined
}

/** An incomplete backup may still be running. */
const incompleteMs = dayMs

/** Backups that a retention removes. The newest complete one is never removed. */
export function expiredBackups(
  backups: readonly ListedBackup[],
  { keep, keepDays }: Retention,
  now: Date,
): ListedBackup[] {
  if (keep === undefined && keepDays === undefined) return []
  const ageMs = ({ startedAt }: ListedBackup) => now.getTime() - startedAt.getTime()
  const complete = backups.filter(({ isComplete }) => isComplete)
  const old = complete.filter(
    (backup, index) =>
      index >= Math.max(1, keep ?? 0) && (keepDays === undefined || ageMs(backup) > keepDays * dayMs),
  )
  const abandoned = backups.filter((backup) => !backup.isComplete && ageMs(backup) > incompleteMs)
  return [...old, ...abandoned]
}

/** Removes manifests first, so that an interrupted removal leaves incomplete backups only. */
export async function removeBackups(storage: Storage, backups: readonly ListedBackup[]): Promise<void> {
  for (const { name, paths } of backups) {
    const manifest = `${name}/${manifestName}`
    if (paths.includes(manifest)) await storage.remove([manifest])
    await storage.remove(paths.filter((path) => path !== manifest))
  }
}

/** @throws {UsageError} for a value that is not a whole number above 0 */
export function retentionOf(values: Readonly<Record<string, string>>): Retention {
  const number = (name: string): number | undefined => {
    const value = values[name]
    if (value === undefined) return undefined
    if (/^[1-9]\d{0,5}$/.test(value)) return Number(value)
    throw new UsageError(`--${name} must be a whole number above 0.`)
  }
  return { keep: number('keep'), keepDays: number('keep-days') }
}
