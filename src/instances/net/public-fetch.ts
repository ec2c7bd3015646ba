/**
 * @module `fetch` for user-supplied URLs on Node. Resolves the name once, checks every address and connects to a checked
 * address, so that DNS rebinding has no effect.
 */
import { lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { Agent, buildConnector, fetch as undiciFetch } from 'undici'
import { isLoopback, isPublicHost } from '../url-guard.ts'

export interface PublicFetchOptions {
  /** Development only. */
  allowLoopback: boolean
  /** Default: the system's lookup. */
  lookup?: LookupFunction
}

/** Create one per process, because it holds a connection pool. */
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
      // An IP address skips the lookup.
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

/** An address in the form of `URL.hostname`; undefined for anything else, or with a zone. */
function hostOf(address: string): string | undefined {
  const family = isIP(address)
  const host = family === 6 ? `[${address}]` : address
  return family !== 0 && URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : undefined
}

/** Uses an error code which means that nothing was sent. */
function notPublic(hostname: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${hostname} is not on the public internet`), { code: 'EHOSTUNREACH' })
}
