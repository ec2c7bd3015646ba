/**
 * `npm run build`: compiles the command line and the Node server to `dist/node`. Plain JavaScript: it runs without tsx.
 * `npm run build:image`: writes a folder that runs with Node alone to `dist/image`, for containers and archives.
 * `--to=<folder>`: writes to another folder, so that tests do not replace a build in use.
 */
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const isImage = process.argv.includes('--image')
const to = process.argv.find((argument) => argument.startsWith('--to='))?.slice('--to='.length)
const target = isImage ? 'dist/image' : (to ?? 'dist')
rmSync(join(root, isImage ? target : `${target}/node`), { recursive: true, force: true })

/** Packages with binaries are copied next to the bundle. The embedded database is for development: it stays out. */
const copied = ['@node-rs/bcrypt', 'libpg-query']
const excluded = ['@electric-sql/pglite', 'pg-native']

const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: { flowkeep: 'src/cli/main.ts' },
  outdir: `${target}/node`,
  bundle: true,
  splitting: true,
  external: [...copied, ...excluded],
  // CommonJS packages call `require` for Node's own modules.
  banner: {
    js: "import { createRequire } from 'node:module';const require = createRequire(import.meta.url);",
  },
  minifySyntax: isImage,
  minifyWhitespace: isImage,
  platform: 'node',
  format: 'esm',
  target: 'node22',
  sourcemap: !isImage,
  jsx: 'automatic',
  jsxImportSource: 'hono/jsx',
  metafile: true,
  logLevel: 'warning',
})
const outputs = Object.entries(metafile.outputs).filter(([name]) => name.endsWith('.js'))
const kib = outputs.reduce((sum, [, { bytes }]) => sum + bytes, 0) / 1024
process.stderr.write(`${target}/node: ${outputs.length} files, ${kib.toFixed(0)} KiB\n`)
if (isImage) completeImage()

function completeImage() {
  const image = join(root, target)
  for (const name of ['public', 'drizzle', 'LICENSE'])
    cpSync(join(root, name), join(image, name), { recursive: true })
  for (const name of copied) copyPackage(name, join(image, 'node_modules'))
  const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  writeFileSync(
    join(image, 'package.json'),
    `${JSON.stringify({ name, version, type: 'module' }, null, 2)}\n`,
  )
}

/** With its dependencies. Of the optional ones, only those for this platform are installed. */
function copyPackage(name, folder, isOptional = false) {
  const from = join(root, 'node_modules', name)
  if (isOptional && !existsSync(from)) return
  cpSync(from, join(folder, name), { recursive: true, dereference: true })
  const { dependencies = {}, optionalDependencies = {} } = JSON.parse(
    readFileSync(join(from, 'package.json'), 'utf8'),
  )
  for (const each of Object.keys(dependencies)) copyPackage(each, folder)
  for (const each of Object.keys(optionalDependencies)) copyPackage(each, folder, true)
}
