/** @module Starts workers in workerd, as wrangler does, and measures the CPU time of processes. Linux only. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import type { Client } from 'pg'

export type Modules = { fileName: string; code: string }[]

const fromWrangler = createRequire(createRequire(import.meta.url).resolve('wrangler/package.json'))
const { default: workerd } = fromWrangler('workerd') as { default: string }
const publicFolder = resolve(import.meta.dirname, '..', 'public')

/** `json` quotes as Cap'n Proto's text format does. */
const json = JSON.stringify

/** The worker may connect to this machine: the gateway of the database listens here. */
const configuration = (modules: Modules, environment: Record<string, string>): string => `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "internet", network = (allow = ["public", "private", "local"])),
    (name = "assets", disk = ${json(publicFolder)})
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]
);
const main :Workerd.Worker = (
  compatibilityDate = "2026-10-01",
  compatibilityFlags = ["nodejs_als"],
  modules = [${modules.map(({ fileName }) => `(name = ${json(fileName)}, esModule = embed ${json(fileName)})`).join(', ')}],
  bindings = [(name = "ASSETS", service = "assets"), ${Object.entries(environment)
    .map(([name, value]) => `(name = ${json(name)}, text = ${json(value)})`)
    .join(', ')}]
);
`

/** Milliseconds of CPU time that a thread of a process has used. The first thread has the process's ID and runs the worker. */
export const threadTime = (pid: number, thread: number | string = pid): number =>
  Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1e6

/** Of all threads, those that compile and collect garbage included. */
export const cpuTime = (pid: number): number =>
  readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => sum + threadTime(pid, thread), 0)

/** Resident memory of a process, in bytes. */
export function residentBytes(pid: number): number {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kibibytes) * 1024
}

/** Of the connections to the client's database, without its own and those of autovacuum. @param client of a superuser */
export async function postgresCpuTime(client: Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>(
    `select pid from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`,
  )
  return rows.reduce((sum, { pid }) => sum + cpuTime(pid), 0)
}

/** @param log where the worker's output goes */
export async function startWorkerd(
  modules: Modules,
  environment: Record<string, string>,
  log: 'inherit' | 'ignore' = 'inherit',
): Promise<{ pid: number; url: string; stop: () => void }> {
  const folder = mkdtempSync(join(tmpdir(), 'flowkeep-workerd-'))
  for (const { fileName, code } of modules) writeFileSync(join(folder, fileName), code)
  writeFileSync(join(folder, 'config.capnp'), configuration(modules, environment))
  const server = spawn(workerd, ['serve', '--control-fd=3', join(folder, 'config.capnp')], {
    stdio: ['ignore', log, log, 'pipe'],
  })
  const stop = () => {
    server.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
  const [line] = (await Promise.race([once(server.stdio[3] as Readable, 'data'), once(server, 'exit')])) as [
    Buffer,
  ]
  if (server.exitCode !== null) {
    stop()
    throw new Error('workerd did not start')
  }
  const { port } = JSON.parse(line.toString()) as { port: number }
  return { pid: server.pid ?? 0, url: `http://127.0.0.1:${port}`, stop }
}
