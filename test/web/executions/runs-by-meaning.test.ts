/** Figures count production runs, link to exactly those runs, and include failures without a run. */
import { beforeAll, expect, test } from 'vitest'
import { useTestApp } from '../../harness/app.ts'
import { type Dom, text as textOf } from '../../harness/dom.ts'
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

/** The page as its user sees it. */
const open = async (path: string) => (await world.get(path)).dom()
/** The numbers of the listed runs, such as `#3`. */
const listed = ({ rows }: Dom) => rows.map((row) => row.split(' ').at(-1)).toSorted()

/** A figure of the overview: its value, and the number of runs in the linked list. */
async function figure({ valueOf }: Dom, label: RegExp) {
  const value = valueOf(label)
  const href = value.querySelector('a')?.getAttribute('href') ?? ''
  expect(href).toMatch(/^\/executions\?/)
  return { value: textOf(value), listed: (await open(href)).rows.length }
}

test('the overview counts production runs and links to exactly those', async () => {
  const page = await open('/')
  expect(await figure(page, /^Runs/)).toEqual({ value: '2', listed: 2 })
  expect(await figure(page, /^Failed/)).toEqual({ value: '1', listed: 1 })
  const all = await open('/?include=manual,sub,error')
  expect(await figure(all, /^Runs/)).toEqual({ value: '4', listed: 4 })
  expect(await figure(all, /^Failed/)).toEqual({ value: '3', listed: 3 })
  const other = page.getByRole('link', { name: 'All runs' }).getAttribute('href') ?? ''
  expect(decodeURIComponent(other)).toBe('/?include=manual,sub,error')
})

test('a trigger that cannot start needs attention and is listed on its workflow and its error group', async () => {
  const { text } = await open('/')
  expect(text).toContain('Support triage: Trigger cannot start.')
  expect(text).toContain('1 failure, the latest')
  const { document } = await open(`/workflows/${world.workflowId}`)
  const group = document.querySelector('#incidents a[href^="/errors/"]')?.getAttribute('href') ?? ''
  expect(group).toMatch(/^\/errors\/[0-9a-f]{16}$/)
  expect((await open(group)).text).toContain('Trigger cannot start')
  expect((await open('/errors')).text).toContain('+ 1 without a run')
})

test('a run of more than a day is stuck, on the overview and in the list', async () => {
  expect((await open('/')).text).toContain('1 run is stuck.')
  const list = await open('/executions?status=stuck')
  expect(listed(list)).toEqual(['#5'])
  expect(list.table('Runs, newest first')[1]?.[0]).toBe('Stuck')
})

test('runs can be filtered by kind, and show how their version is known', async () => {
  expect(listed(await open('/executions?kind=manual,sub'))).toEqual(['#3', '#4'])
  expect((await open('/executions?kind=other')).text).toContain('Ignored 1 invalid filter: kind=other.')
  const { text } = await open(`/executions/${manual}`)
  expect(text).toContain('version inferred from start time')
  expect(text).toContain('Manual run')
})
