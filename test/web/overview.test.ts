import { v7 as uuidv7 } from 'uuid'
import { describe, expect, test } from 'vitest'
import type { Series } from '../../src/analytics/contract.ts'
import { placeOf, spanLabel } from '../../src/web/charts/scales.ts'
import { createTimeFormat } from '../../src/web/format.ts'
import { attentionOf, type Troubles } from '../../src/web/overview/attention.ts'
import { barsOf } from '../../src/web/overview/cards.tsx'
import { periodNamed, periods } from '../../src/web/components/period.ts'
import { badFrom, toMarkers, toRunsBuckets } from '../../src/web/overview/chart-data.ts'
import { emptyDelivery } from '../../src/executions/record/merge.ts'
import { ingest } from '../../src/executions/record/ingest.ts'
import { useTestApp } from '../harness/app.ts'
import { type Dom, text as textOf } from '../harness/dom.ts'
import { type Browser, signedInBrowser } from './browser.ts'

const app = useTestApp()
const markup = '<script>alert(1)</script>'
const hourMs = 3_600_000

/** A user with a workflow tracked on an instance, and runs that ended an hour ago. */
async function account(statuses: ('success' | 'error')[], name = 'Order sync') {
  const tab = await signedInBrowser(app)
  const { accessToken } = await app.deps.accessTokens.sign({ userId: tab.userId, sessionId: uuidv7() })
  const made = async (path: string, body: unknown) => {
    const response = await app.app.request(path, {
      method: 'POST',
      headers: { Authorization: `Bearer ${accessToken}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (response.status !== 201) throw new Error(await response.text())
    return (await response.json()) as { id: string }
  }
  const workflow = await made('/v1/workflows', { workflow: { name, nodes: [], connections: {} } })
  const instance = await made('/v1/instances', {
    name: 'prod-eu-1',
    baseUrl: 'https://n8n.example.com',
    apiKey: 'a-key-of-n8n',
  })
  const n8nWorkflowId = workflow.id.slice(-12)
  const deployment = await made('/v1/deployments', {
    workflowId: workflow.id,
    instanceId: instance.id,
    n8nWorkflowId,
  })
  const endedMs = Date.now() - hourMs
  await ingest(
    app.deps.db,
    instance.id,
    statuses.map((status, index) => ({
      ...emptyDelivery,
      n8nExecutionId: String(index + 1),
      n8nWorkflowId,
      status,
      mode: 'webhook',
      startedAtMs: endedMs - 2000,
      finishedAtMs: endedMs,
      eventAtMs: endedMs,
      receivedAtMs: Date.now(),
      error:
        status === 'error'
          ? { message: `refused ${markup}`, node: 'Post', httpStatus: 403, errorClass: 'NodeApiError' }
          : null,
      data: null,
    })),
    'push',
  )
  return { ...tab, workflowId: workflow.id, deploymentId: deployment.id, instanceId: instance.id }
}

/** The page as its user sees it. */
const open = async ({ get }: Pick<Browser, 'get'>, path = '/') => (await get(path)).dom()
const attentionIn = (page: Dom) => page.getByRole('region', { name: 'Needs attention' })
/** The cells of the workflow's row, by column. */
const workflowIn = ({ table }: Dom, name: string) => {
  const [columns, ...rows] = table(/^Workflows with the highest failure rate/)
  const row = rows.find(([first]) => first === name)
  return row && Object.fromEntries(row.map((cell, index) => [columns?.[index], cell]))
}

describe('the overview', () => {
  test('shows the first step to a new user', async () => {
    const page = await open(await signedInBrowser(app))
    expect(page.text).toContain('No workflows yet.')
    expect(page.getByRole('link', { name: 'Add workflow' }).getAttribute('href')).toBe('/workflows/new')
    expect(page.text).not.toContain('Success rate')
  })

  test('shows a failing deployment with a next step before the figures', async () => {
    const tab = await account(['success', ...Array<'error'>(5).fill('error')])
    const page = await open(tab)
    expect(page.text).toMatch(/Order sync v1 failed in 5 of 6 runs.*Success rate/)
    expect(textOf(attentionIn(page))).toContain('Order sync v1 failed in 5 of 6 runs')
    expect(page.links).toContain(`/deployments/${tab.deploymentId}`)
    expect(textOf(page.valueOf(/^Success rate/))).toBe('16.7 %')
  })

  test('shows the next step while there are workflows but no runs', async () => {
    const tab = await signedInBrowser(app)
    const page = async () => (await open(tab)).text
    await app.deps.workflows.create(tab.userId, { workflow: { name: 'Fresh', nodes: [], connections: {} } })
    const saved = await page()
    expect(saved).toContain('Add an n8n instance next.')
    expect(saved).not.toContain('Success rate')
    const instanceId = uuidv7()
    await app.database.sql`insert into instances (id, user_id, name, base_url, api_key)
      values (${instanceId}, ${tab.userId}, 'prod', 'https://n8n.example', '{"header":{"kid":"k1"}}')`
    expect(await page()).toContain('Deploy a workflow next.')
    const deployed = await open(await account([]))
    expect(deployed.text).toContain('Order sync is on prod-eu-1. Its first run appears here.')
    expect(deployed.document.querySelectorAll('.button.primary')).toHaveLength(1)
  })

  test('says once that there is nothing to compare with, and links no 0%', async () => {
    const tab = await account(Array<'success'>(6).fill('success'))
    const page = await open(tab)
    expect(page.text.split('No runs in the previous 24 hours')).toHaveLength(2)
    expect(page.text).not.toContain('no data to compare')
    expect(workflowIn(page, 'Order sync')?.Failed).toMatch(/^0%/)
    expect(page.allByRole('link', { name: /^0%/ })).toEqual([])
  })

  test('shows no problems when all runs succeed', async () => {
    const page = await open(await account(Array<'success'>(6).fill('success')), '/?period=7d')
    expect(textOf(attentionIn(page))).toBe('All clear.')
    expect(textOf(page.valueOf(/^Success rate/))).toBe('100 %')
    expect(page.text).toContain('No unresolved errors in the last 7 days.')
  })

  test('shows the same failure counts in figures, errors and workflows, with links', async () => {
    const tab = await account(['error', 'error', 'success', 'success', 'success', 'success'])
    const page = await open(tab, '/?period=30d')
    const failed = page.valueOf(/^Failed/)
    expect(textOf(failed)).toBe('2')
    expect(failed.querySelector('a')?.getAttribute('href')).toMatch(/^\/executions\?.*status=failed/)
    expect(page.links.filter((href) => /^\/errors\/[0-9a-f]{16}$/.test(href))).toHaveLength(1)
    expect(page.table('Errors in the last 30 days')[1]?.[3]).toMatch(/^2/)
    expect(workflowIn(page, 'Order sync')?.Failed).toMatch(/^33\.3%/)
    const rate = page.getByRole('link', { name: /^33\.3%/ })
    expect(rate.getAttribute('href')).toContain(`wf=${tab.workflowId}`)
  })

  test("escapes names and messages, and shows only the user's own data", async () => {
    const page = await open(await account(Array<'error'>(6).fill('error'), markup))
    expect(page.injected).toEqual([])
    expect(textOf(attentionIn(page))).toContain(`${markup} v1 failed in 6 of 6 runs`)
    const other = await account(['success'], 'Of somebody else')
    expect((await other.get('/')).text).not.toContain('alert(1)')
  })

  test('counts live deployments and credential uses beyond the listed rows', async () => {
    const { get, userId, workflowId, instanceId } = await account(['success'])
    const sql = app.database.sql
    const keep = (name: string) =>
      app.deps.credentials.create(userId, { type: 'slackApi', name, data: { accessToken: 'xoxb-1' } })
    const used = await keep('Slack used')
    await sql`insert into workflows (id, user_id, name, tags, node_count, node_types, required_credential_types,
        trigger_types, webhook_paths, warnings, workflow_data, content_hash)
      select gen_random_uuid(), user_id, 'Copy ' || n, tags, node_count, node_types, required_credential_types,
        trigger_types, webhook_paths, warnings, workflow_data, content_hash
      from workflows, generate_series(1, 60) n where id = ${workflowId}`
    await sql`insert into deployments (id, user_id, workflow_id, instance_id, version, status, bindings)
      select gen_random_uuid(), ${userId}, id, ${instanceId}, 1, 'active', '[]'
      from workflows where user_id = ${userId} and name like 'Copy %'`
    await sql`update deployments set bindings = ${JSON.stringify([{ node: 'Slack', type: 'slackApi', credentialId: used?.id }])}::jsonb
      where user_id = ${userId} and workflow_id = (select id from workflows where user_id = ${userId} and name = 'Copy 7')`
    await sql`insert into credentials (id, user_id, name, n8n_credential_type, service, credential_data, field_names, known)
      select gen_random_uuid(), user_id, 'Z other ' || n, n8n_credential_type, service, credential_data, field_names, known
      from credentials, generate_series(1, 60) n where id = ${used?.id}`
    const page = await open({ get })
    expect(page.text).toContain('60 live')
    const [listed] = page.allByRole('listitem', { name: /Slack used/ })
    expect(listed && textOf(listed)).toContain('Slack used Used by 1 workflow')
    await sql`update deployments set status = 'undeployed' where user_id = ${userId}`
    const after = await open({ get })
    expect(after.text).toContain('0 live')
    expect(after.text).toContain('No active deployments.')
    expect(after.text).not.toContain('No deployments yet.')
  })

  test.each(['24h', '7d', '30d', '90d'])('links each bar of %s to its runs', async (period) => {
    const page = await open(await account(['success', 'error']), `/?period=${period}`)
    const queryOf = (link: Element | null) =>
      new URL(link?.getAttribute('href') ?? '', 'https://flowkeep.example.com').searchParams
    const whole = queryOf(page.valueOf(/^Failed/).querySelector('a'))
    const spans = [...page.document.querySelectorAll('svg a[href^="/executions?from="]')]
      .map(queryOf)
      .map((query) => [query.get('from'), query.get('to')])
    expect(spans.length).toBeGreaterThan(20)
    expect(spans[0]?.[0]).toBe(whole.get('from'))
    expect(spans.at(-1)?.[1]).toBe(whole.get('to'))
    expect(spans.slice(1).map(([from]) => from)).toEqual(spans.slice(0, -1).map(([, to]) => to))
  })

  test('defaults to 24 hours for unknown periods', async () => {
    const { get } = await account(['success'])
    const { status, dom } = await get('/?period=%3Cx%3E')
    expect(status).toBe(200)
    expect(dom().getByRole('link', { name: '24 h' }).getAttribute('aria-current')).toBe('true')
    expect(periodNamed('constructor', periods).name).toBe('24h')
  })
})

describe('the attention list', () => {
  const time = createTimeFormat('UTC', new Date('2026-11-22T12:00:00Z'))
  const nothing: Troubles = {
    approvals: 0,
    failing: [],
    failed: [],
    rejected: [],
    silent: [],
    drifted: [],
    incidents: [],
    stuck: { count: 0, since: null, workflowName: null },
    missingTypes: [],
  }
  const since = '2026-11-22T10:00:00Z'
  const failing = {
    id: 'd1',
    workflowName: 'Triage',
    version: 14,
    since,
    succeeded: 3,
    failed: 38,
    runError: '403 Forbidden',
  }

  test('is empty without problems', () => {
    expect(attentionOf(nothing, time)).toEqual([])
  })

  test('names the workflow of a single stuck run', () => {
    const [item] = attentionOf({ ...nothing, stuck: { count: 1, since, workflowName: 'Triage' } }, time)
    expect(item).toMatchObject({
      what: '1 run is stuck.',
      detail: "The run of Triage exceeds the workflow's timeout or 24 hours. It started today at 10:00.",
    })
  })

  test('lists current failures first, by number of failures', () => {
    const items = attentionOf(
      {
        ...nothing,
        failing: [{ ...failing, failed: 5 }, failing],
        failed: [{ ...failing, id: 'd2', instanceName: 'prod', error: 'n8n refused' }],
        rejected: [
          {
            id: 'c1',
            name: 'Slack',
            lastValidatedAt: since,
            validationError: null,
            workflows: 3,
            authenticationFailures: 4,
          },
        ],
        silent: [
          { id: 'i1', name: 'staging', status: 'unreachable', statusDetail: null, lastPolledAt: since },
        ],
        drifted: [{ ...failing, instanceName: 'prod', driftedSince: since }],
        incidents: [
          {
            workflowId: 'w1',
            workflowName: 'Inbox',
            count: 2,
            source: 'trigger',
            message: 'No login',
            latestAt: since,
          },
        ],
        stuck: { count: 2, since, workflowName: 'Triage' },
        missingTypes: [{ displayName: 'Notion API', workflows: 1 }],
      },
      time,
    )
    expect(items.map(({ what }) => what)).toEqual([
      'Triage v14 failed in 38 of 41 runs',
      'Triage v14 failed in 5 of 8 runs',
      'Inbox: Trigger cannot start.',
      'The credential “Slack” was rejected',
      'staging is unreachable.',
      '2 runs are stuck.',
      'Deploying Triage v14 to prod failed.',
      'Triage drifted on prod.',
      'No Notion API credential yet.',
    ])
    expect(items[0]).toMatchObject({
      detail: 'in the last 24 hours; live since today at 10:00. Latest: 403 Forbidden',
      action: { href: '/deployments/d1#history', label: 'Review rollback' },
    })
    expect(items[2]).toMatchObject({
      detail: '2 failures, the latest today at 10:00: No login',
      action: { href: '/workflows/w1#incidents' },
    })
    expect(items[3]?.detail).toBe('today at 10:00. 3 deployed workflows use it.')
    expect(items[4]?.detail).toBe('Last polled today at 10:00.')
    expect(items[5]).toMatchObject({
      detail: "They exceed the workflow's timeout or 24 hours. The oldest, Triage, started today at 10:00.",
      action: { href: '/executions?status=stuck' },
    })
    expect(items[7]).toMatchObject({
      detail: 'n8n no longer runs v14. Detected today at 10:00.',
      action: { href: '/deployments/d1/drift', label: 'Compare' },
    })
  })

  test('truncates external messages', () => {
    const [item] = attentionOf({ ...nothing, failing: [{ ...failing, runError: '💥'.repeat(500) }] }, time)
    const detail = item?.detail as string
    expect(detail.length).toBeLessThan(220)
    expect(detail.isWellFormed()).toBe(true)
  })
})

describe('the charts', () => {
  const statuses = [
    'new',
    'running',
    'waiting',
    'success',
    'error',
    'canceled',
    'crashed',
    'unknown',
  ] as const
  const item = (hour: number, counts: Partial<Record<(typeof statuses)[number], number>> = {}) => {
    const byStatus = Object.fromEntries(statuses.map((status) => [status, counts[status] ?? 0]))
    return {
      start: new Date(hour * hourMs).toISOString(),
      total: Object.values(counts).reduce((sum, each) => sum + each, 0),
      byStatus,
      successRate: null,
      durationMs: { p50: null, p95: null, p99: null },
    } as Series['items'][number]
  }

  const at = (hour: number) => new Date(hour * hourMs)
  const allOf = (items: readonly unknown[], changes = {}) => ({
    from: at(0),
    to: at(items.length),
    knownFrom: null,
    knownUntil: null,
    ...changes,
  })

  test('count every status once per bar and mark unknown time', () => {
    const counts = {
      new: 1,
      running: 2,
      waiting: 4,
      success: 8,
      error: 16,
      canceled: 32,
      crashed: 64,
      unknown: 128,
    }
    expect(toRunsBuckets([item(0, counts)], allOf([1]))).toEqual([
      {
        start: '1970-01-01T00:00:00.000Z',
        end: '1970-01-01T01:00:00.000Z',
        known: true,
        succeeded: 8,
        failed: 80,
        waiting: 4,
        running: 3,
        canceled: 32,
        unknown: 128,
      },
    ])
  })

  test('distinguish unknown time from zero runs', () => {
    const series = [item(0), item(1), item(2, { success: 1 }), item(3)]
    const known = (changes: object) =>
      toRunsBuckets(series, allOf(series, changes)).map((bucket) => bucket.known)
    expect(known({ knownUntil: at(1) })).toEqual([true, true, true, false])
    expect(known({ knownFrom: at(1) })).toEqual([false, true, true, true])
    expect(known({ knownFrom: at(9) })).toEqual([false, false, true, true])
    expect(known({ knownFrom: at(1.5), knownUntil: at(2.5) })).toEqual([false, true, true, false])
  })

  test('cover the period without gaps, with partial first and last bars and days of 23 to 25 hours', () => {
    // Every second midnight in Berlin, where 29 March 2026 has 23 hours.
    const midnights = ['03-26T23', '03-27T23', '03-29T22'].map((hour) => `2026-${hour}:00:00.000Z`)
    const series = midnights.map((start) => ({ ...item(0, { success: 1 }), start }))
    const shown = {
      from: new Date('2026-03-27T15:00:00Z'),
      to: new Date('2026-03-31T10:30:00Z'),
      knownFrom: null,
      knownUntil: null,
    }
    const bars = toRunsBuckets(series, shown)
    expect(bars.map(({ start, end }) => [start, end])).toEqual([
      ['2026-03-27T15:00:00.000Z', '2026-03-27T23:00:00.000Z'],
      ['2026-03-27T23:00:00.000Z', '2026-03-29T22:00:00.000Z'],
      ['2026-03-29T22:00:00.000Z', '2026-03-31T10:30:00.000Z'],
    ])
    const time = createTimeFormat('Europe/Berlin', shown.to)
    expect(bars.map((bar) => spanLabel(bar, 2 * 24 * hourMs, time))).toEqual([
      '27 Mar from 16:00',
      '28 Mar – 29 Mar',
      '30 Mar – 31 Mar',
    ])
    expect(placeOf(bars, '2026-03-27T19:00:00Z')).toBeCloseTo(1 / 6)
    expect(placeOf(bars, '2026-03-29T22:00:00Z')).toBeCloseTo(2 / 3)
    expect(placeOf(bars, '2026-03-27T14:59:59Z')).toBeNull()
    expect(placeOf(bars, '2026-03-31T10:30:00Z')).toBeNull()
  })

  test.each([
    [[100, 99, 40, null, 50], 1],
    [[20, 30], 0],
    [[100, 40, 100], undefined],
    [[null, 40, 90, null], undefined],
    [[100, 90, 89.9], 1],
    [[null, null], undefined],
    [[], undefined],
  ])('the rates %j are drawn as failing from index %s', (rates, from) => {
    expect(badFrom(rates)).toBe(from)
  })

  test('mark the newest versions whose labels fit', () => {
    const version = (hour: number, name = 'Triage') => ({
      deploymentId: 'd',
      workflowName: name,
      version: hour,
      at: new Date(hour * hourMs).toISOString(),
    })
    const markers = toMarkers(
      [
        version(95, 'A name that is far too long for a label'),
        version(90),
        version(60),
        version(30),
        version(1),
      ],
      toRunsBuckets(
        Array.from({ length: 100 }, (_, hour) => item(hour)),
        allOf([], { to: at(100) }),
      ),
    )
    expect(markers.map(({ label }) => label)).toEqual(['A name that is fa… v95', 'Triage v60', 'Triage v30'])
  })

  test('combined bars preserve the total', () => {
    const values = Array.from({ length: 61 }, (_, index) => index)
    expect(barsOf(values).length).toBeLessThanOrEqual(24)
    expect(barsOf(values).reduce((sum, each) => sum + each, 0)).toBe(1830)
    expect(barsOf([1, 2])).toEqual([1, 2])
  })
})
