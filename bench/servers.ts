/** @module Starts what production runs: the compiled server on Node, and the worker like `wrangler deploy`. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { sleep } from '../src/lib/retry.ts'
import type { Modules } from './workerd.ts'

const root = resolve(import.meta.dirname, '..')

export interface Server {
  url: string
  pid: number
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

/** The worker and the API reference that it serves, like `wrangler deploy`. */
export async function builtWorker(): Promise<Modules> {
  await once(spawn('npm', ['run', '--silent', 'build:worker'], { cwd: root, stdio: 'inherit' }), 'exit')
  const folder = join(root, 'dist/worker')
  const files = readdirSync(folder).filter((name) => name.endsWith('.js'))
  return files
    .toSorted((a, b) => Number(b === 'worker.js') - Number(a === 'worker.js'))
    .map((fileName) => ({ fileName, code: readFileSync(join(folder, fileName), 'utf8') }))
}

/** Compiles the server for `startNode`. */
export async function buildNode(): Promise<void> {
  await once(spawn(process.execPath, ['scripts/build.js'], { cwd: root, stdio: 'ignore' }), 'exit')
}

/** Starts a program that listens on PORT. @param path that answers when it is ready */
export async function startProgram(
  args: string[],
  env: Record<string, string>,
  path: string,
): Promise<Server & { stop: () => void }> {
  const port = await freePort()
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { PATH: process.env['PATH'], ...env, PORT: String(port), HOST: '127.0.0.1' },
    stdio: 'ignore',
  })
  const url = `http://127.0.0.1:${port}`
  for (let tries = 0; tries < 300 && child.exitCode === null; tries += 1) {
    const isReady = await fetch(url + path).then(
      ({ ok }) => ok,
      () => false,
    )
    if (isReady) return { url, pid: child.pid ?? 0, stop: () => void child.kill('SIGKILL') }
    await sleep(200)
  }
  child.kill('SIGKILL')
  throw new Error(`${args.join(' ')} did not start`)
}

/** The compiled server, like `npm start`. */
export const startNode = (env: Record<string, string>): Promise<Server & { stop: () => void }> =>
  startProgram([join(root, 'dist/node/flowkeep.js'), 'serve'], env, '/health/ready')
