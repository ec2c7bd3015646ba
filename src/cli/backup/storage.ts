/** @module Where backups are stored: a folder, or a prefix of an S3-compatible bucket. Every file fits into memory. */
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { UsageError } from '../failure.ts'
import { s3Storage } from './s3.ts'

export interface StoredFile {
  /** With slashes, relative to the storage. */
  path: string
  bytes: number
}

export interface Storage {
  /** For people: the path or `s3://` URL. */
  readonly description: string
  /** Replaces the file atomically. */
  put: (path: string, content: Buffer) => Promise<void>
  /** Null if it does not exist. */
  get: (path: string) => Promise<Buffer | null>
  /** All files, at any depth. */
  list: () => Promise<StoredFile[]>
  remove: (paths: string[]) => Promise<void>
  /** The storage of the files below `path`. */
  at: (path: string) => Storage
}

/** @param target a folder or `s3://bucket/prefix` @throws {UsageError} for another URL or missing credentials */
export function openStorage(
  target: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Storage {
  if (target.startsWith('s3://')) return s3Storage(target, env)
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(target)) {
    throw new UsageError('The target must be a folder or s3://<bucket>/<prefix>.')
  }
  return folderStorage(target)
}

export function folderStorage(folder: string): Storage {
  const root = resolve(folder)
  const pathOf = (path: string) => join(root, ...path.split('/'))
  return {
    description: folder,
    at: (path) => folderStorage(join(folder, ...path.split('/'))),
    async put(path, content) {
      const target = pathOf(path)
      const partial = `${target}.partial`
      await mkdir(dirname(target), { recursive: true, mode: 0o700 })
      const file = await open(partial, 'w', 0o600)
      try {
        await file.writeFile(content)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(partial, target)
    },
    get: (path) =>
      readFile(pathOf(path)).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
        throw new Error(`${pathOf(path)} cannot be read (${error.code}).`, { cause: error })
      }),
    async list() {
      const names = await readdir(root, { recursive: true, withFileTypes: true }).catch(
        (error: NodeJS.ErrnoException) => {
          if (error.code === 'ENOENT') return []
          throw new Error(`${folder} cannot be read (${error.code}).`, { cause: error })
        },
      )
      const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
      return Promise.all(
        files.map(async (file) => ({
          path: relative(root, file).split(sep).join('/'),
          bytes: (await stat(file)).size,
        })),
      )
    },
    async remove(paths) {
      const folders = new Set<string>()
      for (const path of paths) {
        await rm(pathOf(path), { force: true })
        for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) folders.add(folder)
      }
      // Deepest first; `rmdir` refuses folders that contain other files.
      for (const folder of [...folders].toSorted((a, b) => b.length - a.length)) {
        if ((await readdir(pathOf(folder)).catch(() => ['unreadable'])).length === 0)
          await rm(pathOf(folder), { recursive: true })
      }
    },
  }
}
