/** @module `/models`: AI models and prompts by success, tokens and cost, and model prices. */
import { type Context, Hono } from 'hono'
import { NewModelPrices } from '../../analytics/price-contract.ts'
import { check } from '../../http/validate.ts'
import { AppError } from '../../errors.ts'
import { noLimit, periodNamed, periods, rangeOf } from '../components/period.ts'
import type { DashboardDeps, DashboardEnv } from '../context.ts'
import { errorsByField, type FormState, readForm } from '../form-data.ts'
import { renderPage } from '../layout/page.tsx'
import { isOneOf, readParameters } from '../links/parameters.ts'
import { redirectWith } from '../notice.ts'
import { PricesView, priceFields } from './prices-view.tsx'
import { ModelsView } from './view.tsx'

const section = 'models' as const
const crumbs = [{ label: 'AI models', href: '/models' }]
const shown = 20
const pricesPath = '/models/prices'

export function modelPages({
  analytics,
  alerts,
  modelPrices,
}: Pick<DashboardDeps, 'analytics' | 'alerts' | 'modelPrices'>) {
  async function pricesPage(c: Context<DashboardEnv>, state: FormState, status: 200 | 422 = 200) {
    const prices = await modelPrices.list(c.var.userId)
    return renderPage(
      c,
      { title: 'Prices', section, crumbs, status },
      <PricesView prices={prices} {...state} />,
    )
  }
  /** The user's own prices without the one of `model`. */
  const others = async (userId: string, model: string) =>
    (await modelPrices.list(userId)).items.filter(
      (item) => item.source === 'own' && item.model.toLowerCase() !== model.toLowerCase(),
    )
  return new Hono<DashboardEnv>()
    .get('/', async (c) => {
      const { userId, viewer } = c.var
      const { query, ignored } = readParameters(new URL(c.req.url).searchParams, {
        period: isOneOf(periods.map(({ name }) => name)),
      })
      const period = periodNamed(query.period, periods, '30d')
      const filter = { ...rangeOf(period, viewer.time.now), limit: shown }
      const [costs, authors, prompts, rules] = await Promise.all([
        analytics.costs(userId, { ...filter, by: 'model' }),
        analytics.models(userId, filter),
        analytics.prompts(userId, filter),
        alerts.listRules(userId, {}, { limit: noLimit, after: null }),
      ])
      return renderPage(
        c,
        { title: 'AI models', section },
        <ModelsView
          costs={costs}
          authors={authors}
          prompts={prompts}
          budgets={rules.items.filter(({ kind }) => kind === 'spend')}
          period={period}
          ignored={ignored}
        />,
      )
    })
    .get('/prices', async (c) => {
      const values = Object.fromEntries(
        priceFields.flatMap(({ name }) => {
          const value = c.req.query(name)
          return value === undefined ? [] : [[name, value.slice(0, 128)] as const]
        }),
      )
      return pricesPage(c, { values, errors: {} })
    })
    .post('/prices', async (c) => {
      const { userId } = c.var
      const values = Object.fromEntries(await readForm(c))
      try {
        const price = Object.fromEntries(
          priceFields.map(({ name }) => [name, valueOf(name, values[name] ?? '')]),
        )
        const {
          items: [item],
        } = check(NewModelPrices, { items: [price] }, 'json')
        if (!item) return await pricesPage(c, { values, errors: {} })
        await modelPrices.replace(userId, { items: [...(await others(userId, item.model)), item] })
        return redirectWith(c, pricesPath, `The price of ${item.model} was saved.`)
      } catch (error) {
        if (!(error instanceof AppError) || error.code !== 'invalid') throw error
        const names = priceFields.map(({ name }) => name)
        return pricesPage(c, { values, errors: errorsByField(error, names) }, 422)
      }
    })
    .post('/prices/delete', async (c) => {
      const model = (await readForm(c)).get('model') ?? ''
      await modelPrices.replace(c.var.userId, { items: await others(c.var.userId, model) })
      return redirectWith(c, pricesPath, `The price of ${model.slice(0, 128)} was deleted.`)
    })
}

/** A value that is not a number stays text, which the contract rejects. */
function valueOf(name: string, text: string): string | number | null {
  const trimmed = text.trim()
  if (name === 'model') return trimmed
  const isOptional = name.startsWith('cache')
  if (trimmed === '' && isOptional) return null
  return trimmed === '' || Number.isNaN(Number(trimmed)) ? trimmed : Number(trimmed)
}
