/** @module Collects what the checks look at: settings, the database, and a running server. Changes nothing. */
import { statSync } from 'node:fs'
import { connect } from 'node:tls'
import { ConfigError, parseConfig } from '../../config.ts'
import type { KeyRing } from '../../crypto/key-ring.ts'
import { createDb, type Db } from '../../db/client.ts'
import { mismatchedKeyIds, missingKeyIds } from '../../db/key-check.ts'
import { requireSchema } from '../../db/schema-version.ts'
import { dayMs } from '../../lib/time.ts'
import { readServerFacts, type ServerFacts } from '../../db/server-facts.ts'
import { describeFailure } from '../failure.ts'
import { type JobStatus, jobStatuses } from '../operate/jobs.ts'
import { openDatabase } from '../operate/database.ts'
import { type DatabaseTls, isNeon, tlsOf } from '../operate/database-tls.ts'

export const keyNames = [
  'CREDENTIAL_KEYS',
  'ACCESS_TOKEN_KEYS',
  'REFRESH_TOKEN_KEYS',
  'PASSWORD_PEPPERS',
  'FINGERPRINT_KEY',
] as const

export type Settings = Readonly<Record<string, string | undefined>>

/** A setting that is missing or invalid. Never contains its value. */
export interface SettingFault {
  name: string
  message: string
}

export interface SettingFacts {
  env: Settings
  faults: SettingFault[]
  /** The mode of the settings file; null if there is none, or the platform has no modes. */
  file: { path: string; mode: number } | null
}

export function settingFacts(env: Settings, path: string): SettingFacts {
  const faults: SettingFault[] = []
  try {
    parseConfig(env)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    for (const { name, message } of error.faults) faults.push({ name, message })
  }
  const stats = process.platform === 'win32' ? undefined : statSync(path, { throwIfNoEntry: false })
  return { env, faults, file: stats ? { path, mode: stats.mode & 0o777 } : null }
}

export interface DatabaseFacts {
  /** Null if the connection failed. */
  server: ServerFacts | null
  /** When `server` arrived, by this machine's clock. */
  readAt: number
  error: string | null
  tls: DatabaseTls | null
  isNeon: boolean
  /** Null if the schema is current. */
  schemaFault: string | null
  /** Null if they cannot be compared. */
  keys: { wrong: string[]; missing: string[] } | null
  /** Null before the first migration. */
  jobs: JobStatus[] | null
}

/** @param ring the keys of `CREDENTIAL_KEYS`; null if they are invalid */
export async function databaseFacts(databaseUrl: string, ring: KeyRing | null): Promise<DatabaseFacts> {
  const neon = URL.canParse(databaseUrl) && isNeon(new URL(databaseUrl).hostname)
  const facts: DatabaseFacts = {
    server: null,
    readAt: 0,
    error: null,
    tls: null,
    isNeon: neon,
    schemaFault: null,
    keys: null,
    jobs: null,
  }
  try {
    const tls = tlsOf(databaseUrl)
    const database = openDatabase(databaseUrl)
    try {
      await database.opened()
      const db = createDb({ databaseUrl: database.url, ...(database.fetch && { fetch: database.fetch }) })
      const server = await readServerFacts(db)
      const readAt = Date.now()
      return { ...facts, tls, server, readAt, ...(await schemaFacts(db, ring)) }
    } catch (error) {
      return { ...facts, tls, error: messageOf(error) }
    } finally {
      await database.close()
    }
  } catch (error) {
    return { ...facts, error: messageOf(error) }
  }
}

async function schemaFacts(
  db: Db,
  ring: KeyRing | null,
): Promise<Pick<DatabaseFacts, 'schemaFault' | 'keys' | 'jobs'>> {
  try {
    await requireSchema(db.read)
  } catch (error) {
    return { schemaFault: messageOf(error), keys: await keyFacts(db, ring).catch(() => null), jobs: null }
  }
  return { schemaFault: null, keys: await keyFacts(db, ring), jobs: await jobStatuses(db, new Date()) }
}

async function keyFacts(db: Db, ring: KeyRing | null): Promise<DatabaseFacts['keys']> {
  if (!ring) return null
  return { wrong: await mismatchedKeyIds(db, ring), missing: await missingKeyIds(db, ring) }
}

export interface HttpClock {
  url: string
  /** Null if the server did not return a date. */
  skewMs: number | null
}

/** Compares this machine's clock with the `Date` header of a server, which has a resolution of one second. */
export async function httpClock(url: string): Promise<HttpClock> {
  try {
    const response = await ask(url, { method: 'HEAD' })
    return { url, skewMs: skewOf(response) }
  } catch {
    return { url, skewMs: null }
  }
}

export interface Reply {
  status: number
  headers: Headers
  text: string
  sentAt: number
  receivedAt: number
}

const timeoutMs = 10_000

async function ask(url: string, init: RequestInit = {}): Promise<Reply> {
  const sentAt = Date.now()
  const response = await fetch(url, {
    ...init,
    redirect: 'manual',
    signal: AbortSignal.timeout(timeoutMs),
  })
  const receivedAt = Date.now()
  const { status, headers } = response
  return { status, headers, text: await response.text(), sentAt, receivedAt }
}

/** A date is rounded down to a second, so the middle of that second is compared. Null without a fresh date. */
function skewOf({ headers, sentAt, receivedAt }: Reply): number | null {
  const date = Date.parse(headers.get('date') ?? '')
  if (Number.isNaN(date) || Number(headers.get('age') ?? 0) > 0) return null
  return date + 500 - (sentAt + receivedAt) / 2
}

export interface RemoteFacts {
  url: URL
  /** Why the server cannot be reached; null if it responded. */
  error: string | null
  /** Days until the certificate expires; null without https. */
  certificateDays: number | null
  live: Reply | null
  ready: Reply | null
  skewMs: number | null
  /** The URL in the API description. */
  publicUrl: string | null
  asset: Reply | null
  assetPath: string | null
  /** The assets that the sign-in page references. Their names contain a hash, which identifies the release. */
  assetPaths: string[]
  crossOrigin: Reply | null
  /** The response to a body that is larger than allowed; null if the connection was closed. */
  largeBody: Reply | null
  /** The response of `/metrics`; null without a token. */
  metrics: Reply | null
}

const foreignOrigin = 'https://doctor.invalid'
/** The limit of `POST /v1/auth/login` is 64 KB. */
const largeBodyBytes = 128 * 1024

/** @param token the bearer token of `/metrics`; sent over https or to loopback only */
export async function remoteFacts(url: URL, token: string | undefined): Promise<RemoteFacts> {
  const at = (path: string) => `${url.href.replace(/\/+$/, '')}${path}`
  const get = (path: string, init?: RequestInit) => ask(at(path), init).catch(() => null)
  let live: Reply
  try {
    live = await ask(at('/health/live'))
  } catch (error) {
    return { ...unreachable(url), error: connectionFault(error) }
  }
  const ready = await get('/health/ready')
  const description = await get('/openapi.json')
  const login = await get('/sign-in')
  const assetPaths = [...(login?.text ?? '').matchAll(/"(\/assets\/[\w./-]+)"/g)].map(([, path = '']) => path)
  const assetPath = assetPaths.find((path) => path.endsWith('.css')) ?? null
  return {
    url,
    error: null,
    certificateDays: url.protocol === 'https:' ? await certificateDays(url) : null,
    live,
    ready,
    skewMs: skewOf(live),
    ...descriptionOf(description?.text),
    asset: assetPath === null ? null : await get(assetPath),
    assetPath,
    assetPaths,
    crossOrigin: await get('/health/live', { headers: { Origin: foreignOrigin } }),
    largeBody: await get('/v1/auth/login', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ padding: 'x'.repeat(largeBodyBytes) }),
    }),
    metrics:
      token === undefined ? null : await get('/metrics', { headers: { Authorization: `Bearer ${token}` } }),
  }
}

const unreachable = (url: URL): RemoteFacts => ({
  url,
  error: null,
  certificateDays: null,
  live: null,
  ready: null,
  skewMs: null,
  publicUrl: null,
  asset: null,
  assetPath: null,
  assetPaths: [],
  crossOrigin: null,
  largeBody: null,
  metrics: null,
})

function descriptionOf(text: string | undefined): Pick<RemoteFacts, 'publicUrl'> {
  try {
    const { servers } = JSON.parse(text ?? '') as { servers: { url: string }[] }
    return { publicUrl: servers[0]?.url ?? null }
  } catch {
    return { publicUrl: null }
  }
}

function certificateDays({ hostname, port }: URL): Promise<number | null> {
  return new Promise((resolve) => {
    const host = hostname.replace(/^\[|\]$/g, '')
    const socket = connect({ host, port: Number(port || 443), servername: host, timeout: timeoutMs }, () => {
      const { valid_to: end } = socket.getPeerCertificate()
      socket.destroy()
      resolve((Date.parse(end) - Date.now()) / dayMs)
    })
    const giveUp = () => {
      socket.destroy()
      resolve(null)
    }
    socket.once('error', giveUp).once('timeout', giveUp)
  })
}

/** The code of the cause, which says more than "fetch failed". */
function connectionFault(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined
  if (cause instanceof Error) return 'code' in cause ? String(cause.code) : cause.message
  return error instanceof Error && error.name === 'TimeoutError'
    ? 'no response within 10 s'
    : messageOf(error)
}

const messageOf = (error: unknown): string => describeFailure(error)
