/** @module Locks a data folder for one process, because PGlite would open it twice and damage it. */
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const LOCK_FILE = 'flowkeep.lock'
/** An empty lock file older than this was left by a process that died while writing it. */
const EMPTY_LOCK_MAX_AGE_MS = 2_000

/**
 * Locks `dir`. Takes over the lock of a dead process.
 * @returns releases the lock
 * @throws when a running process, including this one, holds the lock
 */
export async function lockFolder(dir: string): Promise<() => Promise<void>> {
  const path = join(dir, LOCK_FILE)
  const mine = `${process.pid} ${await startOf(process.pid)}\n`
  for (;;) {
    try {
      await writeFile(path, mine, { flag: 'wx' })
      return () => rm(path, { force: true })
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error
    }
    const content = await readFile(path, 'utf8').catch(() => undefined)
    if (content === undefined) continue
    const [pid = '', start = ''] = content.trim().split(' ')
    if (await isHeld(path, Number(pid), start)) {
      throw new Error(
        `The data folder ${dir} is in use by process ${pid || '(starting)'}. Stop that process first`,
      )
    }
    // When several processes see the same dead owner, the one whose rename finds that owner's file continues.
    const aside = `${path}.${process.pid}`
    await rename(path, aside).catch(() => undefined)
    const moved = await readFile(aside, 'utf8').catch(() => undefined)
    if (moved !== undefined && moved !== content)
      await writeFile(path, moved, { flag: 'wx' }).catch(() => undefined)
    await rm(aside, { force: true })
  }
}

async function isHeld(path: string, pid: number, start: string): Promise<boolean> {
  if (!Number.isInteger(pid) || pid <= 0) {
    const file = await stat(path).catch(() => undefined)
    return file !== undefined && Date.now() - file.mtimeMs < EMPTY_LOCK_MAX_AGE_MS
  }
  try {
    process.kill(pid, 0)
  } catch (error) {
    return hasCode(error, 'EPERM')
  }
  return start === (await startOf(pid))
}

/** The start time of a process on Linux, else ''. Needed because containers and restarts reuse process IDs. */
async function startOf(pid: number): Promise<string> {
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // Field 22 of proc(5), counted after the command name, which can contain spaces.
  return line.slice(line.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
