import { v7 as uuidv7 } from 'uuid'
import { beforeEach, describe, expect, test } from 'vitest'
import { useTestApp } from '../../harness/app.ts'
import { browser, type SignedInBrowser, signedInBrowser } from '../browser.ts'

const app = useTestApp()
let tab: SignedInBrowser

beforeEach(async () => {
  tab = await signedInBrowser(app)
})

async function createCredential(name: string) {
  const data = { accessToken: 'xoxb-1' }
  const made = await app.deps.credentials.create(tab.userId, { type: 'slackApi', name, data })
  return made?.id ?? ''
}

/** Inserts an event directly, to set its time and details. */
async function record(action: string, { daysAgo = 0, subjectId = null as string | null, details = {} } = {}) {
  const msecs = Date.now() - daysAgo * 86_400_000
  await app.database.sql`insert into audit_events (id, user_id, action, subject_id, details, created_at)
    values (${uuidv7({ msecs })}, ${tab.userId}, ${action}, ${subjectId}, ${JSON.stringify(details)}::jsonb,
      ${new Date(msecs).toISOString()})`
}

const actionsIn = (text: string) =>
  [...text.matchAll(/<small class="mono">([a-z.-]+)<\/small>/g)].map(([, action]) => action)

describe('GET /audit', () => {
  test('lists actor, action and linked object, newest first', async () => {
    const id = await createCredential('Slack <b>bot</b>')
    const { status, text } = await tab.get('/audit')
    expect(status).toBe(200)
    expect(actionsIn(text)).toEqual(['credential.created', 'user.registered'])
    expect(text).toContain('Added a credential')
    expect(text).toMatch(new RegExp(`href="/credentials/${id}"[^>]*>Slack &lt;b&gt;bot`))
    expect(text).toContain('Maya Keller')
  })

  test('shows a deleted object by its kind, without a link', async () => {
    const id = await createCredential('Gone')
    await app.deps.credentials.delete(tab.userId, id)
    const { text } = await tab.get('/audit')
    expect(text).not.toContain(`href="/credentials/${id}"`)
    expect(text).toContain('of type slackApi')
    expect(text).toContain(', deleted')
  })

  test('names a deployment by its workflow and instance', async () => {
    const workflow = await app.deps.workflows.create(tab.userId, {
      workflow: { name: 'Triage', nodes: [], connections: {} },
    })
    const [instanceId, deploymentId] = [uuidv7(), uuidv7()]
    await app.database.sql`insert into instances (id, user_id, name, base_url, api_key)
      values (${instanceId}, ${tab.userId}, 'prod-eu-1', 'https://n8n.example', '{"header":{"kid":"k1"}}')`
    await app.database.sql`insert into deployments (id, user_id, workflow_id, instance_id, version, status)
      values (${deploymentId}, ${tab.userId}, ${workflow?.id}, ${instanceId}, 1, 'active')`
    await record('deployment.finished', {
      subjectId: deploymentId,
      details: { action: 'deploy', status: 'active', version: 2 },
    })
    const { text } = await tab.get('/audit')
    expect(text).toMatch(new RegExp(`href="/deployments/${deploymentId}"[^>]*>Triage on prod-eu-1<`))
    expect(text).toContain('<td role="cell" class="phone-hide">Flowkeep</td>')
    const csv = (await tab.get('/audit/export.csv?action=deployment')).text
    expect(csv.trimEnd().endsWith(',Triage on prod-eu-1,Triage,prod-eu-1,2')).toBe(true)
  })

  test('shows the IP address column only when an event has one', async () => {
    expect((await tab.get('/audit')).text).not.toContain('>IP address<')
    await record('user.login-failed', { details: { ip: '203.0.113.9' } })
    const { text } = await tab.get('/audit')
    expect(text).toContain('>IP address<')
    expect(text).toContain('203.0.113.9')
  })

  test.each([
    ['action=credential', ['credential.created']],
    ['action=user.registered', ['user.registered']],
    ['action=workflow', []],
    ['action=broken', ['credential.created', 'user.registered']],
  ])('filters by %s', async (query, actions) => {
    await createCredential('Slack')
    expect(actionsIn((await tab.get(`/audit?${query}`)).text)).toEqual(actions)
  })

  test('searches names of objects and details', async () => {
    await createCredential('Slack 100%_bot')
    await createCredential('Other')
    await record('user.login-failed', { details: { ip: '203.0.113.9' } })
    const found = async (q: string, more = '') =>
      actionsIn((await tab.get(`/audit?q=${encodeURIComponent(q)}${more}`)).text)
    expect(await found('slack 100%_')).toEqual(['credential.created'])
    expect(await found('203.0.113')).toEqual(['user.login-failed'])
    expect(await found('%')).toEqual(['credential.created'])
    expect(await found('other', '&action=workflow')).toEqual([])
    expect((await tab.get('/audit?q=nothing-like-it')).text).toContain('No matching events.')
    const stranger = await signedInBrowser(app)
    expect(actionsIn((await stranger.get('/audit?q=slack')).text)).toEqual([])
  })

  test('filters by actor', async () => {
    await createCredential('Slack')
    await record('user.login-failed')
    await record('instance.reset-detected')
    const by = async (actor: string) => actionsIn((await tab.get(`/audit?by=${actor}`)).text)
    expect(await by('owner')).toEqual(['credential.created', 'user.registered'])
    expect(await by('flowkeep')).toEqual(['instance.reset-detected'])
    expect(await by('unknown')).toEqual(['user.login-failed'])
    expect(await by('operator')).toEqual([])
    expect((await tab.get('/audit?by=nobody')).text).toContain('Ignored 1 invalid filter: by=nobody.')
    const csv = (await tab.get('/audit/export.csv?by=flowkeep')).text
    expect(csv.trim().split('\n')).toHaveLength(2)
  })

  test('filters by period', async () => {
    await record('workflow.deleted', { daysAgo: 3 })
    await record('workflow.created', { daysAgo: 20 })
    const inPeriod = async (period: string) =>
      actionsIn((await tab.get(`/audit?action=workflow&period=${period}`)).text)
    expect(await inPeriod('24h')).toEqual([])
    expect(await inPeriod('7d')).toEqual(['workflow.deleted'])
    expect(await inPeriod('30d')).toEqual(['workflow.deleted', 'workflow.created'])
  })

  test('pages after 50 events, lists each one once and keeps the filter', async () => {
    for (let index = 0; index < 52; index += 1) await record('instance.updated', { daysAgo: index / 100 })
    const first = await tab.get('/audit?action=instance')
    const next = /href="(\/audit\?[^"]*after=[^"]+)"/.exec(first.text)?.[1]?.replaceAll('&amp;', '&') ?? ''
    expect(next).toContain('action=instance')
    expect(actionsIn(first.text)).toHaveLength(50)
    expect(actionsIn((await tab.get(next)).text)).toHaveLength(2)
  })

  test('shows nothing from another user', async () => {
    const id = await createCredential('Private name')
    const other = await signedInBrowser(app)
    // An event may carry another user's ID. It must not reveal that user's name.
    await app.database.sql`insert into audit_events (id, user_id, action, subject_id)
      values (${uuidv7()}, ${other.userId}, 'credential.deleted', ${id})`
    expect((await other.get('/audit')).text).not.toContain('Private name')
    expect((await other.get('/audit/export.csv')).text).not.toContain('credential.created')
  })

  test('redirects to the sign-in page without a session', async () => {
    for (const path of ['/audit', '/audit/export.csv']) {
      expect(await browser(app.app).get(path)).toMatchObject({ status: 303 })
    }
  })
})

describe('GET /audit/export.csv', () => {
  test('exports the filtered events with their text, safe for a spreadsheet', async () => {
    await createCredential('Slack')
    await record('=cmd()', {})
    const { headers, text } = await tab.get('/audit/export.csv?action=credential')
    expect(headers.get('Content-Type')).toContain('text/csv')
    expect(headers.get('Content-Disposition')).toContain('audit-trail.csv')
    const [head, ...lines] = text.trimEnd().split('\r\n')
    expect(head).toBe('at,action,what,subjectId,details,id,subjectName,workflowName,instanceName,version')
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain(',credential.created,Added a credential,')
    expect(lines[0]).toMatch(/,Slack,,,$/)
    expect((await tab.get('/audit/export.csv')).text).toContain(",'=cmd(),")
  })
})
