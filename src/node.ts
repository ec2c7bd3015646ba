/** @module The Node entry point, started by the commands `serve` and `dev --node`. */
import { createAdaptorServer } from '@hono/node-server'
import { getConnInfo } from '@hono/node-server/conninfo'
import bcrypt from '@node-rs/bcrypt'
import type { Context } from 'hono'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Server } from 'node:http'
import { Server as NetServer } from 'node:net'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { smtpMail } from './alerts/net/smtp.ts'
import { createApp } from './app.ts'
import { type Config, parseConfig } from './config.ts'
import { createDeps, type Runtime } from './deps.ts'
import { compressed } from './http/compression.ts'
import { housekeeping } from './housekeeping.ts'
import { parsePrivateNetworks } from './instances/net/private-networks.ts'
import { createPublicFetch } from './instances/net/public-fetch.ts'

const housekeepingEveryMs = 60 * 1000

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

interface NodeOptions {
  env: Record<string, string | undefined>
  port: number
  host: string
  /** In-process gateway of the database; undefined with Neon. */
  fetch?: ((request: Request) => Promise<Response>) | undefined
  /** In-process gateway of the replica. */
  replicaFetch?: ((request: Request) => Promise<Response>) | undefined
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

export function nodeRuntime(options: {
  fetch?: NodeOptions['fetch']
  replicaFetch?: NodeOptions['fetch']
  config: Pick<Config, 'trustedProxyHops' | 'allowLoopbackInstances' | 'allowPrivateNetworks' | 'mail'>
  defer?: Runtime['defer']
}): Runtime {
  const { allowLoopbackInstances: allowLoopback, allowPrivateNetworks, mail } = options.config
  const privateNetworks =
    allowPrivateNetworks.length > 0 ? parsePrivateNetworks(allowPrivateNetworks) : undefined
  return {
    name: 'node',
    bcrypt,
    maxHashesInFlight: availableParallelism(),
    defer: options.defer ?? ((work) => void work.catch(() => {})),
    clientIp: (c) => clientIp(c, options.config.trustedProxyHops),
    writeLog: (line) => process.stdout.write(`${line}\n`),
    now: () => new Date(),
    instanceFetch: createPublicFetch({ allowLoopback, privateNetworks }),
    privateNetworks,
    ...(mail?.smtpUrl !== undefined && { sendMail: smtpMail({ url: mail.smtpUrl, from: mail.from }) }),
    readAsset: (path) => readFile(join(publicFolder, path)),
    ...(options.fetch && { databaseFetch: options.fetch }),
    ...(options.replicaFetch && { replicaFetch: options.replicaFetch }),
  }
}

/** Shorter than the time supervisors allow between SIGTERM and SIGKILL. Only downloads take longer. */
const closingMs = 8000

/** Serves until `close`. */
export async function startNode({ env, port, host, fetch, replicaFetch }: NodeOptions): Promise<NodeServer> {
  const config = parseConfig(env)
  const pendingWork = new Set<Promise<unknown>>()
  const defer = (work: Promise<unknown>) => {
    const settled = work.catch(() => {}).finally(() => pendingWork.delete(settled))
    pendingWork.add(settled)
  }
  const deps = createDeps(config, nodeRuntime({ fetch, replicaFetch, config, defer }))
  const server = createAdaptorServer({
    fetch: compressed(createApp(deps).fetch),
    serverOptions: { headersTimeout: 10_000, requestTimeout: 30_000 },
  }) as Server
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  const closing = new AbortController()
  let isRunning = false
  const timer = setInterval(() => {
    if (isRunning) return
    isRunning = true
    defer(housekeeping(deps, closing.signal).finally(() => (isRunning = false)))
  }, housekeepingEveryMs)
  return {
    async close(drains = false) {
      clearInterval(timer)
      closing.abort()
      server.prependListener('request', (_, response) => response.setHeader('Connection', 'close'))
      await new Promise<void>((resolve) => {
        // Unlike `close` of an HTTP server, this leaves idle connections open.
        NetServer.prototype.close.call(server, () => resolve())
        if (!drains) server.closeIdleConnections()
        setTimeout(() => server.closeAllConnections(), closingMs).unref()
      })
      await Promise.all(pendingWork)
    },
  }
}
