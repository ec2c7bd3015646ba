/** @module The version of an n8n server. The public API does not report it, but the page of n8n's editor does. */

import { fromBase64 } from '../../lib/encoding.ts'

/** The versions that the endpoints of the public API imply. */
export const versionRanges = { current: '2.1 or later', legacy: '1.x or 2.0' } as const

const exact = /^\d{1,3}\.\d{1,4}(\.\d{1,4})?$/

/** Whether it is a version such as `2.41.1`, not a range. */
export const isExactVersion = (version: string | null | undefined): version is string =>
  typeof version === 'string' && exact.test(version)

const maximumChars = 64 * 1024
/** Base64 of JSON such as `{"release":"n8n@2.41.1"}`. */
const sentryTag = /<meta name="n8n:config:sentry" content="([A-Za-z0-9+/=]{1,4000})"/

/** The version in the HTML of n8n's editor, or null. */
export function versionIn(html: string): string | null {
  const [, encoded] = sentryTag.exec(html) ?? []
  const bytes = encoded === undefined ? null : fromBase64(encoded)
  const json = bytes ? new TextDecoder().decode(bytes) : ''
  return /"release":"n8n@(\d{1,3}\.\d{1,4}\.\d{1,4})[-"+]/.exec(json)?.[1] ?? null
}

/**
 * Asks n8n's editor for the version, without the API key. Null if the editor is disabled, behind a sign-in page of another
 * server or unreachable. Never throws.
 */
export async function readVersion(options: {
  baseUrl: string
  fetch: typeof fetch
  timeoutMs: number
}): Promise<string | null> {
  try {
    const response = await options.fetch(`${options.baseUrl.replace(/\/+$/, '')}/`, {
      headers: { accept: 'text/html' },
      redirect: 'manual',
      signal: AbortSignal.timeout(options.timeoutMs),
    })
    if (response.status !== 200) {
      response.body?.cancel().catch(() => undefined)
      return null
    }
    const reader = response.body?.getReader()
    const decoder = new TextDecoder()
    let html = ''
    let version: string | null = null
    for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
      html += decoder.decode(next.value, { stream: true })
      version = versionIn(html)
      if (version !== null || html.length >= maximumChars) break
    }
    reader?.cancel().catch(() => undefined)
    return version
  } catch {
    return null
  }
}
