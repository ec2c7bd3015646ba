/** @module A server as a child process, for commands that need one and find none. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export const serverUrl = (): string =>
  (process.env.FLOWKEEP_URL ?? `http://127.0.0.1:${process.env.PORT ?? 8787}`).replace(/\/+$/, '')

/** Which process serves: taken from the answer of `/health/live`. Null when none does. */
export async function runtimeOf(url: string): Promise<string | null> {
  try {
    const response = await fetch(`${url}/health/live`, { signal: AbortSignal.timeout(2000) })
    return response.ok ? ((await response.json()) as { runtime: string }).runtime : null
  } catch {
    return null
  }
}

/** Starts `dev` with `args` and waits until it is ready. @returns how to stop it */
export async function startServer(args: string[]): Promise<() => Promise<void>> {
  const main = fileURLToPath(new URL('./main.ts', import.meta.url))
  const child = spawn(process.execPath, [...process.execArgv, main, 'dev', ...args], {
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
  if (outcome !== 'ready') throw new Error('The server did not start; its message stands above.')
  return async () => {
    child.kill('SIGTERM')
    await exited
  }
}
