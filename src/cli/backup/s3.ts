/** @module A prefix of an S3-compatible bucket, with path-style URLs. Requests are signed by `aws4fetch`. */
import { AwsClient } from 'aws4fetch'
import { backoffMs, retry } from '../../lib/retry.ts'
import { sha256Hex } from '../../lib/encoding.ts'
import { UsageError } from '../failure.ts'
import type { Storage, StoredFile } from './storage.ts'

const requestTimeoutMs = 120_000
const maxAttempts = 5
const firstRetryMs = 500
const parallelDeletes = 8

type Send = (method: string, path: string, options?: SendOptions) => Promise<Answer>

interface SendOptions {
  query?: Record<string, string>
  body?: Buffer
}

interface Answer {
  status: number
  body: Buffer
}

class S3Error extends Error {
  readonly isTransient: boolean

  constructor(message: string, isTransient: boolean, cause?: unknown) {
    super(message, { cause })
    this.isTransient = isTransient
  }
}

/** @throws {UsageError} when the URL or the environment is incomplete */
export function s3Storage(target: string, env: Readonly<Record<string, string | undefined>>): Storage {
  const [, bucket = '', prefix = ''] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,62})(?:\/(.*))?$/.exec(target) ?? []
  if (bucket === '') throw new UsageError('The target must look like s3://<bucket>/<prefix>.')
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env
  if (!accessKeyId || !secretAccessKey) {
    throw new UsageError('Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to use an S3 bucket.')
  }
  const region = env['AWS_REGION'] || 'us-east-1'
  const endpoint = env['S3_ENDPOINT'] || `https://s3.${region}.amazonaws.com`
  if (!/^https?:\/\//.test(endpoint) || !URL.canParse(endpoint)) {
    throw new UsageError('S3_ENDPOINT is not an HTTP or HTTPS URL.')
  }
  const client = new AwsClient({
    accessKeyId,
    secretAccessKey,
    ...(env['AWS_SESSION_TOKEN'] && { sessionToken: env['AWS_SESSION_TOKEN'] }),
    service: 's3',
    region,
  })
  return below(sender(client, `${endpoint.replace(/\/+$/, '')}/${bucket}`, bucket), bucket, trimmed(prefix))
}

const trimmed = (path: string): string => path.split('/').filter(Boolean).join('/')
const encoded = (path: string): string => path.split('/').map(encodeURIComponent).join('/')

function below(send: Send, bucket: string, prefix: string): Storage {
  const keyOf = (path: string) => trimmed(`${prefix}/${path}`)
  return {
    description: `s3://${bucket}/${prefix}`,
    at: (path) => below(send, bucket, keyOf(path)),
    async put(path, content) {
      await send('PUT', keyOf(path), { body: content })
    },
    async get(path) {
      const { status, body } = await send('GET', keyOf(path))
      return status === 404 ? null : body
    },
    async list() {
      const files: StoredFile[] = []
      const root = prefix === '' ? '' : `${prefix}/`
      let token: string | undefined
      do {
        const { body } = await send('GET', '', {
          query: {
            'list-type': '2',
            prefix: root,
            ...(token !== undefined && { 'continuation-token': token }),
          },
        })
        const xml = body.toString('utf8')
        for (const [, entry = ''] of xml.matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
          const key = element(entry, 'Key') ?? ''
          if (key.startsWith(root)) {
            files.push({ path: key.slice(root.length), bytes: Number(element(entry, 'Size')) })
          }
        }
        token = element(xml, 'IsTruncated') === 'true' ? element(xml, 'NextContinuationToken') : undefined
      } while (token !== undefined)
      return files
    },
    async remove(paths) {
      const queue = paths.values()
      const worker = async () => {
        for (const path of queue) await send('DELETE', keyOf(path))
      }
      await Promise.all(Array.from({ length: parallelDeletes }, worker))
    },
  }
}

/** Retries transient failures, including while the body is received. */
function sender(client: AwsClient, base: string, bucket: string): Send {
  return (method, path, { query = {}, body } = {}) =>
    retry(
      async () => {
        const url = `${base}/${encoded(path)}?${new URLSearchParams(query)}`.replace(/\?$/, '')
        // Signed again for each attempt, because a signature expires after 15 minutes.
        const request = await client.sign(url, {
          method,
          headers: { 'x-amz-content-sha256': await sha256Hex(new Uint8Array(body ?? Buffer.alloc(0))) },
          ...(body && { body: new Uint8Array(body) }),
          signal: AbortSignal.timeout(requestTimeoutMs),
        })
        const response = await fetch(request)
        const content = Buffer.from(await response.arrayBuffer())
        const isListing = path === ''
        if (response.ok || (response.status === 404 && method !== 'PUT' && !isListing)) {
          return { status: response.status, body: content }
        }
        throw rejection(response.status, element(content.toString('utf8'), 'Code'), bucket)
      },
      {
        maxAttempts,
        delayMs: (outcome, attempt) => {
          if (!('error' in outcome)) return null
          const { error } = outcome
          if (error instanceof S3Error && !error.isTransient) return null
          return backoffMs(firstRetryMs, attempt)
        },
      },
    ).catch((error: unknown) => {
      if (error instanceof S3Error) throw error
      throw new Error(
        `The S3 server ${new URL(base).host} is not responding. Check S3_ENDPOINT and the network.`,
        {
          cause: error,
        },
      )
    })
}

const fixes: Readonly<Record<string, string>> = {
  NoSuchBucket: 'Create the bucket, or correct the target.',
  AccessDenied: 'Allow the access key to list, read, write and delete objects in the bucket.',
  InvalidAccessKeyId: 'Check AWS_ACCESS_KEY_ID.',
  SignatureDoesNotMatch: 'Check AWS_SECRET_ACCESS_KEY.',
  RequestTimeTooSkewed: 'Correct the clock of this machine.',
  AuthorizationHeaderMalformed: 'Check AWS_REGION.',
  PermanentRedirect: 'Check AWS_REGION and S3_ENDPOINT.',
}

function rejection(status: number, code: string | undefined, bucket: string): S3Error {
  const isTransient = status >= 500 || status === 429 || status === 408 || code === 'RequestTimeout'
  const reason = code && /^\w+$/.test(code) ? `${status} ${code}` : String(status)
  const fix = code === undefined ? undefined : fixes[code]
  return new S3Error(
    `The S3 server rejected a request for bucket ${bucket} (${reason}).${fix ? ` ${fix}` : ''}`,
    isTransient,
  )
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** The text of the first element with a name. */
function element(xml: string, name: string): string | undefined {
  const text = new RegExp(`<${name}>(.*?)</${name}>`, 's').exec(xml)?.[1]
  return text?.replaceAll(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi, (whole, decimal, hex, named) => {
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal))
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16))
    return entities[named] ?? whole
  })
}
