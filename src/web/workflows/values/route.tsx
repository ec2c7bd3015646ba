/** @module `/workflows/:id/values`: whether the values of a workflow's runs are stored. */
import { Hono } from 'hono'
import { requireFound } from '../../../errors.ts'
import { ValueStorageChange } from '../../../executions/values/contract.ts'
import type { DashboardEnv } from '../../context.ts'
import { readForm } from '../../form-data.ts'
import { plural } from '../../format.ts'
import { renderPage } from '../../layout/page.tsx'
import { redirectWith } from '../../notice.ts'
import { workflowHref } from '../links.ts'
import { crumbsOf, idOf, type WorkflowPageDeps } from '../page-context.ts'
import { type ValueFields, ValuesView } from './view.tsx'

export function valuesPages({ workflows, runValues }: WorkflowPageDeps) {
  return new Hono<DashboardEnv>()
    .get('/:id/values', async (c) => {
      const id = idOf(c)
      const [found, storage] = await Promise.all([
        workflows.find(c.var.userId, id),
        runValues.storageOf(c.var.userId, id),
      ])
      const workflow = requireFound(found, 'Workflow')
      return renderPage(
        c,
        { title: 'Stored values', section: 'workflows', crumbs: crumbsOf(workflow) },
        <ValuesView workflow={workflow} storage={storage} errors={{}} time={c.var.viewer.time} />,
      )
    })
    .post('/:id/values', async (c) => {
      const id = idOf(c)
      const form = await readForm(c)
      const fields = { retentionDays: form.get('retentionDays') ?? '', maxBytes: form.get('maxBytes') ?? '' }
      const parsed = ValueStorageChange.safeParse({
        retentionDays: toNumber(fields.retentionDays),
        maxBytes: toNumber(fields.maxBytes),
      })
      if (parsed.success) {
        const storage = requireFound(await runValues.turnOn(c.var.userId, id, parsed.data), 'Workflow')
        const text = `The values of new runs are stored for ${plural(storage.retentionDays, 'day')}.`
        return redirectWith(c, workflowHref(id, '/values'), text)
      }
      const [found, storage] = await Promise.all([
        workflows.find(c.var.userId, id),
        runValues.storageOf(c.var.userId, id),
      ])
      const workflow = requireFound(found, 'Workflow')
      const errors: Partial<ValueFields> = {}
      for (const { path, message } of parsed.error.issues) {
        const [name] = path
        if (name === 'retentionDays' || name === 'maxBytes') errors[name] ??= message
      }
      return renderPage(
        c,
        { title: 'Stored values', section: 'workflows', crumbs: crumbsOf(workflow), status: 422 },
        <ValuesView
          workflow={workflow}
          storage={storage}
          fields={fields}
          errors={errors}
          time={c.var.viewer.time}
        />,
      )
    })
    .post('/:id/values/delete', async (c) => {
      const id = idOf(c)
      const wasOn = await runValues.turnOff(c.var.userId, id)
      return wasOn
        ? redirectWith(
            c,
            workflowHref(id, '/values'),
            'The stored values are deleted. New ones are not stored.',
          )
        : redirectWith(c, workflowHref(id, '/values'), 'No values were stored.', 'wait')
    })
}

const toNumber = (text: string): number | undefined => (text.trim() === '' ? undefined : Number(text))
