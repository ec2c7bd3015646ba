/** An S3 server in memory. It checks the signature of every request and the hash of every body, and can fail. */
import { createHash, createHmac } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'

export interface S3Stub {
  environment: Record<string, string>
  objects: Map<string, Buffer>
  /** Requests that were answered or cut. */
  requests: string[]
  /** Answers the next requests that match: with a status and code, or by closing the connection in the body. */
  fail: (matches: RegExp, how: { status: number; code: string } | 'cut', times?: number) => void
  close: () => Promise<void>
}

const accessKeyId = 'AKIDEXAMPLE'
const secretAccessKey = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
const region = 'eu-test-1'
const bucket = 'backups'
/** So that listing needs several requests. */
const listedAtOnce = 3

const hmac = (key: Buffer | string, text: string) => createHmac('sha256', key).update(text).digest()
const sha256 = (content: Buffer | string) => createHash('sha256').update(content).digest('hex')
const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
/** RFC 3986, as Signature Version 4 requires. */
const encoded = (text: string) =>
  encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (char) => `%${char.codePointAt(0)?.toString(16).toUpperCase()}`,
  )

/** Source: AWS, "Create a signed AWS API request". */
function signatureOf(request: IncomingMessage, url: URL, signed: string[], payloadHash: string): string {
  const path = url.pathname
    .split('/')
    .map((part) => encoded(decodeURIComponent(part)))
    .join('/')
  const query = [...url.searchParams].map(([name, value]) => `${encoded(name)}=${encoded(value)}`).toSorted()
  const headers = signed.map(
    (name) => `${name}:${String(request.headers[name]).trim().replaceAll(/\s+/g, ' ')}\n`,
  )
  const canonical = [
    request.method,
    path,
    query.join('&'),
    headers.join(''),
    signed.join(';'),
    payloadHash,
  ].join('\n')
  const time = String(request.headers['x-amz-date'])
  const scope = `${time.slice(0, 8)}/${region}/s3/aws4_request`
  const key = [region, 's3', 'aws4_request'].reduce<Buffer>(
    (derived, part) => hmac(derived, part),
    hmac(`AWS4${secretAccessKey}`, time.slice(0, 8)),
  )
  return hmac(key, ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n')).toString('hex')
}

export async function startS3Stub(): Promise<S3Stub> {
  const objects = new Map<string, Buffer>()
  const requests: string[] = []
  const failures: { matches: RegExp; how: { status: number; code: string } | 'cut'; times: number }[] = []

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', `http://${request.headers.host}`)
    const line = `${request.method} ${decodeURIComponent(url.pathname)}`
    const body = await buffer(request)
    const reject = (status: number, code: string) =>
      response.writeHead(status).end(`<?xml version="1.0"?><Error><Code>${code}</Code></Error>`)
    requests.push(line)
    const [, credential = '', signed = '', signature = ''] =
      /^AWS4-HMAC-SHA256 Credential=(\S+), SignedHeaders=(\S+), Signature=(\w+)$/.exec(
        request.headers.authorization ?? '',
      ) ?? []
    const payloadHash = String(request.headers['x-amz-content-sha256'])
    const names = signed.split(';')
    if (!credential.startsWith(`${accessKeyId}/`)) return void reject(403, 'InvalidAccessKeyId')
    if (!['host', 'x-amz-content-sha256', 'x-amz-date'].every((name) => names.includes(name))) {
      return void reject(403, 'AccessDenied')
    }
    if (payloadHash !== sha256(body)) return void reject(400, 'XAmzContentSHA256Mismatch')
    if (signatureOf(request, url, names, payloadHash) !== signature) {
      return void reject(403, 'SignatureDoesNotMatch')
    }
    const failure = failures.find(({ matches, times }) => times > 0 && matches.test(line))
    if (failure) failure.times -= 1
    if (failure && failure.how !== 'cut') return void reject(failure.how.status, failure.how.code)
    const [, name, ...rest] = decodeURIComponent(url.pathname).split('/')
    const key = rest.join('/')
    if (name !== bucket) return void reject(404, 'NoSuchBucket')
    if (request.method === 'GET' && key === '') return list(url.searchParams, response)
    if (request.method === 'PUT') {
      if (failure) return void request.socket.destroy()
      objects.set(key, body)
      response.end()
    } else if (request.method === 'DELETE') {
      objects.delete(key)
      response.writeHead(204).end()
    } else {
      const found = objects.get(key)
      if (!found) return void reject(404, 'NoSuchKey')
      response.writeHead(200, { 'content-length': found.length })
      if (!failure) return void response.end(found)
      response.write(found.subarray(0, Math.trunc(found.length / 2)), () => request.socket.destroy())
    }
  }

  function list(query: URLSearchParams, response: ServerResponse): void {
    const prefix = query.get('prefix') ?? ''
    const after = query.get('continuation-token') ?? ''
    const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).toSorted()
    const page = keys.slice(0, listedAtOnce)
    const more = keys.length > page.length
    const contents = page.map(
      (key) => `<Contents><Key>${escaped(key)}</Key><Size>${objects.get(key)?.length}</Size></Contents>`,
    )
    response.end(
      `<?xml version="1.0"?><ListBucketResult><IsTruncated>${more}</IsTruncated>${contents.join('')}` +
        `${more ? `<NextContinuationToken>${escaped(page.at(-1) ?? '')}</NextContinuationToken>` : ''}</ListBucketResult>`,
    )
  }

  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('No port')
  return {
    environment: {
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_REGION: region,
      S3_ENDPOINT: `http://127.0.0.1:${address.port}`,
    },
    objects,
    requests,
    fail: (matches, how, times = 1) => void failures.push({ matches, how, times }),
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}
