/** @module `/workflows/new`: n8n JSON, pasted, becomes a workflow. */
import { type Context, Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { AppError, type ErrorCode } from '../../errors.ts'
import { statusOf } from '../../http/problem.ts'
import { bodyLimits } from '../../http/validate.ts'
import { renderPage } from '../components/page.tsx'
import type { DashboardEnv } from '../env.ts'
import { readForm } from '../form-data.ts'
import { plural } from '../format.ts'
import { redirectWith } from '../notice.ts'
import { NewWorkflowView } from './form-views.tsx'
import { listCrumb, type WorkflowPageDeps } from './page-deps.ts'
import { blankForm, failedForm, readValues, toNewWorkflow, type WorkflowFormState } from './workflow-form.ts'

/** Most of JSON is escaped in a form: each sign takes three bytes. */
export const formLimitBytes = 4 * bodyLimits.workflow

/** What a form says itself; anything else is the error page's. */
export const formCodes: readonly ErrorCode[] = ['invalid', 'invalid-workflow', 'too-large', 'quota-exceeded']

export function newPages({ workflows, config }: WorkflowPageDeps) {
  const page = (c: Context<DashboardEnv>, state: WorkflowFormState, status: ContentfulStatusCode) =>
    renderPage(
      c,
      { title: 'Add workflow', section: 'workflows', crumbs: [listCrumb], status },
      <NewWorkflowView state={state} publicUrl={config.publicUrl} />,
    )
  return new Hono<DashboardEnv>()
    .get('/new', (c) => page(c, blankForm, 200))
    .post('/new', async (c) => {
      const values = readValues(await readForm(c, formLimitBytes))
      try {
        const { id, warnings } = await workflows.create(c.var.userId, toNewWorkflow(values))
        const found = plural(warnings.length, 'warning')
        return warnings.length > 0
          ? redirectWith(c, `/workflows/${id}#warnings`, `Kept as v1, with ${found}: see Warnings.`, 'wait')
          : redirectWith(c, `/workflows/${id}`, 'Kept as v1.')
      } catch (error) {
        if (!(error instanceof AppError) || !formCodes.includes(error.code)) throw error
        return page(c, failedForm(values, error), statusOf(error.code))
      }
    })
}
