/** @module `/workflows/new`: n8n JSON, pasted, becomes a workflow. */
import { type Context, Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { v7 as uuidv7 } from 'uuid'
import { AppError, type ErrorCode } from '../../../errors.ts'
import { statusOf } from '../../../http/problem.ts'
import { renderPage } from '../../layout/page.tsx'
import type { DashboardEnv } from '../../context.ts'
import { onceKey, readForm } from '../../form-data.ts'
import { plural } from '../../format.ts'
import { redirectWith } from '../../notice.ts'
import { NewWorkflowView } from '../form/view.tsx'
import { listCrumb, type WorkflowPageDeps } from '../page-context.ts'
import {
  blankForm,
  failedForm,
  formCodes,
  formLimitBytes,
  readValues,
  removedText,
  toNewWorkflow,
  type WorkflowFormState,
} from '../form/form.ts'

/** Of the form's `once`: it has made a workflow, of this text or of another one. */
const spentCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['conflict', 'idempotency-key-reused'])
const spent = new AppError(
  'conflict',
  'This form has made a workflow already. Keep it once more to make another one of what stands here',
)

export function newPages({ workflows, config, fingerprint }: WorkflowPageDeps) {
  const page = (
    c: Context<DashboardEnv>,
    once: string,
    state: WorkflowFormState,
    status: ContentfulStatusCode,
  ) =>
    renderPage(
      c,
      { title: 'Add workflow', section: 'workflows', crumbs: [listCrumb], status },
      <NewWorkflowView once={once} state={state} publicUrl={config.publicUrl} />,
    )
  return new Hono<DashboardEnv>()
    .get('/new', (c) => page(c, uuidv7(), blankForm, 200))
    .post('/new', async (c) => {
      const form = await readForm(c, formLimitBytes)
      const values = readValues(form)
      try {
        const key = await onceKey(fingerprint, form, 'POST /workflows/new')
        const { body, findings } = toNewWorkflow(values)
        const { id, warnings } = await workflows.create(c.var.userId, body, key, undefined, findings)
        const found = plural(warnings.length, 'warning')
        const removed = removedText(findings)
        return warnings.length > 0
          ? redirectWith(
              c,
              `/workflows/${id}#warnings`,
              `Kept as v1, with ${found}: see Warnings.${removed}`,
              'wait',
            )
          : redirectWith(c, `/workflows/${id}`, `Kept as v1.${removed}`)
      } catch (error) {
        if (!(error instanceof AppError)) throw error
        if (spentCodes.has(error.code)) {
          return page(c, uuidv7(), failedForm(values, spent), statusOf(spent.code))
        }
        if (!formCodes.includes(error.code)) throw error
        return page(c, form.get('once') ?? uuidv7(), failedForm(values, error), statusOf(error.code))
      }
    })
}
