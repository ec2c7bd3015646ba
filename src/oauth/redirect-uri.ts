/**
 * @module Redirect URIs: https, http on loopback, or the private scheme of a native app (RFC 8252). They must match exactly,
 * apart from the port on loopback.
 */

const maxChars = 2000

/** Schemes with a meaning of their own. */
const reservedScheme =
  /^(?:http|wss?|ftps?|sftp|file|filesystem|blob|data|javascript|vbscript|about|view-source|jar|cid|mid|urn|mailto|tel|sms|callto|facetime|sip|sips|geo|magnet|ssh|telnet|ldaps?|smb|afp|nfs|intent|content|resource|chrome|edge|moz|opera|brave|safari|android-app|ios-app|itms|search|shell|res|mk|mhtml|ms|hcp|help|x-apple|webcal|news|nntp|irc|git|svn)(?:[-+].*)?$/

const loopback = /^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(?::(\d{1,5}))?((?:[/?].*)?)$/

export interface RedirectTarget {
  kind: 'web' | 'loopback' | 'native'
  /** For people: the host, or the scheme. */
  label: string
  /** For `form-action` of a Content-Security-Policy, which has no form for an IPv6 address: then null. */
  source: string | null
}

/** Null unless an app may use the URI. */
export function readRedirectUri(uri: string): RedirectTarget | null {
  if (uri.length > maxChars || !/^[\x21-\x7e]+$/.test(uri) || /[<>"\\^`{|}#]/.test(uri)) return null
  const scheme = /^([a-z][a-z0-9+.-]*):/.exec(uri)?.[1]
  if (scheme === undefined || !URL.canParse(uri)) return null
  const url = new URL(uri)
  if (url.username !== '' || url.password !== '') return null
  const local = loopback.exec(uri)
  if (local) {
    const [, host = ''] = local
    return { kind: 'loopback', label: host, source: host.startsWith('[') ? null : url.origin }
  }
  if (scheme === 'https') {
    // The browser would go to a host other than the one that is written.
    const isCanonical = uri.startsWith(`https://${url.host}`) || uri.startsWith(`https://${url.hostname}:443`)
    return isCanonical ? { kind: 'web', label: url.host, source: url.origin } : null
  }
  return reservedScheme.test(scheme) ? null : { kind: 'native', label: `${scheme}:`, source: `${scheme}:` }
}

/** Native apps choose a free port when they listen on loopback (RFC 8252 §7.3). */
export const isRegisteredUri = (uri: string, registered: readonly string[]): boolean =>
  registered.some((each) => each === uri || (isLoopbackUri(uri) && withoutPort(each) === withoutPort(uri)))

const isLoopbackUri = (uri: string): boolean =>
  Number(loopback.exec(uri)?.[2] ?? 0) <= 65_535 && loopback.test(uri)

function withoutPort(uri: string): string | null {
  const [, host, , rest = ''] = loopback.exec(uri) ?? []
  return host === undefined ? null : `${host}${rest}`
}

/** Adds the parameters of the response. */
export function withResponse(uri: string, parameters: Record<string, string | undefined>): string {
  const given = Object.entries(parameters).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  )
  const query = new URLSearchParams(given).toString()
  return `${uri}${uri.includes('?') ? (/[?&]$/.test(uri) ? '' : '&') : '?'}${query}`
}
