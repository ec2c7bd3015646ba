/** @module `npm run bundle`: bundles the worker for deployment, prints its parts, and fails above the size limit. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { wranglerBin, wranglerEnv } from '../src/cli/wrangler.ts'
import { measureStartup } from './worker-startup.ts'

const folder = 'dist/worker'
/** For all uploaded code. Excludes static assets. */
const limitKib = 455
/** Packages that the worker must not contain, or only in part. */
const unwanted =
  /node_modules\/(pg|@electric-sql\/pglite|@standard-community|undici|@hono\/node-server|d3-\w+)\/|zod\/v4\/locales\/(?!en\.)|public\/data\//

interface Metafile {
  outputs: Record<string, { inputs: Record<string, { bytesInOutput: number }> }>
}

const kib = (bytes: number) => `${(bytes / 1024).toFixed(0)} KiB`

/** A package, or a source folder up to two levels deep. */
const partOf = (input: string): string =>
  /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? input.split('/').slice(0, 2).join('/')

function printParts(inputs: [string, { bytesInOutput: number }][]): void {
  const parts = new Map<string, number>()
  for (const [input, { bytesInOutput }] of inputs) {
    parts.set(partOf(input), (parts.get(partOf(input)) ?? 0) + bytesInOutput)
  }
  const largest = [...parts].toSorted(([, a], [, b]) => b - a)
  for (const [part, bytes] of largest.slice(0, 25)) console.log(`${kib(bytes).padStart(9)}  ${part}`)
}

const { status, stdout, stderr } = spawnSync(
  process.execPath,
  [wranglerBin(), 'deploy', '--dry-run', '--outdir', folder, '--metafile', `${folder}/metafile.json`],
  { encoding: 'utf8', env: wranglerEnv(), stdio: ['ignore', 'pipe', 'pipe'] },
)
if (status === 0) {
  const code = readFileSync(`${folder}/worker.js`)
  const { outputs }: Metafile = JSON.parse(readFileSync(`${folder}/metafile.json`, 'utf8'))
  const inputs = Object.values(outputs).flatMap((output) => Object.entries(output.inputs))
  const compressed = gzipSync(code).length
  printParts(inputs)
  console.log(`Worker: ${kib(code.length)}, ${kib(compressed)} gzipped of at most ${limitKib} KiB.`)
  console.log(`Start-up: ${measureStartup(`${folder}/worker.js`).toFixed(0)} ms of CPU time on this machine.`)
  const found = inputs.flatMap(([input, { bytesInOutput }]) =>
    bytesInOutput > 0 && unwanted.test(input) ? [input] : [],
  )
  if (found.length > 0) console.error(`The worker contains ${found.join(', ')}`)
  if (compressed > limitKib * 1024) console.error(`The worker is larger than ${limitKib} KiB gzipped.`)
  if (found.length > 0 || compressed > limitKib * 1024) process.exitCode = 1
} else {
  console.error(`wrangler could not bundle the worker:\n${stdout}${stderr}`)
  process.exitCode = 1
}
