/** @module From an instance's row to a client that may call it, and from what that client throws to what a user is told. */
import { and, eq } from 'drizzle-orm'
import type { SecretBox } from '../crypto/secret-box.ts'
import type { Db } from '../db/client.ts'
import { instances } from '../db/schema/instances.ts'
import { AppError, type ErrorCode } from '../errors.ts'
import { createN8nClient, type N8nClient } from '../n8n/api-client.ts'
import type { N8nError, N8nErrorKind, UnreachableReason } from '../n8n/api-transport.ts'
import { apiKeyContext } from './repository.ts'
import { checkBaseUrl } from './url-guard.ts'

export interface ConnectionSettings {
  publicUrl: string
  allowLoopbackInstances: boolean
  /** Connects to public addresses only. */
  fetch: typeof fetch
  /** For each request; default 10 s. */
  timeoutMs?: number
}

export interface ConnectedInstance {
  id: string
  userId: string
  name: string
  /** Origin and path prefix, without a trailing slash. */
  baseUrl: string
  version: number
  reporterWorkflowId: string | null
  reporterCredentialId: string | null
  reporterTokenId: string | null
}

export interface Connection {
  instance: ConnectedInstance
  /** What it throws is an N8nError: see `toAppError`. */
  client: N8nClient
}

/** The way to a user's n8n servers. The API key is opened for each connection and kept nowhere else. */
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
   * Sends nothing yet. Null when the user has no such instance.
   * @throws {AppError} `credential-undecryptable`, `key-unavailable`; `url-not-allowed` when the rules have changed
   */
  async open(userId: string, instanceId: string): Promise<Connection | null> {
    const [row] = await this.#db
      .select({
        id: instances.id,
        userId: instances.userId,
        name: instances.name,
        baseUrl: instances.baseUrl,
        apiKey: instances.apiKey,
        version: instances.version,
        reporterWorkflowId: instances.reporterWorkflowId,
        reporterCredentialId: instances.reporterCredentialId,
        reporterTokenId: instances.reporterTokenId,
      })
      .from(instances)
      .where(and(eq(instances.userId, userId), eq(instances.id, instanceId)))
    if (!row) return null
    const { apiKey: sealed, ...instance } = row
    const apiKey = String(
      await this.#secretBox.open(apiKeyContext(userId, instanceId, instance.baseUrl), sealed),
    )
    return { instance, client: this.clientFor(instance.baseUrl, apiKey) }
  }

  /**
   * For a key that is not stored, or not yet.
   * @throws {AppError} `url-not-allowed`
   */
  clientFor(baseUrl: string, apiKey: string): N8nClient {
    const { publicUrl, allowLoopbackInstances: allowLoopback, fetch, timeoutMs } = this.#settings
    return createN8nClient({
      baseUrl: checkBaseUrl(baseUrl, { allowLoopback, publicUrl }),
      apiKey,
      fetch,
      now: this.#now,
      ...(timeoutMs !== undefined && { timeoutMs }),
    })
  }
}

const defaultRetryAfterSeconds = 10
/** Longer than this nobody waits; n8n is asked again then. */
const maxRetryAfterSeconds = 60

const failures = {
  unreachable: ['instance-unreachable', 'The n8n server cannot be reached; check its URL and that it runs'],
  timeout: ['instance-timeout', 'The n8n server did not answer in time; try again'],
  unauthorized: ['instance-refused', 'The n8n server does not accept the API key; make a new one in n8n'],
  forbidden: ['instance-refused', 'The API key lacks a scope that this takes; give it one in n8n'],
  'not-found': ['instance-conflict', 'What this refers to is not on the n8n server any more'],
  conflict: ['instance-conflict', 'The n8n server says that something else is in the way'],
  rejected: ['instance-rejected', 'The n8n server refuses this'],
  'rate-limited': ['instance-busy', 'The n8n server takes no more requests for now'],
  redirected: ['instance-redirected', 'The n8n server redirects; enter the URL that it redirects to'],
  'not-n8n': ['instance-unreachable', 'What answers there is not the public API of n8n'],
  'too-large': ['instance-unreachable', 'The n8n server answers with more than is read'],
  'server-error': ['instance-unreachable', 'The n8n server failed to do this; its log tells why'],
} satisfies Record<N8nErrorKind, [ErrorCode, string]>

/** The platform's own words hold addresses and stacks, so they are never shown. */
const unreachable = {
  'connection-refused':
    'Nothing listens at the address and port of the n8n server. Check the URL and that n8n runs',
  'unknown-host': 'The host name of the n8n server does not resolve. Check the URL for typing errors',
  tls: 'The n8n server does not speak https at that port. Check the port, or whether the URL should start with http',
  certificate:
    'The certificate of the n8n server is not trusted. Check that it is valid for the host and not expired',
  'connection-lost':
    'The n8n server closed the connection without an answer. Check that it runs, then try again',
} satisfies Record<UnreachableReason, string>

/** Codes that a route which calls n8n may answer with, for its description. */
export const instanceErrors = [...new Set(Object.values(failures).map(([code]) => code))] as ErrorCode[]

/** In our words; of n8n's own only the redacted reason of a refusal. */
export function toAppError(error: N8nError): AppError {
  const busy = error.kind === 'server-error' && error.status === 503
  const [code, message] = failures[busy ? 'rate-limited' : error.kind]
  const retryAfterSeconds = Math.min(
    error.retryAfterSeconds ?? defaultRetryAfterSeconds,
    maxRetryAfterSeconds,
  )
  const { detail, reason, subject } = error
  const what = reason === undefined ? message : unreachable[reason]
  const text = detail === undefined ? what : subject === undefined ? `${what}: ${detail}` : detail
  return new AppError(code, subject === undefined ? text : `${subject}: ${text}`, {
    ...(code === 'instance-busy' && { retryAfterSeconds }),
    cause: error,
  })
}
