/**
 * @module The hosts of a private network that instances may use: `ALLOW_PRIVATE_NETWORKS`. Loopback, link-local and
 * metadata addresses stay blocked even if an entry contains them.
 */
import { BlockList, isIP } from 'node:net'
import { isLoopback, isMetadataName, isPublicHost, type PrivateNetworks } from '../url-guard.ts'

export interface PrivateNetworkList extends PrivateNetworks {
  /** Whether an entry for addresses, such as `10.0.0.0/8`, contains `address`. */
  containsAddress: (address: string) => boolean
  /** Whether `address` may be opened at all. */
  isOpenable: (address: string) => boolean
  /** Entries that have no effect, because nothing in them may be opened. */
  ignored: string[]
}

/** Private use and shared address space (RFC 1918, RFC 6598, RFC 4193). Everything else stays blocked. */
const openableBlocks = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7']
const openable = blockList(openableBlocks)
/** Metadata services of Alibaba, AWS and Google inside these ranges. */
const metadata = blockList(['100.100.100.200/32', 'fd00:ec2::/32', 'fd20:ce::/32'])
/** Names of a network, including single labels, such as a service of compose. */
const name = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/

interface Entry {
  text: string
  /** A name or address, as in `URL.hostname`; absent for a block. */
  host?: string
  port?: number
  block?: BlockList
}

/** @throws {Error} for an entry that is not a host, host:port or CIDR block */
export function parsePrivateNetworks(entries: readonly string[]): PrivateNetworkList {
  const parsed = entries.map(parseEntry)
  const isOpenable = (address: string) => {
    const bare = withoutBrackets(address)
    return isIn(openable, bare) && !isIn(metadata, bare)
  }
  const mayOpen = (host: string) =>
    !isLoopback(host) &&
    !isMetadataName(host) &&
    (isIP(withoutBrackets(host)) === 0 || isOpenable(host) || isPublicHost(host))
  return {
    entryFor: (host, port) => {
      if (!mayOpen(host)) return null
      const found = parsed.find((entry) =>
        entry.block
          ? isOpenable(host) && isIn(entry.block, withoutBrackets(host))
          : entry.host === host && (entry.port === undefined || entry.port === port),
      )
      return found?.text ?? null
    },
    containsAddress: (address) =>
      isOpenable(address) && parsed.some(({ block }) => block && isIn(block, withoutBrackets(address))),
    isOpenable,
    ignored: parsed
      .filter(({ text, host, block }) => (block ? !overlaps(text, block) : !mayOpen(host ?? '')))
      .map(({ text }) => text),
  }
}

function parseEntry(text: string): Entry {
  const fail = (): never => {
    throw new Error(
      `ALLOW_PRIVATE_NETWORKS: "${text}" must be a host, host:port or CIDR block, such as n8n.internal, ` +
        'n8n.internal:5678 or 10.0.0.0/8',
    )
  }
  const [, network, bits] = /^([\d.]+|[\da-f:.]+)\/(\d{1,3})$/i.exec(text) ?? []
  if (network !== undefined) {
    const family = isIP(network)
    if (family === 0 || Number(bits) > (family === 4 ? 32 : 128)) return fail()
    return { text, block: blockList([text]) }
  }
  if (isIP(text) === 6) return { text, host: urlHostOf(text) ?? fail() }
  const [, host = '', port] = /^(\[[^\]]+\]|[^:/@?#[\]]+)(?::(\d{1,5}))?$/.exec(text) ?? []
  if (host === '' || !URL.canParse(`http://${host}`)) return fail()
  const canonical = new URL(`http://${host}`).hostname.replace(/\.$/, '')
  const isAddress = isIP(withoutBrackets(canonical)) !== 0
  // Octal, hexadecimal and short forms mislead readers.
  if (isAddress ? isIP(withoutBrackets(host)) === 0 : !name.test(canonical)) return fail()
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) return fail()
  return { text, host: canonical, ...(port !== undefined && { port: Number(port) }) }
}

/** An IP address in the form of `URL.hostname`; undefined for anything else, or with a zone. */
export function urlHostOf(address: string): string | undefined {
  const family = isIP(address)
  const host = family === 6 ? `[${address}]` : address
  return family !== 0 && URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : undefined
}

/** Whether an entry contains any address that may be opened. */
function overlaps(text: string, block: BlockList): boolean {
  const [network = ''] = text.split('/')
  const isInside = isIn(openable, network) && !isIn(metadata, network)
  return isInside || openableBlocks.some((each) => isIn(block, each.split('/')[0] ?? ''))
}

const withoutBrackets = (host: string): string => host.replace(/^\[|\]$/g, '')

function blockList(blocks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const block of blocks) {
    const [network = '', bits = ''] = block.split('/')
    list.addSubnet(network, Number(bits), isIP(network) === 6 ? 'ipv6' : 'ipv4')
  }
  return list
}

/** False for IPv4-mapped addresses, which `BlockList` would convert. */
function isIn(list: BlockList, address: string): boolean {
  const family = isIP(address)
  if (family === 0 || address.includes('%') || /^::ffff:/i.test(address)) return false
  return list.check(address, family === 6 ? 'ipv6' : 'ipv4')
}
