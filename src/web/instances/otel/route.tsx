/** @module Sets up OpenTelemetry in n8n and removes it. Asks before it replaces another collector. */
import { Hono } from 'hono'
import { AppError, requireFound } from '../../../errors.ts'
import { setUpOtel, removeOtel } from '../../../instances/set-up-reporter.ts'
import type { DashboardDeps, DashboardEnv } from '../../context.ts'
import { readForm } from '../../form-data.ts'
import { renderPage } from '../../layout/page.tsx'
import { act } from '../../links/outcome.ts'
import { crumbsOf, instanceOf, section } from '../page-context.ts'
import { ReplacePage } from './view.tsx'

/** The host that n8n sends traces to, if that is why the setup failed. */
function collectorOf(error: unknown): string | null {
  const collector = error instanceof AppError ? error.extra?.collector : undefined
  return typeof collector === 'string' ? collector : null
}

export function otelPages(deps: DashboardDeps) {
  return new Hono<DashboardEnv>()
    .post('/:id/otel', async (c) => {
      const instance = await instanceOf(c, deps)
      const { id, name } = instance
      const replace = (await readForm(c)).get('replace') === 'true'
      const setUp = setUpOtel(deps, c.var.userId, id, { replace })
      const collector = await setUp.then(() => null, collectorOf)
      if (collector !== null) {
        return renderPage(
          c,
          { title: 'Replace the collector?', section, crumbs: crumbsOf(instance), status: 409 },
          <ReplacePage instance={instance} collector={collector} />,
        )
      }
      return act(c, `/instances/${id}`, async () => {
        const { replaced } = requireFound(await setUp, 'Instance')
        const instead = replaced === null ? '' : ` It no longer sends traces to ${replaced}.`
        return { kind: 'ok', text: `${name} now sends every run within seconds.${instead}` }
      })
    })
    .post('/:id/otel/remove', async (c) => {
      const { id, name } = await instanceOf(c, deps)
      return act(c, `/instances/${id}`, async () => {
        const removed = requireFound(await removeOtel(deps, c.var.userId, id), 'Instance')
        const { restored, headersLost } = removed
        const again = restored === null ? '' : ` It sends them to ${restored} again.`
        const headers =
          headersLost.length > 0
            ? ` Enter the values of these headers again in n8n: ${headersLost.join(', ')}.`
            : ''
        return {
          kind: headers === '' ? 'ok' : 'wait',
          text: `${name} no longer sends traces to Flowkeep.${again}${headers}`,
        }
      })
    })
}
