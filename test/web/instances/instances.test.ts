/** The instance pages and their forms, against the n8n stub. */
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Dom } from '../../harness/dom.ts'
import { OTEL_DEFAULTS } from '../../harness/n8n-stub-otel.ts'
import { createFormWorld, orders, textOf } from '../deployments/forms.ts'

let world: Awaited<ReturnType<typeof createFormWorld>>
beforeAll(async () => {
  world = await createFormWorld()
})
afterAll(() => world?.close())

const payload = `<img src=x onerror=alert(1)>"'&`
const entered = () => ({
  name: 'prod-eu-1',
  baseUrl: world.stub.baseUrl,
  apiKey: world.stub.apiKey,
  test: 'yes',
})

describe('adding an instance', () => {
  test('tests the connection first and shows the result', async () => {
    const person = await world.person()
    expect(textOf((await person.get('/instances')).text)).toContain('No instances yet.')
    const page = await person.submit('/instances', entered())
    expect(page.at).toMatch(/^\/instances\/[0-9a-f-]{36}$/)
    expect(textOf(page.text)).toContain('prod-eu-1 is reachable and accepts the API key.')
    expect(textOf(page.text)).toContain('2.41.1')
    expect(textOf((await person.get('/instances')).text)).toContain('prod-eu-1 n8n.example.com Reachable')
  })

  test.each([
    [{ name: 'n'.repeat(129) }, 'At most 128 characters'],
    [{ baseUrl: 'not a url' }, /URL/i],
    [{ baseUrl: 'https://127.0.0.1' }, /address|host|public|allowed/i],
    [{ apiKey: 'with space' }, '1 to 4,096 printable ASCII characters without spaces'],
    [{ apiKey: 'wrong-key' }, 'rejected the API key'],
  ])(
    '%j is rejected under its field, and the form preserves its input except the key',
    async (change, message) => {
      const person = await world.person()
      const fields = { ...entered(), name: payload, ...change }
      const { status, text, dom } = await person.post('/instances', fields)
      expect(status).toBe(422)
      const [field = ''] = Object.keys(change)
      expect(dom().errorOf(field)).toMatch(message)
      expect(text).not.toContain(fields.apiKey)
      expect(dom().injected).toEqual([])
      const { name, baseUrl } = fields
      expect(dom().form('/instances')).toMatchObject({ name, baseUrl, apiKey: '' })
      expect((await person.get('/instances')).dom().text).toContain('No instances yet.')
    },
  )

  test('an unreachable instance can only be added without a test', async () => {
    const person = await world.person()
    world.world.fail(() => true, 'reset')
    const refused = await person.post('/instances', entered())
    expect(refused.status).toBe(422)
    expect(textOf(refused.text)).toContain('The instance was not added.')
    const page = await person.submit('/instances', { ...entered(), test: 'no' })
    expect(textOf(page.text)).toContain('prod-eu-1 was added without a test.')
  })

  test('a duplicate name is rejected under the name field', async () => {
    const person = await world.person()
    await person.addServer('twice')
    const { status, dom } = await person.post('/instances', { ...entered(), name: 'twice' })
    expect(status).toBe(422)
    expect(dom().errorOf('name')).toContain('Another instance has this name')
  })
})

describe('an instance', () => {
  test('Test now shows whether n8n accepts the API key', async () => {
    const person = await world.person()
    const id = await person.addServer()
    world.world.fail(() => true, '401')
    const refused = await person.submit(`/instances/${id}/test`)
    expect(textOf(refused.text)).toContain('rejected the API key')
    expect(textOf(refused.text)).toContain('prod-eu-1 rejected the API key.')
    expect(textOf((await person.get('/instances')).text)).toContain('Key rejected')
    expect(textOf((await person.submit(`/instances/${id}/test`)).text)).toContain(
      'prod-eu-1 is reachable and accepts the API key.',
    )
  })

  test('shows for two weeks that n8n was reset', async () => {
    const person = await world.person()
    const id = await person.addServer()
    const reset = (daysAgo: number) =>
      world.world.database.sql`update instances set epoch = 2,
        epoch_started_at = ${new Date(world.world.deps.now().getTime() - daysAgo * 86_400_000).toISOString()}
        where id = ${id}`
    const page = async () => textOf((await person.get(`/instances/${id}`)).text)
    expect(await page()).not.toContain('was reset or restored')
    await reset(1)
    expect(await page()).toContain('n8n was reset or restored')
    await reset(15)
    expect(await page()).not.toContain('was reset or restored')
  })

  test('Poll now shows the number of new runs, and a second poll is rejected as too soon', async () => {
    const person = await world.person()
    const id = await person.addServer()
    await person.credential()
    const { at } = await person.deploy(await person.workflow(), id)
    const deployment = await world.world.deps.deployments.find(person.userId, at.split('/')[2] ?? '')
    world.stub.addExecution({ workflowId: deployment?.n8nWorkflowId ?? '', status: 'success' })
    expect(textOf((await person.submit(`/instances/${id}/poll`)).text)).toContain(
      'Polled prod-eu-1: 1 new run',
    )
    expect(textOf((await person.submit(`/instances/${id}/poll`)).text)).toContain('was polled a moment ago')
  })

  test('accepts a new name and key; a rejected key changes nothing and is not shown', async () => {
    const person = await world.person()
    const id = await person.addServer()
    const renamed = await person.submit(`/instances/${id}/settings`, {
      name: 'renamed',
      baseUrl: world.stub.baseUrl,
    })
    expect(textOf(renamed.text)).toContain('Saved.')
    expect(renamed.dom().getByRole('heading', { name: 'renamed' }).localName).toBe('h1')
    const refused = await person.post(`/instances/${id}/key`, { apiKey: 'a-wrong-key' })
    expect(refused.status).toBe(422)
    expect(textOf(refused.text)).toContain('The stored key was not changed')
    expect(refused.text).not.toContain('a-wrong-key')
    expect(
      textOf((await person.submit(`/instances/${id}/key`, { apiKey: world.stub.apiKey })).text),
    ).toContain('The API key of renamed was replaced.')
    const moved = await person.post(`/instances/${id}/settings`, {
      name: 'renamed',
      baseUrl: 'https://other.example.com',
    })
    expect(moved.status).toBe(422)
    expect(textOf(moved.text)).toContain('The URL points to another server')
  })

  test('a new webhook token is shown once and nowhere else', async () => {
    const person = await world.person()
    const id = await person.addServer()
    const answer = await person.post(`/instances/${id}/webhook-token`)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('Cache-Control')).toBe('no-store')
    const boxes = [...answer.dom().document.querySelectorAll('pre')].map(({ textContent }) => textContent)
    const token = boxes[0] ?? ''
    expect(boxes).toHaveLength(1)
    expect(token.length).toBeGreaterThan(20)
    expect(await world.world.deps.instances.authenticate(id, token)).toMatchObject({ userId: person.userId })
    for (const path of [`/instances/${id}`, `/instances/${id}/settings`, '/instances']) {
      expect((await person.get(path)).text).not.toContain(token)
    }
    expect(await world.world.database.dump()).not.toContain(token)
    expect(world.world.logs.join('\n')).not.toContain(token)
  })

  test('sets up the error reporter', async () => {
    const person = await world.person()
    const id = await person.addServer()
    expect(textOf((await person.get(`/instances/${id}`)).text)).toContain('Error reporter not set up yet')
    const page = await person.submit(`/instances/${id}/reporter`)
    expect(textOf(page.text)).toContain('The error reporter is set up on prod-eu-1')
    expect(textOf(page.text)).toContain('Error reporter set up in n8n')
  })

  describe('OpenTelemetry', () => {
    const collector = {
      ...OTEL_DEFAULTS,
      enabled: true,
      exporterEndpoint: 'https://collector.example.net',
      exporterHeaders: `${payload.replaceAll(/[=,]/g, '')}=planted-collector-secret`,
    }
    const openSettings = (settings: Record<string, unknown>) => {
      world.stub.state.otel.settings = { ...settings }
    }

    test('is set up and stopped with one click each', async () => {
      openSettings(OTEL_DEFAULTS)
      const person = await world.person()
      const id = await person.addServer()
      const path = `/instances/${id}/otel`
      expect((await person.get(`/instances/${id}`)).dom().text).toContain('OpenTelemetry not set up')
      const page = await person.submit(path)
      expect(page.dom().text).toContain('prod-eu-1 now sends every run within seconds.')
      expect(page.dom().text).toContain('OpenTelemetry n8n sends every run')
      expect(world.stub.state.otel.settings).toMatchObject({ enabled: true })
      const stopped = await person.submit(`${path}/remove`)
      expect(stopped.dom().text).toContain('prod-eu-1 no longer sends traces to Flowkeep.')
      expect(world.stub.state.otel.settings).toEqual(OTEL_DEFAULTS)
    })

    test('asks before it replaces another collector, and names the headers to enter again', async () => {
      openSettings(collector)
      const person = await world.person()
      const id = await person.addServer()
      const path = `/instances/${id}/otel`
      const question = await person.post(path)
      expect(question.status).toBe(409)
      expect(question.dom().text).toContain('prod-eu-1 sends its traces to collector.example.net.')
      expect(world.stub.state.otel.settings).toEqual(collector)
      const page = await person.submit(path, question.dom().form(path))
      expect(page.dom().text).toContain('It no longer sends traces to collector.example.net.')
      const stopped = await person.submit(`${path}/remove`)
      expect(stopped.dom().text).toContain('It sends them to collector.example.net again.')
      expect(stopped.dom().text).toContain('Enter the values of these headers again in n8n: ')
      expect(stopped.dom().injected).toEqual([])
      expect(stopped.text).not.toContain('planted-collector-secret')
      expect(world.stub.state.otel.settings).toEqual({ ...collector, exporterHeaders: '' })
      openSettings(OTEL_DEFAULTS)
    })

    test('shows why n8n could not send, and a token that expires', async () => {
      openSettings(OTEL_DEFAULTS)
      const person = await world.person()
      const id = await person.addServer()
      const path = `/instances/${id}/otel`
      world.stub.state.otel.testError = 'connect ECONNREFUSED'
      expect((await person.submit(path)).dom().text).toContain('n8n could not send a test trace')
      world.stub.state.otel.testError = null
      await person.submit(path)
      world.stub.failNext({ step: 'otel-get', mode: 'http500' })
      const rotated = await person.post(`/instances/${id}/webhook-token`)
      expect(rotated.dom().text).toContain("The token in n8n's OpenTelemetry settings could not be updated.")
      const page = await person.get(`/instances/${id}`)
      expect(page.dom().text).toContain('OpenTelemetry token expires')
      expect((await person.submit(path)).dom().text).toContain('OpenTelemetry n8n sends every run')
    })
  })

  test('removing requires the typed name, and an explicit choice to leave workflows deployed', async () => {
    const person = await world.person()
    const id = await person.addServer('remove me')
    await person.credential()
    await person.deploy(await person.workflow(), id)
    const wrong = await person.post(`/instances/${id}/remove`, { name: 'remove "it"', force: 'true' })
    expect(wrong.status).toBe(422)
    const path = `/instances/${id}/remove`
    expect(wrong.dom().form(path)).toMatchObject({ name: 'remove "it"', force: 'true' })
    const used = await person.post(`/instances/${id}/remove`, { name: 'remove me' })
    expect(used.status).toBe(409)
    expect(textOf(used.text)).toContain('Workflows are deployed on this instance.')
    expect(used.dom().form(path)).toMatchObject({ name: 'remove me' })
    expect(used.dom().form(path)).not.toHaveProperty('force')
    const gone = await person.submit(`/instances/${id}/remove`, { name: 'remove me', force: 'true' })
    expect(gone.at).toBe('/instances')
    expect(textOf(gone.text)).toContain('remove me was removed.')
    expect((await person.get(`/instances/${id}`)).status).toBe(404)
  })
})

describe('importing workflows', () => {
  async function inN8n(name: string) {
    const { stub } = world
    const answer = await stub.fetch(`${stub.baseUrl}/api/v1/workflows`, {
      method: 'POST',
      headers: { 'X-N8N-API-KEY': stub.apiKey, 'Content-Type': 'application/json' },
      body: JSON.stringify({ ...orders({ name }), settings: {} }),
    })
    return ((await answer.json()) as { id: string }).id
  }

  test('lists workflows, imports the selected one, and marks tracked ones', async () => {
    const person = await world.person()
    const id = await person.addServer()
    const [one, two] = [await inN8n(`Import ${payload}`), await inN8n('Import me too')]
    const offered = ({ document }: Dom) =>
      [...document.querySelectorAll('input[type=checkbox][name=id]')].map((each) =>
        each.getAttribute('value'),
      )
    const page = (await person.get(`/instances/${id}/import?q=Import`)).dom()
    expect(page.injected).toEqual([])
    expect(page.text).toContain(`Import ${payload}`)
    expect(offered(page)).toEqual(expect.arrayContaining([one, two]))
    const answer = await person.submit(`/instances/${id}/import`, { id: two })
    expect(answer.at).toMatch(/^\/workflows\//)
    expect(answer.dom().text).toContain('1 workflow imported as v1 and tracked.')
    const after = (await person.get(`/instances/${id}/import?q=Import`)).dom()
    expect(offered(after)).toContain(one)
    expect(offered(after)).not.toContain(two)
    expect(after.text).toMatch(/ tracked /)
    const again = await person.submit(`/instances/${id}/import`, { id: two })
    expect(textOf(again.text)).toContain(`Not imported: ${two}`)
    expect(textOf((await person.submit(`/instances/${id}/import`, {})).text)).toContain(
      'No workflow selected.',
    )
  })

  test('shows a warning if n8n is unreachable', async () => {
    const person = await world.person()
    const id = await person.addServer()
    world.world.fail(() => true, 'reset')
    const { status, text } = await person.get(`/instances/${id}/import?cursor=%00`)
    expect(status).toBe(200)
    expect(textOf(text)).toContain('Could not list the workflows on prod-eu-1.')
  })
})

describe('dead letters', () => {
  async function withDeadLetter() {
    const person = await world.person()
    const id = await person.addServer()
    const token = await world.world.deps.instances.rotateWebhookToken(person.userId, id)
    const { createApp } = await import('../../../src/app.ts')
    const n8nWorkflowId = `wf${uuidv7().slice(-10)}`
    const answer = await createApp(world.world.deps).request(`/hooks/n8n/${id}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
      body: JSON.stringify({ executionId: '77', workflowId: n8nWorkflowId, status: 'success' }),
    })
    expect(answer.status).toBe(202)
    const page = await person.get(`/instances/${id}/dead-letters`)
    const replay = page.dom().forms.find((each) => each.endsWith('/replay')) ?? ''
    expect(replay).toMatch(new RegExp(`^/instances/${id}/dead-letters/`))
    const action = replay.slice(0, -'/replay'.length)
    return { person, id, page, action, n8nWorkflowId }
  }

  test('show a reason, and are replayed when their workflow is tracked', async () => {
    const { person, id, page, action, n8nWorkflowId } = await withDeadLetter()
    expect(textOf(page.text)).toContain('No deployment tracks this workflow')
    expect(textOf(page.text)).toContain('#77')
    expect(textOf((await person.submit(`${action}/replay`)).text)).toContain(
      'The report still cannot be used: No deployment tracks this workflow.',
    )
    const workflowId = await person.workflow()
    await person.submit('/deployments/track', { workflowId, instanceId: id, n8nWorkflowId })
    expect(textOf((await person.get(`/instances/${id}/dead-letters`)).text)).toContain('No dead letters.')
  })

  test('can be deleted by their owner only', async () => {
    const { person, id, action } = await withDeadLetter()
    const other = await world.person()
    const own = await other.addServer()
    const deadLetterId = action.split('/').at(-1) ?? ''
    expect(
      textOf((await other.submit(`/instances/${own}/dead-letters/${deadLetterId}/drop`)).text),
    ).toContain('already deleted')
    expect((await other.post(`/instances/${id}/dead-letters/${deadLetterId}/drop`)).status).toBe(404)
    expect((await other.get(`${action}/drop`)).status).toBe(404)
    const list = (await person.get(`/instances/${id}/dead-letters`)).dom()
    expect(list.forms).not.toContain(`${action}/drop`)
    expect(list.links).toContain(`${action}/drop`)
    const question = (await person.get(`${action}/drop`)).dom()
    expect(question.text).toContain('This cannot be undone.')
    expect(question.forms).toContain(`${action}/drop`)
    expect(textOf((await person.submit(`${action}/drop`)).text)).toContain('Dead letter deleted.')
  })
})

describe('access control', () => {
  test("another user's instance is a 404; signed out redirects to sign-in; another site is rejected", async () => {
    const owner = await world.person()
    const id = await owner.addServer(payload)
    const page = (await owner.get(`/instances/${id}`)).dom()
    expect(page.injected).toEqual([])
    expect(page.getByRole('heading', { name: payload }).localName).toBe('h1')
    const person = await world.person()
    for (const path of ['', '/settings', '/remove', '/import', '/dead-letters']) {
      expect({ path, status: (await person.get(`/instances/${id}${path}`)).status }).toEqual({
        path,
        status: 404,
      })
      expect((await world.stranger().get(`/instances/${id}${path}`)).location).toMatch(/^\/sign-in\?return=/)
    }
    const fields = { name: payload, baseUrl: 'https://x.example.com', apiKey: 'k', id: 'x', force: 'true' }
    for (const action of [
      'settings',
      'key',
      'webhook-token',
      'test',
      'poll',
      'reporter',
      'otel',
      'otel/remove',
      'import',
      'remove',
    ]) {
      const path = `/instances/${id}/${action}`
      expect({ action, status: (await person.post(path, fields)).status }).toEqual({ action, status: 404 })
      const forged = await owner.post(path, fields, { 'Sec-Fetch-Site': 'cross-site' })
      expect({ action, status: forged.status }).toEqual({ action, status: 403 })
    }
    expect((await owner.get(`/instances/${id}`)).status).toBe(200)
  })
})
