/** @module Fetches JSON that an app publishes: public addresses only, limited in time and size, without redirects. */
import { AppError, errorNameOf } from '../errors.ts'
import { checkTargetUrl, type UrlRules } from '../instances/url-guard.ts'
import { concatBytes } from '../lib/encoding.ts'
import { invalidMetadata } from './client-metadata.ts'

export interface GuardedJsonOptions {
  /** Connects to public addresses only. */
  fetch: typeof fetch
  rules: Omit<UrlRules, 'privateNetworks'>
  /** Called with the reason when a document cannot be fetched. */
  onFailure: (errorName: string) => void
}

const timeoutMs = 5000
const maxBytes = 32 * 1024
const defaultCacheSeconds = 3600
const maxCacheSeconds = 86_400

/** @throws {OAuthError} `invalid_client_metadata` */
export async function fetchJson(
  address: string,
  { fetch, rules, onFailure }: GuardedJsonOptions,
): Promise<{ value: unknown; cacheSeconds: number }> {
  const url = checkedUrl(address, rules)
  try {
    const response = await fetch(url.href, {
      headers: { Accept: 'application/json', 'User-Agent': 'Flowkeep' },
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    })
    const mediaType = response.headers.get('Content-Type') ?? ''
    if (response.status !== 200 || !/^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(mediaType)) {
      await response.body?.cancel()
      throw invalidMetadata(`${url.host} did not respond with a JSON document and status 200`)
    }
    const value = JSON.parse(await textOf(response)) as unknown
    return { value, cacheSeconds: cacheSecondsOf(response.headers.get('Cache-Control') ?? '') }
  } catch (error) {
    onFailure(errorNameOf(error))
    throw error instanceof Error && error.name === 'OAuthError'
      ? error
      : invalidMetadata(
          `${url.host} did not respond with a JSON document of at most ${maxBytes / 1024} KB in time`,
        )
  }
}

/** @throws {OAuthError} `invalid_client_metadata` */
export function checkedUrl(address: string, rules: GuardedJsonOptions['rules']): URL {
  try {
    return checkTargetUrl(address, rules, 'client_id')
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    throw invalidMetadata(`The URL is not allowed. ${error.errors?.[0]?.detail ?? ''}`.trim())
  }
}

async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  const reader = response.body?.getReader()
  for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
    sizeBytes += next.value.byteLength
    if (sizeBytes > maxBytes) {
      await reader?.cancel()
      throw invalidMetadata(`The document exceeds ${maxBytes / 1024} KB`)
    }
    chunks.push(next.value)
  }
  return new TextDecoder('utf-8', { fatal: true }).decode(concatBytes(chunks))
}

/** At most a day. A document that must not be stored is fetched again. */
function cacheSecondsOf(header: string): number {
  if (/\bno-(?:store|cache)\b/i.test(header)) return 0
  const seconds = /\bmax-age=(\d{1,9})\b/i.exec(header)?.[1]
  return seconds === undefined ? defaultCacheSeconds : Math.min(Number(seconds), maxCacheSeconds)
}
