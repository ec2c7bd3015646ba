/** @module The application of one isolate on Workers. */
import { waitUntil } from 'cloudflare:workers'
import { type App, createApp } from '../app.ts'
import { ConfigError, parseConfig } from '../config.ts'
import { createDeps, type Deps } from '../deps.ts'
import type { QueuedMessage, ReportQueue } from '../executions/reports/queue.ts'
import { setDefaultHeaders } from '../http/default-headers.ts'
import { housekeeping } from '../housekeeping.ts'

interface Isolate {
  app: App
  deps: Deps
}

const privateNetworksUnavailable = {
  path: ['ALLOW_PRIVATE_NETWORKS'],
  message: 'works on Node only. Remove it: Workers cannot reach a private network',
}

let isolate: Isolate | undefined

/** Called by an isolate's first request, because Workers forbid I/O and random values at module scope. */
function start(env: Record<string, unknown>): Isolate {
  const config = parseConfig(env)
  if (config.allowPrivateNetworks.length > 0) throw new ConfigError([privateNetworksUnavailable])
  const deps = createDeps(config, {
    name: 'workerd',
    // Loaded for the hash of an earlier release only.
    compareBcrypt: async (text, hash) => (await import('bcryptjs')).compare(text, hash),
    maxHashesInFlight: 1,
    defer: waitUntil,
    clientIp: (c) => c.req.header('CF-Connecting-IP') ?? 'unknown',
    writeLog: (line, level) =>
      level === 'error' || level === 'warn' ? console.error(line) : console.log(line),
    now: () => new Date(),
    instanceFetch: (input, init) => fetch(input, init),
    publicFetch: (input, init) => fetch(input, init),
    reportQueue: env['REPORT_QUEUE'] as ReportQueue | undefined,
  })
  return { app: createApp(deps), deps }
}

function unusable(error: unknown): Response {
  if (!(error instanceof ConfigError)) throw error
  console.error(JSON.stringify({ level: 'error', event: 'invalid-configuration', message: error.message }))
  const body = {
    type: 'about:blank',
    title: 'Not configured',
    status: 503,
    detail: 'The server configuration is invalid. See the server log',
    code: 'not-configured',
  }
  const headers = new Headers({ 'Content-Type': 'application/problem+json', 'Retry-After': '60' })
  setDefaultHeaders(headers)
  return Response.json(body, { status: 503, headers })
}

export async function respond(
  request: Request,
  env: Record<string, unknown>,
  context: Parameters<App['fetch']>[2],
): Promise<Response> {
  try {
    isolate ??= start(env)
  } catch (error) {
    return unusable(error)
  }
  return isolate.app.fetch(request, env, context)
}

export async function runScheduledJob(env: Record<string, unknown>): Promise<void> {
  isolate ??= start(env)
  await housekeeping(isolate.deps)
  await isolate.deps.monitoring.push()
}

export async function consume(
  messages: readonly QueuedMessage[],
  env: Record<string, unknown>,
): Promise<void> {
  isolate ??= start(env)
  await isolate.deps.storeQueued(messages)
}
