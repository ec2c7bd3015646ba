/** @module Loads the data files on Node. On Workers, `#data-files` resolves to `worker/data-files.ts`. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { nodeDataPath } from './data-names.ts'

const files = {
  catalogue: () => import('../../../public/data/catalogue.json', { with: { type: 'json' } }),
  'common-passwords': () => import('../../../public/data/common-passwords.json', { with: { type: 'json' } }),
}
export type DataFile = keyof typeof files

/** The parsed file `public/data/<name>.json`. Not cached: callers cache what they derive from it. */
export async function readDataFile(name: DataFile): Promise<unknown> {
  const { default: parsed } = await files[name]()
  return parsed
}

/** The text of `public/data/nodes/<name>.json`. Bundlers cannot list so many files, so they are read at run time. */
export async function readNodeFile(name: string): Promise<string> {
  const path = nodeDataPath(name)
  return readFile(join(dataFolder(import.meta.dirname), path), 'utf8')
}

/** From the sources or from the build in `dist/`. */
function dataFolder(from: string): string {
  const folder = join(from, 'public/data')
  if (existsSync(join(folder, 'nodes/index.json'))) return folder
  const parent = dirname(from)
  if (parent === from)
    throw new Error("Flowkeep's node facts (public/data/nodes/) are missing. Reinstall Flowkeep.")
  return dataFolder(parent)
}
