import { beforeAll, describe, expect, test } from 'vitest'
import { useTestApp } from '../../harness/app.ts'
import { type Dom, text as textOf } from '../../harness/dom.ts'
import { browser, signedInBrowser } from '../browser.ts'
import { type ExecutionsWorld, executionsWorld } from './world.ts'

const app = useTestApp()
const forbidden = { message: '403 Forbidden: the token lacks scope issues:create', httpCode: '403' }

let world: ExecutionsWorld
let failed: string
let succeeded: string
beforeAll(async () => {
  world = await executionsWorld(app)
  succeeded = await world.report({ id: 48_211, status: 'success' })
  await world.report({ id: 48_212, error: { message: 'timeout of 10000ms exceeded' }, startMs: 60_000 })
  failed = await world.report({ id: 48_213, error: forbidden, startMs: 120_000 })
})

/** The numbers of the listed runs. */
const numbersIn = ({ rows }: Dom) => rows.flatMap((row) => /#([\d ]+)$/.exec(row)?.[1] ?? [])
const listed = (page: Dom) => numbersIn(page).map((number) => number.slice(-3))
/** The page as its user sees it, with its status. */
const page = async (path: string, tab: Pick<ExecutionsWorld, 'get'> = world) => {
  const { status, dom } = await tab.get(path)
  return { status, ...dom() }
}
/** Address of the only link with the name; undefined if there is none. */
const hrefOf = ({ allByRole }: Dom, name: string | RegExp) => {
  const [link, ...others] = allByRole('link', { name })
  expect(others).toEqual([])
  return link?.getAttribute('href') ?? undefined
}
/** Query of the address that counts newer runs. */
const liveHref = ({ document }: Dom) =>
  document.querySelector('[data-live]')?.getAttribute('data-live') ?? null

describe('the run list', () => {
  test('shows status, workflow, start, duration, trigger, version and instance, newest first', async () => {
    const shownPage = await page('/executions')
    const { status, text, links, table } = shownPage
    expect(status).toBe(200)
    expect(listed(shownPage)).toEqual(['213', '212', '211'])
    const cells = table('Runs, newest first').slice(1).flat().join('\n')
    for (const shown of [
      'Failed',
      'Succeeded',
      'Support triage',
      '4.00 s',
      'Gmail trigger',
      'v1',
      'prod-eu-1',
    ]) {
      expect(cells).toContain(shown)
    }
    expect(text).toContain('Create issue: 403 Forbidden: the token lacks scope issues:create')
    expect(links).toContain(`/executions/${failed}`)
    expect((await world.get('/executions')).text).not.toContain('canary')
  })

  test.each<[string, () => string, string[]]>([
    ['a status', () => 'status=success', ['211']],
    ['the failed group of statuses', () => 'status=failed', ['213', '212']],
    ['a workflow and its version', () => `wf=${world.workflowId}&v=1`, ['213', '212', '211']],
    ['another version', () => 'v=2', []],
    ['an instance', () => `inst=${world.instanceId}`, ['213', '212', '211']],
    ['a deployment', () => `dep=${world.deploymentId}`, ['213', '212', '211']],
    ['another deployment', () => `dep=${world.instanceId}`, []],
    ['the failed node', () => 'node=Create+issue', ['213', '212']],
    ['a period', () => 'from=2026-11-22T10:01&to=2026-11-22T10:02', ['212']],
    ['part of the error', () => 'q=lacks+scope', ['213']],
    ['part of the name', () => 'q=TRIAGE', ['213', '212', '211']],
    ['a number in the error', () => 'q=403', ['213']],
    ['a literal wildcard', () => 'q=%25', []],
    ['the number as shown', () => 'q=%2348+212', ['212']],
    ['an id', () => `q=${failed}`, ['213']],
  ])('filters by %s', async (_what, query, numbers) => {
    const found = await page(`/executions?${query()}`)
    expect(listed(found)).toEqual(numbers)
    expect(found.text).not.toContain('Ignored')
    expect(found.text.includes('No runs match.')).toBe(numbers.length === 0)
  })

  test.each(['lacks scope', '403 forbid', 'TRIAGE', 'nodes slack'])(
    'search finds the workflow or error of %s, and nothing from another user',
    async (q) => {
      const path = `/search?q=${encodeURIComponent(q)}`
      const own = await world.get(path)
      const found = own.location === null ? own.dom().links : [own.location]
      expect(found.join(' ')).toMatch(/\/errors\/[0-9a-f]{16}|\/workflows\/[0-9a-f-]{36}/)
      const { text } = await page(path, await signedInBrowser(app))
      expect(text).toContain('No results for')
    },
  )

  test('ignores and reports invalid filters', async () => {
    const found = await page('/executions?status=broken&wf=1&status=failed')
    expect(found.status).toBe(200)
    expect(listed(found)).toEqual(['213', '212'])
    expect(found.text).toContain('Ignored 2 invalid filters: status=broken, wf=1.')
  })

  test('shows 50 runs per page, with a link to the next', async () => {
    const many = await executionsWorld(app)
    for (let id = 48_100; id < 48_152; id += 1) {
      await many.report({ id, status: 'success', startMs: id * 1000, withoutData: true })
    }
    const first = await page('/executions?status=success', many)
    expect(listed(first)).toHaveLength(50)
    expect(liveHref(first)).not.toBeNull()
    expect(first.next).toMatch(/^\/executions\?.*after=/)
    expect(first.next).toContain('status=success')
    const rest = await page(first.next ?? '', many)
    expect(listed(rest)).toEqual(['101', '100'])
    expect(hrefOf(rest, 'First page')).toBe('/executions?status=success')
    expect(liveHref(rest)).toBeNull()
  })

  test('shows an empty state with the next step', async () => {
    const fresh = await signedInBrowser(app)
    const empty = await page('/executions', fresh)
    expect(empty.text).toContain('No runs yet.')
    expect(hrefOf(empty, 'View deployments')).toBe('/deployments')
    expect((await page('/executions?q=1', fresh)).text).toContain('No runs match.')
  })

  test('counts newer runs that match the filter', async () => {
    const live = await executionsWorld(app)
    await live.report({ id: 1, status: 'success', withoutData: true })
    const news = async (query: string) => {
      const url = liveHref(await page(`/executions?${query}`, live)) ?? ''
      return async () => JSON.parse((await live.get(url, { Accept: 'application/json' })).text)
    }
    const [all, failures] = [await news(''), await news('status=failed')]
    expect(await all()).toEqual({ notice: null, at: expect.stringMatching(/^\d\d:\d\d:\d\d$/) })
    await live.report({ id: 2, status: 'success', withoutData: true })
    await live.report({ id: 3, error: forbidden })
    expect((await all()).notice).toBe('2 new runs')
    expect((await failures()).notice).toBe('1 new run')
    expect((await live.get('/executions/news?than=x', { Accept: 'application/json' })).status).toBe(422)
  })

  const readAs = async (query: string) => {
    const found = await page(`/executions?${query}`)
    return {
      form: new URLSearchParams(found.search('/executions')),
      times: new URLSearchParams(liveHref(found)?.split('?')[1]),
    }
  }

  test('preserves an exact period until another one is chosen', async () => {
    const exact = { from: '2026-11-20T10:00:07.250Z', to: '2026-11-21T10:00:30Z' }
    const { form } = await readAs(`${new URLSearchParams(exact)}`)
    const again = await readAs(`${form}`)
    expect([again.times.get('from'), again.times.get('to')]).toEqual([
      '2026-11-20T10:00:07.250',
      '2026-11-21T10:00:30',
    ])
    form.set('period', '24h')
    const { times } = await readAs(`${form}`)
    expect([times.get('from'), times.get('to')]).toEqual(['24h', null])
  })

  test.each(['24h', '3d'])('preserves the relative period %s until a time is entered', async (ago) => {
    const { form } = await readAs(`from=${ago}`)
    expect((await readAs(`${form}`)).times.get('from')).toBe(ago)
    form.append('from', '2026-11-20T10:00')
    expect((await readAs(`${form}`)).times.get('from')).toBe('2026-11-20T10:00')
  })

  test('exports a file with the same filters', async () => {
    const csv = await world.get('/executions/export?status=failed&format=csv')
    expect(csv.headers.get('Content-Disposition')).toBe('attachment; filename="executions.csv"')
    expect(csv.headers.get('Content-Type')).toMatch(/^text\/csv/)
    expect(csv.text.trim().split('\r\n')).toHaveLength(3)
    const json = JSON.parse((await world.get('/executions/export?status=success&format=json')).text)
    expect(json).toMatchObject([{ id: succeeded, n8nExecutionId: '48211' }])
  })
})

describe('the page of a run', () => {
  test('shows the nodes, the error at its node, an explanation and a fix', async () => {
    const run = await page(`/executions/${failed}`)
    const { status, text, links, document } = run
    expect(status).toBe(200)
    expect(text).toContain('4 of 5 nodes ran')
    for (const shown of ['New mail', 'Agent', 'Create issue', 'Tell team', 'not reached', '3.00 s', '×2']) {
      expect(text).toContain(shown)
    }
    const nested = [...document.querySelectorAll('tr.wf-depth-1')].map(textOf)
    expect(nested).toEqual([expect.stringMatching(/Model/)])
    expect(text).toContain('Linear accepted the credential but denied this request')
    expect(links).toContain(`/credentials/${world.credentialId}`)
    expect(text).toContain('NodeApiError HTTP 403 at Create issue')
    expect(hrefOf(run, /^Open in n8n/)).toBe('https://n8n.example.com/eu/workflow/wf1/executions/48213')
    expect(text).toContain('1 run since')
    expect(text).toContain('No runs before v1')
    expect(text).toContain('From this node: yes. From the start: yes. No node has written data.')
    expect(document.querySelector('[data-refresh]')).toBeNull()
  })

  test('never shows values of parameters, items or credentials', async () => {
    const { text, dom } = await world.get(`/executions/${failed}?node=Agent`)
    expect(dom().text).toContain('expression · 13')
    expect(text).not.toMatch(/secret-value|item-value|canary/)
  })

  test('describes the failure for an AI without secrets', async () => {
    const { document } = await page(`/executions/${failed}`)
    const aiText = document.querySelector('#ai-text')?.textContent ?? ''
    for (const part of [
      'Support triage, version 1',
      'Sort mails. Use [redacted]',
      'Create issue (n8n-nodes-base.linear, version 1)',
      '- /operation: "create"',
      '403 Forbidden: the token lacks scope issues:create',
      '- Tell team: not reached',
    ]) {
      expect(aiText).toContain(part)
    }
    expect(aiText).not.toMatch(/secret-value|abcdefghijklmnop/)
  })

  test('selects the node in the URL, otherwise the failed node', async () => {
    /** The current row of the timeline, which the heading of the inspector names too. */
    const selected = async (path: string) => {
      const { document } = await page(path)
      const [row, ...others] = document.querySelectorAll('[data-row][aria-current=true] [title]')
      expect(others).toEqual([])
      const heading = document.querySelector('#inspector h2')
      expect(heading && textOf(heading)).toContain(row && textOf(row))
      return row && textOf(row)
    }
    expect(await selected(`/executions/${failed}`)).toBe('Create issue')
    expect(await selected(`/executions/${failed}?node=Tell+team`)).toBe('Tell team')
    expect(await selected(`/executions/${failed}?node=Nobody`)).toBe('New mail')
    expect(await selected(`/executions/${succeeded}`)).toBe('New mail')
  })

  test('shows the kind of run, and links a run to its retry and back', async () => {
    const { send, get } = await executionsWorld(app)
    const run = (executionId: string, more: object) =>
      send({
        executionId,
        workflowId: 'wf1',
        mode: 'webhook',
        startedAt: '2026-11-22T10:00:00Z',
        finishedAt: '2026-11-22T10:00:01Z',
        ...more,
      })
    const failed = await run('301', { status: 'error', error: { message: 'm' } })
    const retry = await run('302', {
      status: 'success',
      mode: 'retry',
      retryOf: '301',
      startedAt: '2026-11-22T11:00:00Z',
      finishedAt: '2026-11-22T11:00:01Z',
    })
    const manual = await run('303', { status: 'success', mode: 'manual', retryOf: '7' })
    const first = await page(`/executions/${failed}`, { get })
    expect(first.text).toContain('Superseded by a retry')
    expect(hrefOf(first, 'Retried by a later run')).toBe(`/executions/${retry}`)
    const second = await page(`/executions/${retry}`, { get })
    expect(hrefOf(second, 'Retry of an earlier run')).toBe(`/executions/${failed}`)
    expect((await page(`/executions/${manual}`, { get })).text).toContain('Retry of #7')
  })

  test('links to the adjacent runs in the originating list', async () => {
    const neighbours = async (query: string) => {
      const run = await page(`/executions/${failed}${query}`)
      return { newer: hrefOf(run, 'Newer run'), older: hrefOf(run, 'Older run') }
    }
    const { newer, older } = await neighbours('')
    expect(newer).toBeUndefined()
    expect(older).toMatch(/^\/executions\/[0-9a-f-]{36}$/)
    expect((await neighbours(`?list=${encodeURIComponent('status=success')}`)).older).toBe(
      `/executions/${succeeded}?list=status%3Dsuccess`,
    )
    const { links } = await page(`/executions/${failed}?list=${encodeURIComponent('status=success&bad=1')}`)
    expect(links).toContain('/executions?status=success')
  })

  test('shows a growing bar and refreshes while the run is in progress', async () => {
    const id = await world.report({ id: 'running-1', status: 'running' })
    const { text, document } = await page(`/executions/${id}`)
    expect(document.querySelectorAll('#run[data-refresh]')).toHaveLength(1)
    expect(text).toContain('This run')
    expect(text).toContain('Running.')
  })

  test.each<[string, Record<string, unknown>, string | RegExp]>([
    ['is waiting', { status: 'waiting' }, 'Waiting.'],
    ['has not started', { status: 'new' }, 'Queued.'],
    ['has custom data', { status: 'success', data: { rows: 1 } }, /custom data without nodes/],
    ['has too much data', { status: 'success', data: { text: 'x'.repeat(300_000) } }, 'too large to store'],
    [
      'has no data',
      { status: 'error', error: { message: 'Odd', node: 'Create issue' } },
      'not been fetched yet',
    ],
  ])('explains a run that %s', async (what, fields, message) => {
    const id = await world.send({
      executionId: `state-${what.replaceAll(' ', '-')}`,
      workflowId: 'wf1',
      ...fields,
    })
    const { status, text } = await page(`/executions/${id}`)
    expect(status).toBe(200)
    expect(text).toMatch(message)
  })

  test('explains data that n8n did not save and data past its retention', async () => {
    const id = await world.report({ id: 'trimmed-1', error: forbidden })
    const set = (column: string) => app.deps.db.execute(`update executions set ${column} where id = '${id}'`)
    await set('data = null')
    expect((await page(`/executions/${id}`)).text).toContain('Run data was deleted after 30 days.')
    await world
      .api('PATCH', `/v1/workflows/${world.workflowId}`, { dataRetentionDays: 7 })
      .catch(() => undefined)
    await set("data_stamp = '-'")
    const { text, links } = await page(`/executions/${id}`)
    expect(text).toContain('n8n saved no data for this run.')
    expect(links).toContain('https://n8n.example.com/eu/workflow/wf1')
    expect(text).toContain('403 Forbidden: the token lacks scope')
  })

  test('works after its workflow is deleted', async () => {
    const gone = await executionsWorld(app)
    const id = await gone.report({ id: 1, error: forbidden })
    await app.deps.workflows.delete(gone.userId, gone.workflowId, { force: true })
    const { status, text } = await page(`/executions/${id}`, gone)
    expect(status).toBe(200)
    expect(text).toContain('Deleted workflow')
    expect(text).toContain('The version that ran was deleted')
    expect((await page('/executions', gone)).text).toContain('Deleted workflow')
  })
})

describe('error groups', () => {
  let grouped: ExecutionsWorld
  let group: string
  beforeAll(async () => {
    grouped = await executionsWorld(app)
    for (const id of [1, 2, 3]) {
      const afterMs = Date.now() - Date.parse('2026-11-22T10:00:00.000Z') - id * 1000
      await grouped.report({
        id,
        startMs: afterMs,
        error: { message: `Ticket ${id} was not found`, httpCode: '404' },
      })
    }
    const { links } = await page('/errors', grouped)
    group = links.find((href) => /^\/errors\/[0-9a-f]{16}/.test(href))?.slice(8, 24) ?? ''
  })

  test('are one row of the list, with a count', async () => {
    const { text, table, rows, getByRole } = await page('/errors', grouped)
    expect(text).toContain('1 group')
    expect(rows).toEqual(['Ticket 1 was not found'])
    expect(getByRole('link', { name: 'Support triage' }).getAttribute('title')).toBe('Support triage')
    const [, [error, trend, , runs] = []] = table(/^Error groups/)
    expect(error).toBe('Ticket 1 was not found Create issue · NodeApiError · HTTP 404')
    expect(trend).toContain('New')
    expect(runs).toMatch(/^3/)
  })

  test('have a page with frequency, first occurrence, versions and runs', async () => {
    const own = await page(`/errors/${group}?period=24h`, grouped)
    expect(own.status).toBe(200)
    expect(own.text).toContain('Ticket 1 was not found')
    expect(own.text).toContain('could not find the resource')
    expect(own.links).toContain(`/executions?error=${group}&from=24h&kind=production`)
    expect(own.links).toContain(
      `/executions?wf=${grouped.workflowId}&v=1&error=${group}&from=24h&kind=production`,
    )
    expect(numbersIn(own)).toEqual(['1', '2', '3'])
    expect(numbersIn(await page(`/executions?error=${group}`, grouped))).toEqual(['1', '2', '3'])
  })

  test('are linked from their runs', async () => {
    const list = await page(`/executions?error=${group}`, grouped)
    const run = list.links.find((href) => /^\/executions\/[0-9a-f-]{36}/.test(href)) ?? ''
    const { text, links } = await page(run, grouped)
    expect(links).toContain(`/errors/${group}`)
    expect(text).toContain('3 runs since')
  })

  test('are a 404 for another user, and so is an invalid fingerprint', async () => {
    for (const id of [group, '0'.repeat(16), 'x', '..%2f']) {
      expect((await page(`/errors/${id}`)).status).toBe(404)
    }
  })

  test('show an empty state if there are none', async () => {
    const { text } = await page('/errors?period=nonsense', await signedInBrowser(app))
    expect(text).toContain('No unresolved errors in this period.')
  })

  test('are resolved, reopened and ignored with buttons that need no script', async () => {
    const path = `/errors/${group}/state?period=24h`
    const listed = async (state = '') =>
      (await page(`/errors${state}`, grouped)).links.some((href) => href.startsWith(`/errors/${group}`))
    const resolved = await grouped.post(path, { state: 'resolved', fixedIn: '' })
    expect(resolved).toMatchObject({ status: 303, location: `/errors/${group}?period=24h` })
    expect([await listed(), await listed('?state=resolved'), await listed('?state=all')]).toEqual([
      false,
      true,
      true,
    ])
    const own = await page(`/errors/${group}`, grouped)
    expect(own.getByRole('button', { name: 'Reopen' }).getAttribute('type')).toBe('submit')
    expect(own.text).toContain('It reopens if it fails again.')
    await grouped.report({
      id: 900,
      startMs: Date.now() + 60_000 - Date.parse('2026-11-22T10:00:00.000Z'),
      error: { message: 'Ticket 900 was not found', httpCode: '404' },
    })
    const regressed = (await page(`/errors/${group}`, grouped)).getByText('Regressed')
    expect(regressed.className.split(' ')).toEqual(['tag', 'fail'])
    await grouped.post(path, { state: 'ignored' })
    expect([await listed(), await listed('?state=ignored')]).toEqual([false, true])
    expect((await page('/', grouped)).text).toContain('No unresolved errors in the last 24 hours.')
    expect((await page('/audit', grouped)).text).toContain('Ignored an error group')
    await grouped.post(path, { state: 'open' })
    expect(await listed()).toBe(true)
    for (const fields of [{ state: 'closed' }, { state: 'resolved', fixedIn: 'x.y' }]) {
      expect((await grouped.post(path, fields as Record<string, string>)).status).toBe(404)
    }
    const stranger = await signedInBrowser(app)
    expect((await stranger.post(path, { state: 'ignored' })).status).toBe(404)
    expect((await grouped.post(path, { state: 'ignored' }, { Origin: 'https://evil.example' })).status).toBe(
      403,
    )
  })
})

describe('access control', () => {
  test("another user's run is a 404 and absent from lists, counts and exports", async () => {
    const other = await signedInBrowser(app)
    expect((await page(`/executions/${failed}`, other)).status).toBe(404)
    for (const path of [
      '/executions',
      `/executions?wf=${world.workflowId}`,
      `/executions?q=${failed}`,
      '/executions?q=48213',
      '/executions/export?format=json',
      `/executions/news?than=${succeeded}`,
      '/errors',
    ]) {
      const { text } = await other.get(path)
      expect(text).not.toMatch(/Support triage|lacks scope|n8nExecutionId|#48213|new run/)
    }
  })

  test.each(['x', '01890a5d-ac96-774b-bcce-b302099a8057', '6f9619ff-8b86-4011-b42d-00cf4fc964ff'])(
    '%s is a 404',
    async (id) => expect((await page(`/executions/${id}`)).status).toBe(404),
  )

  test('signed out, pages redirect to sign-in and back', async () => {
    const { status, location } = await browser(app.app).get('/executions?status=failed')
    expect(status).toBe(303)
    expect(location).toBe('/sign-in?return=%2Fexecutions%3Fstatus%3Dfailed')
    const news = await browser(app.app).get('/executions/news', { Accept: 'application/json' })
    expect(news.status).toBe(401)
  })
})

describe('text from users and services', () => {
  const markup = `<img src=x onerror=alert(1)>"'</script>`
  test('is escaped on every page', async () => {
    const marked = await executionsWorld(app, markup)
    const run = await marked.report({
      id: 'm-1',
      mode: markup,
      error: { message: markup, name: 'Odd', httpCode: '403' },
    })
    const { links } = await page('/errors?period=30d', marked)
    const group = links.find((href) => /^\/errors\/[0-9a-f]{16}/.test(href))
    for (const path of [
      '/executions',
      `/executions?q=${encodeURIComponent(markup)}&node=${encodeURIComponent(markup)}&bad=${encodeURIComponent(markup)}`,
      `/executions/${run}`,
      `/executions/${run}?node=${encodeURIComponent(`Create issue${markup}`)}&list=${encodeURIComponent(`q=${markup}`)}`,
      '/errors?period=30d',
      group ?? '/missing',
    ]) {
      const { status, text, injected } = await page(path, marked)
      expect({ path, status, injected }).toEqual({ path, status: 200, injected: [] })
      expect(text).toContain(markup)
    }
  })
})
