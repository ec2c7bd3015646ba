/** @module Edits and deletes a workflow, and restores an earlier version. */
import { type Context, Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { AppError, requireFound } from '../../../errors.ts'
import { statusOf } from '../../../http/problem.ts'
import { renderPage } from '../../layout/page.tsx'
import type { DashboardEnv } from '../../context.ts'
import { readForm } from '../../form-data.ts'
import { redirectWith } from '../../notice.ts'
import { DeleteView, EditView, type DeleteProps, type EditProps } from '../form/view.tsx'
import { WorkflowHead } from '../head.tsx'
import { workflowHref } from '../links.ts'
import { formCodes, formLimitBytes, removedText } from '../form/form.ts'
import {
  crumbsOf,
  type FoundWorkflow,
  findWorkflow,
  idOf,
  versionNumber,
  type WorkflowPageDeps,
} from '../page-context.ts'
import { failedForm, jsonText, readValues, toChange, valuesOf } from '../form/form.ts'

const quietHead = (c: Context<DashboardEnv>, { workflow, deployments, today }: FoundWorkflow) => (
  <WorkflowHead
    workflow={workflow}
    deployments={deployments}
    today={today}
    tab="none"
    time={c.var.viewer.time}
    quiet
  />
)

export function editPages(deps: WorkflowPageDeps) {
  const { workflows } = deps

  const editPage = (
    c: Context<DashboardEnv>,
    found: FoundWorkflow,
    { state, expected, conflict }: Omit<EditProps, 'workflow'>,
    status: ContentfulStatusCode = 200,
  ) =>
    renderPage(
      c,
      { title: 'Edit', section: 'workflows', crumbs: crumbsOf(found.workflow), status },
      <>
        {quietHead(c, found)}
        <EditView workflow={found.workflow} state={state} expected={expected} conflict={conflict} />
      </>,
    )

  const deletePage = (
    c: Context<DashboardEnv>,
    found: FoundWorkflow,
    { typed, force, errors }: Pick<DeleteProps, 'typed' | 'force' | 'errors'>,
    status: ContentfulStatusCode = 200,
  ) =>
    renderPage(
      c,
      { title: 'Delete', section: 'workflows', crumbs: crumbsOf(found.workflow), status },
      <>
        {quietHead(c, found)}
        <DeleteView
          workflow={found.workflow}
          deployments={found.deployments}
          typed={typed}
          force={force}
          errors={errors}
        />
      </>,
    )

  return new Hono<DashboardEnv>()
    .get('/:id/edit', async (c) => {
      const found = await findWorkflow(deps, c)
      const { workflow } = found
      const state = { values: valuesOf(workflow), errors: {}, faults: [] }
      return editPage(c, found, { state, expected: workflow.version, conflict: null })
    })
    .post('/:id/edit', async (c) => {
      const form = await readForm(c, formLimitBytes)
      const found = await findWorkflow(deps, c)
      const { workflow } = found
      const values = readValues(form)
      const shown = versionNumber(form.get('expected') ?? undefined) ?? 0
      try {
        // Check for a conflict first: the change is the difference to the version that the form showed.
        if (shown !== workflow.version) throw new AppError('version-conflict', 'Not the current version')
        const { body, findings } = toChange(values, workflow)
        if (Object.keys(body).length === 0) {
          return redirectWith(
            c,
            workflowHref(workflow.id),
            'Nothing changed, so no version was created.',
            'wait',
          )
        }
        const changed = requireFound(
          await workflows.update(c.var.userId, workflow.id, shown, body, findings),
          'Workflow',
        )
        const isNew = changed.version !== workflow.version
        return redirectWith(
          c,
          workflowHref(workflow.id),
          (isNew ? `Saved as v${changed.version}.` : 'Saved without a new version.') + removedText(findings),
        )
      } catch (error) {
        if (!(error instanceof AppError)) throw error
        if (error.code === 'version-conflict') {
          const { currentVersion } = error.extra ?? {}
          const current = typeof currentVersion === 'number' ? currentVersion : workflow.version
          // JSON that the user did not edit must not undo the newer version's.
          const before = await workflows.findVersion(c.var.userId, workflow.id, shown)
          const isOwnJson = before === null || values.workflow?.trim() !== jsonText(before.workflow)
          const kept = isOwnJson ? values : { ...values, workflow: jsonText(workflow.workflow) }
          const state = { values: kept, errors: {}, faults: [] }
          const conflict = shown > 0 && shown < current ? { shown, current } : null
          return editPage(c, found, { state, expected: current, conflict }, statusOf(error.code))
        }
        if (!formCodes.includes(error.code)) throw error
        const state = failedForm(values, error)
        return editPage(c, found, { state, expected: shown, conflict: null }, statusOf(error.code))
      }
    })
    .get('/:id/delete', async (c) =>
      deletePage(c, await findWorkflow(deps, c), { typed: '', force: false, errors: {} }),
    )
    .post('/:id/delete', async (c) => {
      const form = await readForm(c)
      const found = await findWorkflow(deps, c)
      const { id, name } = found.workflow
      const typed = form.get('confirm')?.trim() ?? ''
      const force = form.get('force') === 'true'
      if (typed !== name.trim()) {
        const errors = { confirm: `The name does not match. Type ${name} to delete the workflow.` }
        return deletePage(c, found, { typed, force, errors }, 422)
      }
      try {
        requireFound((await workflows.delete(c.var.userId, id, { force })) || null, 'Workflow')
        return redirectWith(c, '/workflows', `Deleted ${name}.`)
      } catch (error) {
        if (!(error instanceof AppError) || error.code !== 'in-use') throw error
        const errors = {
          '': 'The workflow is deployed. Undeploy it first, or select the checkbox to delete it anyway.',
        }
        return deletePage(c, found, { typed, force, errors }, statusOf(error.code))
      }
    })
    .post('/:id/versions/:version/restore', async (c) => {
      const id = idOf(c)
      const version = requireFound(versionNumber(c.req.param('version')), 'Version')
      const form = await readForm(c)
      const expected = versionNumber(form.get('expected') ?? undefined) ?? 0
      const back = workflowHref(id, '/versions')
      try {
        const restored = requireFound(await workflows.restore(c.var.userId, id, version, expected), 'Version')
        return restored.version === expected
          ? redirectWith(c, back, `v${expected} already has the content of v${version}.`, 'wait')
          : redirectWith(c, back, `Restored v${version} as v${restored.version}. Deployments did not change.`)
      } catch (error) {
        if (!(error instanceof AppError) || error.code !== 'version-conflict') throw error
        const { currentVersion } = error.extra ?? {}
        const text = `Not restored: someone created v${Number(currentVersion)} in the meantime. Review it first.`
        return redirectWith(c, back, text, 'fail')
      }
    })
}
