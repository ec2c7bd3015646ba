/** @module `/releases/new` and `/releases/promote`: forms that plan a release. Its page shows the plan before it starts. */
import { type Context, Hono } from 'hono'
import { readOptions } from '../../../deployments/list-queries.ts'
import { AppError } from '../../../errors.ts'
import { statusOf } from '../../../http/problem.ts'
import { check } from '../../../http/validate.ts'
import { isUuid } from '../../../lib/scalars.ts'
import { NewPromotion, NewRelease, type Release } from '../../../releases/contract.ts'
import type { DashboardEnv } from '../../context.ts'
import { errorsByField, onceKey, readForm } from '../../form-data.ts'
import { renderPage } from '../../layout/page.tsx'
import { redirectWith } from '../../notice.ts'
import { deploymentsCrumb, listCrumb, type ReleasePageDeps, section } from '../page-context.ts'
import { defaults, formFields, NewPage, type NewPageProps, PromotePage } from './view.tsx'

const formCodes = new Set(['invalid', 'conflict', 'quota-exceeded', 'idempotency-key-reused'])

/** @throws `error`, unless the form shows it */
function failureOf(error: unknown): AppError {
  if (error instanceof AppError && formCodes.has(error.code)) return error
  throw error
}

/** A value that is not a number stays text, which the contract rejects. */
const numberOf = (text: string | null, factor = 1) =>
  text === null || text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text) * factor

const optionsOf = (form: URLSearchParams) => ({
  canary: numberOf(form.get('canary')),
  observe: { seconds: numberOf(form.get('seconds')), minRuns: numberOf(form.get('minRuns')) },
  maxFailureRate: numberOf(form.get('maxFailureRate'), 0.01),
  maxFailedTargets: numberOf(form.get('maxFailedTargets')),
  dryRun: true,
})

export function releaseFormPages({ db, releasing, environments, fingerprint }: ReleasePageDeps) {
  const environmentNames = async (userId: string) =>
    (await environments.list(userId, { limit: 100, after: null })).items.map(({ name }) => name)

  async function newPage(
    c: Context<DashboardEnv>,
    state: Pick<NewPageProps, 'values' | 'errors' | 'instanceIds'>,
    status = 200,
  ) {
    const { userId } = c.var
    const workflowId = state.values.workflowId ?? ''
    const [choices, names] = await Promise.all([
      readOptions(db, userId, { workflowId: isUuid(workflowId) ? workflowId : null }),
      environmentNames(userId),
    ])
    return renderPage(
      c,
      { title: 'Plan release', section, crumbs: [deploymentsCrumb, listCrumb], status: status as 200 },
      <NewPage {...state} {...choices} environments={names} />,
    )
  }

  async function promotePage(
    c: Context<DashboardEnv>,
    state: Pick<NewPageProps, 'values' | 'errors'>,
    status = 200,
  ) {
    return renderPage(
      c,
      { title: 'Promote', section, crumbs: [deploymentsCrumb, listCrumb], status: status as 200 },
      <PromotePage {...state} environments={await environmentNames(c.var.userId)} />,
    )
  }

  const planned = (c: Context<DashboardEnv>, { id }: Release) =>
    redirectWith(c, `/releases/${id}`, 'Review the plan, then start the release.', 'wait')

  return new Hono<DashboardEnv>()
    .get('/new', (c) =>
      newPage(c, {
        values: { ...defaults, workflowId: c.req.query('workflow') ?? '' },
        errors: {},
        instanceIds: [],
      }),
    )
    .get('/promote', (c) => promotePage(c, { values: defaults, errors: {} }))
    .post('/new', async (c) => {
      const form = await readForm(c)
      const instanceIds = form.getAll('instanceIds')
      const environment = form.get('environment') ?? ''
      const place = environment === '' ? { instanceIds } : { environment }
      try {
        const workflows = [{ workflowId: form.get('workflowId') ?? '' }]
        const body = check(NewRelease, { workflows, ...place, ...optionsOf(form) }, 'json')
        const key = await onceKey(fingerprint, form, 'POST /releases/new')
        return planned(c, await releasing.create(c.var.userId, body, key))
      } catch (error) {
        const failure = failureOf(error)
        const state = {
          values: Object.fromEntries(form),
          errors: errorsByField(failure, formFields),
          instanceIds,
        }
        return newPage(c, state, statusOf(failure.code))
      }
    })
    .post('/promote', async (c) => {
      const form = await readForm(c)
      try {
        const places = { from: form.get('from') ?? '', to: form.get('to') ?? '' }
        const body = check(NewPromotion, { ...places, ...optionsOf(form) }, 'json')
        const key = await onceKey(fingerprint, form, 'POST /releases/promote')
        return planned(c, await releasing.promote(c.var.userId, body, key))
      } catch (error) {
        const failure = failureOf(error)
        const state = { values: Object.fromEntries(form), errors: errorsByField(failure, formFields) }
        return promotePage(c, state, statusOf(failure.code))
      }
    })
}
