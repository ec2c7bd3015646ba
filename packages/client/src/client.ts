/** @module The client: one method per API operation. */
import { FlowkeepError } from './error.ts'
import { type Methods, operations } from './generated/operations.ts'
import { delayMs, isRetryable, type RetryOptions, type Safety, sleep } from './retry.ts'
import { memoryStore, type Session, type SessionStore } from './session.ts'
import type { AnyProblem, Failure, UnexpectedProblem } from './types.ts'

export interface ClientOptions {
  /** URL of the server, such as `https://flowkeep.example.com`. */
  baseUrl: string
  /** Where the session is stored. Default: in memory. */
  store?: SessionStore
  /** A token to use instead of a session. */
  token?: string | (() => string | Promise<string>)
  /** `false` disables retries. */
  retry?: RetryOptions | false
  /** Called when the session cannot be refreshed and the user must sign in again. */
  onSessionEnd?: () => void
  fetch?: (url: string, init: RequestInit) => Promise<Response>
}

export type Client = Methods

/** The arguments of any operation. */
interface Given {
  body?: unknown
  ifMatch?: string | number
  idempotencyKey?: string
  webhookToken?: string
  signal?: AbortSignal
  /** Path and query parameters. */
  [name: string]: unknown
}
type AnySuccess = {
  ok: true
  status: number
  data: unknown
  etag: string | null
  requestId: string
  response: Response
}
type AnyResult = AnySuccess | Failure

interface Operation {
  name: string
  method: string
  path: string
  /** Requires no authentication. */
  isPublic: boolean
  isWebhook: boolean
  takesKey: boolean
  takesBody: boolean
  isStream: boolean
}

/** Refreshes the token shortly before it expires, so that it does not expire in transit. */
const earlyMs = 10_000

export function createClient(options: ClientOptions): Client {
  const transport = new Transport(options)
  const methods = Object.entries(operations).map(([name, line]) => {
    const [method = '', path = '', flags = ''] = line.split(' ')
    const has = (flag: string) => flags.includes(flag)
    const operation: Operation = {
      name,
      method,
      path,
      isPublic: has('p'),
      isWebhook: has('w'),
      takesKey: has('k'),
      takesBody: has('b'),
      isStream: has('s'),
    }
    const call = (args: Given = {}) => transport.call(operation, args)
    return [name, has('l') ? Object.assign(call, { all: (args: Given = {}) => allItems(call, args) }) : call]
  })
  return Object.fromEntries(methods) as Client
}

async function* allItems(call: (args: Given) => Promise<AnyResult>, args: Given): AsyncGenerator {
  let cursor = args['cursor']
  do {
    const result = await call({ ...args, cursor })
    if (!result.ok) throw new FlowkeepError(result)
    const page = result.data as { items: unknown[]; nextCursor: string | null }
    yield* page.items
    cursor = page.nextCursor
  } while (cursor !== null)
}

class Transport {
  readonly #baseUrl: string
  readonly #options: ClientOptions
  readonly #store: SessionStore
  #refreshing: Promise<Session | null | Failure> | undefined

  constructor(options: ClientOptions) {
    this.#options = options
    this.#baseUrl = options.baseUrl.replace(/\/+$/, '')
    this.#store = options.store ?? memoryStore()
  }

  async call(operation: Operation, given: Given): Promise<AnyResult> {
    const args = await this.#withHeldToken(operation, given)
    const result = await this.#authorized(operation, args)
    if (result.ok) await this.#follow(operation.name, result.data)
    return result
  }

  /** Sign-out and refresh use the session's refresh token unless another one is passed. */
  async #withHeldToken({ name }: Operation, args: Given): Promise<Given> {
    if ((name !== 'endSession' && name !== 'refreshSession') || args.body) return args
    const session = await this.#store.load()
    return { ...args, body: { refreshToken: session?.refreshToken ?? 'none' } }
  }

  /** Stores a new session, and clears one that has ended. */
  async #follow(name: string, data: unknown): Promise<void> {
    if (name === 'registerUser' || name === 'createSession' || name === 'refreshSession') {
      await this.#store.save(toSession(data as Tokens))
    } else if (name === 'endSession' || name === 'endAllSessions' || name === 'deleteAccount') {
      await this.#store.save(null)
    }
  }

  async #authorized(operation: Operation, args: Given): Promise<AnyResult> {
    if (operation.isPublic) return this.#send(operation, args, null)
    if (operation.isWebhook) return this.#send(operation, args, args.webhookToken ?? '')
    const { token } = this.#options
    if (token !== undefined)
      return this.#send(operation, args, typeof token === 'string' ? token : await token())
    let session = await this.#store.load()
    if (session && session.expiresAt - earlyMs <= Date.now()) {
      const fresh = await this.#refresh(session, args.signal)
      if (isFailure(fresh)) return fresh
      session = fresh
    }
    const result = await this.#send(operation, args, session?.accessToken ?? null)
    if (result.ok || !session || result.problem.code !== 'unauthenticated') return result
    const fresh = await this.#refresh(session, args.signal)
    if (isFailure(fresh)) return fresh
    return fresh === null ? result : this.#send(operation, args, fresh.accessToken)
  }

  /** One refresh at a time, because a refresh token works once. It continues for other callers if one aborts. */
  #refresh(stale: Session, signal: AbortSignal | undefined): Promise<Session | null | Failure> {
    this.#refreshing ??= this.#exclusively(() => this.#exchange(stale)).finally(() => {
      this.#refreshing = undefined
    })
    return abortable(this.#refreshing, signal)
  }

  /** Also one at a time across browser tabs. */
  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const locks = (globalThis as { navigator?: { locks?: Locks } }).navigator?.locks
    return locks ? locks.request(`flowkeep ${this.#baseUrl}`, work) : work()
  }

  async #exchange(stale: Session): Promise<Session | null | Failure> {
    const stored = await this.#store.load()
    if (stored === null || stored.accessToken !== stale.accessToken) return stored
    const result = await this.#send(refreshOperation, { body: { refreshToken: stored.refreshToken } }, null)
    if (result.ok) {
      const session = toSession(result.data as Tokens)
      await this.#store.save(session)
      return session
    }
    if (result.problem.code !== 'invalid-refresh-token') return result
    await this.#store.save(null)
    this.#options.onSessionEnd?.()
    return null
  }

  async #send(operation: Operation, args: Given, token: string | null): Promise<AnyResult> {
    const { signal } = args
    const [url, init] = this.#request(operation, args, token)
    const send = this.#options.fetch ?? ((input: string, request: RequestInit) => fetch(input, request))
    const retry = this.#options.retry ?? {}
    const { attempts = 3, maxDelayMs = 20_000 } = retry === false ? { attempts: 0 } : retry
    const safety = safetyOf(operation)
    for (let attempt = 0; ; attempt += 1) {
      let response: Response | undefined
      let result: AnyResult | undefined
      try {
        response = await send(url, init)
        result = await read(operation, response)
      } catch (error) {
        if (signal?.aborted || safety !== 'repeatable' || attempt >= attempts) throw error
      }
      if (result?.ok) return result
      const isProblem = result !== undefined && result.problem.code !== 'unexpected-response'
      const isFinal = attempt >= attempts || (result && !isRetryable(result.status, isProblem, safety))
      const wait = delayMs(attempt, response?.headers.get('Retry-After') ?? null)
      if (result && (isFinal || wait > maxDelayMs)) return result
      await sleep(wait, signal)
    }
  }

  #request(
    { method, path, takesKey, takesBody }: Operation,
    args: Given,
    token: string | null,
  ): [string, RequestInit] {
    const { body, ifMatch, idempotencyKey, webhookToken: _, signal, ...parameters } = args
    const query = new URLSearchParams()
    const filled = path.replaceAll(/\{(\w+)\}/g, (__, name: string) => {
      const value = String(parameters[name])
      delete parameters[name]
      return encodeURIComponent(value)
    })
    for (const [name, value] of Object.entries(parameters)) {
      for (const each of Array.isArray(value) ? value : [value]) {
        if (each !== undefined && each !== null) query.append(name, String(each))
      }
    }
    const headers: Record<string, string> = {
      ...(token !== null && { Authorization: `Bearer ${token}` }),
      ...(takesBody && { 'Content-Type': 'application/json' }),
      ...(ifMatch !== undefined && {
        'If-Match': typeof ifMatch === 'number' ? `"${ifMatch}"` : ifMatch,
      }),
      ...(takesKey && { 'Idempotency-Key': idempotencyKey ?? randomKey() }),
    }
    const search = query.size > 0 ? `?${query}` : ''
    return [
      `${this.#baseUrl}${filled}${search}`,
      {
        method,
        headers,
        ...(takesBody && { body: JSON.stringify(body ?? {}) }),
        ...(signal && { signal }),
      },
    ]
  }
}

/** Fallback, because `crypto.randomUUID` is missing on pages served over HTTP. */
const randomKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join(
    '',
  )

/** The used part of `LockManager`, whose types differ between TypeScript versions. */
interface Locks {
  request<T>(name: string, work: () => Promise<T>): Promise<T>
}

interface Tokens {
  accessToken: string
  refreshToken: string
  expiresIn: number
}

const toSession = ({ accessToken, refreshToken, expiresIn }: Tokens): Session => ({
  accessToken,
  refreshToken,
  expiresAt: Date.now() + expiresIn * 1000,
})

const refreshOperation: Operation = {
  name: 'refreshSession',
  method: 'POST',
  path: '/v1/auth/refresh',
  isPublic: true,
  isWebhook: false,
  takesKey: false,
  takesBody: true,
  isStream: false,
}

const isFailure = (value: Session | Failure | null): value is Failure => value !== null && 'problem' in value

/**
 * Operations that are safe to repeat: reports are matched by execution ID, and a refresh token that is sent again within
 * 10 seconds returns the same successor.
 */
function safetyOf({ name, method, takesKey, isWebhook }: Operation): Safety {
  if (method === 'GET' || takesKey || isWebhook || name === 'refreshSession') return 'repeatable'
  return method === 'DELETE' ? 'refusable' : 'once'
}

async function read({ isStream }: Operation, response: Response): Promise<AnyResult> {
  const { status, headers } = response
  const requestId = headers.get('X-Request-Id') ?? ''
  const isJson = /^application\/(problem\+)?json/.test(headers.get('Content-Type') ?? '')
  if (response.ok) {
    const data = isStream ? response.body : isJson ? await response.json() : undefined
    return { ok: true, status, data, etag: headers.get('ETag'), requestId, response }
  }
  const text = await response.text()
  const problem = isJson ? parseProblem(text) : undefined
  return { ok: false, status, problem: problem ?? unexpected(response, text), requestId, response }
}

function parseProblem(text: string): AnyProblem | undefined {
  try {
    const value = JSON.parse(text) as AnyProblem
    return typeof value?.code === 'string' ? value : undefined
  } catch {
    return undefined
  }
}

const unexpected = ({ status, url, headers }: Response, text: string): UnexpectedProblem => ({
  type: 'about:blank',
  title: 'Unexpected response',
  status,
  detail: text.slice(0, 500) || `The server responded with status ${status}`,
  instance: url,
  code: 'unexpected-response',
  requestId: headers.get('X-Request-Id') ?? '',
})

/** @throws the signal's reason if it aborts first */
function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    if (signal.aborted) return onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    void work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
