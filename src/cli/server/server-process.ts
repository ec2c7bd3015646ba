/** @module Starts a server as a child process, for commands that find none running. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { packageRoot } from '../package-root.ts'

/** The runtime of the server, from `/health/live`. Null if none is running. */
export async function runtimeOf(url: string): Promise<string | null> {
  try {
    const response = await fetch(`${url}/health/live`, { signal: AbortSignal.timeout(2000) })
    return response.ok ? ((await response.json()) as { runtime: string }).runtime : null
  } catch {
    return null
  }
}

/** Starts `dev` with `args` and waits until it is ready. @returns stops it */
export async function startServer(args: string[]): Promise<() => Promise<void>> {
  const child = spawn(process.execPath, [join(packageRoot, 'bin/flowkeep.js'), 'dev', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
  let printed = ''
  const ready = new Promise<void>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text
      if (printed.includes('Ready')) resolve()
    })
  })
  const outcome = await Promise.race([ready.then(() => 'ready' as const), exited])
  if (outcome !== 'ready') throw new Error('The server did not start. See its message above.')
  return async () => {
    child.kill('SIGTERM')
    await exited
  }
}
