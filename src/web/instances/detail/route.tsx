/** @module `/instances/:id`: one instance, with actions to test it, poll it and set up its error reporter. */
import { testNotice } from '../health.tsx'
import { notFound } from '../../../errors.ts'
import { Hono } from 'hono'
import type { DashboardDeps, DashboardEnv } from '../../context.ts'
import { testInstance } from '../../../instances/change.ts'
import { readDeploymentList } from '../../../deployments/list-queries.ts'
import { readInstanceCounts } from '../../../instances/queries.ts'
import { setUpReporter } from '../../../instances/set-up-reporter.ts'
import { plural } from '../../format.ts'
import { renderPage } from '../../layout/page.tsx'
import { act } from '../../links/outcome.ts'
import { instanceOf, listCrumb, section } from '../page-context.ts'
import { DetailPage } from './view.tsx'

const deployedLimit = 8

export function instanceDetailPage(deps: DashboardDeps) {
  const { db, now, poll } = deps
  return new Hono<DashboardEnv>()
    .get('/:id', async (c) => {
      const { userId, viewer } = c.var
      const instance = await instanceOf(c, deps)
      const [countsOf, { rows }] = await Promise.all([
        readInstanceCounts(db, userId),
        readDeploymentList(db, userId, now(), { instanceId: instance.id }, null),
      ])
      const deployed = rows.filter(({ status }) => status !== 'undeployed').slice(0, deployedLimit)
      return renderPage(
        c,
        { title: instance.name, section, crumbs: [listCrumb] },
        <DetailPage
          instance={instance}
          deployed={deployed}
          counts={countsOf(instance.id)}
          time={viewer.time}
        />,
      )
    })
    .post('/:id/test', async (c) => {
      const { id, name } = await instanceOf(c, deps)
      return act(c, `/instances/${id}`, async () => {
        const tested = await testInstance(deps, c.var.userId, id)
        if (!tested) throw notFound('Instance')
        return testNotice(name, tested)
      })
    })
    .post('/:id/poll', async (c) => {
      const { id, name } = await instanceOf(c, deps)
      return act(c, `/instances/${id}`, async () => {
        const answer = await poll(c.var.userId, id)
        if (!answer) throw notFound('Instance')
        const { recorded, updated, passedOver: skipped, lagSeconds } = answer
        const found = `${plural(recorded, 'new run')}, ${plural(updated, 'update')}`
        const others = skipped > 0 ? ` Skipped ${plural(skipped, 'run')} of untracked workflows.` : ''
        const rest = lagSeconds > 0 ? ' More runs remain. The next poll continues.' : ''
        return { kind: lagSeconds > 0 ? 'wait' : 'ok', text: `Polled ${name}: ${found}.${others}${rest}` }
      })
    })
    .post('/:id/reporter', async (c) => {
      const { id, name } = await instanceOf(c, deps)
      return act(c, `/instances/${id}`, async () => {
        if (!(await setUpReporter(deps, c.var.userId, id))) throw notFound('Instance')
        return {
          kind: 'ok',
          text: `The error reporter is set up on ${name}. Failures are now reported immediately.`,
        }
      })
    })
}
