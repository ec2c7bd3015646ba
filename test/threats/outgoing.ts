/** @module S1 to S8: requests that the server sends to hosts that users name. */
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { startTarget, type Target, type TargetUser } from '../harness/target.ts'
import { isFull, isNode, plainSecret, threat, type World } from './suite.ts'

/** Counts connections, on loopback. */
interface Listener {
  server: Server
  port: number
  connections: () => number
  apiKeys: (string | undefined)[]
}

async function listen(port = 0): Promise<Listener> {
  let connections = 0
  const apiKeys: (string | undefined)[] = []
  const server = createServer((request, response) => {
    apiKeys.push(request.headers['x-n8n-api-key'] as string | undefined)
    response.end('{}')
  })
  server.on('connection', () => (connections += 1))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve)
  })
  return { server, port: (server.address() as AddressInfo).port, connections: () => connections, apiKeys }
}

/** The process resolves every name to a public address first, and then to loopback. */
const rebinding = `
import dns from 'node:dns'
import { syncBuiltinESMExports } from 'node:module'
const system = dns.lookup
let calls = 0
dns.lookup = (hostname, options, callback) => {
  if (!hostname.endsWith('rebinding.example.com')) return system(hostname, options, callback)
  calls += 1
  process.stderr.write(JSON.stringify({ event: 'lookup', calls }) + '\\n')
  const found = [{ address: calls === 1 ? '93.184.216.34' : '127.0.0.1', family: 4 }]
  if (options.all) callback(null, found)
  else callback(null, found[0].address, found[0].family)
}
syncBuiltinESMExports()
`

const internalHosts = (port: number): string[] => [
  'localhost',
  'LOCALHOST',
  'localhost.',
  'a.localhost',
  '127.0.0.1',
  '127.1',
  '127.0.1',
  '2130706433',
  '0x7f.1',
  '0x7f000001',
  '017700000001',
  '0177.0.0.1',
  '127.0.0.1.',
  '１２７.０.０.１',
  '①②⑦.⓪.⓪.①',
  '%31%32%37.0.0.1',
  '127。0。0。1',
  '0.0.0.0',
  '0',
  '[::1]',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[0:0:0:0:0:0:0:1]',
  '[64:ff9b::7f00:1]',
  '[2002:7f00:1::]',
  '[fc00::1]',
  '[fe80::1]',
  '[ff02::1]',
  '10.0.0.1',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '100.64.0.1',
  '169.254.169.254',
  '224.0.0.1',
  '255.255.255.255',
  'n8n',
  'n8n.local',
  'n8n.internal',
  'metadata.google.internal',
  'flowkeep.example.com',
  'localhost%00.example.com',
  `127.0.0.1:${port}`,
]

export function outgoing(world: World): void {
  const { stub } = { stub: () => world.n8n.stub }
  const remote = () =>
    world.owner.call('GET', `/v1/instances/${world.owner.resources.ids['instances']}/workflows`)

  describe('a server that allows public hosts only', () => {
    let target: Target
    let user: TargetUser
    let listener: Listener
    beforeAll(async () => {
      listener = await listen()
      const preload = `--import=data:text/javascript,${encodeURIComponent(rebinding)}`
      const env = {
        PUBLIC_URL: 'https://flowkeep.example.com',
        ALLOW_LOOPBACK_INSTANCES: 'false',
        TRUSTED_PROXY_HOPS: '0',
        QUOTA_CREDENTIALS: '5',
      }
      target = await startTarget({ env, nodeOptions: preload })
      user = await target.user()
    })
    afterAll(async () => {
      await target?.close()
      listener?.server.close()
    })
    const connect = (baseUrl: string) =>
      user.call('POST', '/v1/instances', {
        body: { name: baseUrl.slice(0, 60), baseUrl, apiKey: plainSecret() },
      })
    const alertTo = (url: string) =>
      user.call('POST', '/v1/alerts/channels', { body: { kind: 'webhook', name: url.slice(0, 60), url } })

    threat('S1', async () => {
      for (const host of internalHosts(listener.port)) {
        for (const url of [`https://${host}`, `https://${host}/path`, `http://${host}:${listener.port}`]) {
          for (const answer of [await connect(url), await alertTo(url)]) {
            expect({ url, status: answer.status }).toEqual({ url, status: 422 })
          }
        }
      }
      expect((await connect('https://127.0.0.1')).json.code).toBe('url-not-allowed')
      expect(listener.connections()).toBe(0)
      // The same checks accept a public host.
      expect((await connect('https://n8n.example.org')).status).toBe(201)
    })

    threat('S2', async () => {
      const urls = [
        'http://n8n.example.com',
        'file:///etc/passwd',
        'ftp://n8n.example.com',
        'javascript:alert(1)',
        'data:text/plain,x',
        'https://user:password@n8n.example.com',
        'https://user@n8n.example.com',
        'https://n8n.example.com:22',
        'https://n8n.example.com:6379',
        '\\\\n8n.example.com',
        'https:\\\\n8n.example.com',
        'https:n8n.example.com',
        'https:/n8n.example.com',
        'https:///n8n.example.com',
        '//n8n.example.com',
        'n8n.example.com',
        'https://n8n.example.com\n.evil.com',
        ' https://n8n.example.com\u0000',
        'https://',
        'wss://n8n.example.com',
      ]
      for (const url of urls) {
        const { status } = await connect(url)
        expect({ url, status }).toEqual({ url, status: 422 })
      }
      const stored = await connect('https://N8N.Example.net:443/prefix/')
      expect(stored.json.baseUrl).toBe('https://n8n.example.net/prefix')
    })

    threat(
      'S4',
      async () => {
        let local: Listener | undefined
        for (const port of [8443, 5678]) local ??= await listen(port).catch(() => undefined)
        if (!local) throw new Error('Ports 8443 and 5678 are in use')
        try {
          const instance = await connect(`https://rebinding.example.com:${local.port}`)
          expect(instance.status).toBe(201)
          const path = `/v1/instances/${instance.json.id}`
          for (const _ of [1, 2, 3]) expect((await user.call('POST', `${path}/test`)).json.ok).not.toBe(true)
          expect(local.connections()).toBe(0)
          expect(target.logs()).toContain('"event":"lookup","calls":2')
        } finally {
          local.server.close()
        }
      },
      { on: 'node' },
    )

    threat(
      'S4',
      async () => {
        const config = readFileSync(join(import.meta.dirname, '../../wrangler.toml'), 'utf8')
        const flags = [...config.matchAll(/^compatibility_flags\s*=\s*\[(.*)\]/gm)].map(
          ([, list = '']) => list,
        )
        expect(flags.length).toBeGreaterThan(0)
        for (const list of flags) expect(list).toContain('"global_fetch_strictly_public"')
      },
      { on: 'workerd', part: 'by the compatibility flag' },
    )

    threat('H6', async () => {
      const email = `${plainSecret()}@example.com`
      const attempt = (i: number) =>
        target.call('POST', '/v1/auth/login', {
          body: { email, password: 'not the password' },
          ...(isNode ? {} : { from: '198.51.100.7' }),
          headers: {
            'X-Forwarded-For': `198.51.${i}.1`,
            'X-Real-IP': `198.51.${i}.2`,
            Forwarded: `for=198.51.${i}.3`,
            'True-Client-IP': `198.51.${i}.4`,
            ...(isNode && { 'CF-Connecting-IP': `198.51.${i}.5` }),
          },
        })
      const statuses = []
      for (let i = 0; i < (isFull ? 100 : 12); i += 1) statuses.push((await attempt(i)).status)
      expect(statuses.slice(0, 5)).toContain(401)
      // One address has five attempts before it has to wait.
      expect(statuses.slice(5, 12)).toContain(429)
    })

    threat(
      'H4',
      async () => {
        const { email, password } = user
        const answer = await target.call('POST', '/sign-in', {
          body: new URLSearchParams({ email, password }).toString(),
          headers: { 'Content-Type': 'application/x-www-form-urlencoded', 'Sec-Fetch-Site': 'same-origin' },
        })
        const cookie = answer.headers.getSetCookie().find((each) => each.includes('flowkeep='))
        expect(cookie).toMatch(/^__Host-flowkeep=.*HttpOnly/i)
        expect(cookie).toMatch(/Secure/i)
        expect(cookie).toMatch(/SameSite=(Lax|Strict)/i)
      },
      { part: 'by the attributes of the cookie' },
    )

    threat('O2', async () => {
      const body = (name: string) => ({ type: 'acmeApi', name, data: { token: 'x' } })
      for (const i of [1, 2, 3, 4]) {
        expect((await user.call('POST', '/v1/credentials', { body: body(`O2 ${i}`) })).status).toBe(201)
      }
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, i) =>
          user.call('POST', '/v1/credentials', { body: body(`O2 parallel ${i}`) }),
        ),
      )
      expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
      const refused = answers.filter(({ status }) => status !== 201)
      for (const { json } of refused) expect(json).toMatchObject({ status: 403, code: 'quota-exceeded' })
      const [row] = await target.database.sql`select count(*)::int as count from credentials`
      expect(row).toEqual({ count: 5 })
    })
  })

  threat('S3', async () => {
    const target = isNode ? world.target : await startTarget({ isBare: true })
    const listener = await listen()
    try {
      const user = await target.user()
      const { baseUrl, stub: n8n } = world.n8n
      const body = { name: 'S3', baseUrl, apiKey: n8n.apiKey }
      const { json } = await user.call('POST', '/v1/instances', { body })
      for (const location of [
        `http://127.0.0.1:${listener.port}/x`,
        `http://localhost:${listener.port}/`,
        '//evil.example.com',
      ]) {
        n8n.failNext({ step: '*', mode: 'redirect', location })
        const answer = await user.call('GET', `/v1/instances/${json.id}/workflows`)
        expect(answer.json).toMatchObject({ status: 502, code: 'instance-redirected' })
        expect(answer.text).not.toContain(String(listener.port))
        n8n.clearFaults()
      }
      expect(listener.connections()).toBe(0)
    } finally {
      listener.server.close()
      if (target !== world.target) await target.close()
    }
  })

  threat('S5', async () => {
    const attacker = await listen()
    // The inputs of other threats use up the owner's quota.
    const user = await world.target.user()
    const created = await user.call('POST', '/v1/instances', {
      body: { name: 'S5', baseUrl: 'http://127.0.0.1:1', apiKey: plainSecret() },
    })
    expect(created.status).toBe(201)
    const path = `/v1/instances/${created.json.id}`
    const change = (body: object) => user.call('PATCH', path, { body, headers: { 'If-Match': '*' } })
    try {
      const moved = await change({ baseUrl: `http://127.0.0.1:${attacker.port}` })
      expect(moved.status).toBe(422)
      expect(moved.json.errors).toMatchObject([{ pointer: '/apiKey' }])
      await user.call('POST', `${path}/test`)
      expect(attacker.apiKeys).toEqual([])
      expect((await user.call('GET', path)).json.baseUrl).toBe('http://127.0.0.1:1')
    } finally {
      attacker.server.close()
    }
  })

  threat(
    'S6',
    async () => {
      const before = world.target.residentBytes() ?? 0
      const modes = [
        'endless',
        'gzip-bomb',
        'html200',
        'not-json200',
        'wrong-shape200',
        'http502-html',
        'reset',
        'timeout',
      ] as const
      for (const mode of modes) {
        stub().failNext({ step: '*', mode, times: 10 })
        const { status, json } = await remote()
        stub().clearFaults()
        expect({ mode, status, code: json.code }).toEqual({
          mode,
          status: expect.toBeOneOf([502, 503, 504]),
          code: expect.stringMatching(/^instance-/),
        })
      }
      expect((await remote()).status).toBe(200)
      expect((world.target.residentBytes() ?? 0) - before).toBeLessThan(128 * 1024 * 1024)
    },
    { isSlow: true },
  )

  threat('S7', async () => {
    const id = world.owner.resources.ids['instances']
    for (const mode of ['leak', '400-leak'] as const) {
      for (const path of [`/v1/instances/${id}/test`, `/v1/instances/${id}/reporter`]) {
        stub().failNext({ step: '*', mode, times: 5 })
        const { text } = await world.owner.call('POST', path)
        stub().clearFaults()
        expect(text).not.toContain('<script>')
        expect(text).not.toContain('/srv/n8n')
      }
      stub().failNext({ step: '*', mode, times: 5 })
      expect((await remote()).text).not.toContain('<script>')
      stub().clearFaults()
    }
    expect((await world.owner.call('GET', `/v1/instances/${id}`)).text).not.toContain('<script>')
  })

  threat('S8', async () => {
    const { workflows, instances } = world.owner.resources.ids
    const calls = stub().calls().length
    for (const id of [
      '../../credentials',
      '..',
      'x?y',
      'x#y',
      'x\r\nX: y',
      'a/b',
      'a%2fb',
      '',
      'x'.repeat(300),
    ]) {
      const body = { workflowId: workflows, instanceId: instances, n8nWorkflowId: id }
      const deployed = await world.owner.call('POST', '/v1/deployments', { body })
      expect({ id, status: deployed.status }).toEqual({ id, status: 422 })
      if (id === '' || id === '..') continue
      const path = `/v1/instances/${instances}/workflows/${encodeURIComponent(id)}/import`
      expect([404, 422]).toContain((await world.owner.call('POST', path)).status)
    }
    const paths = stub()
      .calls()
      .slice(calls)
      .map(({ path }) => path)
    expect(paths.filter((path) => /credentials|\.\.|[\r\n]/.test(path))).toEqual([])
  })
}
