/** @module Tests the workflow pages over HTTP in the whole application. */
import { sql } from 'drizzle-orm'
import { beforeAll, describe, expect, test } from 'vitest'
import { useTestApp } from '../../harness/app.ts'
import { createCredential } from '../../workflows/workflow-server.ts'
import { browser, origin, type SignedInBrowser, signedInBrowser } from '../browser.ts'
import { parsePage, text as textOf } from '../../harness/dom.ts'

const app = useTestApp()

const script = '<script>alert(1)</script>'
const planted = 'kx9f2Lq8Zr4Tb7Wm3Yd6Pc1N'

const hook = {
  id: 'n1',
  name: 'Receive order',
  type: 'n8n-nodes-base.webhook',
  typeVersion: 2,
  position: [0, 0],
  parameters: { path: 'orders' },
}
const slack = {
  id: 'n2',
  name: 'Notify the shop',
  type: 'n8n-nodes-base.slack',
  typeVersion: 2.3,
  position: [220, 0],
  parameters: { authentication: 'accessToken', text: 'New order' },
}
const json = (name: string, ...more: object[]) => ({
  name,
  nodes: [hook, slack, ...more],
  connections: { [hook.name]: { main: [[{ node: slack.name, type: 'main', index: 0 }]] } },
})

async function newUser(): Promise<SignedInBrowser & { token: string }> {
  const tab = await signedInBrowser(app)
  const { email, password } = tab
  const answer = await app.call('POST', '/v1/auth/login', { body: { email, password } })
  return { ...tab, token: answer.json.accessToken }
}

const make = (userId: string, name: string, more: Record<string, unknown> = {}) =>
  app.deps.workflows.create(userId, { workflow: json(name), ...more })

/** Tracks the workflow on a new instance. Returns a function that reports a run. */
async function track(user: { token: string }, workflowId: string, name: string) {
  const post = async (path: string, body: unknown, token = user.token) => {
    const answer = await app.call('POST', path, { body, token })
    expect(answer.status, answer.text).toBeLessThan(300)
    return answer.json
  }
  const instance = await post('/v1/instances', {
    name,
    baseUrl: `https://${name}.example.com`,
    apiKey: 'key',
  })
  const deployment = await post('/v1/deployments', {
    workflowId,
    instanceId: instance.id,
    n8nWorkflowId: 'wf1',
  })
  let run = 0
  const report = async (status: string, node?: string) => {
    run += 1
    const startedAt = new Date(Date.now() - 60_000).toISOString()
    const error = node ? { message: 'Slack says no', node } : undefined
    const body = {
      executionId: String(run),
      workflowId: 'wf1',
      status,
      startedAt,
      finishedAt: startedAt,
      error,
    }
    await post(`/hooks/n8n/${instance.id}`, body, instance.webhookToken)
  }
  return { deploymentId: String(deployment.id), report }
}

const rowsOf = (html: string) =>
  [...parsePage(html).document.querySelectorAll('[data-row]')].map((link) => textOf(link))

describe('the list', () => {
  test('redirects to the sign-in page and back', async () => {
    const page = await browser(app.app).get('/workflows?tag=a')
    expect(page.status).toBe(303)
    expect(page.location).toBe(`/sign-in?return=${encodeURIComponent('/workflows?tag=a')}`)
  })

  test('shows how to import workflows while there are none', async () => {
    const user = await newUser()
    const page = await user.get('/workflows')
    expect(page.status).toBe(200)
    const { text, links } = page.dom()
    expect(text).toContain('No workflows yet.')
    expect(text).toContain('npm run flowkeep -- import')
    expect(text).toContain('/v1/workflows')
    expect(links).toContain('/workflows/new')
  })

  test('shows nodes, missing credentials, runs and deployments of each workflow, failing ones first', async () => {
    const user = await newUser()
    const failing = await make(user.userId, 'Failing')
    const { deploymentId, report } = await track(user, failing.id, 'prod-eu-1')
    await report('success')
    await report('error', slack.name)
    await make(user.userId, 'Newer', { tags: ['shop'] })
    const { text, links, rows } = (await user.get('/workflows')).dom()
    expect(rows).toEqual(['Failing', 'Newer'])
    expect(text).toContain('Missing Slack API')
    expect(text).toContain('50.0%')
    expect(text).toContain('1 of 2 failed')
    expect(
      links.filter((href) => href.startsWith(`/executions?wf=${failing.id}&from=24h&status=failed`)),
    ).not.toEqual([])
    expect(text).toContain('prod-eu-1 v1')
    expect(links).toContain(`/deployments/${deploymentId}`)
    expect(text).toContain('Not deployed')
  })

  test.each([
    ['node=n8n-nodes-base.cron', ['Nightly']],
    ['node=n8n-nodes-base.slack', ['Morning', 'Nightly']],
    ['cred=slackApi&tag=calm', ['Morning']],
    ['tag=busy', ['Nightly']],
    ['q=mor', ['Morning']],
    ['q=sorted', ['Nightly']],
    ['ready=ready', []],
    ['ready=missing', ['Morning', 'Nightly']],
    ['ready=rejected', []],
    ['node=n8n-nodes-base.if', []],
  ])('is filtered by %s', async (query, names) => {
    const user = await newUser()
    const cron = {
      id: 'c',
      name: 'Cron',
      type: 'n8n-nodes-base.cron',
      typeVersion: 1,
      position: [0, 200],
      parameters: {},
    }
    await app.deps.workflows.create(user.userId, {
      workflow: json('Nightly', cron),
      tags: ['busy'],
      prompt: 'Send it sorted',
    })
    await make(user.userId, 'Morning', { tags: ['calm'] })
    const { status, text } = await user.get(`/workflows?${query}`)
    expect(status).toBe(200)
    expect(rowsOf(text)).toEqual(names)
    if (names.length === 0) expect(text).toContain('No workflows match.')
    expect(text).not.toContain('Ignored')
  })

  test('shows a workflow as ready only if its credential is not rejected', async () => {
    const user = await newUser()
    await make(user.userId, 'Orders')
    await createCredential(app.deps.db, user.userId, 'slackApi', { status: 'invalid' })
    expect((await user.get('/workflows')).text).toContain('Slack API rejected')
    expect(rowsOf((await user.get('/workflows?ready=ready')).text)).toEqual([])
    expect(rowsOf((await user.get('/workflows?ready=rejected')).text)).toEqual(['Orders'])
    await createCredential(app.deps.db, user.userId, 'slackApi')
    expect((await user.get('/workflows')).text).not.toContain('Slack API rejected')
    expect(rowsOf((await user.get('/workflows?ready=ready')).text)).toEqual(['Orders'])
  })

  test('judges a deployed workflow by the credential that is bound', async () => {
    const user = await newUser()
    const { db } = app.deps
    const good = await createCredential(db, user.userId, 'slackApi', { status: 'valid' })
    const rejected = await createCredential(db, user.userId, 'slackApi', { status: 'invalid' })
    const bind = async (name: string, credential: Record<string, string> | null) => {
      const { id } = await make(user.userId, name)
      const { deploymentId } = await track(user, id, name.toLowerCase())
      const bindings = credential === null ? [] : [{ node: slack.name, type: 'slackApi', ...credential }]
      await db.execute(sql`update deployments set bindings = ${JSON.stringify(bindings)}::jsonb
        where id = ${deploymentId}`)
    }
    await bind('Good', { credentialId: good })
    await bind('Rejected', { credentialId: rejected })
    await bind('Unbound', null)
    await bind('Remote', { n8nCredentialId: 'abc' })
    await bind('Deleted', { credentialId: '018f4e5a-0000-7000-8000-000000000000' })
    const answers = async (state: string) => {
      const { items } = (await app.call('GET', `/v1/workflows?readiness=${state}`, { token: user.token }))
        .json
      const ofApi = items.map((item: { name: string }) => item.name).toSorted()
      const ofPage = rowsOf((await user.get(`/workflows?ready=${state}`)).text).toSorted()
      expect(ofPage).toEqual(ofApi)
      return ofApi
    }
    expect(await answers('rejected')).toEqual(['Rejected'])
    expect(await answers('ready')).toEqual(['Deleted', 'Good', 'Remote', 'Unbound'])
    expect(await answers('missing')).toEqual([])
    await db.execute(sql`delete from credentials where user_id = ${user.userId}`)
    expect(await answers('ready')).toEqual(['Remote'])
    expect(await answers('missing')).toEqual(['Deleted', 'Good', 'Rejected', 'Unbound'])
    const unknown = await app.call('GET', '/v1/workflows?readiness=yes', { token: user.token })
    expect(unknown.status).toBe(422)
  })

  test('judges each slot of a type on its own when only some are bound', async () => {
    const user = await newUser()
    const { db } = app.deps
    const answers = async (state: string) => {
      const { items } = (await app.call('GET', `/v1/workflows?readiness=${state}`, { token: user.token }))
        .json
      const names = items.map(({ name }: { name: string }) => name).toSorted()
      expect(rowsOf((await user.get(`/workflows?ready=${state}`)).text).toSorted()).toEqual(names)
      return names
    }
    const ids = new Map<string, string>()
    /** @param nodes the second node, and the bound ones */
    const bind = async (name: string, second: object, bound: string[]) => {
      const made = await app.deps.workflows.create(user.userId, {
        workflow: json(name, { ...slack, id: 'second', name: 'Second', ...second }),
      })
      ids.set(name, made.id)
      const { deploymentId } = await track(user, made.id, name.toLowerCase())
      const bindings = bound.map((node) => ({ node, type: 'slackApi', n8nCredentialId: 'abc' }))
      await db.execute(sql`update deployments set bindings = ${JSON.stringify(bindings)}::jsonb
        where id = ${deploymentId}`)
    }
    const named = (credential: string) => ({ credentials: { slackApi: { id: 'x', name: credential } } })
    await bind('Both', {}, [slack.name, 'Second'])
    await bind('One', {}, [slack.name])
    await bind('Other', named('Old bot'), [slack.name])
    await bind('Disabled', { disabled: true }, [slack.name])
    await bind('Renamed', {}, [slack.name, 'Earlier name'])
    await bind('Elsewhere', { parameters: { ...slack.parameters, authentication: 'oAuth2' } }, [slack.name])
    expect(await answers('missing')).toEqual(['Elsewhere', 'One', 'Other'])
    expect((await user.get(`/workflows/${ids.get('One')}`)).text).toContain('No Slack API credential')
    expect((await user.get(`/workflows/${ids.get('Both')}`)).text).not.toContain('No Slack API credential')
    await createCredential(db, user.userId, 'slackApi', { status: 'invalid', name: 'Old bot' })
    expect(await answers('rejected')).toEqual(['One', 'Other'])
    await createCredential(db, user.userId, 'slackApi', { status: 'valid', name: 'Team bot' })
    expect(await answers('rejected')).toEqual(['Other'])
    expect(await answers('ready')).toContain('One')
  })

  test('judges a workflow without a binding by the credential that its JSON names', async () => {
    const user = await newUser()
    await createCredential(app.deps.db, user.userId, 'slackApi', { status: 'valid', name: 'Team bot' })
    await createCredential(app.deps.db, user.userId, 'slackApi', { status: 'invalid', name: 'Old bot' })
    const naming = (name: string, bot: string, more: object = {}) =>
      app.deps.workflows.create(user.userId, {
        workflow: {
          ...json(name),
          nodes: [hook, { ...slack, credentials: { slackApi: { name: bot } }, ...more }],
        },
      })
    await naming('Named good', 'Team bot')
    await naming('Named rejected', ' Old bot')
    expect(rowsOf((await user.get('/workflows?ready=rejected')).text)).toEqual(['Named rejected'])
    expect(rowsOf((await user.get('/workflows?ready=ready')).text)).toEqual(['Named good'])
  })

  test.each([
    'ready=maybe',
    'after=zzz',
    'nonsense=1',
    `q=${'x'.repeat(300)}`,
    'node=%00',
    'after=1.AAAA',
    'q=a&q=b',
  ])('ignores %s and reports it', async (query) => {
    const user = await newUser()
    await make(user.userId, 'a')
    const { status, text } = await user.get(`/workflows?${query}`)
    expect(status).toBe(200)
    expect(text).toContain('Ignored 1 invalid filter')
    expect(rowsOf(text)).toEqual(['a'])
  })

  test('is paged and lists each workflow once', async () => {
    const user = await newUser()
    for (let index = 0; index < 53; index += 1) await make(user.userId, `W${index}`)
    const first = (await user.get('/workflows')).dom()
    expect(first.next).toMatch(/after=/)
    const second = (await user.get(first.next ?? '')).dom()
    expect([...first.rows, ...second.rows]).toEqual(
      Array.from({ length: 53 }, (_, index) => `W${52 - index}`),
    )
    expect(second.next).toBeNull()
    expect(second.getByRole('link', { name: 'First page' }).getAttribute('href')).toBe('/workflows')
  })

  test('shows no workflows or tags of another user', async () => {
    const [owner, stranger] = [await newUser(), await newUser()]
    await make(owner.userId, 'Owned', { tags: ['owned-tag'] })
    const { text } = await stranger.get('/workflows')
    expect(text).not.toContain('Owned')
    expect(text).not.toContain('owned-tag')
  })
})

describe('creating a workflow', () => {
  test('saves n8n JSON with its prompt and redirects to the workflow', async () => {
    const user = await newUser()
    const sent = await user.post('/workflows/new', {
      workflow: JSON.stringify(json('Orders')),
      prompt: 'Notify the shop of each order',
      model: 'gpt-5',
      name: '',
      tags: 'shop, mail ,',
    })
    expect(sent.status).toBe(303)
    const page = await user.get(sent.location ?? '')
    expect(page.status).toBe(200)
    const { text, document } = page.dom()
    for (const part of ['Orders', 'Notify the shop of each order', 'gpt-5', 'Saved as v1'])
      expect(text).toContain(part)
    const texts = [...document.querySelectorAll('main *')].map(({ textContent }) => textContent)
    expect(texts).toEqual(expect.arrayContaining(['shop', 'mail']))
  })

  test('creates one workflow when the form is submitted twice, and reports it before creating another', async () => {
    const user = await newUser()
    const onceOf = (html: string) => parsePage(html).form('/workflows/new').once ?? ''
    const fields = { workflow: JSON.stringify(json('Orders')), prompt: 'Notify the shop' }
    const once = onceOf((await user.get('/workflows/new')).text)
    const refused = await user.post('/workflows/new', { ...fields, workflow: '{', once })
    expect(onceOf(refused.text)).toBe(once)
    const sent = await Promise.all([1, 2].map(() => user.post('/workflows/new', { ...fields, once })))
    expect(sent.map(({ status }) => status)).toEqual([303, 303])
    expect(sent[1]?.location).toBe(sent[0]?.location)
    const edited = { ...fields, prompt: 'Notify the shop & me' }
    const spent = await user.post('/workflows/new', { ...edited, once })
    expect(spent.status).toBe(409)
    expect(spent.dom().text).toContain('This form already created a workflow')
    expect(spent.dom().form('/workflows/new').prompt).toBe('Notify the shop & me')
    expect(rowsOf((await user.get('/workflows')).text)).toEqual(['Orders'])
    const other = await user.post('/workflows/new', { ...edited, once: onceOf(spent.text) })
    expect(other.status).toBe(303)
    expect(other.location).not.toBe(sent[0]?.location)
    const made = other.location?.split('#')[0]?.split('/').at(-1) ?? ''
    await app.deps.workflows.delete(user.userId, made, {})
    const gone = await user.post('/workflows/new', { ...edited, once: onceOf(spent.text) })
    expect(gone.status).toBe(409)
  })

  test('accepts the wrapper of an export', async () => {
    const user = await newUser()
    const sent = await user.post('/workflows/new', { workflow: JSON.stringify({ data: [json('Wrapped')] }) })
    expect(sent.status).toBe(303)
  })

  test('removes a code fence and text around the JSON, and reports it', async () => {
    const user = await newUser()
    const workflow = `Here it is:\n\`\`\`json\n${JSON.stringify(json('Fenced'))}\n\`\`\`\nHope it helps`
    const sent = await user.post('/workflows/new', { workflow })
    expect(sent.status).toBe(303)
    const page = await user.get(sent.location?.split('#')[0] ?? '')
    expect(page.text).toContain('Removed from the input: a code fence, text around the JSON.')
  })

  test('reports numbers that lose precision', async () => {
    const user = await newUser()
    const workflow = JSON.stringify(json('Chat')).replace(
      '"nodes":[{',
      '"nodes":[{"chatId":12345678901234567890,',
    )
    const sent = await user.post('/workflows/new', { workflow })
    const page = await user.get(sent.location?.split('#')[0] ?? '')
    expect(page.text).toContain('stored as 12345678901234567000')
    expect(page.text).toContain('/nodes/0/chatId')
  })

  test('reports hard-coded secrets without showing them', async () => {
    const user = await newUser()
    const leak = {
      id: 'n3',
      name: 'Call',
      type: 'n8n-nodes-base.httpRequest',
      typeVersion: 4.2,
      position: [440, 0],
      parameters: { url: 'https://example.com', token: planted },
    }
    const sent = await user.post('/workflows/new', { workflow: JSON.stringify(json('Leaky', leak)) })
    const page = await user.get(sent.location?.split('#')[0] ?? '')
    expect(page.text).toContain('looks like a secret. Store it in a credential')
    expect(page.text).toMatch(/Saved as v1 with \d+ findings?/)
    expect(page.text).not.toContain(planted)
  })

  test.each<[string, string, string]>([
    ['empty text', '', 'Paste the JSON of a workflow'],
    ['invalid JSON', '{"nodes": [}', 'Not JSON'],
    ['truncated JSON', '{"nodes": [', 'Not JSON'],
    ['an empty list', '[]', 'The JSON is an empty array without a workflow'],
    ['missing nodes', '{"name":"x"}', 'it has no nodes'],
    ['nodes that are not a list', '{"nodes":{}}', 'its nodes are not an array'],
    ['a node that is not an object', '{"nodes":[{},5]}', '/nodes/1 must be an object'],
    ['a NUL character', '{"nodes":[{"name":"Big","x":"\\u0000"}]}', '/nodes/0/x'],
    ['two workflows', '[{"nodes":[]},{"nodes":[]}]', 'Found 2 workflows. Paste one at a time'],
  ])('rejects %s with an error under the field and keeps the input', async (_, workflow, message) => {
    const user = await newUser()
    const page = await user.post('/workflows/new', { workflow, prompt: `My prompt ${script}`, name: 'Typed' })
    expect(page.status).toBe(422)
    const { form, errorOf, injected, text } = page.dom()
    // Faults with a JSON pointer are listed apart from the field.
    const error = errorOf('workflow')
    expect(message.startsWith('/') ? text : error).toContain(message)
    expect(form('/workflows/new')).toMatchObject({ prompt: `My prompt ${script}`, name: 'Typed' })
    expect(injected).toEqual([])
    expect((await user.get('/workflows')).dom().text).toContain('No workflows yet.')
  })

  test('shows the name of the node at the pointer', async () => {
    const user = await newUser()
    const workflow = '{"nodes":[{"name":"Big one","x":"\\u0000"}]}'
    expect((await user.post('/workflows/new', { workflow })).text).toContain('(Big one)')
  })

  test.each([
    ['{\n  "nodes": [x]\n}', 'Not JSON at line 2, column 13'],
    ['{"nodes": [{"a": \'b\'}]}', 'Not JSON at line 1, column 18'],
    ['{"nodes": [1,]}', 'Not JSON at line 1, column 14'],
    ['{"nodes": [1 2]}', 'Not JSON at line 1, column 14'],
    ['{"nodes": [{"name": "A"}', 'Not JSON: it ends too early'],
  ])('reports the position of the fault in %s', async (workflow, message) => {
    const user = await newUser()
    expect((await user.post('/workflows/new', { workflow })).text).toContain(message)
  })

  test.each([
    ['tags', { tags: 'x'.repeat(70) }, 'At most 64 characters'],
    ['name', { name: 'x'.repeat(201) }, 'At most 200 characters'],
    ['model', { model: 'x'.repeat(201) }, 'At most 200 characters'],
  ])(
    'rejects a value of %s that is too long with an error under the field',
    async (name, fields, message) => {
      const user = await newUser()
      const page = await user.post('/workflows/new', { workflow: JSON.stringify(json('A')), ...fields })
      expect(page.status).toBe(422)
      expect(page.dom().errorOf(name)).toContain(message)
    },
  )

  test('rejects a form from another site', async () => {
    const user = await newUser()
    const headers = { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' }
    const page = await user.post('/workflows/new', { workflow: JSON.stringify(json('Forged')) }, headers)
    expect(page.status).toBe(403)
    expect((await user.get('/workflows')).text).not.toContain('Forged')
  })
})

describe('a workflow', () => {
  test('shows failing nodes and missing credentials in its graph and as text', async () => {
    const user = await newUser()
    const { id } = await make(user.userId, 'Orders', { prompt: 'Notify the shop' })
    const { deploymentId, report } = await track(user, id, 'prod-eu-1')
    for (let run = 0; run < 6; run += 1) await report('error', slack.name)
    const { status, dom } = await user.get(`/workflows/${id}`)
    const { text, links, document } = dom()
    expect(status).toBe(200)
    expect(text).toContain('Failing on prod-eu-1')
    expect(text).toContain('View 6 failed runs')
    expect(text).toContain('6 of the latest 6 runs failed here')
    expect(text).toContain('No Slack API credential')
    for (const mark of ['.mark-fails', '.mark-credential'])
      expect(document.querySelector(`svg ${mark}`), mark).not.toBeNull()
    expect(links.filter((href) => href.startsWith('/credentials/new/slackApi?return='))).not.toEqual([])
    expect(links).toContain(`/deployments/${deploymentId}`)
    expect(text).toContain('0% success')
    expect(document.querySelectorAll('.button.primary')).toHaveLength(1)
  })

  test('has the same numbers as the linked lists', async () => {
    const user = await newUser()
    const { id } = await make(user.userId, 'Counted')
    const { deploymentId, report } = await track(user, id, 'counted')
    for (const status of ['success', 'error', 'error']) await report(status, slack.name)
    await app.deps.workflows.update(user.userId, id, null, {
      workflow: json('Counted', { ...slack, id: 'n3', name: 'More' }),
    })
    await app.database.sql`update deployments set version = 2 where id = ${deploymentId}`
    await app.database
      .sql`insert into deployment_versions (deployment_id, sequence, user_id, version, created_at)
      select deployment_id, max(sequence) + 1, user_id, 2, now() - interval '1 day' from deployment_versions
      where deployment_id = ${deploymentId} group by deployment_id, user_id`
    await report('success')
    const { text, links } = (await user.get(`/workflows/${id}`)).dom()
    expect(text).toContain('2 of 4 runs failed in 24 h')
    expect(text).toContain('View 2 failed runs')
    const inList = async (query: string) =>
      rowsOf((await user.get(`/executions?wf=${id}&${query}`)).text).length
    expect(await inList('status=failed&from=24h')).toBe(2)
    expect(links).toContain(`/executions?wf=${id}&v=1&from=30d&kind=production`)
    const places = (await user.get(`/workflows/${id}/deployments`)).dom()
    const ofLive = `status=success%2Cfailed&v=2&dep=${deploymentId}&from=24h&kind=production`
    expect(places.links).toContain(`/executions?wf=${id}&${ofLive}`)
    expect(places.text).toContain('of 1 run')
    expect(await inList(ofLive)).toBe(1)
  })

  test('marks nodes by the rate of the latest runs, and opens at the worst', async () => {
    const user = await newUser()
    const { id } = await make(user.userId, 'Orders')
    const { report } = await track(user, id, 'rates')
    const marked = async () => {
      const { text } = await user.get(`/workflows/${id}`)
      return [...text.matchAll(/(\d+ of the latest \d+ runs) failed here/g)].map(([, rate]) => rate)
    }
    await report('error', hook.name)
    await report('error', hook.name)
    expect(await marked()).toEqual([])
    for (const node of [hook.name, slack.name, slack.name, slack.name, slack.name])
      await report('error', node)
    const nodes = await app.deps.db.execute(sql`select error_node from executions where workflow_id = ${id}`)
    expect(nodes.rows).toHaveLength(7)
    expect(new Set(await marked())).toEqual(new Set(['3 of the latest 7 runs', '4 of the latest 7 runs']))
    for (let run = 0; run < 12; run += 1) await report('success')
    expect(new Set(await marked())).toEqual(new Set(['4 of the latest 19 runs']))
    for (let run = 0; run < 8; run += 1) await report('success')
    expect(await marked()).toEqual([])
  })

  test('marks no node as failing if all runs succeeded', async () => {
    const user = await newUser()
    const { id } = await make(user.userId, 'Orders')
    const { report } = await track(user, id, 'calm')
    await report('success')
    const { text } = await user.get(`/workflows/${id}`)
    expect(text).toContain('Live on calm')
    expect(text).toContain('100% success')
    expect(text).not.toContain('mark-fails')
  })

  test('links to a credential that its service rejects', async () => {
    const user = await newUser()
    const { id } = await make(user.userId, 'Orders')
    const credential = await createCredential(app.deps.db, user.userId, 'slackApi', {
      name: 'Slack ops',
      status: 'invalid',
    })
    const { text, links } = (await user.get(`/workflows/${id}`)).dom()
    expect(text).toContain('Slack ops was rejected')
    expect(links).toContain(`/credentials/${credential}`)
  })

  test('is shown without runs, earlier versions or deployments', async () => {
    const user = await newUser()
    const { id } = await make(user.userId, 'Orders')
    const { text } = await user.get(`/workflows/${id}`)
    for (const title of ['No runs yet.', 'No deployments yet.', 'Imported. No prompt recorded.']) {
      expect(text).toContain(title)
    }
    expect(text).toContain(`/deployments/new?workflow=${id}`)
    expect(text).not.toContain('Full diff')
  })

  test('escapes names, prompts and parameters', async () => {
    const user = await newUser()
    const odd = { ...slack, name: script, parameters: { ...slack.parameters, text: script } }
    const workflow = { name: script, nodes: [hook, odd], connections: {} }
    const { id } = await app.deps.workflows.create(user.userId, { workflow, prompt: script, tags: [script] })
    const nodes = [{ ...hook, parameters: { path: `${script}2` } }]
    await app.deps.workflows.update(user.userId, id, 1, {
      workflow: { ...workflow, nodes },
      description: script,
    })
    const paths = ['', '/versions', '/versions/1', '/diff/1..2', '/deployments', '/edit', '/delete']
    for (const path of ['/workflows', ...paths.map((each) => `/workflows/${id}${each}`)]) {
      const { status, dom } = await user.get(path)
      const { injected } = dom()
      expect({ path, status, injected }).toEqual({ path, status: 200, injected: [] })
    }
  })

  test('without nodes has all its pages', async () => {
    const user = await newUser()
    const { id } = await app.deps.workflows.create(user.userId, { workflow: { nodes: [] } })
    for (const path of ['', '/versions', '/versions/1', '/diff/1..1', '/deployments', '/edit', '/delete']) {
      expect((await user.get(`/workflows/${id}${path}`)).status).toBe(200)
    }
  })

  test.each(['', '/versions', '/versions/1', '/diff/1..1', '/deployments', '/edit', '/delete'])(
    'of another user is not found: GET %s',
    async (path) => {
      const [owner, stranger] = [await newUser(), await newUser()]
      const { id } = await make(owner.userId, 'Owned')
      expect((await owner.get(`/workflows/${id}${path}`)).status).toBe(200)
      const page = await stranger.get(`/workflows/${id}${path}`)
      expect(page.status).toBe(404)
      expect(page.text).not.toContain('Owned')
    },
  )

  test.each([
    ['/edit', { expected: '1', name: 'Hijacked' }],
    ['/delete', { confirm: 'Owned', force: 'true' }],
    ['/versions/1/restore', { expected: '2' }],
  ])('of another user is not found: POST %s', async (path, fields) => {
    const [owner, stranger] = [await newUser(), await newUser()]
    const { id } = await make(owner.userId, 'Owned')
    await app.deps.workflows.update(owner.userId, id, 1, { description: 'two' })
    expect((await stranger.post(`/workflows/${id}${path}`, fields)).status).toBe(404)
    expect(await app.deps.workflows.find(owner.userId, id)).toMatchObject({ name: 'Owned', version: 2 })
  })

  test.each(['nonsense', '00000000-0000-0000-0000-000000000000', '%00'])(
    'with the ID %s is not found',
    async (id) => {
      const user = await newUser()
      for (const page of ['', '/versions', '/versions/1', '/diff/1..1', '/deployments', '/edit', '/delete']) {
        // A rejection that nothing awaits fails the run.
        expect((await user.get(`/workflows/${id}${page}`)).status, page).toBe(404)
      }
    },
  )
})

describe('versions', () => {
  let user: Awaited<ReturnType<typeof newUser>>
  let id: string
  beforeAll(async () => {
    user = await newUser()
    ;({ id } = await make(user.userId, 'Orders', { prompt: 'Notify the shop', model: 'gpt-5' }))
    const more = { ...slack, id: 'n3', name: 'Notify me too', position: [220, 200] }
    const moved = { ...json('Orders', more), nodes: [{ ...hook, position: [9, 9] }, slack, more] }
    await app.deps.workflows.update(user.userId, id, 1, { workflow: moved, prompt: 'And notify me' })
    const leak = { ...more, parameters: { ...more.parameters, token: planted } }
    await app.deps.workflows.update(user.userId, id, 2, { workflow: json('Orders', leak), prompt: null })
  })

  test('are listed with prompts, changes and authors', async () => {
    const { text } = await user.get(`/workflows/${id}/versions`)
    for (const part of [
      'And notify me',
      'Notify the shop',
      'gpt-5',
      '+1 node',
      '1 changed',
      'Restore v1',
      'Restore v2',
    ]) {
      expect(text).toContain(part)
    }
    expect(text).toContain('Edited manually. No prompt recorded.')
    expect(text).not.toContain('Restore v3')
  })

  test('are compared in the graph and as a list, without moves and secrets', async () => {
    const { status, text } = await user.get(`/workflows/${id}/diff/1..3`)
    expect(status).toBe(200)
    expect(text).toContain('Notify me too')
    expect(text).toContain('mark-added')
    expect(text).toContain('+1 node')
    expect(text).not.toContain('position')
    expect(text).not.toContain(planted)
    const back = await user.get(`/workflows/${id}/diff/3..1`)
    expect(back.text).toContain('mark-removed')
    expect(back.text).toContain('−1 node')
    expect(back.text).not.toContain(planted)
    expect((await user.get(`/workflows/${id}/diff/2..3`)).text).not.toContain(planted)
    expect((await user.get(`/workflows/${id}`)).text).not.toContain(planted)
  })

  test('are compared on pages of 200 nodes', async () => {
    const named = (index: number) => ({ ...slack, id: `n${index}`, name: `Node ${index}.` })
    const many = Array.from({ length: 450 }, (_, index) => named(index))
    const { id: large } = await make(user.userId, 'Large')
    await app.deps.workflows.update(user.userId, large, 1, { workflow: json('Large', ...many) })
    const path = `/workflows/${large}/diff/1..2`
    const shown = async (query: string) => {
      const { document, next } = (await user.get(`${path}${query}`)).dom()
      const names = [...document.querySelectorAll('.change-name')]
        .map((each) => textOf(each))
        .filter((name) => /^Node \d+\.$/.test(name))
      const link = document.querySelector('a[rel=next]')
      return { names, more: link && [next, textOf(link)] }
    }
    const pages = [await shown(''), await shown('?after=200'), await shown('?after=400')]
    expect(pages.map(({ names }) => names.length)).toEqual([200, 200, 50])
    expect(new Set(pages.flatMap(({ names }) => names)).size).toBe(450)
    expect(pages.map(({ more }) => more)).toEqual([
      [`${path}?after=200`, 'and 250 more nodes'],
      [`${path}?after=400`, 'and 50 more nodes'],
      null,
    ])
    for (const query of ['?after=450', '?after=x', '?after=-1']) expect(await shown(query)).toEqual(pages[0])
  })

  test('to compare are chosen in a form', async () => {
    const page = await user.get(`/workflows/${id}/diff?from=1&to=3`)
    expect(page.location).toBe(`/workflows/${id}/diff/1..3`)
  })

  test.each(['1..9', '0..1', '1..', 'x', '1..2..3', '-1..2', '99999999999..1'])(
    'of the range %s are not found',
    async (range) => {
      const { status } = await user.get(`/workflows/${id}/diff/${range}`)
      expect(status).toBe(range === '1..2..3' ? 200 : 404)
    },
  )

  test('have their own page with the whole prompt', async () => {
    const { text } = await user.get(`/workflows/${id}/versions/1`)
    expect(text).toContain('Notify the shop')
    expect(text).toContain('Version 1')
    expect((await user.get(`/workflows/${id}/versions/9`)).status).toBe(404)
  })

  test('are restored as a new version, unless there is a newer one', async () => {
    const own = await make(user.userId, 'Restored', { description: 'one' })
    await app.deps.workflows.update(user.userId, own.id, 1, { description: 'two' })
    const path = `/workflows/${own.id}/versions/1/restore`
    const stale = await user.post(path, { expected: '1' })
    expect(stale.location).toBe(`/workflows/${own.id}/versions`)
    expect((await user.get(stale.location ?? '')).text).toContain(
      'Not restored: someone created v2 in the meantime',
    )
    const done = await user.post(path, { expected: '2' })
    expect((await user.get(done.location ?? '')).text).toContain('Restored v1 as v3')
    expect(await app.deps.workflows.find(user.userId, own.id)).toMatchObject({
      version: 3,
      description: 'one',
    })
    expect((await user.get(`/workflows/${own.id}/versions`)).text).toContain('Restored from v1')
    expect((await user.post(`/workflows/${own.id}/versions/9/restore`, { expected: '3' })).status).toBe(404)
  })

  test('are paged', async () => {
    const own = await make(user.userId, 'Long')
    for (let version = 1; version < 23; version += 1) {
      await app.deps.workflows.update(user.userId, own.id, version, { prompt: `Prompt number ${version}.` })
    }
    const first = await user.get(`/workflows/${own.id}/versions`)
    expect(first.text).toContain('Prompt number 22.')
    expect(first.text).not.toContain('Prompt number 2.')
    expect(first.dom().next).toMatch(/after=\d+$/)
    const second = await user.get(first.dom().next ?? '')
    expect(second.text).toContain('Prompt number 2.')
    expect(second.text).toContain('Prompt number 1.')
    expect(second.dom().next).toBeNull()
  })
})

describe('editing', () => {
  const fieldsOf = (more: Record<string, string> = {}) => ({
    expected: '1',
    name: 'Orders',
    description: '',
    tags: 'shop',
    prompt: 'One\r\nTwo',
    model: '',
    dataRetentionDays: '',
    workflow: '',
    ...more,
  })
  async function prepare() {
    const user = await newUser()
    const { id } = await make(user.userId, 'Orders', { prompt: 'One\nTwo', tags: ['shop'] })
    return { user, id, find: () => app.deps.workflows.find(user.userId, id), path: `/workflows/${id}/edit` }
  }

  test('creates the next version', async () => {
    const { user, find, path } = await prepare()
    const fields = fieldsOf({ name: 'Orders 2', tags: 'a, b', workflow: JSON.stringify(json('x')) })
    const sent = await user.post(path, fields)
    expect(sent.status).toBe(303)
    expect((await user.get(sent.location ?? '')).text).toContain('Saved as v2.')
    expect(await find()).toMatchObject({ name: 'Orders 2', tags: ['a', 'b'], version: 2, prompt: 'One\nTwo' })
  })

  test('creates no version without changes, even if the browser changes line breaks', async () => {
    const { user, find, path } = await prepare()
    await user.post(path, fieldsOf())
    expect(await find()).toMatchObject({ version: 1, prompt: 'One\nTwo' })
    await user.post(path, fieldsOf({ dataRetentionDays: '30' }))
    expect(await find()).toMatchObject({ version: 1, dataRetentionDays: 30 })
  })

  test('clears empty fields', async () => {
    const { user, find, path } = await prepare()
    await user.post(path, fieldsOf({ prompt: '', tags: '' }))
    expect(await find()).toMatchObject({ version: 2, prompt: null, tags: [] })
  })

  test('reports a conflict instead of overwriting, and saves on the second submit', async () => {
    const { user, id, find, path } = await prepare()
    await app.deps.workflows.update(user.userId, id, 1, { description: 'Meanwhile' })
    const page = await user.post(path, fieldsOf({ name: 'Mine' }))
    expect(page.status).toBe(412)
    const { text, links, form } = page.dom()
    expect(text).toContain('v2 was created while you edited v1')
    expect(links).toContain(`/workflows/${id}/diff/1..2`)
    expect(form(path)).toMatchObject({ name: 'Mine', expected: '2' })
    expect(await find()).toMatchObject({ name: 'Orders', version: 2 })
    expect((await user.post(path, fieldsOf({ name: 'Mine', expected: '2' }))).status).toBe(303)
    expect(await find()).toMatchObject({ name: 'Mine', version: 3 })
  })

  test.each<[string, Record<string, string>, string | RegExp]>([
    ['an empty name', { name: ' ' }, 'Must not be empty'],
    ['a retention of 0 days', { dataRetentionDays: '0' }, 'At least 1'],
    ['an invalid retention', { dataRetentionDays: 'x' }, /./],
    ['invalid JSON', { workflow: '{' }, 'Not JSON'],
    ['invalid nodes', { workflow: '{"nodes":[7]}' }, '/nodes/0'],
  ])('rejects %s and changes nothing', async (_, fields, message) => {
    const { user, find, path } = await prepare()
    const page = await user.post(path, fieldsOf({ model: 'typed', ...fields }))
    expect(page.status).toBe(422)
    const error = page.dom().errorOf(Object.keys(fields)[0] ?? '')
    expect(message === '/nodes/0' ? page.dom().text : error).toMatch(message)
    expect(page.dom().form(path).model).toBe('typed')
    expect(await find()).toMatchObject({ version: 1, model: null })
  })
})

describe('deleting', () => {
  test('asks for the name, then deletes the workflow', async () => {
    const user = await newUser()
    const { id } = await make(user.userId, 'Orders')
    const wrong = await user.post(`/workflows/${id}/delete`, { confirm: 'orders' })
    expect(wrong.status).toBe(422)
    expect(wrong.text).toContain('The name does not match')
    const done = await user.post(`/workflows/${id}/delete`, { confirm: 'Orders' })
    expect(done.location).toBe('/workflows')
    expect((await user.get('/workflows')).text).toContain('Deleted Orders.')
    expect((await user.get(`/workflows/${id}`)).status).toBe(404)
  })

  test('lists the deployments and deletes only if forced', async () => {
    const user = await newUser()
    const { id } = await make(user.userId, 'Orders')
    const { deploymentId } = await track(user, id, 'prod-eu-1')
    const page = await user.post(`/workflows/${id}/delete`, { confirm: 'Orders' })
    expect(page.status).toBe(409)
    expect(page.text).toContain('The workflow is deployed.')
    expect(page.text).toContain('prod-eu-1')
    expect(page.text).toContain(`/deployments/${deploymentId}`)
    expect(await app.deps.workflows.find(user.userId, id)).not.toBeNull()
    expect((await user.post(`/workflows/${id}/delete`, { confirm: 'Orders', force: 'true' })).status).toBe(
      303,
    )
    expect(await app.deps.workflows.find(user.userId, id)).toBeNull()
  })

  test('and other changes are rejected from another site', async () => {
    const user = await newUser()
    const { id } = await make(user.userId, 'Orders')
    for (const [path, fields] of [
      ['delete', { confirm: 'Orders' }],
      ['edit', { expected: '1', name: 'Taken' }],
      ['versions/1/restore', { expected: '1' }],
    ] as const) {
      for (const headers of [
        { Origin: 'https://evil.example' },
        { Origin: origin, 'Sec-Fetch-Site': 'same-site' },
        {},
      ]) {
        expect((await user.post(`/workflows/${id}/${path}`, fields, headers)).status).toBe(403)
      }
    }
    expect(await app.deps.workflows.find(user.userId, id)).toMatchObject({ name: 'Orders', version: 1 })
  })
})

describe('the tests of a workflow', () => {
  test('the setting requires a replay, and a replay without stored runs says what to do', async () => {
    const user = await newUser()
    const { id } = await make(user.userId, 'Orders')
    const path = `/workflows/${id}/tests`
    await track(user, id, 'replays')
    expect((await user.post(`${path}/setting`, { requireReplay: 'true' })).status).toBe(303)
    expect(await app.deps.workflows.find(user.userId, id)).toMatchObject({ requireReplay: true, version: 1 })
    const [instance] = (await app.deps.instances.list(user.userId, { limit: 1, after: null })).items
    const answer = await user.post(path, { instanceId: instance?.id ?? '', writes: 'pin', runs: '2' })
    expect(answer.status).toBe(422)
    expect(answer.dom().text).toContain('no successful execution')
    expect(
      (await user.post(path, { instanceId: instance?.id ?? '', writes: 'pin', runs: '6' })).dom().text,
    ).toContain('At most 5')
    await user.post(`${path}/setting`, {})
    expect(await app.deps.workflows.find(user.userId, id)).toMatchObject({ requireReplay: false })
  })
})
