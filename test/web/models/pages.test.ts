/** The page of AI models: models, prompts, budgets and prices. */
import { beforeEach, expect, test } from 'vitest'
import { createAlertWorld, createReceiver } from '../../alerts/world.ts'
import { useTestApp } from '../../harness/app.ts'
import { browser, type Browser } from '../browser.ts'

const app = useTestApp()
let world: Awaited<ReturnType<typeof createAlertWorld>>
let tab: Browser

beforeEach(async () => {
  world = await createAlertWorld(app, createReceiver())
  tab = browser(app.app)
  await tab.post('/sign-in', { email: world.user.email, password: world.user.password })
})

const open = async (path: string) => (await tab.get(path)).dom()

test('an account without AI nodes sees what is missing', async () => {
  const page = await open('/models')
  expect(page.text).toContain('No AI nodes ran in this period.')
  expect(page.text).toContain('No budgets yet.')
  expect(page.getByRole('link', { name: 'Add budget' }).getAttribute('href')).toBe('/alerts/new?kind=spend')
})

test('models show runs, tokens and cost once they have a price; budgets show their state', async () => {
  const orders = await world.track('Order intake')
  const ranAt = -1
  await orders.used(ranAt, 1_000_000)
  await orders.used(ranAt, 500_000)
  const row = async () => (await open('/models')).table('Models by cost')[1]
  expect(await row()).toEqual(['acme-large', '2', '2', '1,500,000', '0', 'Set price'])
  const form = (await open('/models/prices?model=acme-large')).form('/models/prices')
  expect(form).toMatchObject({ model: 'acme-large', inputPerMillion: '' })
  const saved = await tab.post('/models/prices', { ...form, inputPerMillion: '2.5', outputPerMillion: '10' })
  expect(saved).toMatchObject({ status: 303, location: '/models/prices' })
  expect(await row()).toEqual(['acme-large', '2', '2', '1,500,000', '0', '$3.75'])
  await world.post('/v1/alerts/rules', { kind: 'spend', parameters: { usd: 3 } })
  await world.evaluate(1)
  expect((await open('/models')).table('Budgets')[1]).toEqual([
    'Alert me when the AI nodes of all workflows use more than $3 within 24 hours',
    'Exceeded',
  ])
  const [{ id }] = (await world.user.call('GET', '/v1/executions')).json.items
  expect((await open(`/executions/${id}`)).table('Tokens and cost by node and model')[1]).toEqual([
    'Model',
    'acme-large',
    '1',
    '500,000',
    '0',
    '$1.25',
  ])
})

test('a price is validated, saved next to the others, and deleted', async () => {
  const invalid = await tab.post('/models/prices', {
    model: 'a*b',
    inputPerMillion: 'much',
    outputPerMillion: '1',
  })
  expect(invalid.status).toBe(422)
  expect(invalid.dom().text).toContain('A model name, or a prefix followed by *')
  const price = { inputPerMillion: '1', outputPerMillion: '2', cachedInputPerMillion: '' }
  await tab.post('/models/prices', { model: 'acme-*', ...price })
  await tab.post('/models/prices', { model: 'Acme-Large', ...price, cachedInputPerMillion: '0.5' })
  const own = async () =>
    (await open('/models/prices')).table('Model prices').filter((row) => row[5] === 'Yours')
  expect((await own()).map((row) => row.slice(0, 5))).toEqual([
    ['acme-*', '$1.00', '$2.00', 'Same as input', 'Same as input'],
    ['Acme-Large', '$1.00', '$2.00', '$0.500', 'Same as input'],
  ])
  await tab.post('/models/prices/delete', { model: 'acme-*' })
  expect((await own()).map(([model]) => model)).toEqual(['Acme-Large'])
})
