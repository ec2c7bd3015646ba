/** @module Finds and reads the files that a command is given. */
import { readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'

const largestFileBytes = 64 * 1024 * 1024

/** The given files, and all .json files in the given folders, in order. */
export async function findFiles(args: readonly string[]): Promise<{ files: string[]; notFound: string[] }> {
  const files = new Map<string, string>()
  const notFound: string[] = []
  for (const arg of args) {
    const entry = await stat(arg).catch(() => null)
    if (!entry) notFound.push(arg)
    else if (!entry.isDirectory()) files.set(path.resolve(arg), arg)
    else {
      for (const name of (await readdir(arg, { recursive: true })).toSorted()) {
        const file = path.join(arg, name)
        if (/\.json$/i.test(name) && (await stat(file).catch(() => null))?.isFile()) {
          files.set(path.resolve(file), file)
        }
      }
    }
  }
  return { files: [...files.values()], notFound }
}

/** The text of a file, or why it cannot be read, such as "not UTF-8 text". */
export async function readText(file: string): Promise<{ text: string } | { fault: string }> {
  try {
    if ((await stat(file)).size > largestFileBytes) return { fault: 'larger than 64 MB' }
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file))
    return text.trim() === '' ? { fault: 'empty file' } : { text }
  } catch (error) {
    return { fault: error instanceof TypeError ? 'not UTF-8 text' : 'cannot be read' }
  }
}
