/**
 * @module `npm run build:worker`: writes the worker to `dist/worker`, and the API reference that it serves to `public/data`.
 * Does nothing if no input has changed since.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')
const folder = join(root, 'dist/worker')
const apiFile = join(root, 'public/data/api.json')
/** The hash of the inputs of the last build. */
const builtFrom = join(folder, 'inputs.sha256')
/** Everything that the worker is built from. Packages are those of the lock file. */
const inputs = ['src', 'scripts', 'package.json', 'package-lock.json', 'tsconfig.json']

function hashOfInputs(): string {
  const hash = createHash('sha256')
  const add = (path: string) =>
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(root, path)))
      .update('\0')
  for (const input of inputs) {
    if (input.includes('.')) add(input)
    else {
      const files = readdirSync(join(root, input), { recursive: true, withFileTypes: true })
      const paths = files.flatMap((file) => (file.isFile() ? [join(file.parentPath, file.name)] : []))
      for (const path of paths.toSorted()) add(relative(root, path))
    }
  }
  return hash.digest('hex')
}

function isBuiltFrom(hash: string): boolean {
  try {
    return readFileSync(builtFrom, 'utf8') === hash && [join(folder, 'worker.js'), apiFile].every(existsSync)
  } catch {
    return false
  }
}

const hash = hashOfInputs()
if (isBuiltFrom(hash)) process.exit()

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

const [{ bundleWorker }, { offlineApi }] = await Promise.all([
  import('./worker-bundle.ts'),
  import('./openapi.ts'),
])
const [chunks, api] = await Promise.all([bundleWorker(), offlineApi()])
const unlisted = chunks
  .flatMap(({ moduleIds }) => moduleIds.map((id) => relative(root, id)))
  .find((path) => !/^src[\\/]|(^|[\\/])node_modules[\\/]|\0/.test(path))
if (unlisted) throw new Error(`Add ${unlisted} to the inputs of the worker in scripts/build-worker.ts`)
mkdirSync(folder, { recursive: true })
rmSync(builtFrom, { force: true })
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
write(builtFrom, hash)
