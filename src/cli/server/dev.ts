/** @module `npm run dev`: prepares database and keys, then starts the server in workerd, or with `--node` in this process. */
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { sleep } from '../../lib/retry.ts'
import { openDatabase, type OpenDatabase } from '../operate/database.ts'
import { describePort } from '../failure.ts'
import { stopSignal } from './stop-signal.ts'
import { ensureKeys, loadKeys, passedSettings, stateDir } from './state.ts'
import { message } from '../terminal.ts'
import { portOf } from '../variables.ts'
import { wranglerBin, wranglerEnv } from './wrangler.ts'

const host = '127.0.0.1'
const scheduledEveryMs = 60_000
const readyMs = 60_000

interface RunningServer {
  /** Settles when the server stops on its own. */
  exited: Promise<unknown>
  stop: () => Promise<void>
}

/** Serves until stopped. @param options `onReady`: called once the server accepts requests */
export async function dev({ onNode = false, onReady = () => {} } = {}): Promise<void> {
  const port = portOf(process.env)
  await refuseTakenPort(port)
  const stopping = new AbortController()
  const stopRequested = new Promise<void>((resolve) => {
    stopping.signal.addEventListener('abort', () => resolve())
  })
  void stopSignal().then(() => stopping.abort())
  ensureKeys()
  const env = {
    LOG_LEVEL: 'warn',
    ALLOW_LOOPBACK_INSTANCES: 'true',
    ...passedSettings(),
    ...loadKeys(),
    PUBLIC_URL: process.env.PUBLIC_URL || `http://${host}:${port}`,
  }
  const database = openDatabase()
  message(`Starting on ${onNode ? 'Node' : 'workerd'}, database ${database.description}…`)
  let server: RunningServer | undefined
  try {
    // The server starts while the database opens. Its address is printed when both are ready.
    server = await (onNode ? serveNode(port, env, database) : serveWorkerd(port, env, database))
    const applied = await database.migrate()
    const isReady = await Promise.race([untilReady(port, stopping.signal), server.exited])
    if (isReady !== true) return
    const note = applied.length > 0 ? ` (migrations applied: ${applied.length})` : ''
    console.log(`Ready: http://${host}:${port}  on ${onNode ? 'Node' : 'workerd'}
  Dashboard      http://${host}:${port}/
  Guide          http://${host}:${port}/docs/guide
  API reference  http://${host}:${port}/docs
  OpenAPI        http://${host}:${port}/openapi.json
  Database       ${database.description}${note}
Stop with Ctrl-C.`)
    onReady()
    const scheduled = onNode ? undefined : setInterval(() => void runScheduledJob(port), scheduledEveryMs)
    await Promise.race([server.exited, stopRequested]).finally(() => clearInterval(scheduled))
  } finally {
    stopping.abort()
    await server?.stop()
    await database.close()
  }
}

async function serveNode(
  port: number,
  env: Record<string, string>,
  database: OpenDatabase,
): Promise<RunningServer> {
  const { startNode } = await import('../../node.ts')
  const server = await startNode({
    env: { ...env, DATABASE_URL: database.url },
    port,
    host,
    fetch: database.fetch,
  })
  return { exited: new Promise(() => {}), stop: () => server.close() }
}

async function serveWorkerd(
  port: number,
  env: Record<string, string>,
  database: OpenDatabase,
): Promise<RunningServer> {
  const gateway = await database.listen()
  const file = join(stateDir(), 'worker.env')
  const settings = {
    ...env,
    DATABASE_URL: gateway?.databaseUrl ?? database.url,
    ...(gateway && { DATABASE_GATEWAY_URL: gateway.endpoint }),
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name}='${value}'`)
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 })
  const child = spawn(
    process.execPath,
    [
      wranglerBin(),
      'dev',
      '--ip',
      host,
      '--port',
      String(port),
      '--inspector-port',
      '0',
      '--env-file',
      file,
      '--persist-to',
      join(stateDir(), 'workerd'),
      '--log-level',
      'error',
      '--show-interactive-dev-session=false',
    ],
    { env: wranglerEnv(), stdio: ['ignore', 'inherit', 'inherit'] },
  )
  let stopping = false
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const failed = async () => {
    const code = await ended
    if (!stopping) throw new Error(`wrangler exited with code ${code}. See its message above.`)
  }
  const exited = failed()
  exited.catch(() => {})
  return {
    exited,
    async stop() {
      stopping = true
      child.kill('SIGTERM')
      await ended
      await gateway?.close()
    },
  }
}

/** Triggers the scheduled job, like Cloudflare in production. workerd has no scheduler. */
async function runScheduledJob(port: number): Promise<void> {
  try {
    await fetch(`http://${host}:${port}/cdn-cgi/local/scheduled`, { signal: AbortSignal.timeout(55_000) })
  } catch {
    // The job logs its own failures, and a server that is stopping does not respond.
  }
}

/**
 * Resolves with true once the server is ready, or with false if `givenUp` settles first.
 * @throws {Error} with the server's reason if it is not ready within a minute
 */
async function untilReady(port: number, givenUp: AbortSignal): Promise<boolean> {
  const endsAt = Date.now() + readyMs
  let reason = 'it does not respond'
  while (!givenUp.aborted) {
    try {
      const response = await fetch(`http://${host}:${port}/health/ready`, {
        signal: AbortSignal.timeout(5000),
      })
      if (response.ok) return true
      const { code, detail } = (await response.json()) as { code: string; detail: string }
      reason = detail
      if (code === 'key-unavailable') break
    } catch {
      // Not listening yet.
    }
    if (Date.now() > endsAt) break
    await sleep(100, givenUp)
  }
  if (givenUp.aborted) return false
  throw new Error(`The server is not ready: ${reason}. It uses the keys in ${stateDir()}/keys.json.`)
}

async function refuseTakenPort(port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (error) => reject(describePort(error, port)))
    probe.listen(port, host, () => probe.close(() => resolve()))
  })
}
