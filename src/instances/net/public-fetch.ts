/**
 * @module `fetch` for the URLs that users give, on Node: a name is resolved here, every address it has is checked, and
 * the connection goes to an address that was checked. What the name resolves to a moment later is never asked.
 */
import { lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { Agent, buildConnector, fetch as undiciFetch } from 'undici'
import { isLoopback, isPublicHost } from '../url-guard.ts'

export interface PublicFetchOptions {
  /** Development only. */
  allowLoopback: boolean
  /** default: that of the system */
  lookup?: LookupFunction
}

/** One for a process: it holds a pool of connections. */
export function createPublicFetch({
  allowLoopback,
  lookup = systemLookup,
}: PublicFetchOptions): typeof globalThis.fetch {
  const isAllowed = (address: string): boolean => {
    const host = hostOf(address)
    return host !== undefined && (isPublicHost(host) || (allowLoopback && isLoopback(host)))
  }
  const checkedLookup: LookupFunction = (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error) return callback(error, [])
      const addresses = Array.isArray(found) ? found : []
      const [first] = addresses
      if (!first || !addresses.every(({ address }) => isAllowed(address)))
        return callback(notPublic(hostname), [])
      if (options.all) callback(null, addresses)
      else callback(null, first.address, first.family)
    })
  }
  const connect = buildConnector({ lookup: checkedLookup })
  const dispatcher = new Agent({
    connect: (options, callback) => {
      // An address is connected to without a lookup.
      if (isIP(bare(options.hostname)) !== 0 && !isAllowed(bare(options.hostname))) {
        return callback(notPublic(options.hostname), null)
      }
      return connect(options, callback)
    },
  })
  const fetch = (input: string, init: object) => undiciFetch(input, { ...init, dispatcher })
  return fetch as unknown as typeof globalThis.fetch
}

const bare = (hostname: string): string => hostname.replace(/^\[|\]$/g, '')

/** An address as `URL.hostname` gives it; undefined for what is none, or has a zone. */
function hostOf(address: string): string | undefined {
  const family = isIP(address)
  const host = family === 6 ? `[${address}]` : address
  return family !== 0 && URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : undefined
}

/** Coded as one of those that tell that nothing was sent. */
function notPublic(hostname: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${hostname} is not on the public internet`), { code: 'EHOSTUNREACH' })
}
