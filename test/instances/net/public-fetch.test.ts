import { createServer, type Server } from 'node:http'
import { connect as connectTcp, type LookupFunction } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createN8nClient } from '../../../src/n8n/api/client.ts'
import { createPublicFetch } from '../../../src/instances/net/public-fetch.ts'
import { createN8nStub } from '../../harness/n8n-stub.ts'

/** A request that arrives here has reached the internal network. */
let canary: Server
let port: number
let connections = 0
beforeAll(async () => {
  canary = createServer((request, response) => response.end(`host ${request.headers.host}`))
  canary.on('connection', () => (connections += 1))
  await new Promise<void>((resolve) => canary.listen(0, '::', resolve))
  const address = canary.address()
  port = typeof address === 'object' && address ? address.port : 0
})
beforeEach(() => {
  connections = 0
})
afterAll(() => {
  canary.closeAllConnections()
  canary.close()
})

interface Resolver {
  lookup: LookupFunction
  asked: string[]
}

/** Returns the lists of addresses in order, and then repeats the last one. */
function resolver(...answers: string[][]): Resolver {
  const asked: string[] = []
  const lookup: LookupFunction = (hostname, _options, callback) => {
    const addresses = answers[Math.min(asked.length, answers.length - 1)] ?? []
    asked.push(hostname)
    const family = (address: string) => (address.includes(':') ? 6 : 4)
    setImmediate(() =>
      callback(
        null,
        addresses.map((address) => ({ address, family: family(address) })),
      ),
    )
  }
  return { lookup, asked }
}

const get = (url: string, lookup?: LookupFunction, allowLoopback = false) =>
  createPublicFetch({ allowLoopback, ...(lookup && { lookup }) })(url, { signal: AbortSignal.timeout(2000) })

const refusal = async (work: Promise<unknown>): Promise<string | undefined> => {
  const error: unknown = await work.catch((failure: unknown) => failure)
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof Error && 'code' in cause ? `${cause.code} ${cause.message}` : undefined
}

test('the listener is reachable, so that a missing connection is meaningful', async () => {
  await new Promise<void>((resolve) => {
    const socket = connectTcp(port, '127.0.0.1', () => socket.destroy()).on('close', () => resolve())
  })
  expect(connections).toBe(1)
})

describe('never connects to a non-public address in any spelling', () => {
  test.each([
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f.1',
    '0x7f000001',
    '017700000001',
    '0177.0.0.1',
    '%31%32%37.0.0.1',
    '１２７.０.０.１',
    '①②⑦.⓪.⓪.①',
    '127.0.0.1.',
    '127.255.255.254',
    '0',
    '0.0.0.0',
    '[::1]',
    '[::]',
    '[0:0:0:0:0:0:0:1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::127.0.0.1]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
    '10.0.0.1',
    '172.16.0.1',
    '192.168.0.1',
    '169.254.169.254',
    '100.64.0.1',
    '[fd00::1]',
    '[fe80::1]',
  ])('http://%s', async (host) => {
    expect(await refusal(get(`http://${host}:${port}/`))).toMatch(
      /^EHOSTUNREACH .* is not on the public internet$/,
    )
    expect(await refusal(get(`https://${host}:${port}/`))).toMatch(/^EHOSTUNREACH /)
    expect(connections).toBe(0)
  })

  test('localhost, as the system resolves it', async () => {
    expect(await refusal(get(`http://localhost:${port}/`))).toMatch(/^EHOSTUNREACH /)
    expect(connections).toBe(0)
  })
})

describe('never connects to a name with a non-public address', () => {
  test.each([
    [['127.0.0.1']],
    [['::1']],
    [['::ffff:127.0.0.1']],
    [['10.0.0.1']],
    [['169.254.169.254']],
    [['fe80::1%eth0']],
    [['93.184.216.34', '127.0.0.1']],
    [['2606:4700::1111', '::1']],
    [['not an address']],
    [[]],
  ])('%j', async (addresses) => {
    const { lookup, asked } = resolver(addresses)
    expect(await refusal(get(`http://n8n.example.com:${port}/`, lookup))).toMatch(
      /^EHOSTUNREACH n8n\.example\.com /,
    )
    expect(asked).toEqual(['n8n.example.com'])
    expect(connections).toBe(0)
  })
})

describe('DNS rebinding', () => {
  test('connects to the address that was checked, without a second lookup', async () => {
    // 192.0.2.0/24 would be rejected, and tests must not contact public hosts, so loopback stands in for a public address.
    const { lookup, asked } = resolver(['127.0.0.1'], ['10.0.0.1'])
    const response = await get(`http://n8n.example.com:${port}/`, lookup, true)
    expect(await response.text()).toBe(`host n8n.example.com:${port}`)
    expect(asked).toEqual(['n8n.example.com'])
    expect(connections).toBe(1)
  })

  test('rejects a later non-public address, although the first was public', async () => {
    const { lookup, asked } = resolver(['93.184.216.34'], ['127.0.0.1'])
    const own = createPublicFetch({ allowLoopback: false, lookup })
    const first = own(`http://n8n.example.com:${port}/`, { signal: AbortSignal.timeout(100) })
    expect(await refusal(first)).not.toMatch(/public internet/)
    expect(await refusal(own(`http://n8n.example.com:${port}/`))).toMatch(/^EHOSTUNREACH /)
    expect(asked).toHaveLength(2)
    expect(connections).toBe(0)
  })
})

test('returns a redirect without following it', async () => {
  const stub = await createN8nStub()
  const { baseUrl, close } = await stub.listen()
  try {
    for (const location of [`http://127.0.0.1:${port}/`, `http://[::1]:${port}/`, '//n8n.example.com/']) {
      stub.failNext({ step: 'workflow-list', mode: 'redirect', location })
      const fetch = createPublicFetch({ allowLoopback: true })
      const client = createN8nClient({ baseUrl, apiKey: stub.apiKey, fetch })
      await expect(client.listWorkflows()).rejects.toMatchObject({ kind: 'redirected' })
    }
    expect(connections).toBe(0)
  } finally {
    await close()
  }
})

test('reads a compressed bomb only up to the limit', async () => {
  const stub = await createN8nStub()
  const { baseUrl, close } = await stub.listen()
  try {
    stub.failNext({ step: 'workflow-list', mode: 'gzip-bomb' })
    const fetch = createPublicFetch({ allowLoopback: true })
    const client = createN8nClient({ baseUrl, apiKey: stub.apiKey, fetch, maxResponseBytes: 100_000 })
    await expect(client.listWorkflows()).rejects.toMatchObject({ kind: 'too-large' })
  } finally {
    await close()
  }
})

describe('allows loopback too with the development flag', () => {
  test.each(['127.0.0.1', '[::1]', 'localhost'])('http://%s', async (host) => {
    const response = await get(`http://${host}:${port}/`, undefined, true)
    expect(response.status).toBe(200)
    expect(connections).toBe(1)
  })

  test.each([
    '10.0.0.1',
    '192.168.0.1',
    '169.254.169.254',
    '0.0.0.0',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[fe80::1]',
  ])('not http://%s', async (host) => {
    expect(await refusal(get(`http://${host}:${port}/`, undefined, true))).toMatch(/^EHOSTUNREACH /)
    expect(connections).toBe(0)
  })
})
