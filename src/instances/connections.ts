/** @module Opens a client for an instance, and converts the client's errors into messages for the user. */
import { and, eq, type SQL } from 'drizzle-orm'
import type { SecretBox } from '../crypto/secret-box.ts'
import type { Db } from '../db/client.ts'
import { instances, isProduction } from '../db/schema/instances.ts'
import { AppError, type ErrorCode } from '../errors.ts'
import { createN8nClient, type N8nClient } from '../n8n/api/client.ts'
import type { N8nError, N8nErrorKind, UnreachableReason } from '../n8n/api/transport.ts'
import { reporterColumns } from './reporter-state.ts'
import { apiKeyContext } from './repository.ts'
import { checkBaseUrl, type PrivateNetworks } from './url-guard.ts'

export interface ConnectionSettings {
  publicUrl: string
  allowLoopbackInstances: boolean
  privateNetworks?: PrivateNetworks | undefined
  /** Connects only to public addresses and those of `privateNetworks`. */
  fetch: typeof fetch
  /** Per request; default 10 s. */
  timeoutMs?: number
}

export interface ConnectedInstance {
  id: string
  userId: string
  name: string
  /** Origin and path prefix, without a trailing slash. */
  baseUrl: string
  isProduction: boolean
  version: number
  /** Exact, as n8n or the user states it; else a range, or null before the first test. */
  n8nVersion: string | null
  reporterWorkflowId: string | null
  reporterCredentialId: string | null
  isReporterTokenCurrent: boolean
  otelTokenId: string | null
  otelPrevious: Record<string, unknown> | null
}

export interface Connection {
  instance: ConnectedInstance
  /** Throws N8nError; convert it with `toAppError`. */
  client: N8nClient
}

/** Connects to a user's n8n servers. The API key is decrypted for each connection and never cached. */
export class InstanceConnections {
  readonly #db: Db
  readonly #now: () => Date
  readonly #secretBox: SecretBox
  readonly #settings: ConnectionSettings

  constructor(db: Db, now: () => Date, secretBox: SecretBox, settings: ConnectionSettings) {
    this.#db = db
    this.#now = now
    this.#secretBox = secretBox
    this.#settings = settings
  }

  /**
   * Sends no request. Null when the user has no such instance.
   * @param instanceId the ID, or a subquery that selects it
   * @throws {AppError} `credential-undecryptable`, `key-unavailable`; `url-not-allowed` when the rules have changed
   */
  async open(userId: string, instanceId: string | SQL<string>): Promise<Connection | null> {
    const [row] = await this.#db.read
      .select({
        id: instances.id,
        userId: instances.userId,
        name: instances.name,
        baseUrl: instances.baseUrl,
        isProduction,
        apiKey: instances.apiKey,
        version: instances.version,
        n8nVersion: instances.n8nVersion,
        reporterWorkflowId: instances.reporterWorkflowId,
        reporterCredentialId: instances.reporterCredentialId,
        isReporterTokenCurrent: reporterColumns.isTokenCurrent,
        otelTokenId: reporterColumns.otelTokenId,
        otelPrevious: reporterColumns.otelPrevious,
      })
      .from(instances)
      .where(and(eq(instances.userId, userId), eq(instances.id, instanceId)))
    if (!row) return null
    const { apiKey: sealed, ...instance } = row
    const apiKey = String(
      await this.#secretBox.open(apiKeyContext(userId, instance.id, instance.baseUrl), sealed),
    )
    return { instance, client: this.clientFor(instance.baseUrl, apiKey) }
  }

  /**
   * Creates a client for a key that is not stored.
   * @throws {AppError} `url-not-allowed`
   */
  clientFor(baseUrl: string, apiKey: string): N8nClient {
    const {
      publicUrl,
      allowLoopbackInstances: allowLoopback,
      privateNetworks,
      fetch,
      timeoutMs,
    } = this.#settings
    return createN8nClient({
      baseUrl: checkBaseUrl(baseUrl, { allowLoopback, privateNetworks, publicUrl }),
      apiKey,
      fetch,
      now: this.#now,
      ...(timeoutMs !== undefined && { timeoutMs }),
    })
  }
}

const defaultRetryAfterSeconds = 10
/** The longest wait before the next request to n8n. */
const maxRetryAfterSeconds = 60

const failures = {
  unreachable: [
    'instance-unreachable',
    'The n8n server is unreachable. Check its URL and that it is running',
  ],
  timeout: ['instance-timeout', 'The n8n server did not respond in time. Try again'],
  unauthorized: ['instance-refused', 'The n8n server rejected the API key. Create a new one in n8n'],
  forbidden: ['instance-refused', 'The API key is missing a required scope. Add it in n8n'],
  'not-found': ['instance-conflict', 'The item no longer exists on the n8n server'],
  conflict: ['instance-conflict', 'The request conflicts with existing content on the n8n server'],
  rejected: ['instance-rejected', 'The n8n server rejected the request'],
  'rate-limited': ['instance-busy', 'The n8n server is busy. Try again later'],
  redirected: [
    'instance-redirected',
    'The n8n server redirected the request. Enter the URL that it redirects to',
  ],
  'not-n8n': ['instance-unreachable', 'The server did not respond like the n8n public API. Check its URL'],
  'too-large': ['instance-unreachable', 'The response from the n8n server is too large'],
  'server-error': ['instance-unreachable', 'The n8n server failed. See its log for the cause'],
} satisfies Record<N8nErrorKind, [ErrorCode, string]>

/** The platform's own messages contain addresses and stacks, so they are never shown. */
const unreachable = {
  'connection-refused': 'The n8n server refused the connection. Check the URL and that n8n is running',
  'unknown-host': 'The host name of the n8n server does not resolve. Check the URL for typos',
  tls: 'The n8n server does not use HTTPS on this port. Check the port, or whether the URL should start with http',
  certificate:
    'The certificate of the n8n server is not trusted. Check that it matches the host and has not expired',
  'connection-lost':
    'The n8n server closed the connection without a response. Check that it is running, then try again',
} satisfies Record<UnreachableReason, string>

/** The error codes of every route that calls n8n. */
export const instanceErrors = [...new Set(Object.values(failures).map(([code]) => code))] as ErrorCode[]

/** Uses our own messages; of n8n's message only the redacted reason of a rejection. */
export function toAppError(error: N8nError): AppError {
  const busy = error.kind === 'server-error' && error.status === 503
  const [code, message] = failures[busy ? 'rate-limited' : error.kind]
  const retryAfterSeconds = Math.min(
    error.retryAfterSeconds ?? defaultRetryAfterSeconds,
    maxRetryAfterSeconds,
  )
  const { detail, reason, subject } = error
  const summary = reason === undefined ? message : unreachable[reason]
  const text = detail === undefined ? summary : subject === undefined ? `${summary}: ${detail}` : detail
  return new AppError(code, subject === undefined ? text : `${subject}: ${text}`, {
    ...(code === 'instance-busy' && { retryAfterSeconds }),
    cause: error,
  })
}
