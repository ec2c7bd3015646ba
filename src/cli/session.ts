/** @module A signed-in client of a Flowkeep server for commands: renews its token, waits when it is told to. */
import * as z from 'zod'

const Tokens = z.object({ accessToken: z.string(), refreshToken: z.string() })
const Refusal = z.object({
  detail: z.string(),
  errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).optional(),
})

/** The server refused, or cannot be reached; the message is for the user. */
export class RequestRefused extends Error {
  /** 0: no answer. */
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.name = 'RequestRefused'
    this.status = status
  }
}

export interface Call {
  method?: 'POST'
  body?: string
  headers?: Record<string, string>
}

export interface SessionIo {
  /** As the global one, told not to follow redirects. */
  fetch: (url: string, call: Call & { redirect: 'error' }) => Promise<Response>
  sleep: (milliseconds: number) => Promise<void>
}

/** Where nothing answers, nothing may be running: the user learns it soon. */
const attempts = { answered: 6, unanswered: 4 }
const longestWaitSeconds = 120

export class Session {
  readonly #url: string
  readonly #io: SessionIo
  #accessToken: string
  /** Null when the token was given: then it cannot be renewed. */
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

  /** @throws {RequestRefused} 401 for a wrong e-mail address or password */
  static async signIn(url: string, io: SessionIo, email: string, password: string): Promise<Session> {
    const answer = await send(url, io, '/v1/auth/login', post({ email, password }))
    const tokens = Tokens.parse(await answer.json())
    return new Session(url, io, tokens.accessToken, tokens.refreshToken)
  }

  get(path: string): Promise<unknown> {
    return this.#request(path, {})
  }

  /** The key makes a repeat after a lost answer harmless. */
  post(path: string, body: unknown, idempotencyKey: string): Promise<unknown> {
    return this.#request(path, post(body, { 'Idempotency-Key': idempotencyKey }))
  }

  async signOut(): Promise<void> {
    if (this.#refreshToken === null) return
    const call = post({ refreshToken: this.#refreshToken })
    await this.#io.fetch(`${this.#url}/v1/auth/logout`, { ...call, redirect: 'error' }).catch(() => undefined)
  }

  async #request(path: string, call: Call): Promise<unknown> {
    const used = this.#accessToken
    try {
      return await this.#authorized(path, call)
    } catch (error) {
      if (!(error instanceof RequestRefused) || error.status !== 401 || this.#refreshToken === null)
        throw error
    }
    // Requests run side by side: the first to be refused renews for all.
    if (used === this.#accessToken) {
      this.#renewal ??= this.#renew(this.#refreshToken).finally(() => {
        this.#renewal = undefined
      })
      await this.#renewal
    }
    return this.#authorized(path, call)
  }

  async #authorized(path: string, call: Call): Promise<unknown> {
    const headers = {
      ...call.headers,
      Authorization: `Bearer ${this.#accessToken}`,
    }
    const answer = await send(this.#url, this.#io, path, { ...call, headers })
    return answer.json()
  }

  async #renew(refreshToken: string): Promise<void> {
    const answer = await send(this.#url, this.#io, '/v1/auth/refresh', post({ refreshToken }))
    const tokens = Tokens.parse(await answer.json())
    this.#accessToken = tokens.accessToken
    this.#refreshToken = tokens.refreshToken
  }
}

const post = (body: unknown, headers: Record<string, string> = {}): Call => ({
  method: 'POST',
  body: JSON.stringify(body),
  headers: { 'Content-Type': 'application/json', ...headers },
})

/** Repeats what got no answer, 429 or 503, after the wait that the server asks for. */
async function send(url: string, io: SessionIo, path: string, call: Call): Promise<Response> {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await io.fetch(`${url}${path}`, { ...call, redirect: 'error' }).catch(() => null)
    if (answer?.ok) return answer
    const again = answer === null || answer.status === 429 || answer.status === 503
    const last = attempt >= (answer === null ? attempts.unanswered : attempts.answered)
    if (!again || last) throw await refusal(url, answer)
    const seconds = Number(answer?.headers.get('Retry-After') ?? Number.NaN)
    const wait = Number.isFinite(seconds) && seconds >= 0 ? seconds : 2 ** attempt / 8
    if (wait > longestWaitSeconds) throw await refusal(url, answer)
    await io.sleep(wait * 1000)
  }
}

async function refusal(url: string, answer: Response | null): Promise<RequestRefused> {
  if (answer === null) return new RequestRefused(0, `No answer from ${url}; is Flowkeep running there?`)
  const body: unknown = await answer.json().catch(() => null)
  const { data } = Refusal.safeParse(body)
  return new RequestRefused(answer.status, data?.detail ?? `The server answered ${answer.status}`)
}
