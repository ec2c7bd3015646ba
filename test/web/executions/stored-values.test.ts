import { beforeAll, expect, test } from 'vitest'
import { createValuesWorld, type ValuesWorld } from '../../executions/values/values-world.ts'
import { useTestApp } from '../../harness/app.ts'
import { browser, type Browser } from '../browser.ts'

const app = useTestApp()
let world: ValuesWorld
let tab: Browser
beforeAll(async () => {
  world = await createValuesWorld(app)
  tab = browser(app.app)
  const { email, password } = world.user
  await tab.post('/sign-in', { email, password })
})

const page = async (path: string) => (await tab.get(path)).dom().text

test('a person turns storage on, sees the values of a run, and deletes them', async () => {
  const settings = `/workflows/${world.workflowId}/values`
  const json = { order: 'canary-4711', note: '<b>bold</b>' }
  const before = await world.run('1', json)
  expect(await page(`/executions/${before}`)).toContain('No values are stored')
  expect((await tab.get(`/workflows/${world.workflowId}/edit`)).dom().links).toContain(settings)

  const rejected = await tab.post(settings, { retentionDays: '31', maxBytes: '' })
  expect(rejected.status).toBe(422)
  expect(rejected.dom().errorOf('retentionDays')).toContain('At most 30')
  const accepted = await tab.post(settings, { retentionDays: '3', maxBytes: '8192' })
  expect(accepted.location).toBe(settings)
  expect((await tab.get(settings)).dom().form(settings)).toMatchObject({
    retentionDays: '3',
    maxBytes: '8192',
  })
  expect((await world.user.call('GET', world.storage)).json).toMatchObject({
    retentionDays: 3,
    maxBytes: 8192,
  })

  const id = await world.run('2', json)
  const run = (await tab.get(`/executions/${id}`)).dom()
  expect(run.injected).toEqual([])
  expect(run.text).toContain('Received 1 item from Webhook')
  expect(run.document.getElementById('ai-text')?.textContent).toContain('canary-4711')
  expect(await page(`/executions/${id}?node=Webhook`)).toContain('Returned 1 item')
  expect(await page(`/executions/${before}`)).not.toContain('canary')
  for (const path of ['/executions', '/', '/errors', '/audit', `/workflows/${world.workflowId}`])
    expect((await tab.get(path)).text).not.toContain('canary')

  await app.database
    .sql`update execution_values set sealed = jsonb_set(sealed, '{iv}', '"AAAAAAAAAAAAAAAAAAAAAA"')`
  expect(await page(`/executions/${id}`)).toContain('cannot be decrypted')

  expect((await tab.post(`${settings}/delete`)).location).toBe(settings)
  expect(await page(settings)).toContain('The stored values are deleted')
  expect(await page(`/executions/${id}`)).toContain('No values are stored')
})

test('the page of another user’s workflow does not exist', async () => {
  const stranger = await app.user()
  const other = browser(app.app)
  await other.post('/sign-in', { email: stranger.email, password: stranger.password })
  const settings = `/workflows/${world.workflowId}/values`
  expect((await other.get(settings)).status).toBe(404)
  expect((await other.post(settings, { retentionDays: '3', maxBytes: '8192' })).status).toBe(404)
  expect((await world.user.call('GET', world.storage)).status).toBe(404)
})
