/** @module C1 to C8: secrets at rest. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { expect } from 'vitest'
import { leaks } from '../credentials/canaries.ts'
import { startTarget, type Target } from '../harness/target.ts'
import { isFull, plainSecret, range, threat, type World } from './suite.ts'

type Sealed = Record<string, unknown>

export function credentials(world: World): void {
  const sql: World['target']['database']['sql'] = ((
    ...args: Parameters<World['target']['database']['sql']>
  ) => world.target.database.sql(...args)) as never
  const create = (body: unknown) => world.owner.call('POST', '/v1/credentials', { body })
  const testInstance = (user = world.owner) =>
    user.call('POST', `/v1/instances/${user.resources.ids['instances']}/test`)
  const instanceOf = (user: World['owner']) => user.resources.ids['instances'] ?? ''
  const sealedKey = async (instanceId: string): Promise<Sealed> => {
    const [row] = await sql`select api_key from instances where id = ${instanceId}`
    return row?.['api_key'] as Sealed
  }
  const storeKey = (instanceId: string, sealed: Sealed) =>
    sql`update instances set api_key = ${JSON.stringify(sealed)}::jsonb where id = ${instanceId}`

  threat('C1', async () => {
    const secrets = range(6).map(plainSecret)
    const number = 7_123_456_789_012_345
    world.secrets.push(...secrets, String(number))
    const [a, b, c, d, e, f] = secrets
    const data = {
      token: a,
      name: b,
      id: c,
      nested: { deep: [d, { e }] },
      url: `https://u:${f}@x.example.com`,
      number,
    }
    const created = await create({ type: 'acmeApi', name: 'C1', data })
    expect(created.status).toBe(201)
    const id = created.json.id
    for (const path of [
      '/v1/credentials',
      `/v1/credentials/${id}`,
      `/v1/credentials/${id}/usage`,
      '/v1/credentials?type=acmeApi',
      '/v1/audit-events',
      '/v1/credentials/missing',
    ]) {
      expect((await world.owner.call('GET', path)).status).toBe(200)
    }
    expect((await create({ type: 'acmeApi', name: 'C1', data })).status).toBe(409)
    const { workflows, instances } = world.owner.resources.ids
    const plan = { workflowId: workflows, instanceId: instances }
    expect((await world.owner.call('POST', '/v1/deployments/plan', { body: plan })).status).toBe(200)
  })

  threat('C2', async () => {
    const secret = plainSecret()
    world.secrets.push(secret)
    const { owner, n8n } = world
    const id = owner.resources.ids['credentials']
    const failing: unknown[] = [
      { type: 'slackApi', name: 'x', data: { accessToken: { secret } } },
      { type: 'slackApi', name: 'x', data: { accessToken: secret, unknown: secret } },
      { type: 'slackApi', name: 'x', data: [secret] },
      { type: 'slackApi', name: 'x', data: secret },
      { type: secret, name: 'x', data: { a: { b: secret } }, more: secret },
      { type: 'acmeApi', name: 'x', data: { token: `${secret}\u0000` } },
      `{"type":"acmeApi","data":{"token":"${secret}"`,
      { type: 'acmeApi', name: 'x', data: { token: secret, pad: 'a'.repeat(70_000) } },
    ]
    for (const body of failing) expect((await create(body)).status).toBeGreaterThanOrEqual(400)
    for (const change of [{ data: secret }, { data: { accessToken: { secret } } }, { secret }]) {
      const headers = { 'If-Match': '*' }
      const answer = await owner.call('PATCH', `/v1/credentials/${id}`, { body: change, headers })
      expect(answer.status).toBe(422)
    }
    for (const mode of ['leak', '400-leak', 'http500-html', 'wrong-shape200'] as const) {
      n8n.stub.failNext({ step: '*', mode, times: 3 })
      await testInstance()
      await owner.call('GET', `/v1/instances/${owner.resources.ids['instances']}/workflows`)
      n8n.stub.clearFaults()
    }
    await sql`alter table credentials rename column field_names to renamed`
    try {
      const answer = await create({ type: 'acmeApi', name: 'C2', data: { token: secret } })
      expect(answer.status).toBe(500)
      const body = { data: { accessToken: secret }, name: `x\n    at ${secret}` }
      const headers = { 'If-Match': '*' }
      expect((await owner.call('PATCH', `/v1/credentials/${id}`, { body, headers })).status).toBe(500)
    } finally {
      await sql`alter table credentials rename column renamed to field_names`
    }
  })

  threat('C3', async () => {
    const dump = await world.target.database.dump()
    expect(dump).toContain(world.owner.email)
    expect(dump).toContain('slackApi')
    const [{ text } = {}] = await sql`select string_agg(credential_data::text, ' ') as text from credentials`
    expect(String(text).length).toBeGreaterThan(200)
    expect(leaks(`${dump}\n${text}`, world.secrets)).toEqual([])
    // The search finds what is there.
    expect(leaks(`${dump}${Buffer.from(world.owner.secret).toString('hex')}`, [world.owner.secret])).toEqual([
      world.owner.secret,
    ])
  })

  threat('C4', async () => {
    const { owner, stranger } = world
    const [own, other] = [await sealedKey(instanceOf(owner)), await sealedKey(instanceOf(stranger))]
    await storeKey(instanceOf(stranger), own)
    try {
      const moved = await testInstance(stranger)
      expect(moved.json).toMatchObject({ status: 500, code: 'credential-undecryptable' })
      expect((await testInstance(owner)).status).toBe(200)
      expect(world.target.logs()).toContain('credential-undecryptable')
    } finally {
      await storeKey(instanceOf(stranger), other)
    }
    expect((await testInstance(stranger)).status).toBe(200)
    const calls = world.n8n.stub.calls().length
    const origin = world.n8n.baseUrl.replace('127.0.0.1', 'localhost')
    expect(origin).not.toBe(world.n8n.baseUrl)
    await sql`update instances set base_url = ${origin} where id = ${instanceOf(owner)}`
    try {
      expect((await testInstance(owner)).json).toMatchObject({ code: 'credential-undecryptable' })
      expect(world.n8n.stub.calls()).toHaveLength(calls)
    } finally {
      await sql`update instances set base_url = ${world.n8n.baseUrl} where id = ${instanceOf(owner)}`
    }
  })

  threat('C5', async () => {
    const { owner } = world
    const sealed = await sealedKey(instanceOf(owner))
    const members = Object.entries(sealed).filter(([, value]) => typeof value === 'string') as [
      string,
      string,
    ][]
    expect(members.length).toBeGreaterThanOrEqual(3)
    const errors = new Set<string>()
    try {
      for (const [name, value] of members) {
        const step = isFull ? 3 : 25
        const places = range(value.length).filter((i) => i % step === 0 || i === value.length - 1)
        const changed = [
          ...places.map((i) => value.slice(0, i) + (value[i] === 'A' ? 'B' : 'A') + value.slice(i + 1)),
          value.slice(0, -2),
          `${value}AA`,
          '',
        ]
        for (const text of changed) {
          await storeKey(instanceOf(owner), { ...sealed, [name]: text })
          const { json, status } = await testInstance()
          expect({ name, text, status }).toEqual({ name, text, status: 500 })
          errors.add(`${json.code} ${json.detail}`)
        }
      }
    } finally {
      await storeKey(instanceOf(owner), sealed)
    }
    expect(errors.size).toBe(1)
    expect((await testInstance()).status).toBe(200)
  })

  threat('C6', async () => {
    const data = { token: plainSecret() }
    world.secrets.push(data.token)
    const ids: string[] = []
    for (const name of ['C6 a', 'C6 b']) ids.push((await create({ type: 'acmeApi', name, data })).json.id)
    const stored = async () => {
      const rows =
        await sql`select credential_data::text as text from credentials where id = any(${ids}) order by id`
      return rows.map(({ text }) => JSON.parse(String(text)) as Sealed)
    }
    const [first, second] = await stored()
    for (const [name, value] of Object.entries(first ?? {})) {
      if (typeof value === 'string' && value.length > 10 && name !== 'protected')
        expect(second?.[name]).not.toBe(value)
    }
    const change = { data: { token: `${data.token}x` } }
    await world.owner.call('PATCH', `/v1/credentials/${ids[0]}`, {
      body: change,
      headers: { 'If-Match': '*' },
    })
    await world.owner.call('PATCH', `/v1/credentials/${ids[0]}`, {
      body: { data },
      headers: { 'If-Match': '*' },
    })
    expect((await stored())[0]).not.toEqual(first)
  })

  const ringOf = (keys: Record<string, string>, active: string) => JSON.stringify({ active, keys })
  const newKey = () => randomBytes(32).toString('base64')

  async function rotate(target: Target, ring: string): Promise<number | null> {
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, '../../bin/flowkeep.js'), 'rotate-keys'],
      {
        env: {
          ...target.env,
          CREDENTIAL_KEYS: ring,
          DATABASE_URL: target.database.postgresUrl,
          PATH: process.env['PATH'],
        },
        stdio: 'ignore',
      },
    )
    const [code] = (await once(child, 'close')) as [number | null]
    return code
  }

  threat(
    'C7',
    async () => {
      const [k1, k2] = [newKey(), newKey()]
      const both = ringOf({ k1, k2 }, 'k2')
      const target = await startTarget({ env: { CREDENTIAL_KEYS: ringOf({ k1 }, 'k1') } })
      try {
        const user = await target.user()
        const instance = await user.call('POST', '/v1/instances', {
          body: { name: 'C7', baseUrl: world.n8n.baseUrl, apiKey: world.n8n.stub.apiKey },
        })
        const path = `/v1/instances/${instance.json.id}`
        for (const i of range(20)) {
          const body = { type: 'acmeApi', name: `C7 ${i}`, data: { token: 'x' } }
          expect((await user.call('POST', '/v1/credentials', { body })).status).toBe(201)
        }
        target.env['CREDENTIAL_KEYS'] = both
        await target.restart()
        const rotated = rotate(target, both)
        const progress = { isDone: false }
        void rotated.then(() => (progress.isDone = true))
        const statuses = new Set<number>()
        while (!progress.isDone) {
          statuses.add((await user.call('POST', `${path}/test`)).status)
          const body = { type: 'acmeApi', name: `C7 ${crypto.randomUUID()}`, data: { token: 'x' } }
          statuses.add((await user.call('POST', '/v1/credentials', { body })).status)
        }
        expect(await rotated).toBe(0)
        expect(statuses).toEqual(new Set([200, 201]))
        const left = await target.database
          .sql`select count(*)::int as count from credentials where key_id = 'k1'`
        expect(left).toEqual([{ count: 0 }])
        target.env['CREDENTIAL_KEYS'] = ringOf({ k2 }, 'k2')
        await target.database.sql`delete from key_checks where key_id = 'k1'`
        await target.restart()
        expect((await user.call('POST', `${path}/test`)).json.ok ?? true).toBe(true)
        expect((await user.call('POST', `${path}/test`)).status).toBe(200)
      } finally {
        await target.close()
      }
    },
    { isSlow: true },
  )

  threat(
    'C8',
    async () => {
      const target = await startTarget({ env: { CREDENTIAL_KEYS: ringOf({ k1: newKey() }, 'k1') } })
      try {
        const user = await target.user()
        const instance = await user.call('POST', '/v1/instances', {
          body: { name: 'C8', baseUrl: world.n8n.baseUrl, apiKey: world.n8n.stub.apiKey },
        })
        expect((await target.call('GET', '/health/ready')).status).toBe(200)
        const body = { type: 'acmeApi', name: 'C8', data: { token: 'x' } }
        for (const ring of [ringOf({ k1: newKey() }, 'k1'), ringOf({ k9: newKey() }, 'k9')]) {
          target.env['CREDENTIAL_KEYS'] = ring
          await target.restart()
          const read = await user.call('POST', `/v1/instances/${instance.json.id}/test`)
          expect([500, 503]).toContain(read.status)
          expect(['key-unavailable', 'credential-undecryptable']).toContain(read.json.code)
          if (!ring.includes('k1')) {
            expect(read.json).toMatchObject({ status: 503, code: 'key-unavailable' })
            continue
          }
          expect((await target.call('GET', '/health/ready')).status).toBe(503)
          const written = await user.call('POST', '/v1/credentials', { body })
          expect(written.json).toMatchObject({ status: 503, code: 'key-unavailable' })
          expect(await target.database.sql`select id from credentials`).toEqual([])
        }
      } finally {
        await target.close()
      }
    },
    { isSlow: true },
  )
}
