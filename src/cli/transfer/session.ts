/** @module A signed-in API client for commands. Renews its token, and waits if the server asks to. */
import { retry, retryAfterSeconds, sleep } from '../../lib/retry.ts'
import * as z from 'zod'
import { UsageError } from '../failure.ts'
import { ask } from '../terminal.ts'
import { serverUrlOf } from '../variables.ts'

const Page = z.object({ items: z.array(z.unknown()), nextCursor: z.string().nullable() })
const Tokens = z.object({ accessToken: z.string(), refreshToken: z.string() })
const Refusal = z.object({
  detail: z.string(),
  errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).optional(),
})

/** The server rejected the request or is unreachable. */
export class RequestRefused extends Error {
  /** 0 without a response. */
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.name = 'RequestRefused'
    this.status = status
  }
}

const refusals = new Set([400, 404, 409, 413, 422])

/** Whether the request was rejected because of its content, so that other requests may succeed. */
export const isRefusal = (error: unknown): error is RequestRefused =>
  error instanceof RequestRefused && refusals.has(error.status)

export interface Call {
  method?: 'POST' | 'PATCH' | 'DELETE'
  body?: string
  headers?: Record<string, string>
}

export interface SessionIo {
  /** Like the global fetch, but does not follow redirects. */
  fetch: (url: string, call: Call & { redirect: 'error' }) => Promise<Response>
  sleep: (milliseconds: number) => Promise<void>
}

/** Short without a response, because probably no server is running. */
const attempts = { answered: 6, unanswered: 4 }
const longestWaitSeconds = 120

export class Session {
  readonly #url: string
  readonly #io: SessionIo
  #accessToken: string
  /** Null if the token was provided, because it cannot be renewed then. */
  #refreshToken: string | null
  #renewal: Promise<void> | undefined

  private constructor(url: string, io: SessionIo, accessToken: string, refreshToken: string | null) {
    this.#url = url
    this.#io = io
    this.#accessToken = accessToken
    this.#refreshToken = refreshToken
  }

  static withToken(url: string, io: SessionIo, accessToken: string): Session {
    return new Session(url, io, accessToken, null)
  }

  /** @throws {RequestRefused} 401 for a wrong email address or password */
  static async signIn(url: string, io: SessionIo, email: string, password: string): Promise<Session> {
    const answer = await send(url, io, '/v1/auth/login', post({ email, password }))
    const tokens = Tokens.parse(await answer.json())
    return new Session(url, io, tokens.accessToken, tokens.refreshToken)
  }

  get(path: string): Promise<unknown> {
    return this.#request(path, {})
  }

  /** The idempotency key makes it safe to repeat the request after a lost response. */
  post(path: string, body: unknown, idempotencyKey: string): Promise<unknown> {
    return this.#request(path, post(body, { 'Idempotency-Key': idempotencyKey }))
  }

  /** With another token than the session's, such as a webhook token. */
  async postAs(token: string, path: string, body: unknown, headers = {}): Promise<unknown> {
    const answer = await send(
      this.#url,
      this.#io,
      path,
      post(body, { Authorization: `Bearer ${token}`, ...headers }),
    )
    return answer.json()
  }

  /** @param version the version that the change is based on, if required */
  patch(path: string, body: unknown, version?: number): Promise<unknown> {
    const headers = version === undefined ? {} : { 'If-Match': `"${version}"` }
    return this.#request(path, { ...post(body, headers), method: 'PATCH' })
  }

  /** Creates a version of a workflow with the content of an earlier one. */
  restore(id: string, version: number, current: number, idempotencyKey: string): Promise<unknown> {
    const headers = { 'If-Match': `"${current}"`, 'Idempotency-Key': idempotencyKey }
    return this.#request(`/v1/workflows/${id}/versions/${version}/restore`, post({}, headers))
  }

  async delete(path: string): Promise<void> {
    await this.#retried(path, { method: 'DELETE' })
  }

  /** All items of a list, page by page. */
  async *pages(path: string): AsyncGenerator<unknown[]> {
    let cursor: string | null = null
    do {
      const query: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`
      const page = Page.parse(await this.get(`${path}?limit=100${query}`))
      yield page.items
      cursor = page.nextCursor
    } while (cursor !== null)
  }

  /** The response body as a stream. */
  async download(path: string): Promise<ReadableStream<Uint8Array>> {
    const answer = await this.#retried(path, {})
    if (answer.body === null) throw new RequestRefused(answer.status, 'The server returned an empty response')
    return answer.body
  }

  async signOut(): Promise<void> {
    if (this.#refreshToken === null) return
    const call = post({ refreshToken: this.#refreshToken })
    await this.#io.fetch(`${this.#url}/v1/auth/logout`, { ...call, redirect: 'error' }).catch(() => undefined)
  }

  async #request(path: string, call: Call): Promise<unknown> {
    return (await this.#retried(path, call)).json()
  }

  async #retried(path: string, call: Call): Promise<Response> {
    const used = this.#accessToken
    try {
      return await this.#authorized(path, call)
    } catch (error) {
      if (!(error instanceof RequestRefused) || error.status !== 401 || this.#refreshToken === null)
        throw error
    }
    // For concurrent requests, the first rejected one renews the token for all.
    if (used === this.#accessToken) {
      this.#renewal ??= this.#renew(this.#refreshToken).finally(() => {
        this.#renewal = undefined
      })
      await this.#renewal
    }
    return this.#authorized(path, call)
  }

  #authorized(path: string, call: Call): Promise<Response> {
    const headers = {
      ...call.headers,
      Authorization: `Bearer ${this.#accessToken}`,
    }
    return send(this.#url, this.#io, path, { ...call, headers })
  }

  async #renew(refreshToken: string): Promise<void> {
    const answer = await send(this.#url, this.#io, '/v1/auth/refresh', post({ refreshToken }))
    const tokens = Tokens.parse(await answer.json())
    this.#accessToken = tokens.accessToken
    this.#refreshToken = tokens.refreshToken
  }
}

export interface SignInIo extends SessionIo {
  /** Null without a terminal. */
  ask: ((question: string, hidden: boolean) => Promise<string>) | null
}

/** Signs in with `FLOWKEEP_TOKEN`, or `FLOWKEEP_EMAIL` and `FLOWKEEP_PASSWORD`. Prompts for missing values. */
export async function signIn(
  env: Readonly<Record<string, string | undefined>>,
  io: SignInIo,
): Promise<Session> {
  const url = serverUrlOf(env)
  if (env.FLOWKEEP_TOKEN) return Session.withToken(url, io, env.FLOWKEEP_TOKEN)
  const answer = async (given: string | undefined, question: string, hidden: boolean) => {
    if (given) return given
    if (io.ask) return io.ask(question, hidden)
    throw new UsageError('Set FLOWKEEP_TOKEN, or FLOWKEEP_EMAIL and FLOWKEEP_PASSWORD, to sign in.')
  }
  const email = await answer(env.FLOWKEEP_EMAIL, 'Email: ', false)
  return Session.signIn(url, io, email, await answer(env.FLOWKEEP_PASSWORD, 'Password: ', true))
}

export const realSignInIo: SignInIo = {
  fetch: (url, call) => fetch(url, call),
  sleep: (milliseconds) => sleep(milliseconds),
  ask: process.stdin.isTTY ? ask : null,
}

const post = (body: unknown, headers: Record<string, string> = {}): Call => ({
  method: 'POST',
  body: JSON.stringify(body),
  headers: { 'Content-Type': 'application/json', ...headers },
})

/** Retries after no response, 429 or 503, and honors Retry-After. */
async function send(url: string, io: SessionIo, path: string, call: Call): Promise<Response> {
  const answer = await retry(
    () => io.fetch(`${url}${path}`, { ...call, redirect: 'error' }).catch(() => null),
    {
      wait: io.sleep,
      delayMs: (outcome, attempt) => {
        const response = 'value' in outcome ? outcome.value : null
        const isTemporary = response === null || response.status === 429 || response.status === 503
        if (!isTemporary || attempt >= (response === null ? attempts.unanswered : attempts.answered))
          return null
        const seconds =
          retryAfterSeconds(response?.headers.get('Retry-After'), new Date()) ?? 2 ** attempt / 8
        return seconds > longestWaitSeconds ? null : seconds * 1000
      },
    },
  )
  if (answer?.ok) return answer
  throw await refusal(url, answer)
}

async function refusal(url: string, answer: Response | null): Promise<RequestRefused> {
  if (answer === null)
    return new RequestRefused(
      0,
      `No response from ${url}. Check that Flowkeep is running there (FLOWKEEP_URL, PORT).`,
    )
  const body: unknown = await answer.json().catch(() => null)
  const { data } = Refusal.safeParse(body)
  return new RequestRefused(answer.status, data?.detail ?? `The server returned ${answer.status}`)
}
