/** @module `/workflows/new`: creates a workflow from pasted n8n JSON. */
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

/** Errors for a `once` key that already created a workflow. */
const usedCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['conflict', 'idempotency-key-reused'])
const formUsed = new AppError(
  'conflict',
  'This form already created a workflow. Submit it again to create another one',
)

export function newPages({ workflows, checks, config, fingerprint }: WorkflowPageDeps) {
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
        const created = await workflows.create(c.var.userId, body, key, undefined, findings)
        const { id } = created
        const count = (await checks.findingsOf(created)).length
        const found = plural(count, 'finding')
        const removed = removedText(findings)
        return count > 0
          ? redirectWith(
              c,
              `/workflows/${id}#findings`,
              `Saved as v1 with ${found}. See Findings.${removed}`,
              'wait',
            )
          : redirectWith(c, `/workflows/${id}`, `Saved as v1.${removed}`)
      } catch (error) {
        if (!(error instanceof AppError)) throw error
        if (usedCodes.has(error.code)) {
          return page(c, uuidv7(), failedForm(values, formUsed), statusOf(formUsed.code))
        }
        if (!formCodes.includes(error.code)) throw error
        return page(c, form.get('once') ?? uuidv7(), failedForm(values, error), statusOf(error.code))
      }
    })
}
