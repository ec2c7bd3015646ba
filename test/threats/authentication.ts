/** @module A1 to A16: passwords, sessions and tokens. */
import { once } from 'node:events'
import { decodeJwt, decodeProtectedHeader, type JWTPayload, SignJWT } from 'jose'
import { v4 } from 'uuid'
import { expect } from 'vitest'
import { randomAddress, spawnServe, startTarget } from '../harness/target.ts'
import { testEnvironment } from '../harness/app.ts'
import { workerdCpuMs } from '../harness/workerd-cpu.ts'
import {
  comparable,
  hashesOf,
  isFull,
  isNode,
  plainSecret,
  range,
  statusesOf,
  threat,
  type World,
} from './suite.ts'

export function authentication(world: World): void {
  const call: World['target']['call'] = (...args) => world.target.call(...args)
  const signIn = (email: string, password: string, from = randomAddress()) =>
    call('POST', '/v1/auth/login', { body: { email, password }, from })
  const register = (email: string, password: string) =>
    call('POST', '/v1/auth/register', { body: { email, password }, from: randomAddress() })
  const refresh = (refreshToken: string) => call('POST', '/v1/auth/refresh', { body: { refreshToken } })
  const me = (Authorization: string) => call('GET', '/v1/me', { headers: { Authorization } })
  const newEmail = () => `${v4()}@example.com`

  /**
   * How many password hashes the server makes for what `send` requests: on Node by its log, on workerd by the CPU time of its
   * process, in units of a successful sign-in.
   */
  const expectHashes = async (count: number, send: () => Promise<unknown>) => {
    if (isNode) {
      const before = hashesOf(world.target)
      await send()
      await expect.poll(() => hashesOf(world.target) - before).toBe(count)
      return
    }
    const { email, password } = await world.target.user()
    const unit = await cpuMsOf(() => signIn(email, password))
    expect(unit).toBeGreaterThan(50)
    expect(Math.round((await cpuMsOf(send)) / unit)).toBe(count)
  }
  /** The median of five. */
  const cpuMsOf = async (send: () => Promise<unknown>): Promise<number> => {
    const times: number[] = []
    for (let round = 0; round < 5; round += 1) {
      const before = workerdCpuMs()
      await send()
      times.push(workerdCpuMs() - before)
    }
    return times.toSorted((a, b) => a - b)[2] ?? 0
  }

  threat('A1', async () => {
    const unknown = await signIn(newEmail(), 'not the password')
    const wrong = await signIn(world.owner.email, 'not the password')
    expect(unknown.json).toMatchObject({ status: 401, code: 'bad-credentials' })
    expect(comparable(unknown)).toEqual(comparable(wrong))
  })

  threat('A2', async () => {
    const { database, user } = world.target
    const malformed = await user()
    await database.sql`update users set password_hash = 'malformed' where id = ${malformed.id}`
    await expectHashes(0, () => call('GET', '/health/live'))
    await expectHashes(1, () => signIn(world.owner.email, 'not the password'))
    await expectHashes(1, () => signIn(newEmail(), 'not the password'))
    await expectHashes(1, () => signIn(malformed.email, malformed.password))
    await expectHashes(0, () => call('GET', '/health/live'))
    expect((await signIn(malformed.email, malformed.password)).status).toBe(401)
  })

  threat('A3', async () => {
    const taken = await register(world.owner.email, 'a long enough password')
    expect(taken.json).toMatchObject({ status: 409, code: 'email-taken' })
    expect(Object.keys(taken.json)).not.toContain('user')
    expect(taken.text).not.toContain(world.owner.id)
    // Both responses cost one hash.
    await expectHashes(1, () => register(newEmail(), 'a long enough password'))
    await expectHashes(1, () => register(world.owner.email, 'a long enough password'))
  })

  threat('A4', async () => {
    for (const start of isFull ? ['a'.repeat(72), '😀'.repeat(64)] : ['a'.repeat(72)]) {
      const email = newEmail()
      expect((await register(email, `${start}X`)).status).toBe(201)
      expect((await signIn(email, `${start}Y`)).status).toBe(401)
      expect((await signIn(email, start)).status).toBe(401)
      expect((await signIn(email, `${start}X`)).status).toBe(200)
    }
  })

  threat('A5', async () => {
    const email = newEmail()
    const registered = await register(email, 'abcdefgh\u0000ijk')
    if (registered.status === 201) {
      expect((await signIn(email, 'abcdefgh')).status).toBe(401)
      expect((await signIn(email, 'abcdefgh\u0000xyz')).status).toBe(401)
    } else expect(registered.status).toBe(422)
    const surrogate = '{"email":"surrogate@example.com","password":"abcdefgh\\ud800"}'
    expect((await call('POST', '/v1/auth/register', { body: surrogate })).status).toBe(422)
  })

  threat('A6', async () => {
    for (const password of ['password1', 'Password1', '1234567', 'qwertyuiop']) {
      expect({ password, status: (await register(newEmail(), password)).status }).toEqual({
        password,
        status: 422,
      })
    }
    const phrase = ` ${'ünicode and spaces '.repeat(4)}`.slice(0, 63).padEnd(64)
    const email = newEmail()
    expect((await register(email, phrase)).status).toBe(201)
    expect((await signIn(email, phrase.trim())).status).toBe(401)
    expect((await signIn(email, phrase.toUpperCase())).status).toBe(401)
    expect((await signIn(email, phrase)).status).toBe(200)
  })

  threat('A7', async () => {
    const long = await signIn(world.owner.email, 'x'.repeat(1_000_000))
    expect([413, 422]).toContain(long.status)
    expect((await signIn(world.owner.email, 'x'.repeat(1025))).status).toBe(422)
    const from = randomAddress()
    const flood = range(isFull ? 200 : 40).map((i) =>
      signIn(`flood${i}@example.com`, 'not the password', from),
    )
    expect((await call('GET', '/health/live')).status).toBe(200)
    const answers = await Promise.all(flood)
    expect(answers.filter(({ status }) => status !== 401 && status !== 429)).toEqual([])
    const limited = answers.filter(({ status }) => status === 429)
    expect(limited.length).toBeGreaterThan(0)
    for (const { headers } of limited) expect(Number(headers.get('Retry-After'))).toBeGreaterThan(0)
  })

  threat(
    'A8',
    async () => {
      const victim = await world.target.user()
      const from = randomAddress()
      const statuses = []
      for (const _ of range(20)) statuses.push((await signIn(victim.email, 'not the password', from)).status)
      expect(statuses.slice(10)).toContain(429)
      expect(statuses.indexOf(429)).toBeLessThanOrEqual(10)
      // Only 401s cost the attacker a guess.
      expect(statuses.filter((status) => status === 401).length).toBeLessThan(12)
      await world.target.database.sql`update login_throttles set blocked_until = now() + interval '20 seconds'
        where blocked_until is not null`
      await world.target.restart()
      const blocked = await signIn(victim.email, 'not the password', from)
      expect(blocked.status).toBe(429)
      expect(Number(blocked.headers.get('Retry-After'))).toBeGreaterThan(0)
      expect((await signIn(victim.email, victim.password)).status).toBe(200)
    },
    { isSlow: true },
  )

  /** Signs with the server's key, or another one. */
  async function forge(
    change: (payload: JWTPayload) => JWTPayload,
    header: Record<string, unknown> = {},
    key?: Uint8Array,
  ): Promise<string> {
    const ring = JSON.parse(world.target.env['ACCESS_TOKEN_KEYS'] ?? '') as {
      active: string
      keys: Record<string, string>
    }
    const real = world.owner.accessToken
    const now = Math.floor(Date.now() / 1000)
    const payload = { ...decodeJwt(real), iat: now, exp: now + 300, jti: v4() }
    return new SignJWT(change(payload))
      .setProtectedHeader({ ...decodeProtectedHeader(real), alg: 'HS256', ...header })
      .sign(key ?? Buffer.from(ring.keys[ring.active] ?? '', 'base64'))
  }
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

  threat('A9', async () => {
    expect((await me(`Bearer ${await forge((claims) => claims)}`)).status).toBe(200)
    const [, payload = '', signature = ''] = world.owner.accessToken.split('.')
    const header = decodeProtectedHeader(world.owner.accessToken)
    const otherKey = crypto.getRandomValues(new Uint8Array(64))
    const same = (claims: JWTPayload) => claims
    const forged = [
      `${part({ ...header, alg: 'none' })}.${payload}.`,
      `${part({ ...header, alg: 'None' })}.${payload}.${signature}`,
      `${part({ ...header, alg: 'none' })}.${payload}.${signature}`,
      `${part({ ...header, alg: 'RS256' })}.${payload}.${signature}`,
      `${part({ ...header, alg: 'HS512' })}.${payload}.${signature}`,
      await forge(same, { alg: 'HS512' }, otherKey),
      await forge(same, {}, otherKey.subarray(0, 32)),
      await forge(same, { jwk: { kty: 'oct', k: 'AAAA' } }),
      await forge(same, { jku: `${world.n8n.baseUrl}/jwks` }),
      await forge(same, { x5u: `${world.n8n.baseUrl}/x5u` }),
      await forge(same, { kid: '../../x' }),
      await forge(same, { kid: "' or 1=1" }),
      await forge(same, { kid: '__proto__' }),
      await forge(same, { kid: 'constructor' }),
      `${part({ ...header, crit: ['exp'], exp: 1 })}.${payload}.${signature}`,
      `${part(header)}.${payload}.`,
    ]
    const bodies = new Set<string>()
    for (const token of forged) {
      const answer = await me(`Bearer ${token}`)
      expect({ token, status: answer.status }).toEqual({ token, status: 401 })
      bodies.add(JSON.stringify(comparable(answer)))
    }
    expect(bodies.size).toBe(1)
  })

  threat('A10', async () => {
    const now = Math.floor(Date.now() / 1000)
    const without = (name: string) => (claims: JWTPayload) => {
      const { [name]: _, ...rest } = claims
      return rest
    }
    const wrong: Record<string, string> = {
      audience: await forge((claims) => ({ ...claims, aud: 'other' })),
      issuer: await forge((claims) => ({ ...claims, iss: 'https://evil.example.com' })),
      expired: await forge((claims) => ({ ...claims, iat: now - 300, exp: now - 8 })),
      'valid for a year': await forge((claims) => ({ ...claims, exp: now + 31_536_000 })),
      'issued in the future': await forge((claims) => ({ ...claims, iat: now + 3600, exp: now + 3900 })),
      'issued long ago': await forge((claims) => ({ ...claims, iat: now - 86_400, exp: now + 300 })),
      'subject of another form': await forge((claims) => ({ ...claims, sub: 'admin' })),
      type: await forge((claims) => claims, { typ: 'JWT' }),
    }
    for (const name of ['aud', 'iss', 'sub', 'exp', 'iat', 'jti']) {
      wrong[`without ${name}`] = await forge(without(name))
    }
    for (const [name, token] of Object.entries(wrong)) {
      expect({ name, status: (await me(`Bearer ${token}`)).status }).toEqual({ name, status: 401 })
    }
    // A refresh token is not an access token, nor the other way around.
    expect((await me(`Bearer ${world.owner.refreshToken}`)).status).toBe(401)
    expect((await refresh(world.owner.accessToken)).status).toBe(401)
  })

  threat('A11', async () => {
    const { accessToken } = world.owner
    expect((await me(`Bearer ${accessToken}`)).status).toBe(200)
    const last = accessToken.at(-1) ?? ''
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    // The last character of 32 bytes has two unused bits.
    const other = alphabet[alphabet.indexOf(last) ^ 1] ?? ''
    const spellings = [
      `Bearer ${accessToken}=`,
      `Bearer ${accessToken}==`,
      `Bearer  ${accessToken}`,
      `Bearer ${accessToken.replace('.', ' .')}`,
      `Bearer ${accessToken.replace('.', '\t.')}`,
      `Bearer ${accessToken.slice(0, -1)}${other}`,
      `Bearer ${accessToken}.`,
      `Basic ${accessToken}`,
      accessToken,
    ]
    for (const header of spellings) expect((await me(header)).status).toBe(401)
    const user = await world.target.user()
    const signedOut = await call('POST', '/v1/auth/logout', { body: { refreshToken: user.refreshToken } })
    expect(signedOut.status).toBe(204)
    expect((await refresh(user.refreshToken)).status).toBe(401)
  })

  threat('A12', async () => {
    for (const weak of ['short', 'AAAAAA==', '']) {
      const ring = JSON.stringify({ active: 'k1', keys: { k1: weak } })
      if (isNode) {
        const child = spawnServe({ ...testEnvironment({ ACCESS_TOKEN_KEYS: ring }), PORT: '1' })
        let output = ''
        for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk))
        const [code] = (await once(child, 'close')) as [number | null]
        expect(code).toBeGreaterThan(0)
        expect(output).toContain('ACCESS_TOKEN_KEYS')
        continue
      }
      const bare = await startTarget({ env: { ACCESS_TOKEN_KEYS: ring } })
      try {
        for (const path of ['/health/live', '/health/ready', '/v1/me']) {
          expect((await bare.call('GET', path)).status).toBe(503)
        }
      } finally {
        await bare.close()
      }
    }
  })

  threat('A13', async () => {
    const user = await world.target.user()
    const second = (await refresh(user.refreshToken)).json.refreshToken
    const third = (await refresh(second)).json.refreshToken
    expect((await refresh(user.refreshToken)).status).toBe(401)
    expect((await refresh(third)).status).toBe(401)
  })

  threat(
    'A13',
    async () => {
      const user = await world.target.user()
      const { refreshToken: next } = (await refresh(user.refreshToken)).json
      // A response that was lost.
      expect((await refresh(user.refreshToken)).json.refreshToken).toBe(next)
      const { sql } = world.target.database
      await sql`update sessions set rotated_at = rotated_at - interval '12 seconds' where user_id = ${user.id}`
      expect((await refresh(user.refreshToken)).status).toBe(401)
      expect((await refresh(next)).status).toBe(401)
    },
    { part: 'after ten seconds' },
  )

  threat('A14', async () => {
    const user = await world.target.user()
    const answers = await Promise.all(range(isFull ? 1000 : 50).map(() => refresh(user.refreshToken)))
    expect(statusesOf(answers)).toEqual([200])
    expect(new Set(answers.map(({ json }) => json.refreshToken)).size).toBe(1)
    const { sql } = world.target.database
    expect(await sql`select generation from sessions where user_id = ${user.id}`).toEqual([{ generation: 2 }])
  })

  threat('A15', async () => {
    const user = await world.target.user()
    const other = (await signIn(user.email, user.password)).json
    const newPassword = plainSecret()
    world.secrets.push(newPassword)
    const change = (currentPassword: string) =>
      user.call('POST', '/v1/me/password', { body: { currentPassword, newPassword } })
    expect((await change('not the password')).status).toBe(401)
    expect((await change(user.password)).status).toBe(204)
    expect((await refresh(other.refreshToken)).status).toBe(401)
    const kept = await refresh(user.refreshToken)
    expect(kept.status).toBe(200)
    const { sql } = world.target.database
    const [session] = await sql`select extract(epoch from max(expires_at) - now())::int as seconds
      from sessions where user_id = ${user.id}`
    expect(Number(session?.['seconds'])).toBeLessThanOrEqual(31 * 86_400)
    await sql`update sessions set expires_at = now() - interval '1 second' where user_id = ${user.id}`
    expect((await refresh(kept.json.refreshToken)).status).toBe(401)
    const last = (await signIn(user.email, newPassword)).json
    const deleted = await call('POST', '/v1/me/delete', {
      token: last.accessToken,
      body: { password: newPassword },
    })
    expect(deleted.status).toBe(204)
    expect((await refresh(last.refreshToken)).status).toBe(401)
    expect((await signIn(user.email, newPassword)).status).toBe(401)
  })

  threat('A16', async () => {
    const { accessToken } = world.owner
    expect((await call('GET', `/v1/me?access_token=${accessToken}`)).status).toBe(401)
    const cookie = { Cookie: `access_token=${accessToken}; flowkeep=${accessToken}` }
    expect((await call('GET', '/v1/me', { headers: cookie })).status).toBe(401)
    const { paths } = (await call('GET', '/openapi.json')).json
    const ids = world.owner.resources.ids
    for (const path of Object.keys(paths).filter((each) => paths[each].get && each.startsWith('/v1/'))) {
      const id = ids[path.slice('/v1/'.length, path.indexOf('/{id}'))] ?? v4()
      const concrete = path.replace('{id}', id).replace(/\{\w+\}/g, '1')
      const { headers } = await world.owner.call('GET', concrete)
      // The catalogue is the same for every user.
      const allowed = /types/.test(path) ? /^(no-store|private, max-age=\d+)$/ : /^no-store$/
      expect({ path, cache: headers.get('Cache-Control') }).toEqual({
        path,
        cache: expect.stringMatching(allowed),
      })
    }
    world.target.answers.length = 0
  })
}
