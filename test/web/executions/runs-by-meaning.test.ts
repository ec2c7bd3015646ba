/** Figures count production runs, link to exactly those runs, and include failures without a run. */
import { beforeAll, expect, test } from 'vitest'
import { useTestApp } from '../../harness/app.ts'
import { type ExecutionsWorld, executionsWorld } from './world.ts'

const app = useTestApp()
let world: ExecutionsWorld
let manual: string
beforeAll(async () => {
  world = await executionsWorld(app)
  const startMs = Date.now() - Date.parse('2026-11-22T10:00:00.000Z') - 120_000
  const error = { message: 'boom' }
  await world.report({ id: 1, status: 'success', mode: 'webhook', startMs })
  await world.report({ id: 2, error, mode: 'trigger', startMs })
  manual = await world.report({ id: 3, error, mode: 'manual', startMs })
  await world.report({ id: 4, error, mode: 'integrated', startMs })
  await world.report({
    id: 5,
    status: 'running',
    mode: 'webhook',
    startMs: startMs - 25 * 3_600_000,
  })
  await world.send({
    trigger: { error: { message: 'IMAP login refused', node: { name: 'New mail' } }, mode: 'trigger' },
    workflow: { id: 'wf1', name: 'Support triage' },
  })
})

const page = async (path: string) =>
  (await world.get(path)).text.replaceAll('&#39;', "'").replaceAll('&amp;', '&')

/** A figure of the overview: its value, and the number of runs in the linked list. */
async function figure(text: string, label: string) {
  const [, href = '', value = ''] =
    new RegExp(`<dt>${label}[\\s\\S]*?<a href="([^"]+)">(\\d+)`).exec(text) ?? []
  const list = await page(href)
  return { value, listed: list.match(/class="row-link"/g)?.length ?? 0 }
}

test('the overview counts production runs and links to exactly those', async () => {
  const text = await page('/')
  expect(await figure(text, 'Runs')).toEqual({ value: '2', listed: 2 })
  expect(await figure(text, 'Failed')).toEqual({ value: '1', listed: 1 })
  const all = await page('/?include=manual,sub,error')
  expect(await figure(all, 'Runs')).toEqual({ value: '4', listed: 4 })
  expect(await figure(all, 'Failed')).toEqual({ value: '3', listed: 3 })
  const [, other = ''] = /href="(\/\?include=[^"]+)"[^>]*>All runs</.exec(text) ?? []
  expect(decodeURIComponent(other)).toBe('/?include=manual,sub,error')
})

test('a trigger that cannot start needs attention and is an incident of its workflow and error group', async () => {
  const text = await page('/')
  expect(text).toContain('Support triage: Trigger cannot start.')
  expect(text).toContain('1 incident')
  const workflow = await page(`/workflows/${world.workflowId}`)
  expect(workflow).toContain('id="incidents"')
  const [, group = ''] =
    /href="(\/errors\/[0-9a-f]{16})"/.exec(workflow.slice(workflow.indexOf('id="incidents"'))) ?? []
  expect(await page(group)).toContain('Trigger cannot start')
  expect(await page('/errors')).toContain('+ 1 incident')
})

test('a run of more than a day is stuck, on the overview and in the list', async () => {
  expect(await page('/')).toContain('1 run is stuck.')
  const list = await page('/executions?status=stuck')
  expect(list).toContain('#5<')
  expect(list.match(/class="row-link"/g)).toHaveLength(1)
  expect(list).toContain('Stuck')
})

test('runs can be filtered by kind, and show how their version is known', async () => {
  const list = await page('/executions?kind=manual,sub')
  expect(list).toContain('#3<')
  expect(list).toContain('#4<')
  expect(list).not.toContain('#1<')
  expect(await page('/executions?kind=other')).toContain('kind=other')
  const run = await page(`/executions/${manual}`)
  expect(run).toContain('version inferred from start time')
  expect(run).toContain('Manual run')
})
