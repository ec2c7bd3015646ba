/**
 * @module Gzips responses, for runtimes without a compressing edge in front of them.
 *
 * BREACH reads a secret from the size of a compressed response that holds both the secret and text of the attacker, who
 * makes a signed-in browser send many requests. So these stay uncompressed: responses to methods other than GET, which
 * include those that show tokens, and responses to requests that another site made with this site's cookies. Pages hold
 * no CSRF token that an attacker could read: forms are protected by `Sec-Fetch-Site` and `Origin`.
 */

type Fetch<Args extends unknown[]> = (request: Request, ...args: Args) => Response | Promise<Response>

/** Smaller responses fit into one packet. */
const minBytes = 1024

const compressible =
  /^(text\/(?!event-stream)[\w.+-]+|application\/([\w.-]+\+)?(json|xml|javascript)|application\/(x-ndjson|openmetrics-text)|image\/svg\+xml)\s*(;|$)/i

export const compressed =
  <Args extends unknown[]>(fetch: Fetch<Args>): Fetch<Args> =>
  async (request, ...args) => {
    const response = await fetch(request, ...args)
    if (!isCompressible(request, response)) return response
    addVary(response.headers)
    return acceptsGzip(request.headers.get('Accept-Encoding')) && !isCrossSite(request)
      ? gzip(response)
      : response
  }

function isCompressible({ method }: Request, { status, headers }: Response): boolean {
  return (
    method === 'GET' &&
    status !== 204 &&
    status !== 206 &&
    status !== 304 &&
    !headers.has('Content-Encoding') &&
    !/\bno-transform\b/i.test(headers.get('Cache-Control') ?? '') &&
    compressible.test(headers.get('Content-Type') ?? '')
  )
}

function addVary(headers: Headers): void {
  const vary = headers.get('Vary')
  if (vary !== null && /(^|,)\s*(\*|accept-encoding)\s*(,|$)/i.test(vary)) return
  headers.set('Vary', vary === null ? 'Accept-Encoding' : `${vary}, Accept-Encoding`)
}

/** RFC 9110 §12.5.3; `*` includes gzip. */
export function acceptsGzip(header: string | null): boolean {
  const weights = new Map<string, number>()
  for (const part of (header ?? '').split(',')) {
    const [coding = '', ...parameters] = part.split(';').map((each) => each.trim().toLowerCase())
    const weight = parameters.find((each) => each.startsWith('q='))?.slice(2)
    weights.set(coding, weight === undefined ? 1 : Number(weight))
  }
  return (weights.get('gzip') ?? weights.get('x-gzip') ?? weights.get('*') ?? 0) > 0
}

const isCrossSite = ({ headers }: Request): boolean =>
  headers.has('Cookie') && /^(cross|same)-site$/.test(headers.get('Sec-Fetch-Site') ?? '')

/** Reads until it knows whether the body is large enough, and does not wait for the rest. */
async function gzip(response: Response): Promise<Response> {
  const reader = response.body?.getReader()
  if (!reader) return response
  const start: Uint8Array<ArrayBuffer>[] = []
  let bytes = 0
  let isWhole = false
  while (bytes < minBytes && !isWhole) {
    const { value, done } = await reader.read()
    if (value) start.push(value)
    bytes += value?.length ?? 0
    isWhole = done
  }
  const { status, statusText } = response
  const headers = new Headers(response.headers)
  if (isWhole) return new Response(new Blob(start), { status, statusText, headers })
  headers.delete('Content-Length')
  headers.set('Content-Encoding', 'gzip')
  // The same bytes are no longer promised.
  const tag = headers.get('ETag')
  if (tag !== null && !tag.startsWith('W/')) headers.set('ETag', `W/${tag}`)
  const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      for (const chunk of start) controller.enqueue(chunk)
    },
    async pull(controller) {
      const { value, done } = await reader.read()
      if (done) controller.close()
      else controller.enqueue(value)
    },
    cancel: (reason) => reader.cancel(reason),
  })
  return new Response(body.pipeThrough(new CompressionStream('gzip')), { status, statusText, headers })
}
