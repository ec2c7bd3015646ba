/**
 * @module The URLs that this server may call. A pure check of the URL after WHATWG parsing has normalized every
 * spelling of an address. The caller that connects must check the addresses a name resolves to.
 */
import { AppError } from '../errors.ts'

export interface UrlRules {
  /** Development only: http, any port and loopback hosts. */
  allowLoopback: boolean
  /** Absent on Workers, which never reach a private network. */
  privateNetworks?: PrivateNetworks | undefined
  /** The URL of this server, whose host is rejected. */
  publicUrl: string
}

/** Hosts of the operator's network, which may use http and any port. */
export interface PrivateNetworks {
  /**
   * The entry of `ALLOW_PRIVATE_NETWORKS` that allows the host; null if none does.
   * @param host a `URL.hostname`
   */
  entryFor: (host: string, port: number) => string | null
}

const maxLength = 2048
const defaultPorts: Record<string, number> = { 'http:': 80, 'https:': 443 }
const allowedPorts = new Set([443, 5678, 8443])
/** RFC 6761, RFC 6762, RFC 8375 and names that clouds and home routers resolve themselves. */
const privateSuffixes = [
  'localhost',
  'localdomain',
  'local',
  'internal',
  'home.arpa',
  'lan',
  'home',
  'corp',
  'intranet',
]

type Refuse = (detail: string) => never

const refuser =
  (field: string): Refuse =>
  (detail) => {
    throw new AppError('url-not-allowed', `${field}: ${detail}`, {
      errors: [{ pointer: `/${field}`, detail }],
    })
  }

/**
 * Accepts the URL of a page in n8n's editor or of an API call, with its query and fragment.
 * @returns origin and path prefix, normalized, without a trailing slash
 * @throws {AppError} `url-not-allowed`
 */
export function checkBaseUrl(text: string, rules: UrlRules): string {
  const refuse = refuser('baseUrl')
  const url = checkedUrl(text, rules, refuse, (parsed) => {
    if (/[?#]/.test(text) && withoutPage(parsed.pathname) === parsed.pathname)
      refuse('Remove the query and the fragment')
  })
  return url.origin + withoutPage(url.pathname).replace(/\/+$/, '')
}

/**
 * Accepts a URL to post to, with its path and query.
 * @param field the member of the body, for the error
 * @throws {AppError} `url-not-allowed`
 */
export function checkTargetUrl(text: string, rules: UrlRules, field: string): URL {
  const url = checkedUrl(text, rules, refuser(field))
  url.hash = ''
  return url
}

function checkedUrl(text: string, rules: UrlRules, refuse: Refuse, checkPath?: (url: URL) => void): URL {
  // The parser drops tabs and line breaks, converts backslashes and adds slashes: the URL shown must be the URL called.
  if (
    text.length > maxLength ||
    !/^https?:\/\/(?!\/)[\x21-\x5b\x5d-\uffff]+$/i.test(text) ||
    !URL.canParse(text)
  ) {
    return refuse('Must be an absolute URL, such as https://example.com')
  }
  const url = new URL(text)
  const authority = text.slice(text.indexOf('//') + 2).split(/[/?#]/, 1)[0] ?? ''
  if (authority.includes('@')) return refuse('Remove the user name and password')
  // Octal, hexadecimal and short forms mislead readers: 0127.0.0.1 means 87.0.0.1.
  if (/^[\d.]+$/.test(url.hostname) && authority.replace(/:\d*$/, '') !== url.hostname) {
    return refuse('Write the address as four decimal numbers')
  }
  checkPath?.(url)

  const loopback = isLoopback(url.hostname)
  const local = loopback || privateEntryOf(text, rules.privateNetworks) !== null
  if (loopback ? !rules.allowLoopback : !local && !isPublicHost(url.hostname))
    return refuse('The host is not on the public internet. Use a public URL')
  if (url.protocol !== 'https:' && !local) return refuse('Use https')
  if (!rules.allowLoopback && !local && !allowedPorts.has(portOf(url))) {
    return refuse(`The port must be one of ${[...allowedPorts].join(', ')}`)
  }
  const own = new URL(rules.publicUrl)
  if (local ? url.host === own.host : url.hostname === own.hostname)
    return refuse('This is the URL of Flowkeep itself. Enter the URL of the other server')
  return url
}

const portOf = ({ port, protocol }: URL): number =>
  port === '' ? (defaultPorts[protocol] ?? 0) : Number(port)

/** The entry of `ALLOW_PRIVATE_NETWORKS` that allows a URL; null if none does. */
export function privateEntryOf(baseUrl: string, networks: PrivateNetworks | undefined): string | null {
  const url = new URL(baseUrl)
  return networks?.entryFor(url.hostname, portOf(url)) ?? null
}

/**
 * The same key for every spelling of a local server, because n8n listens on every address of its machine.
 * @param baseUrl a result of `checkBaseUrl`
 */
export const serverKeyOf = (baseUrl: string): string =>
  baseUrl.replace(/^(https?:\/\/)(?:127\.0\.0\.1|\[::1\])(?=[:/]|$)/, '$1localhost')

/** Paths of n8n's editor and APIs, which users copy from the address bar or the documentation. */
const pageOfN8n =
  /\/(?:api\/v\d+|rest|home\/[\w-]+|projects\/[\w-]+|workflows?\/[\w-]+|executions\/[\w-]+|settings\/[\w-]+|(?:workflows|credentials|executions|signin|signup|setup|forgot-password|insights|personal|templates)(?=\/*$))(?:\/.*)?$/

/** The path prefix of n8n itself, without the path of a page. */
const withoutPage = (pathname: string): string => pathname.replace(pageOfN8n, '')

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host.endsWith('.localhost') || /^127(\.\d{1,3}){3}$/.test(host) || host === '[::1]'

/** Names under which clouds offer their metadata service. */
export const isMetadataName = (host: string): boolean =>
  /^(metadata|instance-data)\.?$|(^|\.)(metadata\.(google\.internal|goog|azure\.internal|tencentyun\.com)|instance-data\.ec2\.internal)\.?$/.test(
    host,
  )

/** @param host a `URL.hostname`: lower case, punycode, addresses in canonical form */
export function isPublicHost(host: string): boolean {
  if (host.startsWith('[')) return isPublicV6(host.slice(1, -1))
  if (/^\d+(\.\d+){3}$/.test(host)) return isPublicV4(host.split('.').map(Number))
  if (!/^[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})+$/.test(host) || host.length > 253) return false
  return !isMetadataName(host) && !privateSuffixes.some((suffix) => host.endsWith(`.${suffix}`))
}

/** IANA special-purpose registry: every block that is not globally reachable, and the 6to4 relay. */
const reservedV4: [string, number][] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['168.63.129.16', 32], // The metadata service of Azure, although a public address.
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
]

const v4Number = (bytes: readonly number[]): number => bytes.reduce((sum, byte) => sum * 256 + byte, 0)

function isPublicV4(bytes: readonly number[]): boolean {
  const address = v4Number(bytes)
  return !reservedV4.some(([network, bits]) => {
    const sizeOfBlock = 2 ** (32 - bits)
    return (
      Math.floor(address / sizeOfBlock) === Math.floor(v4Number(network.split('.').map(Number)) / sizeOfBlock)
    )
  })
}

/** Inside 2000::/3, the only global unicast space. Mapped, NAT64, ULA, link-local and multicast lie outside. */
const reservedV6: [number, number, number][] = [
  // First group, second group, prefix length.
  [0x2001, 0x0000, 23], // IETF protocols: Teredo, benchmarking, ORCHID
  [0x2001, 0x0db8, 32], // documentation
  [0x2002, 0x0000, 16], // 6to4
  [0x3fff, 0x0000, 20], // documentation
]

function isPublicV6(address: string): boolean {
  const [head = '', tail = ''] = address.split('::')
  const firstGroups = head === '' ? [] : head.split(':').map((group) => Number.parseInt(group, 16))
  if (!address.includes('::') && tail === '' && firstGroups.length !== 8) return false
  const [first = 0, second = 0] = firstGroups
  if (first < 0x2000 || first > 0x3fff) return false
  const leading = first * 0x10000 + second
  return !reservedV6.some(([a, b, bits]) => {
    const sizeOfBlock = 2 ** (32 - bits)
    return Math.floor(leading / sizeOfBlock) === Math.floor((a * 0x10000 + b) / sizeOfBlock)
  })
}
