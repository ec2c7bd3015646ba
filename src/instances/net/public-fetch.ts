/**
 * @module `fetch` for user-supplied URLs on Node. Resolves the name once, checks every address and connects to a checked
 * address, so that DNS rebinding has no effect.
 */
import { lookup as systemLookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { Agent, buildConnector, fetch as undiciFetch } from 'undici'
import { isLoopback, isPublicHost } from '../url-guard.ts'
import { type PrivateNetworkList, urlHostOf } from './private-networks.ts'

export interface PublicFetchOptions {
  /** Development only. */
  allowLoopback: boolean
  privateNetworks?: PrivateNetworkList | undefined
  /** Default: the system's lookup. */
  lookup?: LookupFunction
}

/** Create one per process, because it holds a connection pool. */
export function createPublicFetch({
  allowLoopback,
  privateNetworks,
  lookup = systemLookup,
}: PublicFetchOptions): typeof globalThis.fetch {
  const isAllowed = (address: string, isListedName = false): boolean => {
    const host = urlHostOf(address)
    if (host === undefined) return false
    if (isPublicHost(host) || (allowLoopback && isLoopback(host))) return true
    return (
      (isListedName ? privateNetworks?.isOpenable(host) : privateNetworks?.containsAddress(host)) ?? false
    )
  }
  const checkedLookup =
    (isListedName: boolean): LookupFunction =>
    (hostname, options, callback) => {
      lookup(hostname, { ...options, all: true }, (error, found) => {
        if (error) return callback(error, [])
        const addresses = Array.isArray(found) ? found : []
        const [first] = addresses
        if (!first || !addresses.every(({ address }) => isAllowed(address, isListedName)))
          return callback(notPublic(hostname), [])
        if (options.all) callback(null, addresses)
        else callback(null, first.address, first.family)
      })
    }
  const connect = buildConnector({ lookup: checkedLookup(false) })
  const connectListed = buildConnector({ lookup: checkedLookup(true) })
  const dispatcher = new Agent({
    connect: (options, callback) => {
      const { hostname, protocol, port } = options
      const isListed =
        (privateNetworks?.entryFor(
          urlHostOf(bare(hostname)) ?? hostname,
          Number(port) || (protocol === 'https:' ? 443 : 80),
        ) ?? null) !== null
      // An IP address skips the lookup.
      if (isIP(bare(hostname)) !== 0 && !isListed && !isAllowed(bare(hostname))) {
        return callback(notPublic(hostname), null)
      }
      return (isListed ? connectListed : connect)(options, callback)
    },
  })
  const fetch = (input: string, init: object) => undiciFetch(input, { ...init, dispatcher })
  return fetch as unknown as typeof globalThis.fetch
}

const bare = (hostname: string): string => hostname.replace(/^\[|\]$/g, '')

/** Uses an error code which means that nothing was sent. */
function notPublic(hostname: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${hostname} is not on the public internet`), { code: 'EHOSTUNREACH' })
}
