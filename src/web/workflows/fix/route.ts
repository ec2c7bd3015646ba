/** @module `POST /workflows/:id/fix`: applies the fix of one finding, or all fixes, as a new version. */
import { Hono } from 'hono'
import { AppError, requireFound } from '../../../errors.ts'
import type { DashboardEnv } from '../../context.ts'
import { readForm } from '../../form-data.ts'
import { redirectWith } from '../../notice.ts'
import { diffHref, workflowHref } from '../links.ts'
import { idOf, versionNumber, type WorkflowPageDeps } from '../page-context.ts'

export function fixPages({ workflows, checks }: WorkflowPageDeps) {
  return new Hono<DashboardEnv>().post('/:id/fix', async (c) => {
    const form = await readForm(c)
    const id = idOf(c)
    const { userId } = c.var
    const current = requireFound(await workflows.find(userId, id), 'Workflow')
    const shown = versionNumber(form.get('expected') ?? undefined)
    const [code, pointer] = [form.get('code'), form.get('pointer')]
    const fixes = code === null || pointer === null ? ('all' as const) : [{ code, pointer }]
    try {
      if (shown !== current.version) throw new AppError('version-conflict', 'Not the current version')
      const workflow = await checks.fix(userId, current.workflow, { fixes })
      const { version } = requireFound(await workflows.update(userId, id, shown, { workflow }), 'Workflow')
      if (version === shown) return redirectWith(c, workflowHref(id), 'There was nothing to fix.', 'wait')
      return redirectWith(c, diffHref(id, shown, version), `Fixed and saved as v${version}.`)
    } catch (error) {
      if (!(error instanceof AppError) || !outdated.has(error.code)) throw error
      const text = 'The workflow changed after this page was loaded, so nothing was fixed.'
      return redirectWith(c, workflowHref(id, '#findings'), text, 'fail')
    }
  })
}

/** `invalid`: the finding no longer exists. */
const outdated: ReadonlySet<string> = new Set(['version-conflict', 'invalid'])
