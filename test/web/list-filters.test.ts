/** Invalid filters in the URL of every list: the page ignores them and names them in one sentence. */
import { beforeAll, expect, test } from 'vitest'
import { useTestApp } from '../harness/app.ts'
import { parsePage } from '../harness/dom.ts'
import { executionsWorld, type ExecutionsWorld } from './executions/world.ts'

const app = useTestApp()
let world: ExecutionsWorld
let fingerprint: string

beforeAll(async () => {
  world = await executionsWorld(app)
  await world.report({ id: 1, status: 'error', error: { message: 'Rate limit reached', httpCode: '429' } })
  const groups = await world.api('GET', '/v1/analytics/errors')
  fingerprint = (groups.items as unknown as { fingerprint: string }[])[0]?.fingerprint ?? ''
})

/** Path → invalid parameters. */
const lists: Record<string, string[]> = {
  '/': ['period=1y', 'include=everything', 'other=1'],
  '/executions': ['status=broken', 'wf=1', 'v=0', 'from=tomorrow', 'kind=x', 'after=1', 'other=1'],
  '/errors': ['period=1y', 'include=everything', 'state=gone', 'other=1'],
  '/errors/{group}': ['period=1y', 'include=everything', 'other=1'],
  '/workflows': ['ready=maybe', 'after=1', 'other=1'],
  '/credentials': ['status=broken', 'period=1y', 'after=1', 'other=1'],
  '/credentials/new': ['other=1'],
  '/deployments': ['status=broken', 'wf=1', 'inst=1', 'after=1', 'other=1'],
  '/models': ['period=1y', 'other=1'],
  '/instances': ['other=1'],
  '/instances/{instance}/dead-letters': ['cursor=1', 'other=1'],
  '/audit': ['action=drop', 'by=nobody', 'period=1y', 'after=1', 'other=1'],
  '/search': ['other=1'],
}

test.each(Object.entries(lists))('%s ignores invalid filters and names them', async (name, invalid) => {
  const path = name.replace('{group}', fingerprint).replace('{instance}', world.instanceId)
  const sentences = async (query: string) => {
    const { status, text } = await world.get(`${path}${query}`)
    expect({ query, status }).toEqual({ query, status: 200 })
    const { document } = parsePage(text)
    return [...document.querySelectorAll('main *')]
      .filter(({ textContent }) => /^Ignored \d+ invalid filters?: /.test(textContent ?? ''))
      .filter(({ children }) => children.length === 0)
      .map(({ textContent }) => textContent)
  }
  expect(await sentences('')).toEqual([])
  for (const each of invalid)
    expect(await sentences(`?${each}`)).toEqual([`Ignored 1 invalid filter: ${each}.`])
  if (invalid.length > 1) {
    const [first, second] = invalid
    expect(await sentences(`?${first}&${second}`)).toEqual([
      `Ignored 2 invalid filters: ${first}, ${second}.`,
    ])
  }
})

test('an ignored filter cannot inject markup', async () => {
  const markup = '<b>x</b>'
  for (const path of Object.keys(lists).filter((each) => !each.includes('{'))) {
    const { text } = await world.get(`${path}?other=${encodeURIComponent(markup)}`)
    expect(parsePage(text).document.body.textContent).toContain(`other=${markup}`)
  }
})

test('errors are filtered by message, node and HTTP status', async () => {
  const find = async (query: string) =>
    parsePage((await world.get(`/errors?${query}`)).text).links.some((href) =>
      href.startsWith(`/errors/${fingerprint}`),
    )
  expect(await find('period=90d')).toBe(true)
  for (const q of ['rate limit', 'RATE', '429', 'create issue']) {
    expect({ q, found: await find(new URLSearchParams({ q, period: '90d' }).toString()) }).toEqual({
      q,
      found: true,
    })
  }
  for (const q of ['timeout', '500', '%', "'"]) {
    expect({ q, found: await find(new URLSearchParams({ q, period: '90d' }).toString()) }).toEqual({
      q,
      found: false,
    })
  }
})

test('search results for an error continue in the list of errors', async () => {
  const { text } = await world.get('/search?q=rate')
  expect(parsePage(text).links).toContain('/errors?period=90d&state=all&q=rate')
})
