/** @module `npm run bundle`: bundles the worker, prints what it consists of, and fails when a part or the whole is too large. */
import { gzipSync } from 'node:zlib'
import { codeBySource, partOf } from './bundle-parts.ts'
import { bundleWorker } from './worker-bundle.ts'

/** KiB, gzipped, of all code that is uploaded. Static assets do not count. */
const limit = 636
/** KiB, gzipped: a little above what the part needs. */
const limits: Record<string, number> = {
  'src/web': 147.5,
  'src/deployments': 39,
  'src/n8n': 27,
  'src/lib': 28,
  // Protocol versions 2026-07-28 and 2025-11-25 of MCP, loaded by the first request to `/mcp`.
  '@modelcontextprotocol/server': 33,
  'src/mcp': 9,
  zod: 15,
  'src/executions': 40,
  'src/testing': 11.5,
  'drizzle-orm': 14,
  hono: 13,
  jose: 10.5,
  'src/check': 52,
  // Parses the code and the expressions of workflows.
  acorn: 17.5,
  'src/alerts': 12,
  'src/releases': 11.5,
  'src/workflows': 21,
  'src/instances': 13,
  'src/environments': 5,
  'src/db': 13,
  '@neondatabase/serverless': 8,
  'src/users': 24.5,
  'src/analytics': 11,
  'src/credentials': 8,
  'src/http': 10.5,
  // Verifies passkeys, loaded by the first one, without its code for attestation.
  '@simplewebauthn/server': 6.5,
  // Reads OTLP.
  pbf: 2,
  'src/runs': 7,
  'src/crypto': 7,
  'src/oauth': 7,
  // How chunks find each other.
  bundler: 6,
}
/** A part that is not listed. */
const otherLimit = 4
/** Packages that have no place in the worker, or not as a whole. */
const unwanted =
  /node_modules\/(pg|@electric-sql\/pglite|@standard-community|hono-openapi|undici|@hono\/node-server)\/|zod\/v4\/locales\/(?!en\.)|public\/data\//

const kib = (bytes: number) => (bytes / 1024).toFixed(1)
const gzipped = (code: string) => gzipSync(code).length

const chunks = await bundleWorker()
const parts = new Map<string, string>()
const faults: string[] = []
for (const [source, code] of chunks.flatMap((chunk) => [...codeBySource(chunk)])) {
  parts.set(partOf(source), (parts.get(partOf(source)) ?? '') + code)
  if (unwanted.test(source)) faults.push(`The worker contains ${source}`)
}
const rows = [...parts].map(([part, code]) => ({ part, size: code.length, compressed: gzipped(code) }))
for (const { part, size, compressed } of rows.toSorted((a, b) => b.compressed - a.compressed)) {
  const most = limits[part] ?? otherLimit
  console.log(
    `${kib(compressed).padStart(7)} of ${String(most).padStart(3)} KiB gzipped (${kib(size)})  ${part}`,
  )
  if (compressed > most * 1024) faults.push(`${part} is larger than ${most} KiB gzipped`)
}
const code = chunks.map((chunk) => chunk.code).join('')
console.log(`Worker: ${kib(code.length)} KiB, ${kib(gzipped(code))} gzipped of at most ${limit} KiB.`)
if (gzipped(code) > limit * 1024) faults.push(`The worker is larger than ${limit} KiB gzipped`)
for (const part of Object.keys(limits))
  if (!parts.has(part)) faults.push(`The worker has no part ${part}. Remove its limit`)
for (const fault of faults) console.error(fault)
if (faults.length > 0) process.exitCode = 1
