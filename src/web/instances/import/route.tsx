/** @module `/instances/:id/import`: lists the workflows of an instance and imports the selected ones. */
import { Hono } from 'hono'
import type { DashboardEnv } from '../../context.ts'
import { N8nId } from '../../../deployments/contract.ts'
import { RemoteWorkflowQuery } from '../../../deployments/drift/contract.ts'
import { AppError, notFound } from '../../../errors.ts'
import type { DashboardDeps } from '../../context.ts'
import { readForm } from '../../form-data.ts'
import { renderPage } from '../../layout/page.tsx'
import { act } from '../../links/outcome.ts'
import { crumbsOf, idOf, instanceOf, section } from '../page-context.ts'
import { importSelected, importLimit } from './import-selected.ts'
import { ImportPage } from './view.tsx'

export function instanceImportPage(deps: DashboardDeps) {
  const { remoteWorkflows } = deps
  return new Hono<DashboardEnv>()
    .get('/:id/import', async (c) => {
      const { userId } = c.var
      const id = idOf(c)
      const params = { name: c.req.query('q') || undefined, cursor: c.req.query('cursor') || undefined }
      // Values that n8n would reject are ignored.
      const { data: query = {} } = RemoteWorkflowQuery.safeParse(params)
      const [instance, found] = await Promise.all([
        instanceOf(c, deps),
        remoteWorkflows.list(userId, id, { ...query, limit: importLimit }).catch((error: unknown) => {
          if (error instanceof AppError) return error
          throw error
        }),
      ])
      if (!found) throw notFound('Instance')
      return renderPage(
        c,
        { title: 'Import', section, crumbs: crumbsOf(instance) },
        <ImportPage instance={instance} found={found} q={query.name ?? ''} cursor={query.cursor ?? null} />,
      )
    })
    .post('/:id/import', async (c) => {
      const { id } = await instanceOf(c, deps)
      const form = await readForm(c)
      const selected = form.getAll('id').filter((text) => N8nId.safeParse(text).success)
      const back = `/instances/${id}/import`
      return act(c, back, async () => {
        if (selected.length === 0) return { kind: 'wait', text: 'No workflow selected.' }
        const { workflowId, ...notice } = await importSelected(
          deps,
          c.var.userId,
          id,
          selected.slice(0, importLimit),
        )
        return { ...notice, path: workflowId && notice.kind === 'ok' ? `/workflows/${workflowId}` : back }
      })
    })
}
