/** Flowkeep as n8n's OpenTelemetry collector: set up, replaced, renewed and removed. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BLANK, OTEL_DEFAULTS } from '../harness/n8n-stub-otel.ts'
import type { StubMode, StubStep } from '../harness/n8n-stub-faults.ts'
import { encodeTraces } from '../harness/otlp.ts'
import { type Connected, createConnected } from './connected.ts'

let connected: Connected
beforeAll(async () => {
  connected = await createConnected()
})
afterAll(() => connected.close())

const theirs = {
  ...OTEL_DEFAULTS,
  enabled: true,
  exporterEndpoint: 'https://collector.example.net/otlp',
  exporterHeaders: 'x-team=planted-collector-secret,authorization=planted-other-secret',
  tracesSampleRate: 0.5,
}

async function world() {
  const made = await connected.world()
  const { stub, user, path, id } = made
  /** Answers of the endpoint to a trace sent with the headers that n8n has. */
  const sendAsN8n = async (headers = String(stub.state.otel.settings['exporterHeaders'])) => {
    const { exporterEndpoint, exporterTracingPath } = stub.state.otel.settings
    const response = await connected.app.app.request(`${exporterEndpoint}${exporterTracingPath}`, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/x-protobuf',
        ...Object.fromEntries(headers.split(',').map((pair) => pair.split('=', 2) as [string, string])),
      },
      body: encodeTraces([]),
    })
    return response.status
  }
  return {
    ...made,
    endpoint: `https://flowkeep.example.com/hooks/n8n/${id}/otlp`,
    setUp: (body: object = {}) => user.call('PUT', `${path}/otel`, { body }),
    takeBack: () => user.call('DELETE', `${path}/otel`),
    state: async () => (await user.call('GET', path)).json.otel,
    sendAsN8n,
  }
}

const auditOf = async ({ user }: { user: { call: Connected['app']['call'] } }) =>
  (await user.call('GET', '/v1/audit-events')).json.items.flatMap(
    ({ action, details }: { action: string; details: unknown }) =>
      action.includes('otel') ? [[action, details]] : [],
  )

describe('setting up', () => {
  test('tests the connection, then makes n8n send every run with its nodes; removing it restores everything', async () => {
    const { stub, setUp, takeBack, state, sendAsN8n, endpoint, user } = await world()
    expect(await state()).toBeNull()
    const answer = await setUp()
    expect([answer.status, answer.json]).toEqual([
      200,
      { endpoint: `${endpoint}/v1/traces`, replaced: null, headersLost: [] },
    ])
    expect(stub.state.otel.settings).toEqual({
      ...OTEL_DEFAULTS,
      enabled: true,
      exporterEndpoint: endpoint,
      exporterHeaders: expect.stringMatching(/^authorization=Bearer whk_[\w-]{43}$/),
      injectOutbound: false,
      productionExecutionsOnly: false,
    })
    expect(stub.calls('otel-test')).toHaveLength(1)
    expect(await sendAsN8n()).toBe(200)
    expect(await state()).toEqual({ isCurrent: true })
    expect(await takeBack()).toMatchObject({ status: 200, json: { restored: null, headersLost: [] } })
    expect(stub.state.otel.settings).toEqual(OTEL_DEFAULTS)
    expect(await state()).toBeNull()
    expect(await auditOf({ user })).toEqual([
      ['instance.otel-removed', null],
      ['instance.otel-set-up', {}],
    ])
  })

  test('again renews the token and keeps the settings to restore', async () => {
    const { stub, setUp, takeBack, sendAsN8n } = await world()
    await setUp()
    const earlier = String(stub.state.otel.settings['exporterHeaders'])
    await setUp()
    expect(stub.state.otel.settings['exporterHeaders']).not.toBe(earlier)
    expect([await sendAsN8n(), await sendAsN8n(earlier)]).toEqual([200, 200])
    await takeBack()
    expect(stub.state.otel.settings).toEqual(OTEL_DEFAULTS)
  })

  test('another collector is replaced only after confirmation, and restored without the secrets of its headers', async () => {
    const { stub, setUp, takeBack, user } = await world()
    stub.state.otel.settings = { ...theirs }
    const refused = await setUp()
    expect([refused.status, refused.json]).toMatchObject([
      409,
      { code: 'instance-conflict', collector: 'collector.example.net' },
    ])
    expect(stub.state.otel.settings).toEqual(theirs)
    expect((await setUp({ replace: true })).json).toMatchObject({
      replaced: 'collector.example.net',
      headersLost: ['x-team', 'authorization'],
    })
    const { exporterHeaders } = stub.state.otel.settings
    expect(exporterHeaders).toMatch(/^authorization=Bearer whk_/)
    expect((await takeBack()).json).toEqual({
      restored: 'collector.example.net',
      headersLost: ['x-team', 'authorization'],
    })
    expect(stub.state.otel.settings).toEqual({ ...theirs, exporterHeaders: '' })
    expect(await auditOf({ user })).toEqual([
      ['instance.otel-removed', null],
      ['instance.otel-set-up', { replaced: 'collector.example.net' }],
    ])
  })

  test('secrets of the earlier collector are neither stored nor shown', async () => {
    const { stub, setUp } = await world()
    stub.state.otel.settings = {
      ...theirs,
      exporterEndpoint: 'https://maya:planted-collector-secret@collector.example.net/otlp',
    }
    const answer = await setUp({ replace: true })
    const seen = [answer.text, await connected.app.database.dump(), ...connected.app.logs].join('\n')
    expect(seen).not.toContain('planted-collector-secret')
    expect(seen).not.toContain(BLANK)
    const token = /whk_[\w-]+/.exec(String(stub.state.otel.settings['exporterHeaders']))?.[0] ?? ''
    expect(token).not.toBe('')
    expect(seen).not.toContain(token)
  })

  test('changes that the user made in n8n since are not overwritten', async () => {
    const { stub, setUp, takeBack, state } = await world()
    await setUp()
    stub.state.otel.settings = { ...theirs }
    expect((await takeBack()).json).toEqual({ restored: null, headersLost: [] })
    expect(stub.state.otel.settings).toEqual(theirs)
    expect(await state()).toBeNull()
  })
})

describe('setting up fails and changes nothing', () => {
  const unchanged = async (
    { stub, state }: Awaited<ReturnType<typeof world>>,
    settings: unknown = OTEL_DEFAULTS,
  ) => {
    expect(stub.state.otel.settings).toEqual(settings)
    expect(await state()).toBeNull()
    const tokens = await connected.app.database.sql`
      select 1 from webhook_tokens t join instances i on i.id = t.instance_id where t.label = 'otel'
        and i.otel_token_id is null`
    expect(tokens).toEqual([])
  }

  test('when the test trace does not arrive', async () => {
    const made = await world()
    made.stub.state.otel.testError =
      'connect ECONNREFUSED 127.0.0.1:8787 Bearer whk_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'
    const { status, json, text } = await made.setUp()
    expect([status, json.code]).toEqual([422, 'instance-rejected'])
    expect(json.detail).toContain('could not send a test trace')
    expect(json.detail).toContain('ECONNREFUSED')
    expect(text).not.toContain('whk_')
    await unchanged(made)
  })

  test('when the API key is missing the scope', async () => {
    const made = await world()
    made.stub.state.withheld.add('otel-get')
    const { json } = await made.setUp()
    expect(json).toMatchObject({ code: 'instance-refused', detail: expect.stringContaining('otel:manage') })
    await unchanged(made)
  })

  test('when n8n is older than 2.19', async () => {
    const made = await world()
    made.stub.state.generation = '2.0'
    const { json } = await made.setUp()
    expect(json).toMatchObject({ code: 'instance-rejected', detail: expect.stringContaining('2.19') })
    await unchanged(made)
  })

  test('when environment variables of n8n set the collector', async () => {
    const made = await world()
    made.stub.state.otel.managed = new Set(['exporterEndpoint'])
    const { status, json } = await made.setUp()
    expect([status, json.code]).toEqual([409, 'instance-conflict'])
    expect(json.detail).toContain('exporterEndpoint')
    expect(json.collector).toBeUndefined()
    await unchanged(made)
  })

  test.each<[StubStep, StubMode]>([
    ['otel-get', 'refuse'],
    ['otel-test', 'http500'],
    ['otel-test', 'redirect'],
    ['otel-update', 'refuse'],
    ['otel-update', '401'],
  ])('when %s fails with %s; the next attempt succeeds', async (step, mode) => {
    const made = await world()
    made.stub.failNext({ step, mode })
    expect((await made.setUp()).status).toBeGreaterThanOrEqual(400)
    expect(made.stub.state.otel.settings).toEqual(OTEL_DEFAULTS)
    expect((await made.setUp()).status).toBe(200)
    expect(await made.sendAsN8n()).toBe(200)
    await made.takeBack()
    await unchanged(made)
  })

  test.each<StubMode>(['reset-after-apply', 'http500-after-apply'])(
    'after %s of the update, n8n can send, and the earlier settings are restored',
    async (mode) => {
      const made = await world()
      made.stub.state.otel.settings = { ...theirs }
      made.stub.failNext({ step: 'otel-update', mode })
      expect((await made.setUp({ replace: true })).status).toBeGreaterThanOrEqual(400)
      expect(await made.sendAsN8n()).toBe(200)
      expect((await made.setUp()).status).toBe(200)
      expect((await made.takeBack()).json.restored).toBe('collector.example.net')
      expect(made.stub.state.otel.settings).toEqual({ ...theirs, exporterHeaders: '' })
    },
  )

  test('concurrent calls leave a token that works', async () => {
    const made = await world()
    const answers = await Promise.all(Array.from({ length: 4 }, () => made.setUp()))
    expect(answers.map(({ status }) => status)).toContain(200)
    for (const { status } of answers) expect([200, 503]).toContain(status)
    expect(await made.sendAsN8n()).toBe(200)
    expect(await made.state()).toEqual({ isCurrent: true })
  })
})

describe('afterwards', () => {
  test('a rotated webhook token renews the token in n8n', async () => {
    const { stub, setUp, state, sendAsN8n, user, path } = await world()
    await setUp()
    const earlier = String(stub.state.otel.settings['exporterHeaders'])
    const rotated = await user.call('POST', `${path}/webhook-token`)
    expect(rotated.json).toMatchObject({ reporter: 'none', otel: 'updated' })
    expect([await sendAsN8n(), await sendAsN8n(earlier)]).toEqual([200, 200])
    expect(await state()).toEqual({ isCurrent: true })
    connected.aheadMs.value += 25 * 60 * 60 * 1000
    expect([await sendAsN8n(), await sendAsN8n(earlier)]).toEqual([200, 401])
  })

  test('a rotation while n8n is unreachable is shown, and setting up again fixes it', async () => {
    const { stub, setUp, state, sendAsN8n, user, path } = await world()
    await setUp()
    stub.failNext({ step: '*', mode: 'refuse', times: 9 })
    expect((await user.call('POST', `${path}/webhook-token`)).json).toMatchObject({ otel: 'pending' })
    expect(await state()).toEqual({ isCurrent: false })
    expect(await sendAsN8n()).toBe(200)
    stub.clearFaults()
    await setUp()
    expect(await state()).toEqual({ isCurrent: true })
  })

  test('removing the instance restores the settings in n8n', async () => {
    const { stub, setUp, user, path } = await world()
    await setUp()
    expect((await user.call('DELETE', path)).status).toBe(204)
    await expect.poll(() => stub.state.otel.settings).toEqual(OTEL_DEFAULTS)
  })
})
