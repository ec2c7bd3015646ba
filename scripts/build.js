/** `npm run build`: compiles the command line and the Node server to `dist/node`. Plain JavaScript: it runs without tsx. */
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
rmSync(`${root}/dist/node`, { recursive: true, force: true })
const { metafile } = await build({
  absWorkingDir: root,
  entryPoints: { flowkeep: 'src/cli/main.ts' },
  outdir: 'dist/node',
  bundle: true,
  splitting: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node22',
  sourcemap: true,
  jsx: 'automatic',
  jsxImportSource: 'hono/jsx',
  metafile: true,
  logLevel: 'warning',
})
const outputs = Object.entries(metafile.outputs).filter(([name]) => name.endsWith('.js'))
const kib = outputs.reduce((sum, [, { bytes }]) => sum + bytes, 0) / 1024
process.stderr.write(`dist/node: ${outputs.length} files, ${kib.toFixed(0)} KiB\n`)
