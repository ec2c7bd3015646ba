/** The client address on Node, over real connections (throttles and the log rely on it), and what a start does. */
import { get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { expect, test } from 'vitest'
import { nodeRuntime, startNode } from '../src/node.ts'
import { testEnvironment } from './harness/app.ts'
import { createTestDatabase } from './harness/database.ts'

async function addressSeen(trustedProxyHops: number, headers: Record<string, string>): Promise<string> {
  const { clientIp } = nodeRuntime({
    config: { trustedProxyHops, allowLoopbackInstances: false, allowPrivateNetworks: [], mail: null },
  })
  const server = createAdaptorServer(new Hono().get('/', (c) => c.text(clientIp(c))))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const { port } = server.address() as AddressInfo
    const response = await fetch(`http://127.0.0.1:${port}/`, {
      headers: { ...headers, Connection: 'close' },
    })
    return await response.text()
  } finally {
    server.close()
  }
}

test('without a trusted proxy, headers do not change the client address', async () => {
  const claims = {
    'X-Forwarded-For': '198.51.100.1, 198.51.100.2',
    'X-Real-IP': '198.51.100.3',
    Forwarded: 'for=198.51.100.4',
    'CF-Connecting-IP': '198.51.100.5',
  }
  expect(await addressSeen(0, claims)).toBe('127.0.0.1')
})

test.each([
  [1, '198.51.100.66, 198.51.100.1', '198.51.100.1'],
  [2, '198.51.100.66, 198.51.100.1, 10.0.0.2', '198.51.100.1'],
  [2, '198.51.100.66 ,198.51.100.1,10.0.0.2', '198.51.100.1'],
])('with %i trusted proxies, the outermost names the client in %j', async (hops, value, address) => {
  expect(await addressSeen(hops, { 'X-Forwarded-For': value })).toBe(address)
})

test.each([
  ['no header', {}],
  ['fewer addresses than proxies', { 'X-Forwarded-For': '198.51.100.1' }],
  ['an empty address', { 'X-Forwarded-For': ', 198.51.100.1' }],
])('with %s the client address is the address of the connection', async (_, headers) => {
  expect(await addressSeen(2, headers)).toBe('127.0.0.1')
})

async function isLocal(headers: Record<string, string>, trustedProxyHops = 0): Promise<string> {
  const { isLocal: judge } = nodeRuntime({
    config: { trustedProxyHops, allowLoopbackInstances: false, allowPrivateNetworks: [], mail: null },
  })
  const server = createAdaptorServer(new Hono().get('/', (c) => c.text(String(judge?.(c) ?? 'never'))))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const { port } = server.address() as AddressInfo
    return await new Promise((resolve, reject) => {
      // `fetch` does not set the host.
      get(
        { host: '127.0.0.1', port, agent: false, headers: { Host: `127.0.0.1:${port}`, ...headers } },
        (answer) => {
          answer.setEncoding('utf8').on('data', resolve).on('error', reject)
        },
      ).on('error', reject)
    })
  } finally {
    server.close()
  }
}

test.each([{}, { Host: 'localhost' }, { Host: '[::1]:8787' }])(
  'a request with %j is local',
  async (headers) => {
    expect(await isLocal(headers)).toBe('true')
  },
)

test.each([
  ['the public host', { Host: 'flowkeep.example.com' }],
  ['a host that resembles loopback', { Host: '127.0.0.1.example.com' }],
  ['X-Forwarded-For', { 'X-Forwarded-For': '127.0.0.1' }],
  ['X-Real-IP', { 'X-Real-IP': '127.0.0.1' }],
  ['Forwarded', { Forwarded: 'for=127.0.0.1' }],
  ['Via', { Via: '1.1 proxy' }],
])('a request through a proxy with %s is not local', async (_, headers) => {
  expect(await isLocal(headers)).toBe('false')
})

test('behind a trusted proxy, no request is local', async () => {
  expect(await isLocal({}, 1)).toBe('never')
})

test('a server that was started once has recorded its keys in the database', async () => {
  const { url, gateway, sql, close } = await createTestDatabase()
  try {
    const env = testEnvironment({ DATABASE_URL: url, LOG_LEVEL: 'error' })
    const server = await startNode({ env, port: 0, host: '127.0.0.1', fetch: gateway.fetch })
    await server.close()
    const { active } = JSON.parse(env['CREDENTIAL_KEYS'] ?? '') as { active: string }
    expect(await sql`select key_id from key_checks`).toEqual([{ key_id: active }])
  } finally {
    await close()
  }
})
