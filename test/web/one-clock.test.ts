/** Every page that says "24 h" counts the same runs, at a moment that is not a full hour, and names states alike. */
import { sql } from 'drizzle-orm'
import { beforeAll, expect, test } from 'vitest'
import { useTestApp } from '../harness/app.ts'
import { parsePage, text as textIn } from '../harness/dom.ts'
import { createCredential } from '../workflows/workflow-server.ts'
import { type SignedInBrowser, signedInBrowser } from './browser.ts'

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs
/** 37 minutes and 23 seconds after a full hour. */
const nowMs = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 3_600_000 + 37 * minuteMs + 23_000
const app = useTestApp({ runtime: { now: () => new Date(nowMs) } })

/** Milliseconds before now → whether the run failed. Those of a day ago and more are at the edges of the period. */
const ages: [ageMs: number, isFailed: boolean][] = [
  [dayMs + 1000, true],
  [dayMs + 30 * minuteMs, true],
  [dayMs, false],
  [dayMs - 1000, true],
  [dayMs - 20 * minuteMs, false],
  [dayMs - 36 * minuteMs, true],
  [dayMs - 50 * minuteMs, false],
  [12 * 60 * minuteMs, true],
  [38 * minuteMs, true],
  [37 * minuteMs, false],
  [1000, true],
]
const counted = ages.filter(([ageMs]) => ageMs <= dayMs)
const failed = counted.filter(([, isFailed]) => isFailed).length

let user: SignedInBrowser
const ids: Record<string, string> = {}

beforeAll(async () => {
  user = await signedInBrowser(app)
  const { email, password } = user
  const { accessToken } = (await app.call('POST', '/v1/auth/login', { body: { email, password } })).json
  const post = async (path: string, body: unknown, token: string = accessToken) => {
    const answer = await app.call('POST', path, { body, token })
    expect(answer.status, answer.text).toBeLessThan(300)
    return answer.json
  }
  const node = { id: 'n1', name: 'Slack', type: 'n8n-nodes-base.slack', typeVersion: 2.3, position: [0, 0] }
  const workflow = await post('/v1/workflows', {
    workflow: { name: 'Clocked', nodes: [{ ...node, parameters: {} }], connections: {} },
  })
  const instance = await post('/v1/instances', {
    name: 'prod',
    baseUrl: 'https://n8n.example.com',
    apiKey: 'key',
  })
  const deployment = await post('/v1/deployments', {
    workflowId: workflow.id,
    instanceId: instance.id,
    n8nWorkflowId: 'wf1',
  })
  const credential = await createCredential(app.deps.db, user.userId, 'slackApi', { status: 'invalid' })
  const bindings = [{ node: 'Slack', type: 'slackApi', credentialId: credential }]
  await app.deps.db.execute(sql`update deployments set bindings = ${JSON.stringify(bindings)}::jsonb`)
  await app.deps.db.execute(sql`update deployment_versions set bindings = ${JSON.stringify(bindings)}::jsonb,
    created_at = now() - interval '40 days'`)
  for (const [index, [ageMs, isFailed]] of ages.entries()) {
    const at = new Date(nowMs - ageMs).toISOString()
    await post(
      `/hooks/n8n/${instance.id}`,
      {
        executionId: String(index + 1),
        workflowId: 'wf1',
        startedAt: at,
        finishedAt: at,
        ...(isFailed ? { status: 'error', error: { message: 'No', node: 'Slack' } } : { status: 'success' }),
      },
      instance.webhookToken,
    )
  }
  Object.assign(ids, { workflow: workflow.id, deployment: deployment.id, instance: instance.id })
})

const textOf = async (path: string) => {
  const { status, text } = await user.get(path)
  expect({ path, status }).toEqual({ path, status: 200 })
  const { document } = parsePage(text)
  for (const drawing of document.querySelectorAll('svg')) drawing.remove()
  return textIn(document.body)
}

const rate = `${(((counted.length - failed) / counted.length) * 100).toFixed(1)}%`

test('counts the same runs of 24 h on every page', async () => {
  const overview = await textOf('/')
  expect(overview).toMatch(new RegExp(`Success rate ${rate.replace('%', '')} %`))
  expect(overview).toMatch(new RegExp(`Runs ${counted.length} `))
  expect(overview).toMatch(new RegExp(`Failed ${failed} `))
  expect(await textOf('/workflows')).toContain(`${rate} ${failed} of ${counted.length} failed`)
  expect(await textOf(`/workflows/${ids.workflow}`)).toContain(`View ${failed} failed runs`)
  expect(await textOf('/deployments')).toContain(`${rate} ${counted.length} runs`)
  const deployment = await textOf(`/deployments/${ids.deployment}`)
  expect(deployment).toMatch(new RegExp(`Runs ${counted.length} `))
  expect(deployment).toMatch(new RegExp(`Failed ${failed} `))
  expect(await textOf('/credentials?period=24h')).toMatch(new RegExp(` ${counted.length} ${failed} `))
  const rowsOf = async (path: string) =>
    parsePage((await user.get(path)).text).document.querySelectorAll('[data-row]')
  expect(await rowsOf('/executions?from=24h')).toHaveLength(counted.length)
  expect(await rowsOf('/executions?from=24h&status=failed')).toHaveLength(failed)
  expect(await textOf('/errors?period=24h')).toMatch(new RegExp(` ${failed} runs? `))
})

test('names the state of a deployment alike on every page', async () => {
  for (const path of [
    '/deployments',
    `/deployments/${ids.deployment}`,
    `/workflows/${ids.workflow}`,
    `/workflows/${ids.workflow}/deployments`,
    `/instances/${ids.instance}`,
    '/workflows',
    '/',
  ]) {
    expect({ path, isFailing: / Failing /.test(await textOf(path)) }).toEqual({ path, isFailing: true })
  }
})

test('shows the counts of the lists in the navigation', async () => {
  await app.deps.db.execute(sql`update deployments set status = 'failed' where id = ${ids.deployment}`)
  const { text } = await user.get('/deployments')
  const { document } = parsePage(text)
  expect(document.querySelector('nav [title="1 failed"]')).not.toBeNull()
  expect(await textOf('/deployments')).toContain('1 failed')
  expect(document.querySelector('nav [title="1 rejected"]')).not.toBeNull()
  expect(await textOf('/credentials')).toMatch(/Rejected 1|1 rejected/i)
})
