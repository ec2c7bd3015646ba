/** @module `npm run bundle`: bundles the worker like a deployment does, and prints its size. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { wranglerBin, wranglerEnv } from '../src/cli/wrangler.ts'

const { status, stdout, stderr } = spawnSync(
  process.execPath,
  [wranglerBin(), 'deploy', '--dry-run', '--outdir', 'dist/worker'],
  { encoding: 'utf8', env: wranglerEnv(), stdio: ['ignore', 'pipe', 'pipe'] },
)
if (status === 0) {
  const code = readFileSync('dist/worker/worker.js')
  const kib = (bytes: number) => `${(bytes / 1024).toFixed(0)} KiB`
  console.log(`Worker bundle: ${kib(code.length)}, ${kib(gzipSync(code).length)} gzipped.`)
} else {
  console.error(`wrangler could not bundle the worker:\n${stdout}${stderr}`)
  process.exitCode = 1
}
