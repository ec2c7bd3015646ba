/** @module The Node entry point, started by the commands `serve` and `dev --node`. */
import { createAdaptorServer } from '@hono/node-server'
import { getConnInfo } from '@hono/node-server/conninfo'
import { compare } from '@node-rs/bcrypt'
import type { Context } from 'hono'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Server } from 'node:http'
import { Server as NetServer } from 'node:net'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { smtpMail } from './mail/net/smtp.ts'
import { createApp } from './app.ts'
import { type Config, parseConfig } from './config.ts'
import { createDeps, type Deps, type Runtime } from './deps.ts'
import type { ReportQueue } from './executions/reports/queue.ts'
import { compressed } from './http/compression.ts'
import type { PoolFigures } from './db/gateway/protocol.ts'
import { housekeeping } from './housekeeping.ts'
import { withGuide } from './node/guide.ts'
import { parsePrivateNetworks } from './instances/net/private-networks.ts'
import { sleep } from './lib/retry.ts'
import { createPublicFetch } from './instances/net/public-fetch.ts'
import { Metric } from './telemetry/registry.ts'

const housekeepingEveryMs = 60 * 1000
const pushMetricsEveryMs = 60 * 1000
const pushSpansEveryMs = 5 * 1000
const lastPushMs = 2000

/** Next to the sources, or above the build in `dist`. */
function findPublic(folder: string): string {
  const found = join(folder, 'public')
  if (existsSync(join(found, '_headers'))) return found
  const parent = dirname(folder)
  if (parent === folder)
    throw new Error("Flowkeep's static assets (public/) are missing. Reinstall Flowkeep.")
  return findPublic(parent)
}

const publicFolder = findPublic(import.meta.dirname)

export interface NodeServer {
  /**
   * Waits for pending requests and deferred work.
   * @param drains leaves idle connections open until their keep-alive time has passed: a client may be sending a request
   */
  close: (drains?: boolean) => Promise<void>
}

/** Jobs that the servers on one database share. */
export interface SharedJobs {
  reportQueue: ReportQueue
  /** Starts to take jobs. If the database is unavailable, `tick` tries again. */
  start: (deps: Deps, closing: AbortSignal) => Promise<void>
  /** Queues the parts of the scheduled job for this minute. @returns false if this server has to run them itself */
  tick: () => Promise<boolean>
  stop: () => Promise<void>
}

interface NodeOptions {
  env: Record<string, string | undefined>
  port: number
  host: string
  /** In-process gateway of the database; undefined with Neon. */
  fetch?: ((request: Request) => Promise<Response>) | undefined
  /** In-process gateway of the replica. */
  replicaFetch?: ((request: Request) => Promise<Response>) | undefined
  /** Connections of the gateway. */
  pool?: (() => PoolFigures) | undefined
  /** Absent if no other server shares the database, or none can. */
  jobs?: SharedJobs | undefined
}

/** The client's address. Behind `hops` trusted proxies, the X-Forwarded-For entry of the outermost one. */
function clientIp(c: Context, hops: number): string {
  if (hops > 0) {
    const forwarded = (c.req.header('X-Forwarded-For') ?? '').split(',').map((address) => address.trim())
    const address = forwarded.at(-hops)
    if (address) return address
  }
  return getConnInfo(c).remote.address ?? 'unknown'
}

const isLoopback = (address = '') => /^((::ffff:)?127(\.\d{1,3}){3}|::1)$/.test(address)

/**
 * Whether a request comes from this machine. A proxy on this machine connects from here too, but names itself or the public
 * host.
 */
function isLocal(c: Context): boolean {
  const { hostname } = new URL(c.req.url)
  const isForwarded = ['Forwarded', 'Via', 'X-Forwarded-For', 'X-Real-IP'].some((name) => c.req.header(name))
  return (
    isLoopback(getConnInfo(c).remote.address) &&
    !isForwarded &&
    (hostname === 'localhost' || isLoopback(hostname.replaceAll(/[[\]]/g, '')))
  )
}

function processMetrics(pool: NodeOptions['pool']): Metric[] {
  const { userCPUTime, systemCPUTime } = process.resourceUsage()
  const cpu = new Metric('counter', 'flowkeep_process_cpu_seconds', 'CPU time')
  cpu.set((userCPUTime + systemCPUTime) / 1e6)
  const memory = new Metric('gauge', 'flowkeep_process_memory_bytes', 'Resident memory')
  memory.set(process.memoryUsage.rss())
  if (!pool) return [cpu, memory]
  const connections = new Metric(
    'gauge',
    'flowkeep_database_pool_connections',
    'Connections of this server; waiting: requests without one; max: the limit',
    ['state'],
  )
  for (const [state, value] of Object.entries(pool())) connections.set(value, state)
  return [cpu, memory, connections]
}

export function nodeRuntime(options: {
  fetch?: NodeOptions['fetch']
  replicaFetch?: NodeOptions['fetch']
  config: Pick<Config, 'trustedProxyHops' | 'allowLoopbackInstances' | 'allowPrivateNetworks' | 'mail'>
  defer?: Runtime['defer']
  pool?: NodeOptions['pool']
  jobs?: NodeOptions['jobs']
}): Runtime {
  const { allowLoopbackInstances: allowLoopback, allowPrivateNetworks, mail } = options.config
  const privateNetworks =
    allowPrivateNetworks.length > 0 ? parsePrivateNetworks(allowPrivateNetworks) : undefined
  return {
    name: 'node',
    compareBcrypt: compare,
    maxHashesInFlight: availableParallelism(),
    defer: options.defer ?? ((work) => void work.catch(() => {})),
    clientIp: (c) => clientIp(c, options.config.trustedProxyHops),
    // Behind a proxy, every request comes from the proxy.
    ...(options.config.trustedProxyHops === 0 && { isLocal }),
    processMetrics: () => processMetrics(options.pool),
    writeLog: (line) => process.stdout.write(`${line}\n`),
    now: () => new Date(),
    instanceFetch: createPublicFetch({ allowLoopback, privateNetworks }),
    publicFetch: createPublicFetch({ allowLoopback }),
    privateNetworks,
    ...(mail?.smtpUrl !== undefined && { sendMail: smtpMail({ url: mail.smtpUrl, from: mail.from }) }),
    readAsset: (path) => readFile(join(publicFolder, path)),
    ...(options.fetch && { databaseFetch: options.fetch }),
    ...(options.replicaFetch && { replicaFetch: options.replicaFetch }),
    reportQueue: options.jobs?.reportQueue,
  }
}

/** Shorter than the time supervisors allow between SIGTERM and SIGKILL. Only downloads take longer. */
const closingMs = 8000

/** Serves until `close`. */
export async function startNode({
  env,
  port,
  host,
  fetch,
  replicaFetch,
  pool,
  jobs,
}: NodeOptions): Promise<NodeServer> {
  const config = parseConfig(env)
  const pendingWork = new Set<Promise<unknown>>()
  const defer = (work: Promise<unknown>) => {
    const settled = work.catch(() => {}).finally(() => pendingWork.delete(settled))
    pendingWork.add(settled)
  }
  const deps = createDeps(config, nodeRuntime({ fetch, replicaFetch, config, defer, pool, jobs }))
  const server = createAdaptorServer({
    fetch: compressed(withGuide(publicFolder, createApp(deps).fetch)),
    // A connection that sends slowly ends after at most 30 s: Node looks for them at intervals.
    serverOptions: { headersTimeout: 10_000, requestTimeout: 25_000, connectionsCheckingInterval: 5000 },
  }) as Server
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  // The database knows the keys of a server from its start: `users move` compares them.
  defer(deps.keyCheck.verified())
  const closing = new AbortController()
  if (jobs) defer(jobs.start(deps, closing.signal))
  let isRunning = false
  const runJob = async () => {
    if (!(await jobs?.tick())) await housekeeping(deps, closing.signal)
  }
  const timer = setInterval(() => {
    if (isRunning) return
    isRunning = true
    defer(runJob().finally(() => (isRunning = false)))
  }, housekeepingEveryMs)
  const { push, pushSpans } = deps.monitoring
  const pushTimers = [
    setInterval(() => defer(push()), pushMetricsEveryMs),
    setInterval(() => defer(pushSpans()), pushSpansEveryMs),
  ]
  return {
    async close(drains = false) {
      for (const each of [timer, ...pushTimers]) clearInterval(each)
      closing.abort()
      const stopped = jobs?.stop()
      server.prependListener('request', (_, response) => response.setHeader('Connection', 'close'))
      await new Promise<void>((resolve) => {
        // Unlike `close` of an HTTP server, this leaves idle connections open.
        NetServer.prototype.close.call(server, () => resolve())
        if (!drains) server.closeIdleConnections()
        setTimeout(() => server.closeAllConnections(), closingMs).unref()
      })
      await stopped
      await Promise.all(pendingWork)
      await Promise.race([push(), sleep(lastPushMs)])
    },
  }
}
