import { v7 as uuidv7 } from 'uuid'
import { beforeEach, describe, expect, test } from 'vitest'
import { useTestApp } from '../../harness/app.ts'
import type { Dom } from '../../harness/dom.ts'
import { type Browser, browser, type SignedInBrowser, signedInBrowser } from '../browser.ts'

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

/** The page as its user sees it. */
const open = async (path: string, from: Browser = tab) => (await from.get(path)).dom()

/** The listed events, without the header. */
const eventsIn = ({ table }: Dom) => {
  const [columns, ...events] = table('Audit events, newest first')
  return events.map((cells) => Object.fromEntries(cells.map((cell, index) => [columns?.[index], cell])))
}
/** The actions of the listed events. An empty list has no table. */
const actionsIn = (page: Dom) =>
  page.allByRole('table').length === 0
    ? []
    : eventsIn(page).map(({ Event: event = '' }) => event.split(' ').at(-1))

describe('GET /audit', () => {
  test('lists actor, action and linked object, newest first', async () => {
    const id = await createCredential('Slack <b>bot</b>')
    const { status, dom } = await tab.get('/audit')
    expect(status).toBe(200)
    expect(actionsIn(dom())).toEqual(['credential.created', 'user.registered'])
    expect(eventsIn(dom())[0]).toMatchObject({
      Event: 'Added a credential credential.created',
      Object: 'Slack <b>bot</b>',
      Actor: 'Maya Keller',
    })
    const link = dom().getByRole('link', { name: 'Slack <b>bot</b>' })
    expect(link.getAttribute('href')).toBe(`/credentials/${id}`)
  })

  test('shows a deleted object by its kind, without a link', async () => {
    const id = await createCredential('Gone')
    await app.deps.credentials.delete(tab.userId, id)
    const page = await open('/audit')
    expect(page.links).not.toContain(`/credentials/${id}`)
    const objects = eventsIn(page).map((event) => event.Object)
    expect(objects[0]).toMatch(/of type slackApi, deleted$/)
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
    const page = await open('/audit')
    const link = page.getByRole('link', { name: 'Triage on prod-eu-1' })
    expect(link.getAttribute('href')).toBe(`/deployments/${deploymentId}`)
    expect(eventsIn(page).find((event) => event.Object === 'Triage on prod-eu-1')?.Actor).toBe('Flowkeep')
    const csv = (await tab.get('/audit/export.csv?action=deployment')).text
    expect(csv).toContain(',Triage on prod-eu-1,Triage,prod-eu-1,2,,,')
  })

  test('shows the IP address of each event', async () => {
    expect(eventsIn(await open('/audit')).at(-1)).toMatchObject({ 'IP address': '203.0.113.7' })
    await record('user.login-failed', { details: { ip: '203.0.113.9' } })
    expect(eventsIn(await open('/audit'))[0]).toMatchObject({ 'IP address': '203.0.113.9' })
  })

  test.each([
    ['action=credential', ['credential.created']],
    ['action=user.registered', ['user.registered']],
    ['action=workflow', []],
    ['action=broken', ['credential.created', 'user.registered']],
  ])('filters by %s', async (query, actions) => {
    await createCredential('Slack')
    expect(actionsIn(await open(`/audit?${query}`))).toEqual(actions)
  })

  test('searches names of objects and details', async () => {
    await createCredential('Slack 100%_bot')
    await createCredential('Other')
    await record('user.login-failed', { details: { ip: '203.0.113.9' } })
    const found = async (q: string, more = '') =>
      actionsIn(await open(`/audit?q=${encodeURIComponent(q)}${more}`))
    expect(await found('slack 100%_')).toEqual(['credential.created'])
    expect(await found('203.0.113')).toEqual(['user.login-failed'])
    expect(await found('%')).toEqual(['credential.created'])
    expect(await found('other', '&action=workflow')).toEqual([])
    expect((await open('/audit?q=nothing-like-it')).text).toContain('No matching events.')
    const stranger = await signedInBrowser(app)
    expect(actionsIn(await open('/audit?q=slack', stranger))).toEqual([])
  })

  test('filters by actor', async () => {
    await createCredential('Slack')
    await record('user.login-failed')
    await record('instance.reset-detected')
    const by = async (actor: string) => actionsIn(await open(`/audit?by=${actor}`))
    expect(await by('owner')).toEqual(['credential.created', 'user.registered'])
    expect(await by('flowkeep')).toEqual(['instance.reset-detected'])
    expect(await by('unknown')).toEqual(['user.login-failed'])
    expect(await by('operator')).toEqual([])
    expect((await open('/audit?by=nobody')).text).toContain('Ignored 1 invalid filter: by=nobody.')
    const csv = (await tab.get('/audit/export.csv?by=flowkeep')).text
    expect(csv.trim().split('\n')).toHaveLength(2)
  })

  test('filters by period', async () => {
    await record('workflow.deleted', { daysAgo: 3 })
    await record('workflow.created', { daysAgo: 20 })
    const inPeriod = async (period: string) =>
      actionsIn(await open(`/audit?action=workflow&period=${period}`))
    expect(await inPeriod('24h')).toEqual([])
    expect(await inPeriod('7d')).toEqual(['workflow.deleted'])
    expect(await inPeriod('30d')).toEqual(['workflow.deleted', 'workflow.created'])
  })

  test('pages after 50 events, lists each one once and keeps the filter', async () => {
    for (let index = 0; index < 52; index += 1) await record('instance.updated', { daysAgo: index / 100 })
    const first = await open('/audit?action=instance')
    expect(first.next).toMatch(/^\/audit\?.*after=/)
    expect(first.next).toContain('action=instance')
    expect(actionsIn(first)).toHaveLength(50)
    expect(actionsIn(await open(first.next ?? ''))).toHaveLength(2)
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
    expect(head).toBe(
      'at,action,what,subjectId,details,id,subjectName,workflowName,instanceName,version,tokenId,tokenName,actor,clientAddress,userAgent,sessionId,requestId,seq',
    )
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain(',credential.created,Added a credential,')
    expect(lines[0]).toMatch(/,Slack,,,,,/)
    expect((await tab.get('/audit/export.csv')).text).toContain(",'=cmd(),")
  })
})
