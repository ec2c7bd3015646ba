import { randomBytes } from 'node:crypto'
import { v7 as uuidv7 } from 'uuid'
import { beforeEach, describe, expect, test } from 'vitest'
import { useTestApp } from '../../harness/app.ts'
import { type Dom, text as textOf } from '../../harness/dom.ts'
import { browser, type SignedInBrowser, signedInBrowser } from '../browser.ts'

const app = useTestApp()
let tab: SignedInBrowser

beforeEach(async () => {
  tab = await signedInBrowser(app)
})

const canary = () => `canary-${randomBytes(8).toString('hex')}`
const xss = '<script>alert(1)</script>'

async function createCredential(
  name: string,
  data: Record<string, unknown> = { accessToken: 'xoxb-1' },
  type = 'slackApi',
) {
  const made = await app.deps.credentials.create(tab.userId, { type, name, data })
  if (!made) throw new Error('Credential not created')
  return made
}

const opened = async (id: string) => (await app.deps.credentials.open(tab.userId, id))?.data.reveal()

async function reject(id: string, error: string) {
  const credential = await app.deps.credentials.open(tab.userId, id)
  if (credential)
    await app.deps.credentials.recordValidation(tab.userId, credential, { status: 'invalid', error })
}

async function workflow(name: string) {
  const node = {
    id: 'a',
    name: 'Post',
    type: 'n8n-nodes-base.slack',
    typeVersion: 2.3,
    position: [0, 0],
    parameters: {},
  }
  return app.deps.workflows.create(tab.userId, {
    workflow: { name, nodes: [node], connections: {} },
  })
}

/** Inserts a deployment bound to the credential, with the credential pushed to its instance. */
async function deploy(credentialId: string, name = 'Triage') {
  const { id: workflowId } = (await workflow(name)) as unknown as { id: string }
  const [instanceId, deploymentId] = [uuidv7(), uuidv7()]
  const sql = app.database.sql
  await sql`insert into instances (id, user_id, name, base_url, api_key)
    values (${instanceId}, ${tab.userId}, ${`n8n ${instanceId}`}, ${`https://${instanceId}.example`}, '{"header":{"kid":"k1"}}')`
  await sql`insert into deployments (id, user_id, workflow_id, instance_id, version, status, bindings)
    values (${deploymentId}, ${tab.userId}, ${workflowId}, ${instanceId}, 1, 'active',
      ${JSON.stringify([{ node: 'Post', type: 'slackApi', credentialId }])}::jsonb)`
  await sql`insert into remote_credentials (instance_id, credential_id, user_id, n8n_credential_id, fingerprint, pushed_at)
    values (${instanceId}, ${credentialId}, ${tab.userId}, ${credentialId.slice(0, 16)}, 'other', now())`
  return { workflowId, instanceId, deploymentId }
}

/** The page as its user sees it. */
const open = async (path: string) => (await tab.get(path)).dom()
const onceAt = async (path: string) => (await open(path)).form(path).once ?? ''
const attribute = (page: Dom, selector: string, name: string) =>
  page.document.querySelector(selector)?.getAttribute(name) ?? null

describe('GET /credentials', () => {
  test('shows an empty state with one button', async () => {
    const { status, dom } = await tab.get('/credentials')
    expect(status).toBe(200)
    expect(dom().text).toContain('No credentials yet.')
    const buttons = dom().allByRole('link', { name: 'Add credential' })
    expect(new Set(buttons.map((each) => each.getAttribute('href')))).toEqual(new Set(['/credentials/new']))
  })

  test('lists rejected, untested and valid credentials in this order, with reasons', async () => {
    const valid = await createCredential('A valid one')
    const untested = await createCredential('B untested')
    const rejected = await createCredential('C rejected')
    const found = await app.deps.credentials.open(tab.userId, valid.id)
    if (found) await app.deps.credentials.recordValidation(tab.userId, found, { status: 'valid' })
    await reject(rejected.id, 'invalid_auth from the service')
    const { text, rows, links } = await open('/credentials')
    expect(rows).toEqual(['C rejected', 'B untested', 'A valid one'])
    const places = [rejected, untested, valid].map(({ id }) => links.indexOf(`/credentials/${id}`))
    expect(places).toEqual(places.toSorted((a, b) => a - b))
    expect(places).not.toContain(-1)
    expect(text).toContain('invalid_auth from the service')
    expect(links).toContain(`/credentials/${rejected.id}/edit`)
    expect(links).not.toContain(`/credentials/${valid.id}/edit`)
    expect(text).toMatch(/1 rejected.*1 untested.*1 working/)
  })

  test('offers a test only if an n8n instance has the credential and can test it', async () => {
    const [there, legacy, nowhere] = [
      await createCredential('There'),
      await createCredential('Legacy'),
      await createCredential('Nowhere'),
    ]
    await deploy(there.id)
    const { instanceId } = await deploy(legacy.id)
    await app.database
      .sql`update instances set capabilities = '{"generation":"legacy","cannot":[]}' where id = ${instanceId}`
    const page = await open('/credentials')
    expect(page.forms.filter((action) => action.endsWith('/validate'))).toEqual([
      `/credentials/${there.id}/validate`,
    ])
    const table = page.table('Credentials, worst health first')
    const healthOf = (name: string) => table.find(([cell = '']) => cell.includes(name))?.[1]
    expect(healthOf('There')).toBe('Untested In n8n, not tested yet')
    expect(healthOf('Legacy')).toBe('Untested In n8n, cannot be tested there')
    expect(healthOf('Nowhere')).toBe('Untested Not in n8n yet')
    for (const { id } of [legacy, nowhere])
      expect(page.links.filter((href) => href.startsWith(`/credentials/${id}/validate`))).toEqual([])
  })

  test('returns to the filtered list after a test', async () => {
    const { id } = await createCredential('There')
    await deploy(id)
    const list = '/credentials?q=th&status=untested&period=7d'
    expect((await open(list)).form(`/credentials/${id}/validate`).return).toBe(list)
  })

  test('shows when n8n last rejected it', async () => {
    const { id } = await createCredential('Rejected')
    await reject(id, 'invalid_auth.')
    expect((await open('/credentials')).text).toMatch(/invalid_auth · tested \d\d:\d\d/)
    const reason = (await open(`/credentials/${id}`)).getByRole('region', { name: 'Reason for rejection' })
    expect(textOf(reason)).toMatch(/Tested .*\d\d:\d\d/)
  })

  test('lists the missing types that workflows require, with a button for each', async () => {
    await workflow('Needs Slack')
    const { text, links } = await open('/credentials')
    expect(text).toContain('1 missing credential')
    expect(links).toContain('/credentials/new/slackApi')
    await createCredential('Slack')
    expect((await open('/credentials')).text).not.toContain('missing credential')
  })

  test.each([
    ['q=ops', 'Ops bot'],
    ['q=HEADERauth', 'Gateway'],
    ['type=slackApi', 'Ops bot'],
    ['service=httpHeaderAuth', 'Gateway'],
    ['status=invalid', 'Gateway'],
    ['status=untested', 'Ops bot'],
  ])('filters by %s', async (query, name) => {
    await createCredential('Ops bot')
    const gateway = await createCredential('Gateway', { name: 'X-Key', value: 'v' }, 'httpHeaderAuth')
    await reject(gateway.id, 'no')
    expect((await open(`/credentials?${query}`)).rows).toEqual([name])
  })

  test('matches filter wildcards literally', async () => {
    await createCredential('100 percent')
    expect((await open('/credentials?q=100%25')).text).toContain('No credentials match.')
  })

  test.each(['status=broken', 'after=nonsense'])('ignores %s and reports it', async (query) => {
    await createCredential('Ops bot')
    const { status, dom } = await tab.get(`/credentials?${query}`)
    expect(status).toBe(200)
    expect(dom().text).toContain(`Ignored 1 invalid filter: ${query}.`)
    expect(dom().rows).toEqual(['Ops bot'])
  })

  test('pages after 50 credentials and lists each one once', async () => {
    for (let index = 0; index < 53; index += 1)
      await createCredential(`Bot ${String(index).padStart(2, '0')}`)
    const first = await open('/credentials')
    expect(first.next).toMatch(/^\/credentials\?after=/)
    const second = await open(first.next ?? '')
    expect(first.rows).toHaveLength(50)
    expect(second.rows).toEqual(['Bot 50', 'Bot 51', 'Bot 52'])
    expect(second.next).toBeNull()
  })

  test('shows nothing from another user', async () => {
    const mine = await createCredential('Of the first user')
    const other = await signedInBrowser(app)
    expect((await other.get('/credentials')).text).not.toContain('Of the first user')
    for (const path of [`/credentials/${mine.id}`, `/credentials/${mine.id}/edit`]) {
      expect((await other.get(path)).status).toBe(404)
    }
    for (const action of ['edit', 'validate', 'delete']) {
      const { status } = await other.post(`/credentials/${mine.id}/${action}`, {
        confirm: mine.name,
        version: '1',
        name: 'Mine',
      })
      expect(status, action).toBe(404)
    }
    expect(await app.deps.credentials.find(tab.userId, mine.id)).toMatchObject({
      name: 'Of the first user',
      version: 1,
    })
  })
})

describe('choosing a type', () => {
  test('finds types by part of their name, best match first', async () => {
    const { links } = await open('/credentials/new?q=slack')
    const types = links.filter((href) => href.startsWith('/credentials/new/'))
    expect(types[0]).toBe('/credentials/new/slackApi')
    expect(types).toContain('/credentials/new/slackOAuth2Api')
    expect(types).not.toContain('/credentials/new/postgres')
  })

  test('offers the type of a community node by its exact name, as JSON', async () => {
    expect((await open('/credentials/new?q=acmeCrmApi')).links).toContain('/credentials/new/acmeCrmApi')
    const page = await open('/credentials/new/acmeCrmApi')
    expect(page.form('/credentials/new/acmeCrmApi')).toHaveProperty('json')
    expect(page.text).toContain('Not a built-in n8n type')
  })

  test.each(['/credentials/new/1abc', '/credentials/new/constructor', '/credentials/new/%3Cb%3E'])(
    'has no form for %s, an invalid type name',
    async (path) => {
      expect((await tab.get(path)).status).toBe(404)
    },
  )

  test('escapes the search query', async () => {
    const page = await open(`/credentials/new?q=${encodeURIComponent(xss)}`)
    expect(page.injected).toEqual([])
    expect(page.getByRole('searchbox', { name: /type/i }).getAttribute('value')).toBe(xss)
  })
})

describe('the form of a new credential', () => {
  test('shows fields for the choices in its URL and ignores other values there', async () => {
    const path = '/credentials/new/postgres'
    expect((await open(path)).form(path)).not.toHaveProperty(['data.sshHost'])
    const page = await open(`${path}?data.sshTunnel=true&data.host=from-the-url&data.password=p4ssw0rd`)
    const form = page.form(path)
    expect(form).toHaveProperty(['data.sshHost'])
    expect(form).toMatchObject({ 'data.host': '', 'data.password': '' })
    const values = [...page.document.querySelectorAll('[value]')].map((each) => each.getAttribute('value'))
    expect(values.filter((value) => value === 'from-the-url' || value === 'p4ssw0rd')).toEqual([])
  })

  test.each(['new', 'edit'])(
    'saves on Enter because the first button of the %s form saves',
    async (which) => {
      const made = await createCredential('CRM', { host: 'db.example', password: 'p4ssw0rd' }, 'postgres')
      const path = which === 'new' ? '/credentials/new/postgres' : `/credentials/${made.id}/edit`
      const { document } = await open(path)
      const [first, ...others] = document.querySelectorAll('#credential-form button[type=submit]')
      expect(first?.hasAttribute('name')).toBe(false)
      expect(first?.hasAttribute('formnovalidate')).toBe(false)
      expect(first?.getAttribute('tabindex')).toBe('-1')
      expect(others.map((button) => button.getAttribute('name'))).toContain('update')
    },
  )

  test('updates its fields without a script and keeps typed values except secrets', async () => {
    const secret = canary()
    const path = '/credentials/new/postgres'
    const { status, text, dom } = await tab.post(path, {
      name: 'CRM',
      'data.host': 'db.example',
      'data.password': secret,
      'data.sshTunnel': 'true',
      update: '1',
    })
    expect(status).toBe(200)
    expect(dom().form(path)).toHaveProperty(['data.sshHost'])
    expect(dom().form(path)['data.host']).toBe('db.example')
    expect(text).not.toContain(secret)
    expect((await app.deps.credentials.list(tab.userId, {}, { limit: 5, after: null })).items).toEqual([])
  })

  test('stores the credential encrypted and shows none of its values', async () => {
    const secret = canary()
    const once = await onceAt('/credentials/new/postgres')
    const answer = await tab.post('/credentials/new/postgres', {
      once,
      name: ' CRM ',
      service: 'warehouse',
      'data.host': 'db.example',
      'data.port': '5433',
      'data.password': secret,
      'data.sshTunnel': 'false',
    })
    expect(answer.status).toBe(303)
    const id = answer.location?.split('/').at(-1) ?? ''
    expect(await opened(id)).toEqual({ host: 'db.example', port: 5433, password: secret, sshTunnel: false })
    const page = await tab.get(answer.location ?? '')
    expect(page.status).toBe(200)
    expect(page.dom().text).toContain('Saved CRM')
    expect(textOf(page.dom().valueOf('Service'))).toBe('warehouse')
    const everything = [
      page.text,
      answer.text,
      ...answer.headers.entries(),
      ...tab.setCookies,
      ...app.logs,
    ].join('\n')
    expect(everything).not.toContain(secret)
    expect(everything).not.toContain('db.example')
  })

  test('creates one credential when submitted twice', async () => {
    const once = await onceAt('/credentials/new/slackApi')
    const fields = { once, name: 'Twice', 'data.accessToken': 'xoxb-1' }
    const [first, second] = [
      await tab.post('/credentials/new/slackApi', fields),
      await tab.post('/credentials/new/slackApi', fields),
    ]
    expect(first.location).toBe(second.location)
    const { items } = await app.deps.credentials.list(tab.userId, {}, { limit: 5, after: null })
    expect(items).toHaveLength(1)
  })

  test.each<[string, string, Record<string, string>, string, RegExp]>([
    ['a missing name', 'slackApi', { 'data.accessToken': 'x' }, 'name', /Must not be empty/],
    ['an empty required field', 'slackApi', { name: 'x' }, 'data.accessToken', /Is required/],
    ['an invalid number', 'postgres', { name: 'x', 'data.port': 'many' }, 'data.port', /Must be a number/],
    ['an invalid option', 'postgres', { name: 'x', 'data.ssl': 'maybe' }, 'data.ssl', /Must be one of/],
    ['invalid JSON', 'httpCustomAuth', { name: 'x', 'data.json': '{' }, 'data.json', /Must be valid JSON/],
    ['JSON that is not an object', 'acmeCrmApi', { name: 'x', json: '[]' }, 'json', /Must be a JSON object/],
    [
      'an invalid field name',
      'acmeCrmApi',
      { name: 'x', json: '{"__proto__":1}' },
      'json',
      /Not a valid field name/,
    ],
    [
      'a port beyond the range',
      'postgres',
      { name: 'x', 'data.port': '99999999' },
      'data.port',
      /^Must be a port: a whole number from 1 to 65535$/,
    ],
    ['a NUL character', 'slackApi', { name: 'x', 'data.accessToken': 'a\0b' }, 'data.accessToken', /./],
  ])('shows an error under its field: %s', async (_fault, type, fields, field, message) => {
    const { status, dom } = await tab.post(`/credentials/new/${type}`, fields)
    expect(status).toBe(422)
    expect(dom().errorOf(field)).toMatch(message)
  })

  test('keeps typed values except secrets after an error', async () => {
    const [token, json] = [canary(), canary()]
    const wrong = await tab.post('/credentials/new/slackApi', {
      name: '',
      service: 'chat',
      'data.accessToken': token,
    })
    expect(wrong.dom().form('/credentials/new/slackApi').service).toBe('chat')
    expect(wrong.text).not.toContain(token)
    const unknown = await tab.post('/credentials/new/acmeCrmApi', { name: 'Typed', json: `{"key":"${json}"` })
    expect(unknown.dom().form('/credentials/new/acmeCrmApi').name).toBe('Typed')
    expect(unknown.text).not.toContain(json)
    expect(app.logs.join('\n')).not.toMatch(new RegExp(`${token}|${json}`))
  })

  test('reports a taken name under the name field', async () => {
    await createCredential('Same')
    const { status, dom } = await tab.post('/credentials/new/slackApi', {
      name: 'Same',
      'data.accessToken': 'x',
    })
    expect(status).toBe(409)
    expect(dom().errorOf('name')).toMatch(/name/)
  })

  test('explains the sign-in through n8n for an OAuth type', async () => {
    const { text } = await open('/credentials/new/slackOAuth2Api')
    expect(text).toContain('Sign in through n8n')
    expect(text).not.toContain('Client credentials')
    expect((await open('/credentials/new/oAuth2Api')).text).toContain('the Client credentials grant type')
    expect((await open('/credentials/new/slackApi')).text).not.toContain('Sign in through n8n')
  })

  test('returns to the previous page, on this server only', async () => {
    const post = (name: string, back: string) =>
      tab.post('/credentials/new/slackApi', { name, return: back, 'data.accessToken': 'x' })
    expect((await post('one', '/workflows')).location).toBe('/workflows')
    expect((await post('two', '//evil.example/x')).location).toBe('/')
  })
})

test('a form shows n8n’s defaults and the range of a port', async () => {
  const page = await open('/credentials/new/postgres')
  const shown = (name: string) =>
    Object.fromEntries(
      ['type', 'placeholder', 'min', 'max', 'step'].map((each) => [
        each,
        attribute(page, `input[name="data.${name}"]`, each),
      ]),
    )
  expect(shown('host')).toMatchObject({ placeholder: 'localhost' })
  expect(shown('port')).toEqual({ type: 'number', placeholder: '5432', min: '1', max: '65535', step: '1' })
  expect(shown('maxConnections')).toMatchObject({ placeholder: '100', min: null, max: null })
  const names = Object.keys(page.form('/credentials/new/postgres'))
  expect(names).toContain('data.port')
  expect(names.indexOf('data.port')).toBeLessThan(names.indexOf('data.ssl'))
})

describe('GET /credentials/:id', () => {
  test('shows health, field names without values and usage, and escapes names', async () => {
    const secret = canary()
    const made = await createCredential(xss, { accessToken: secret })
    const { workflowId, deploymentId } = await deploy(made.id, `${xss} flow`)
    await reject(made.id, `Refused ${secret} at the service`)
    const { status, text, dom } = await tab.get(`/credentials/${made.id}`)
    const page = dom()
    expect(status).toBe(200)
    expect(page.injected).toEqual([])
    expect(page.getByRole('heading', { name: xss }).localName).toBe('h1')
    expect(text).not.toContain(secret)
    expect(page.text).toContain('Refused [redacted] at the service')
    expect(textOf(page.valueOf('Stored values'))).toContain('Access token')
    expect(page.links).toEqual(
      expect.arrayContaining([`/workflows/${workflowId}`, `/deployments/${deploymentId}`]),
    )
  })

  test('shows only runs that failed at a node that uses it', async () => {
    const made = await createCredential('Slack')
    const { workflowId, instanceId, deploymentId } = await deploy(made.id)
    const run = async (node: string, message: string) => {
      const id = uuidv7()
      await app.database
        .sql`insert into executions (id, recorded_at, user_id, instance_id, workflow_id, workflow_version,
          deployment_id, n8n_execution_id, status, error_node, error_message, error_http_status)
        values (${id}, now(), ${tab.userId}, ${instanceId}, ${workflowId}, 1, ${deploymentId}, ${node}, 'error', ${node},
          ${message}, 401)`
      return id
    }
    const [ours, others] = [await run('Post', 'invalid_auth'), await run('Elsewhere', 'not ours')]
    const { text, links } = await open(`/credentials/${made.id}`)
    expect(links).toContain(`/executions/${ours}`)
    expect(text).toContain('rejected with 401')
    expect(links.filter((href) => href.includes(others))).toEqual([])
    expect(text).not.toContain('not ours')
  })

  test.each(['nonsense', uuidv7()])('responds with 404 for %s', async (id) => {
    expect((await tab.get(`/credentials/${id}`)).status).toBe(404)
  })
})

describe('a changed credential in n8n', () => {
  test('shows that n8n has the old value, with a button that pushes the new one', async () => {
    const made = await createCredential('Pushed')
    expect((await open(`/credentials/${made.id}`)).text).not.toContain('old value')
    const { deploymentId } = await deploy(made.id)
    const { text, links, forms } = await open(`/credentials/${made.id}`)
    expect(text).toContain('n8n still has the old value')
    expect(links).toContain(`/deployments/${deploymentId}`)
    expect(forms).toContain(`/credentials/${made.id}/push`)
    // The instance does not respond, so the push fails. The page reports it.
    const pushed = await tab.post(`/credentials/${made.id}/push`, {})
    expect(pushed).toMatchObject({ status: 303, location: `/credentials/${made.id}` })
  })

  test('can be replaced by another one of its type after a preview that changes nothing', async () => {
    const [made, other] = [await createCredential('Replaced'), await createCredential('Its successor')]
    const { deploymentId } = await deploy(made.id)
    const path = `/credentials/${made.id}/replace`
    expect((await open(`/credentials/${made.id}`)).links).toContain(path)
    const page = await open(`${path}?with=${other.id}`)
    expect(page.text).toContain('Affected deployments')
    expect(page.links).toContain(`/deployments/${deploymentId}`)
    expect(page.getByRole('button', { name: 'Replace in 1 deployment' }).getAttribute('type')).toBe('submit')
    const [row] = await app.database.sql`select bindings from deployments where id = ${deploymentId}`
    expect(JSON.stringify(row)).toContain(made.id)
  })
})

describe('editing a credential', () => {
  test('replaces the values in the form and keeps the others, without showing them', async () => {
    const [before, after] = [canary(), canary()]
    const made = await createCredential(
      'CRM',
      { host: 'db.canary.example', password: before, port: 5433 },
      'postgres',
    )
    const path = `/credentials/${made.id}/edit`
    const form = await tab.get(path)
    for (const stored of [before, 'db.canary', '5433']) expect(form.text).not.toContain(stored)
    const answer = await tab.post(path, {
      version: form.dom().form(path).version ?? '',
      name: 'CRM',
      'data.host': '',
      'data.password': after,
      'data.ssl': '',
    })
    expect(answer).toMatchObject({ status: 303, location: `/credentials/${made.id}` })
    expect(await opened(made.id)).toEqual({ host: 'db.canary.example', password: after, port: 5433 })
  })

  test('removes selected values, but none that n8n requires', async () => {
    const made = await createCredential('CRM', { host: 'a', password: 'secret-1' }, 'postgres')
    await tab.post(`/credentials/${made.id}/edit`, { version: '1', name: 'CRM', remove: 'password' })
    expect(await opened(made.id)).toEqual({ host: 'a' })
    const slack = await createCredential('Slack')
    const { document } = await open(`/credentials/${slack.id}/edit`)
    expect(document.querySelectorAll('[name=remove]')).toHaveLength(0)
    expect(
      (
        await tab.post(`/credentials/${slack.id}/edit`, {
          version: '1',
          name: 'Slack',
          remove: 'accessToken',
        })
      ).status,
    ).toBe(422)
    expect(await opened(slack.id)).toEqual({ accessToken: 'xoxb-1' })
  })

  test('renames without changing values or health', async () => {
    const made = await createCredential('Old')
    await reject(made.id, 'no')
    await tab.post(`/credentials/${made.id}/edit`, { version: '1', name: 'New' })
    expect(await app.deps.credentials.find(tab.userId, made.id)).toMatchObject({
      name: 'New',
      status: 'invalid',
      version: 2,
    })
  })

  test('merges JSON into the values of a type that is not built in', async () => {
    const made = await createCredential('Acme', { key: 'a', other: 'b' }, 'acmeCrmApi')
    await tab.post(`/credentials/${made.id}/edit`, { version: '1', name: 'Acme', json: '' })
    expect(await opened(made.id)).toEqual({ key: 'a', other: 'b' })
    await tab.post(`/credentials/${made.id}/edit`, { version: '1', name: 'Acme', json: '{"key":"c"}' })
    expect(await opened(made.id)).toEqual({ key: 'c', other: 'b' })
    await tab.post(`/credentials/${made.id}/edit`, {
      version: '2',
      name: 'Acme',
      json: '{"other":null,"more":{"a":1}}',
    })
    expect(await opened(made.id)).toEqual({ key: 'c', more: { a: 1 } })
  })

  test('reports a conflict, keeps the input except secrets, and saves on the second submit', async () => {
    const secret = canary()
    const made = await createCredential('CRM', { host: 'a', password: 'first' }, 'postgres')
    await app.deps.credentials.update(tab.userId, made.id, 1, { name: 'Renamed elsewhere' })
    const input = { name: 'Mine', 'data.host': 'b', 'data.password': secret }
    const path = `/credentials/${made.id}/edit`
    const conflict = await tab.post(path, { version: '1', ...input })
    expect(conflict.status).toBe(412)
    expect(conflict.dom().text).toContain('The credential was changed elsewhere')
    const form = conflict.dom().form(path)
    expect(form.name).toBe('Mine')
    expect(conflict.text).not.toContain(secret)
    expect(await opened(made.id)).toMatchObject({ host: 'a' })
    const again = await tab.post(path, { version: form.version ?? '', ...input })
    expect(again.status).toBe(303)
    expect(await opened(made.id)).toEqual({ host: 'b', password: secret })
  })

  test('replaces all values if the stored ones cannot be decrypted', async () => {
    const made = await createCredential('Broken')
    await app.database.sql`update credentials set credential_data =
      jsonb_set(credential_data, '{ciphertext}', '"AAAA"') where id = ${made.id}`
    const form = await tab.get(`/credentials/${made.id}/edit`)
    expect(form.status).toBe(200)
    expect(form.dom().text).toContain('replaces all of its values')
    const answer = await tab.post(`/credentials/${made.id}/edit`, {
      version: '1',
      name: 'Broken',
      'data.accessToken': 'new',
    })
    expect(answer.status).toBe(303)
    expect(await opened(made.id)).toEqual({ accessToken: 'new' })
  })
})

describe('testing and deleting', () => {
  test('explains why a credential cannot be tested', async () => {
    const made = await createCredential('Slack')
    const answer = await tab.post(`/credentials/${made.id}/validate`, {})
    expect(answer).toMatchObject({ status: 303, location: `/credentials/${made.id}` })
    expect((await open(`/credentials/${made.id}`)).text).toContain(
      'Not tested: No n8n instance has this credential',
    )
  })

  test('deletes only if the typed name matches', async () => {
    const made = await createCredential('Slack')
    const wrong = await tab.post(`/credentials/${made.id}/delete`, { confirm: 'slack' })
    expect(wrong.status).toBe(422)
    expect(wrong.dom().text).toContain('The name does not match')
    expect(await opened(made.id)).toBeDefined()
    const right = await tab.post(`/credentials/${made.id}/delete`, { confirm: 'Slack' })
    expect(right).toMatchObject({ status: 303, location: '/credentials' })
    expect(await opened(made.id)).toBeUndefined()
  })

  test('lists the deployments that use it and deletes it anyway if selected', async () => {
    const made = await createCredential('Slack')
    const { deploymentId } = await deploy(made.id, 'Support triage')
    const refused = await tab.post(`/credentials/${made.id}/delete`, { confirm: 'Slack' })
    expect(refused.status).toBe(409)
    expect(refused.dom().text).toContain('1 deployment uses it')
    expect(refused.dom().links).toContain(`/deployments/${deploymentId}`)
    const forced = await tab.post(`/credentials/${made.id}/delete`, { confirm: 'Slack', force: 'true' })
    expect(forced.location).toBe('/credentials')
  })
})

describe('every credential page', () => {
  test.each(['/credentials', '/credentials/new', '/credentials/new/slackApi', `/credentials/${uuidv7()}`])(
    'redirects to the sign-in page without a session: %s',
    async (path) => {
      const { status, location } = await browser(app.app).get(path)
      expect(status).toBe(303)
      expect(location).toMatch(/^\/sign-in\?return=/)
    },
  )

  test.each([
    '/credentials/new/slackApi',
    `/credentials/${uuidv7()}/edit`,
    `/credentials/${uuidv7()}/delete`,
  ])('rejects a form from another site: %s', async (path) => {
    const { status } = await tab.post(
      path,
      { name: 'x' },
      { 'Sec-Fetch-Site': 'cross-site', Origin: 'https://evil.example' },
    )
    expect(status).toBe(403)
  })
})
