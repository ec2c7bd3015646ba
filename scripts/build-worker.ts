/** @module `npm run build:worker`: writes the worker to `dist/worker`, and the API reference that it serves to `public/data`. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { offlineApi } from './openapi.ts'
import { bundleWorker } from './worker-bundle.ts'

const root = resolve(import.meta.dirname, '..')
const folder = join(root, 'dist/worker')
const apiFile = join(root, 'public/data/api.json')

/** Writes only what changed, in one step: wrangler watches the files, and tests may build at the same time. */
function write(file: string, content: string): void {
  try {
    if (readFileSync(file, 'utf8') === content) return
  } catch {
    // Not written yet.
  }
  const temporary = `${file}.${process.pid}`
  writeFileSync(temporary, content)
  renameSync(temporary, file)
}

const [chunks, api] = await Promise.all([bundleWorker(), offlineApi()])
mkdirSync(folder, { recursive: true })
const files = new Map(
  chunks.flatMap(({ fileName, code, map }) => [
    [`${fileName}.map`, JSON.stringify(map)],
    [fileName, code],
  ]),
)
for (const name of readdirSync(folder)) {
  // wrangler uploads every module of the folder.
  if (name.endsWith('.js') && !files.has(name)) rmSync(join(folder, name), { force: true })
}
for (const [name, content] of files) write(join(folder, name), content)
write(apiFile, JSON.stringify(api))
