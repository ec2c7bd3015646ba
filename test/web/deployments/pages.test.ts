/** The deployment list, tracking and access control, over database rows without n8n. */
import { v7 as uuidv7 } from 'uuid'
import { describe, expect, test } from 'vitest'
import { useTestApp } from '../../harness/app.ts'
import { browser, signedInBrowser } from '../browser.ts'
import { textOf } from './forms.ts'

const app = useTestApp()
const payload = `<img src=x onerror=alert(1)>"'&`

async function person() {
  const tab = await signedInBrowser(app)
  const { userId } = tab
  const { workflows, instances } = app.deps
  const hook = {
    id: 'h',
    name: 'Hook',
    type: 'n8n-nodes-base.webhook',
    position: [0, 0],
    parameters: { path: 'p' },
  }
  const workflow = async (name: string) =>
    (await workflows.create(userId, { workflow: { name, nodes: [hook], connections: {} } })).id
  const instance = async (name = 'prod-eu-1') =>
    (
      await instances.create(userId, {
        name,
        baseUrl: `https://n8n.example.com/${name}`,
        apiKey: 'key-of-n8n',
      })
    ).id
  /** Inserts a deployment in the given state. */
  async function deployment(
    name: string,
    status: string,
    more: { error?: string; step?: string; on?: string } = {},
  ) {
    const [workflowId, instanceId] = [await workflow(name), more.on ?? (await instance(uuidv7()))]
    const id = uuidv7()
    await app.database
      .sql`insert into deployments (id, user_id, workflow_id, instance_id, version, status, step, error,
      n8n_workflow_id, managed) values (${id}, ${userId}, ${workflowId}, ${instanceId}, 1, ${status},
      ${more.step ?? null}, ${more.error ?? null}, ${id}, true)`
    return { id, workflowId, instanceId }
  }
  return { ...tab, workflow, instance, deployment }
}

describe('the list of deployments', () => {
  test('an empty list offers the next step', async () => {
    const tab = await person()
    const empty = (await tab.get('/deployments')).dom()
    expect(empty.text).toContain('No deployments yet.')
    expect(empty.links).toContain('/instances/new')
    await tab.instance()
    expect(textOf((await tab.get('/deployments')).text)).toContain('Plan deployment')
  })

  test('lists broken deployments first and counts each state', async () => {
    const tab = await person()
    for (const status of ['undeployed', 'active', 'tracking', 'failed', 'inactive', 'deploying']) {
      await tab.deployment(
        `is-${status}`,
        status,
        status === 'failed' ? { step: 'publish', error: 'n8n said no' } : {},
      )
    }
    const text = textOf((await tab.get('/deployments')).text)
    const order = [...text.matchAll(/is-(\w+) on/g)].map(([, status]) => status)
    expect(order).toEqual(['failed', 'deploying', 'active', 'inactive', 'tracking', 'undeployed'])
    expect(text).toContain('n8n said no Stopped at: Publishing')
    expect(text).toContain('1 failed')
  })

  test('marks drifted deployments on every page that shows them', async () => {
    const tab = await person()
    await tab.deployment('as-deployed', 'active')
    const { id, workflowId } = await tab.deployment('changed', 'active')
    await app.database.sql`update deployments set drifted_since = now() where id = ${id}`
    const list = (await tab.get('/deployments')).dom()
    expect([...list.text.matchAll(/(changed|as-deployed) on/g)].map(([, name]) => name)).toEqual([
      'changed',
      'as-deployed',
    ])
    expect(list.text).toContain('1 drifted')
    expect(list.links).toContain(`/deployments/${id}/drift`)
    const only = textOf((await tab.get('/deployments?status=drifted')).text)
    expect([only.includes('changed on'), only.includes('as-deployed on')]).toEqual([true, false])
    for (const path of [`/deployments/${id}`, `/workflows/${workflowId}`, '/']) {
      expect({ path, text: textOf((await tab.get(path)).text) }).toMatchObject({
        text: expect.stringMatching(/drifted|changed (in n8n|on)/i),
      })
    }
  })

  test('lists live deployments with the most failures first, with their last error', async () => {
    const tab = await person()
    const on = await tab.instance('the-one')
    const bad = await tab.deployment('mostly-fails', 'active', { on })
    const good = await tab.deployment('mostly-works', 'active', { on })
    const token = await app.deps.instances.rotateWebhookToken(tab.userId, on)
    const report = (deploymentId: string, index: number, status: string) => ({
      executionId: `${deploymentId.slice(-6)}${index}`,
      workflowId: deploymentId,
      status,
      startedAt: new Date(Date.now() - 60_000 - index * 1000).toISOString(),
      ...(status === 'error' && { error: { message: `boom ${payload}`, node: 'Hook' } }),
    })
    const reports = [0, 1, 2, 3, 4, 5].flatMap((index) => [
      report(bad.id, index, index < 4 ? 'error' : 'success'),
      report(good.id, index, index < 1 ? 'error' : 'success'),
    ])
    const answer = await app.call('POST', `/hooks/n8n/${on}`, { body: reports, token: token ?? '' })
    expect(answer.status).toBe(200)
    const { text, links, injected } = (await tab.get('/deployments')).dom()
    expect(text).toMatch(/mostly-fails.*mostly-works/)
    expect(text.indexOf('mostly-fails')).toBeLessThan(text.indexOf('mostly-works'))
    expect(text).toContain('1 failing')
    expect(text).toContain('33.3% 6 runs')
    expect(text).toContain('83.3% 6 runs')
    expect(text).toContain(`boom ${payload}`)
    expect(links).toContain(`/executions?status=success%2Cfailed&v=1&dep=${bad.id}&from=24h&kind=production`)
    expect(injected).toEqual([])
    expect(textOf((await tab.get('/deployments?status=failing')).text)).not.toContain('mostly-works')
  })

  test.each([
    ['?status=failed', ['b']],
    ['?q=A', ['a']],
    ['?q=%25', []],
    ['?status=active&q=a', ['a']],
  ])('%s shows matching deployments', async (query, expected) => {
    const tab = await person()
    await tab.deployment('name-a', 'active')
    await tab.deployment('name-b', 'failed', { error: 'x', step: 'verify' })
    const { text } = await tab.get(
      `/deployments${query.replace('q=A', 'q=NAME-A').replace('&q=a', '&q=name-a')}`,
    )
    expect([...textOf(text).matchAll(/name-([ab]) on/g)].map(([, name]) => name)).toEqual(expected)
    if (expected.length === 0) expect(textOf(text)).toContain('No deployments match.')
  })

  test.each(['?status=nonsense', '?wf=1', '?inst=zz', '?sort=up'])(
    '%s is ignored and reported',
    async (query) => {
      const tab = await person()
      await tab.deployment('still-there', 'active')
      const { status, text } = await tab.get(`/deployments${query}`)
      expect(status).toBe(200)
      expect(textOf(text)).toContain('still-there on')
      expect(textOf(text)).toContain(`Ignored 1 invalid filter: ${query.slice(1)}.`)
    },
  )

  test('pages through the list and shows each deployment once', async () => {
    const tab = await person()
    const on = await tab.instance()
    for (let index = 0; index < 53; index++) {
      const failed = index % 9 === 0
      await tab.deployment(`flow-${index}`, failed ? 'failed' : 'active', {
        on,
        ...(failed && { error: 'x', step: 'verify' }),
      })
    }
    const first = (await tab.get('/deployments')).dom()
    expect(first.next).toMatch(/^\/deployments\?after=/)
    const second = (await tab.get(first.next ?? '')).dom()
    const names = [first, second].flatMap(({ text }) =>
      [...text.matchAll(/flow-(\d+) on/g)].map(([, name]) => name),
    )
    expect(names).toHaveLength(53)
    expect(new Set(names).size).toBe(53)
    expect((await tab.get('/deployments?after=junk')).status).toBe(200)
  })
})

describe('tracking a workflow that n8n has', () => {
  test('records the deployment and sends nothing to n8n', async () => {
    const tab = await person()
    const [workflowId, instanceId] = [await tab.workflow('Watched'), await tab.instance()]
    const answer = await tab.post('/deployments/track', {
      workflowId,
      instanceId,
      version: '',
      n8nWorkflowId: 'aB3dE5fG',
    })
    expect(answer.status).toBe(303)
    const page = await tab.get(answer.location ?? '')
    expect(textOf(page.text)).toContain('is tracked as v1. Nothing was changed in n8n.')
    expect(textOf(page.text)).toContain('Flowkeep records its runs but does not change it.')
    const again = await tab.post('/deployments/track', { workflowId, instanceId, n8nWorkflowId: 'aB3dE5fG' })
    expect(again.status).toBe(409)
    expect(textOf(again.text)).toContain('already tracks this n8n workflow on this instance')
  })

  test.each([
    [{ workflowId: '' }, 'Choose a workflow'],
    [{ n8nWorkflowId: '../x' }, '1 to 64 letters, digits, _ or -'],
    [{ version: '0' }, 'At least 1'],
    [{ version: '99' }, 'The workflow has no version 99'],
  ])('%j is rejected under its field, and the form preserves its input', async (change, message) => {
    const tab = await person()
    const fields = {
      workflowId: await tab.workflow(payload),
      instanceId: await tab.instance(),
      n8nWorkflowId: 'keep-me',
    }
    const { status, dom } = await tab.post('/deployments/track', { ...fields, ...change })
    expect(status).toBe(422)
    const [field = ''] = Object.keys(change)
    expect(dom().errorOf(field)).toContain(message)
    const unchanged = Object.entries(fields).filter(([name]) => name !== field)
    expect(dom().form('/deployments/track')).toMatchObject(Object.fromEntries(unchanged))
    expect(dom().injected).toEqual([])
  })
})

describe('access control', () => {
  const gets = ['', '/drift', '/rollback?version=1', '/undeploy', '/overwrite', '/delete']
  const posts = ['activate', 'deactivate', 'retry', 'rollback', 'undeploy', 'overwrite', 'adopt', 'delete']

  test("another user's deployment is a 404, like a missing one", async () => {
    const owner = await person()
    const { id } = await owner.deployment('mine', 'active')
    const tab = await person()
    for (const each of [id, uuidv7(), 'nonsense', '%00']) {
      for (const path of gets) {
        expect({ path, each, status: (await tab.get(`/deployments/${each}${path}`)).status }).toEqual({
          path,
          each,
          status: 404,
        })
      }
    }
    for (const action of posts) {
      const { status } = await tab.post(`/deployments/${id}/${action}`, { version: '1', name: 'mine' })
      expect({ action, status }).toEqual({ action, status: 404 })
    }
    const [row] = await app.database.sql`select status from deployments where id = ${id}`
    expect(row?.status).toBe('active')
  })

  test("a plan rejects another user's workflow or instance and does not reveal its name", async () => {
    const owner = await person()
    const [workflowId, instanceId] = [
      await owner.workflow('a-secret-name'),
      await owner.instance('secret-server'),
    ]
    const tab = await person()
    await tab.workflow('own')
    await tab.instance('own-server')
    const { text } = await tab.get(`/deployments/new?workflow=${workflowId}&instance=${instanceId}`)
    expect(textOf(text)).toContain('Workflow not found')
    expect(text).not.toMatch(/a-secret-name|secret-server/)
    const answer = await tab.post('/deployments', {
      workflow: workflowId,
      instance: instanceId,
      planHash: 'x',
    })
    expect(answer.status).toBe(409)
  })

  test('signed out, pages redirect to sign-in and back, and forms change nothing', async () => {
    const owner = await person()
    const { id } = await owner.deployment('mine', 'active')
    const stranger = browser(app.app)
    const page = await stranger.get(`/deployments/${id}/drift`)
    expect(page.location).toBe(`/sign-in?return=${encodeURIComponent(`/deployments/${id}/drift`)}`)
    expect((await stranger.post(`/deployments/${id}/undeploy`)).location).toMatch(/^\/sign-in/)
  })

  test('rejects a form from another site', async () => {
    const owner = await person()
    const { id } = await owner.deployment('mine', 'active')
    for (const headers of [{ Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' }, {}]) {
      for (const path of [`/deployments/${id}/undeploy`, `/deployments/${id}/rollback`, '/deployments']) {
        expect((await owner.post(path, { version: '1' }, headers as never)).status).toBe(403)
      }
    }
  })

  test('names are escaped on every page', async () => {
    const tab = await person()
    const { id } = await tab.deployment(payload, 'failed', { error: payload, step: payload })
    for (const path of [
      '/deployments',
      ...gets.map((each) => `/deployments/${id}${each}`),
      '/deployments/new',
    ]) {
      const { injected } = (await tab.get(path)).dom()
      expect({ path, injected }).toEqual({ path, injected: [] })
    }
    const { text } = (await tab.get(`/deployments/${id}`)).dom()
    expect(text).toContain(payload)
  })
})
