/** @module I1 to I12: bodies, parameters and texts that break parsers, databases, exports or logs. */
import { expect } from 'vitest'
import { hostileTexts } from '../fuzz/values.ts'
import { operationsOf } from '../fuzz/operations.ts'
import { sampleWorkflow } from '../harness/target-resources.ts'
import { isFull, plainSecret, range, statusesOf, threat, type World } from './suite.ts'

export function input(world: World): void {
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    world.owner.call('POST', path, { body, headers })
  const bodies: Record<string, (text: string) => unknown> = {
    '/v1/credentials': (text) => ({ type: 'acmeApi', name: text, data: { token: world.owner.secret } }),
    '/v1/workflows': (text) => ({ workflow: { ...sampleWorkflow(), name: text }, name: text, prompt: text }),
    '/v1/environments': (text) => ({ name: text }),
    '/v1/tokens': (text) => ({ name: text, scopes: ['workflows:read'] }),
    '/v1/alerts/channels': (text) => ({ kind: 'webhook', name: text, url: `${world.n8n.baseUrl}/x` }),
    '/v1/instances': (text) => ({
      name: text,
      baseUrl: `${world.n8n.baseUrl}/${plainSecret()}`,
      apiKey: 'key',
    }),
  }
  const hook = (body: unknown, isChunked = false) =>
    world.target.call('POST', `/hooks/n8n/${world.owner.resources.ids['instances']}`, {
      body,
      isChunked,
      token: world.owner.resources.webhookToken,
      headers: { Prefer: 'wait' },
    })

  threat('I1', async () => {
    const malformed = [
      '',
      '{',
      '\ufeff{}',
      '{"type":"x",}',
      '{"a":NaN}',
      "{'a':1}",
      '{}{}',
      Buffer.from([0x22, 0xff, 0xfe, 0x22]),
      Buffer.from('{"name":"\xff"}', 'latin1'),
    ]
    for (const path of Object.keys(bodies)) {
      for (const body of malformed) {
        const answer = await post(path, body)
        expect({ path, body: String(body), code: answer.json.code }).toEqual({
          path,
          body: String(body),
          code: 'malformed-json',
        })
      }
      for (const type of ['text/plain', 'application/x-www-form-urlencoded']) {
        expect((await post(path, bodies[path]?.('x'), { 'Content-Type': type })).status).toBe(415)
      }
      expect((await post(path, '{"name":"a","name":1}')).status).toBe(422)
    }
    expect((await hook('{')).status).toBe(400)
  })

  threat('I2', async () => {
    const [small, workflow, report] = [64 * 1024, 2 * 1024 * 1024, 4 * 1024 * 1024]
    const limits = [
      ...Object.keys(bodies).map((path) => [path, path === '/v1/workflows' ? workflow : small] as const),
      ['/v1/auth/login', small] as const,
    ]
    for (const [path, limit] of limits) {
      for (const isChunked of [false, true]) {
        const body = `"${'x'.repeat(limit - 1)}"`
        const answer = await world.owner.call('POST', path, { body, isChunked })
        expect({ path, isChunked, status: answer.status }).toEqual({ path, isChunked, status: 413 })
        const fitting = await world.owner.call('POST', path, { body: body.slice(1, -1), isChunked })
        expect(fitting.status).toBe(400)
      }
    }
    for (const isChunked of [false, true]) {
      expect((await hook(`"${'x'.repeat(report - 1)}"`, isChunked)).status).toBe(413)
    }
    const before = world.target.residentBytes()
    const large = Buffer.alloc(isFull ? 8_000_000 : 1_000_000, ' ')
    const flood = range(isFull ? 50 : 8).map(() =>
      world.owner
        .call('POST', '/v1/credentials', { body: large, isChunked: true })
        // How wrangler's test server reports that the worker closed the connection.
        .then(({ status, text }) => (text.endsWith('Network connection lost.') ? 413 : status))
        // A server may close the connection while the body is still being sent.
        .catch(() => 413),
    )
    expect(new Set(await Promise.all(flood))).toEqual(new Set([413]))
    const grown = (world.target.residentBytes() ?? 0) - (before ?? 0)
    expect(grown).toBeLessThan(256 * 1024 * 1024)
  })

  threat('I3', async () => {
    const deepArray = '['.repeat(5000) + ']'.repeat(5000)
    const deepObject = '{"a":'.repeat(5000) + '1' + '}'.repeat(5000)
    for (const deep of [deepArray, deepObject]) {
      for (const path of Object.keys(bodies)) expect((await post(path, deep)).status).toBe(422)
      const node = `{"name":"A","type":"x.y","parameters":{"deep":${deep}}}`
      const workflow = `{"workflow":{"nodes":[${node}],"connections":{}}}`
      expect((await post('/v1/workflows', workflow)).status).toBe(422)
      expect((await post('/v1/workflows/check', workflow)).status).toBe(422)
      const data = `{"type":"acmeApi","name":"deep","data":{"x":${deep}}}`
      expect((await post('/v1/credentials', data)).status).toBe(422)
      const reported = await hook(`{"executionId":"deep","workflowId":"x","status":"success","data":${deep}}`)
      expect([202, 422]).toContain(reported.status)
    }
  })

  threat('I4', async () => {
    const numbers = `[${range(10_000)
      .map((i) => (i % 2 ? '1e308' : '5e-324'))
      .join(',')}]`
    const node = `{"name":"A","type":"x.y","parameters":{"numbers":${numbers}}}`
    const body = `{"name":"Numbers","workflow":{"nodes":[${node}],"connections":{}}}`
    const created = await post('/v1/workflows', body)
    if (created.status === 201) {
      const read = await world.owner.call('GET', `/v1/workflows/${created.json.id}`)
      expect(read.text.length).toBeLessThan(body.length * 2)
      const [{ bytes } = { bytes: 0 }] = await world.target.database.sql`
        select max(pg_column_size(t.*))::int as bytes from workflow_versions t where workflow_id = ${created.json.id}`
      expect(Number(bytes)).toBeLessThan(body.length * 2)
    } else expect([413, 422]).toContain(created.status)
    expect((await world.owner.call('GET', '/v1/workflows?limit=100')).status).toBe(200)
  })

  threat('I5', async () => {
    const [{ count } = {}] = await world.target.database.sql`select count(*) from workflows`
    for (const bad of ['\u0000', 'a\u0000b', '\ud800', 'x\udc00']) {
      for (const [path, body] of Object.entries(bodies)) {
        const answer = await post(path, body(`I5 ${bad}`))
        expect({ path, bad, status: answer.status }).toEqual({ path, bad, status: 422 })
      }
      const workflow = { ...sampleWorkflow(), [`key${bad}`]: 1 }
      expect((await post('/v1/workflows', { workflow })).status).toBe(422)
      const data = { type: 'acmeApi', name: 'I5', data: { [`key${bad}`]: 'x' } }
      expect((await post('/v1/credentials', data)).status).toBe(422)
      const { status } = await world.owner.call(
        'GET',
        `/v1/workflows?q=${encodeURIComponent(bad.toWellFormed())}`,
      )
      expect([200, 422]).toContain(status)
    }
    expect((await world.owner.call('GET', '/v1/workflows?q=%00')).status).toBeLessThan(500)
    expect((await world.owner.call('GET', '/v1/workflows/%00')).status).toBe(404)
    // A report with such text is stored without it.
    const report = {
      executionId: 'I5',
      workflowId: 'x\u0000',
      status: 'success',
      error: { message: '\ud800' },
    }
    expect((await hook(report)).status).toBe(202)
    expect(await world.target.database.sql`select count(*) from workflows`).toEqual([{ count }])
  })

  threat('I6', async () => {
    const polluting = ['{"__proto__":{"isAdmin":true}}', '{"constructor":{"prototype":{"isAdmin":true}}}']
    for (const path of Object.keys(bodies)) {
      for (const body of polluting) expect((await post(path, body)).status).toBe(422)
    }
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      for (const path of [
        `/v1/credential-types/${name}`,
        `/v1/node-types/${name}`,
        `/v1/node-types/${name}/shape`,
      ]) {
        expect({ path, status: (await world.owner.call('GET', path)).status }).toEqual({ path, status: 404 })
      }
      const sorted = await world.owner.call('GET', `/v1/analytics/workflows?sort=${name}`)
      expect(sorted.status).toBe(422)
      const node = {
        name: 'A',
        type: name,
        parameters: JSON.parse('{"__proto__":{"polluted":true}}') as object,
      }
      const body = { workflow: { nodes: [node], connections: { [name]: { main: [] } } } }
      for (const path of ['/v1/workflows', '/v1/workflows/check']) {
        expect((await post(path, body)).status).toBeLessThan(500)
      }
      const credential = { type: name, name: `I6 ${name}`, data: { x: 'y' } }
      expect([201, 422]).toContain((await post('/v1/credentials', credential)).status)
    }
    const { json } = await world.owner.call('GET', '/v1/me')
    expect(Object.keys(json).toSorted()).toEqual(expect.arrayContaining(['createdAt', 'email', 'id', 'name']))
    expect(json.isAdmin ?? json.polluted).toBeUndefined()
    expect((await post('/v1/environments', { name: `After ${plainSecret()}` })).status).toBe(201)
  })

  const injections = [
    "' or '1'='1",
    "'; drop table users; --",
    "' union select null, password_hash from users --",
    '" or ""="',
    "1'; select pg_sleep(30); --",
    "\\'; select 1; --",
    "'||(select current_user)||'",
    '$1',
    '%27%20or%201=1',
    '*) or true --',
    'x" or "x',
    "a' & b | !c:*",
  ]

  threat('I7', async () => {
    const { operations } = operationsOf((await world.target.call('GET', '/openapi.json')).json)
    const ids = world.owner.resources.ids
    const counts = () =>
      world.target.database
        .sql`select (select count(*) from users) as users, (select count(*) from workflows) as workflows`
    const before = await counts()
    for (const { path, parameters, method } of operations.filter((each) => each.method === 'GET')) {
      const concrete = path
        .replace('{id}', ids[path.slice(4, path.indexOf('/{id}'))] ?? 'x')
        .replace(/\{\w+\}/g, '1')
      for (const { name } of parameters.filter((each) => each.in === 'query')) {
        for (const text of isFull ? injections : injections.slice(0, 2)) {
          const { status } = await world.owner.call(method, `${concrete}?${name}=${encodeURIComponent(text)}`)
          expect({ path, name, text, ok: [200, 404, 422].includes(status) }).toEqual({
            path,
            name,
            text,
            ok: true,
          })
        }
      }
    }
    for (const text of injections) {
      for (const [path, body] of Object.entries(bodies)) {
        expect([201, 409, 422]).toContain((await post(path, body(text))).status)
      }
    }
    const [{ users } = {}] = await counts()
    expect(users).toBe(before[0]?.['users'])
  })

  threat('I8', async () => {
    const texts = [
      'a.'.repeat(20_000) + '@',
      'a'.repeat(40_000) + '!',
      '0'.repeat(40_000),
      `x${' '.repeat(40_000)}x`,
    ]
    // A regular expression that backtracks takes hours for these.
    for (const text of texts) {
      for (const [path, body] of Object.entries(bodies)) {
        if (path === '/v1/workflows') continue
        expect({ path, status: (await post(path, body(text))).status }).toEqual({ path, status: 422 })
      }
      const account = { email: text, password: 'a long enough password' }
      expect((await world.target.call('POST', '/v1/auth/register', { body: account })).status).toBe(422)
      const node = { name: text, type: 'n8n-nodes-base.set', parameters: { value: `={{ ${text} }}` } }
      const checked = await post('/v1/workflows/check', { workflow: { nodes: [node], connections: {} } })
      expect([200, 422]).toContain(checked.status)
      const credential = { type: 'slackApi', name: 'I8', data: { accessToken: text } }
      expect([201, 409, 422]).toContain((await post('/v1/credentials', credential)).status)
    }
  })

  threat('I9', async () => {
    const parameters = JSON.parse(
      '{"z":1.10,"a":-0.5,"10":1,"big":9007199254740991,"e":1e21,"empty":{},"list":[null,[],""],"text":"é\\u2028\\"\\\\"}',
    ) as object
    const workflow = { ...sampleWorkflow('Unchanged'), settings: { executionOrder: 'v1' } }
    Object.assign(workflow.nodes[0] ?? {}, { parameters: { path: 'x', ...parameters } })
    const created = await post('/v1/workflows', { workflow })
    const read = await world.owner.call('GET', `/v1/workflows/${created.json.id}`)
    // Postgres orders the members of stored objects.
    expect(read.json.workflow.nodes).toStrictEqual(workflow.nodes)
    expect(read.json.workflow.connections).toStrictEqual(workflow.connections)
    expect(typeof read.json.id).toBe('string')
  })

  threat('I10', async () => {
    const id = world.owner.resources.ids['workflows'] ?? ''
    const spellings = [`{${id}}`, id.replaceAll('-', ''), `urn:uuid:${id}`, ` ${id}`, `${id}%00`, '1', 'null']
    for (const spelling of spellings) {
      const { status } = await world.owner.call('GET', `/v1/workflows/${encodeURIComponent(spelling)}`)
      expect({ spelling, status }).toEqual({ spelling, status: 404 })
      const filtered = await world.owner.call(
        'GET',
        `/v1/executions?workflowId=${encodeURIComponent(spelling)}`,
      )
      expect(filtered.status).toBe(422)
    }
    const times = [
      'infinity',
      '-infinity',
      'now',
      '2026-02-30T00:00:00Z',
      '+999999-01-01T00:00:00Z',
      '999999-01-01',
      '1',
    ]
    for (const time of times) {
      for (const path of [
        '/v1/executions?startedAfter',
        '/v1/analytics/summary?from',
        '/v1/analytics/series?to',
      ]) {
        const { status } = await world.owner.call('GET', `${path}=${encodeURIComponent(time)}`)
        expect({ path, time, status }).toEqual({ path, time, status: 422 })
      }
    }
    const reversed = 'from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z'
    expect((await world.owner.call('GET', `/v1/analytics/summary?${reversed}`)).status).toBe(422)
  })

  threat('I11', async () => {
    const { owner, target } = world
    for (const start of ['=', '+', '-', '@', '\t=', '\r=']) {
      await target.database.sql`update workflows set name = ${`${start}HYPERLINK("http://x")`}
        where id = ${owner.resources.ids['workflows']}`
      await target.database.sql`update executions set error_message = ${`${start}cmd|' /C calc'!A0`}
        where user_id = ${owner.id}`
      const { text, status } = await owner.call('GET', '/v1/executions/export?format=csv')
      expect(status).toBe(200)
      expect(text).toContain('HYPERLINK')
      const cells = text.split(/,|\r\n/).map((cell) => cell.replace(/^"/, ''))
      expect(cells.filter((cell) => /^[=+@\t\r]|^-(?!\d)/.test(cell))).toEqual([])
    }
    await target.database
      .sql`update workflows set name = 'Orders' where id = ${owner.resources.ids['workflows']}`
  })

  threat('I12', async () => {
    const forged = 'x\r\n{"level":"fatal","event":"forged"}\u001b[31m'
    const start = world.target.logs().length
    for (const [path, body] of Object.entries(bodies)) await post(path, body(forged))
    await world.target.call('GET', `/${encodeURIComponent(forged)}`)
    await world.owner.call('GET', `/v1/workflows?q=${encodeURIComponent(forged)}`)
    await world.target.call('GET', '/v1/me', {
      headers: { 'User-Agent': 'x","level":"fatal', traceparent: 'x"' },
    })
    await hook({ executionId: forged, workflowId: forged, status: forged, error: { message: forged } })
    await world.target.database.sql`alter table environments rename to environments_renamed`
    try {
      expect((await post('/v1/environments', { name: forged })).status).toBeGreaterThanOrEqual(400)
      expect((await post('/v1/environments', { name: 'Plain' })).status).toBe(500)
    } finally {
      await world.target.database.sql`alter table environments_renamed rename to environments`
    }
    const lines = world.target
      .logs()
      .slice(start)
      .split('\n')
      .filter((line) => line.trim() !== '')
    expect(lines.length).toBeGreaterThan(8)
    for (const line of lines) {
      const entry = JSON.parse(line) as { level: string; event: string }
      expect({ level: entry.level, event: entry.event }).not.toMatchObject({ level: 'fatal' })
      expect(entry.event).not.toBe('forged')
      expect(line.length).toBeLessThan(20_000)
    }
  })

  threat(
    'I5',
    async () => {
      const answers = []
      for (const text of hostileTexts) {
        for (const [path, body] of Object.entries(bodies)) answers.push(await post(path, body(text)))
      }
      expect(statusesOf(answers).filter((status) => status >= 500)).toEqual([])
    },
    { part: 'hostile texts in every name', isSlow: true },
  )
}
