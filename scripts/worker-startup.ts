/** @module Measures the CPU time to compile and evaluate the worker, which an isolate spends before its first request. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const attempts = 5
const runtimeModule = '"data:text/javascript,export const waitUntil=()=>{},env={}"'
const child = `const before = process.cpuUsage()
await import(process.argv[1])
const { user, system } = process.cpuUsage(before)
console.log((user + system) / 1000)`

/** The minimum of several fresh processes, in milliseconds. @param bundle path of the worker's code */
export function measureStartup(bundle: string): number {
  const folder = mkdtempSync(join(tmpdir(), 'worker-startup-'))
  try {
    const copy = join(folder, 'worker.mjs')
    writeFileSync(
      copy,
      readFileSync(bundle, 'utf8').replaceAll(/(["'])cloudflare:workers\1/g, () => runtimeModule),
    )
    const times = Array.from({ length: attempts }, () => {
      const run = spawnSync(process.execPath, ['--input-type=module', '-e', child, copy], {
        encoding: 'utf8',
      })
      if (run.status !== 0) throw new Error(`The worker does not start:\n${run.stderr}`)
      return Number(run.stdout)
    })
    return Math.min(...times)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
