/** The allow-list of private networks: what it opens, and what stays closed even if listed. */
import { createServer, type Server } from 'node:http'
import type { LookupFunction } from 'node:net'
import { networkInterfaces } from 'node:os'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createPublicFetch } from '../../../src/instances/net/public-fetch.ts'
import { parsePrivateNetworks } from '../../../src/instances/net/private-networks.ts'
import { checkBaseUrl } from '../../../src/instances/url-guard.ts'

const publicUrl = 'http://10.9.9.9:8787'
const outcome = (url: string, entries: string[]): string => {
  try {
    const privateNetworks = parsePrivateNetworks(entries)
    return checkBaseUrl(url, { allowLoopback: false, privateNetworks, publicUrl })
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error)
  }
}

describe('a listed host may be connected to, over http too', () => {
  test.each([
    ['http://n8n:5678', 'n8n'],
    ['http://N8N.internal', 'n8n.internal'],
    ['https://n8n.internal:9443/team/', 'n8n.internal'],
    ['http://n8n.internal:5678', 'N8N.Internal.:5678'],
    ['http://xn--mnchen-3ya.internal', 'münchen.internal'],
    ['http://10.1.2.3:1234', '10.0.0.0/8'],
    ['http://10.1.2.3', '10.1.2.3'],
    ['http://10.1.2.3:5678', '10.1.2.3:5678'],
    ['http://172.31.255.255', '172.16.0.0/12'],
    ['http://192.168.1.20:5678', '0.0.0.0/0'],
    ['http://100.64.0.7', '100.64.0.0/10'],
    ['http://[fd12:3456::1]:5678', 'fd00::/8'],
    ['http://[fd12:3456::1]:5678', '[FD12:3456:0::1]:5678'],
    ['http://[fd12::7]', 'fd12:0::7'],
    ['http://10.9.9.9:5678', '10.0.0.0/8'],
  ])('%s by %s', (url, entry) => {
    expect(outcome(url, ['192.0.2.0/24', entry])).toBe(new URL(url).href.replace(/\/$/, ''))
  })
})

describe('stays closed without a matching entry', () => {
  test.each([
    ['http://n8n.internal:5679', 'n8n.internal:5678'],
    ['http://n8n.internal', 'n8n.internal:5678'],
    ['http://n8n.internal.', 'n8n.internal'],
    ['http://other.n8n.internal', 'n8n.internal'],
    ['http://n8n.internal.example.com', 'n8n.internal'],
    ['http://xn8n.internal', 'n8n.internal'],
    ['http://n8n.example.com', '10.0.0.0/8'],
    ['https://n8n.example.com:1234', '10.0.0.0/8'],
    ['http://11.0.0.1', '10.0.0.0/8'],
    ['http://10.1.2.4', '10.1.2.3'],
    ['http://[::ffff:10.1.2.3]', '10.0.0.0/8'],
    ['http://[::10.1.2.3]', '10.0.0.0/8'],
    ['http://[64:ff9b::10.1.2.3]', '10.0.0.0/8'],
    ['http://[2002:a01:203::1]', '10.0.0.0/8'],
    ['http://012.1.2.3', '10.0.0.0/8'],
    ['http://0xa010203', '10.0.0.0/8'],
    ['http://167838211', '10.0.0.0/8'],
    ['http://10.1.515', '10.0.0.0/8'],
    ['http://user@10.1.2.3', '10.0.0.0/8'],
    ['http://8.8.8.8', '0.0.0.0/0'],
    ['http://198.18.0.1', '0.0.0.0/0'],
    ['http://192.0.2.1', '0.0.0.0/0'],
    ['http://10.9.9.9:8787', '10.0.0.0/8'],
    ['ftp://10.1.2.3', '10.0.0.0/8'],
  ])('%s with %s', (url, entry) => {
    expect(outcome(url, [entry])).toBe('url-not-allowed')
  })
})

const everything = [
  '0.0.0.0/0',
  '::/0',
  '127.0.0.1',
  '127.0.0.0/8',
  'localhost',
  'localhost:5678',
  'n8n.localhost',
  '[::1]',
  '::1',
  '0.0.0.0',
  '[::]',
  '169.254.0.0/16',
  '169.254.169.254',
  '169.254.169.254:80',
  'fe80::/10',
  'fd00:ec2::254',
  'fd00:ec2::/32',
  'fd20:ce::254',
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
  '::ffff:169.254.169.254',
  '::ffff:0:0/96',
  '64:ff9b::/96',
  'metadata',
  'metadata.google.internal',
  'metadata.goog',
  'instance-data',
  'instance-data.ec2.internal',
]

describe('loopback, link-local and metadata stay blocked even if listed', () => {
  test.each([
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f.1',
    '017700000001',
    'localhost',
    'localhost:5678',
    'LOCALHOST.',
    'n8n.localhost',
    '[::1]',
    '[0:0:0:0:0:0:0:1]',
    '[::ffff:127.0.0.1]',
    '0.0.0.0',
    '0',
    '[::]',
    '169.254.169.254',
    '2852039166',
    '0xa9fea9fe',
    '0251.0376.0251.0376',
    '169.254.43518',
    '①⑥⑨.②⑤④.①⑥⑨.②⑤④',
    '169.254.169.254.',
    '[::ffff:169.254.169.254]',
    '[::ffff:a9fe:a9fe]',
    '[64:ff9b::a9fe:a9fe]',
    '[2002:a9fe:a9fe::]',
    '[fe80::1]',
    '[fd00:ec2::254]',
    '[fd00:0ec2:0:0:0:0:0:254]',
    '[fd20:ce::254]',
    '100.100.100.200',
    '[::ffff:100.100.100.200]',
    '168.63.129.16',
    '192.0.0.192',
    '224.0.0.1',
    '255.255.255.255',
    'metadata',
    'metadata.',
    'METADATA.google.internal',
    'metadata.google.internal.',
    'ｍetadata.google.internal',
    'metadata.goog',
    'instance-data',
    'instance-data.ec2.internal',
  ])('http://%s', (host) => {
    expect(outcome(`http://${host}`, everything)).toBe('url-not-allowed')
    expect(outcome(`https://${host}/`, everything)).toBe('url-not-allowed')
  })

  test('and an entry without any effect is reported', () => {
    const entries = [
      '10.0.0.0/8',
      'n8n.internal',
      '127.0.0.1',
      'localhost',
      '169.254.0.0/16',
      '100.100.100.200',
    ]
    expect(parsePrivateNetworks(entries).ignored).toEqual(entries.slice(2))
    expect(parsePrivateNetworks(['0.0.0.0/0', '::/0', 'fd00::/8', '100.100.0.0/16']).ignored).toEqual([])
  })
})

test.each([
  'http://n8n.internal',
  'n8n.internal/path',
  'user@n8n.internal',
  '*.internal',
  '10.0.0.0/33',
  '10.0.0/8',
  'fd00::/129',
  '10.1',
  '0x0a000001',
  '010.0.0.1',
  'n8n:0',
  'n8n:70000',
  'n8n:',
  'n8n internal',
  '[fd00::1',
  'fe80::1%eth0',
  '10.0.0.1-10.0.0.9',
])('rejects the entry %j and names it', (entry) => {
  expect(() => parsePrivateNetworks([entry])).toThrow(`ALLOW_PRIVATE_NETWORKS: "${entry}" must be`)
})

/** A request that arrives here has reached the internal network. */
let canary: Server
let port: number
let requests: string[] = []
/** Answers every request with a redirect to it; empty for a normal response. */
let location = ''
/** An address of this machine in a private network, if it has one: tests connect to no other machine. */
const own = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .map(({ address }) => address)
  .find((address) => parsePrivateNetworks([]).isOpenable(address))

beforeAll(async () => {
  canary = createServer((request, response) => {
    requests.push(`${request.headers.host}${request.url}`)
    if (location === '') return response.end('reached')
    return response.writeHead(302, { Location: location }).end()
  })
  await new Promise<void>((resolve) => canary.listen(0, '::', resolve))
  const address = canary.address()
  port = typeof address === 'object' && address ? address.port : 0
})
beforeEach(() => {
  requests = []
  location = ''
})
afterAll(() => {
  canary.closeAllConnections()
  canary.close()
})

/** Returns the lists of addresses in order, and then repeats the last one. */
function resolver(...answers: string[][]) {
  const asked: string[] = []
  const lookup: LookupFunction = (hostname, _options, callback) => {
    const addresses = answers[Math.min(asked.length, answers.length - 1)] ?? []
    asked.push(hostname)
    setImmediate(() =>
      callback(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      ),
    )
  }
  return { lookup, asked }
}

const fetchWith = (entries: string[], lookup?: LookupFunction) =>
  createPublicFetch({
    allowLoopback: false,
    privateNetworks: parsePrivateNetworks(entries),
    ...(lookup && { lookup }),
  })

const refusal = async (work: Promise<unknown>): Promise<string | undefined> => {
  const error: unknown = await work.catch((failure: unknown) => failure)
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof Error ? cause.message : undefined
}
const closed = / is not on the public internet$/

describe('the connection checks the resolved addresses', () => {
  // A CNAME to a metadata service, a rebinding zone and a poisoned hosts file all end in such an answer.
  test.each([
    [['169.254.169.254']],
    [['127.0.0.1']],
    [['::1']],
    [['0.0.0.0']],
    [['::']],
    [['::ffff:169.254.169.254']],
    [['::ffff:10.0.0.5']],
    [['64:ff9b::a9fe:a9fe']],
    [['fd00:ec2::254']],
    [['fe80::1%eth0']],
    [['100.100.100.200']],
    [['168.63.129.16']],
    [['10.0.0.5', '169.254.169.254']],
    [['10.0.0.5', '127.0.0.1']],
    [[]],
  ])('a listed name that resolves to %j is refused', async (addresses) => {
    const { lookup, asked } = resolver(addresses)
    const fetch = fetchWith(['n8n.internal', ...everything], lookup)
    expect(await refusal(fetch(`http://n8n.internal:${port}/`))).toMatch(closed)
    expect(asked).toEqual(['n8n.internal'])
    expect(requests).toEqual([])
  })

  test('a name that is not listed is refused at a private address outside the listed blocks', async () => {
    const { lookup } = resolver(['192.168.0.9'])
    const fetch = fetchWith(['n8n.internal', '10.0.0.0/8', '192.168.0.9:1'], lookup)
    expect(await refusal(fetch(`http://other.example.com:${port}/`))).toMatch(closed)
  })

  test('a name that is listed with another port is refused', async () => {
    const { lookup } = resolver(['10.0.0.5'])
    const fetch = fetchWith([`n8n.internal:${port + 1}`], lookup)
    expect(await refusal(fetch(`http://n8n.internal:${port}/`))).toMatch(closed)
  })

  test.each(everything.filter((entry) => !entry.includes('/') && !entry.endsWith(':80')))(
    '%s is refused although it is listed',
    async (entry) => {
      const host = entry.includes(':') && !/^\[|:5678$/.test(entry) ? `[${entry}]` : entry
      const { lookup } = resolver(['127.0.0.1'])
      const url = `http://${host.replace(':5678', '')}:${port}/`
      expect(await refusal(fetchWith(everything, lookup)(url))).toMatch(closed)
      expect(requests).toEqual([])
    },
  )
})

describe.runIf(own)('with an address of this machine', () => {
  test('connects to a listed block, a listed address and a listed name', async () => {
    const { lookup } = resolver([String(own)])
    const address = String(own).includes(':') ? `[${own}]` : String(own)
    for (const [entries, host] of [
      [['0.0.0.0/0', '::/0'], address],
      [[`${address}:${port}`], address],
      [['n8n.internal'], 'n8n.internal'],
      [['0.0.0.0/0', '::/0'], 'n8n.example.com'],
    ] as const) {
      const response = await fetchWith([...entries], lookup)(`http://${host}:${port}/`)
      expect(await response.text()).toBe('reached')
    }
    expect(await refusal(fetchWith([])(`http://${address}:${port}/`))).toMatch(closed)
  })

  test('a second answer of the resolver, at a closed address, is refused (DNS rebinding)', async () => {
    const { lookup, asked } = resolver([String(own)], ['127.0.0.1'])
    const fetch = fetchWith(['n8n.internal'], lookup)
    const first = await fetch(`http://n8n.internal:${port}/`, { headers: { Connection: 'close' } })
    expect(await first.text()).toBe('reached')
    expect(await refusal(fetch(`http://n8n.internal:${port}/again`))).toMatch(closed)
    expect(asked).toHaveLength(2)
    expect(requests).toHaveLength(1)
  })

  test('a redirect to a closed address is refused, even where it is followed', async () => {
    const { lookup } = resolver([String(own)])
    const fetch = fetchWith(['n8n.internal', ...everything], lookup)
    for (const target of [
      `http://127.0.0.1:${port}/x`,
      `http://[::1]:${port}/x`,
      'http://169.254.169.254/',
    ]) {
      requests = []
      location = target
      expect(await refusal(fetch(`http://n8n.internal:${port}/`))).toMatch(closed)
      expect(requests).toEqual([`n8n.internal:${port}/`])
    }
  })
})
