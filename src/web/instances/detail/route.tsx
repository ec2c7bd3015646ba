/** @module `/instances/:id`: one instance; test it, poll it, set up its reporter. */
import { Hono } from 'hono'
import type { DashboardEnv } from '../../context.ts'
import { testInstance } from '../../../instances/change.ts'
import { readDeployed, readInstanceCounts } from '../../../instances/queries.ts'
import { setUpReporter } from '../../../instances/set-up-reporter.ts'
import type { DashboardDeps } from '../../context.ts'
import { plural } from '../../format.ts'
import { renderPage } from '../../layout/page.tsx'
import { act } from '../../links/outcome.ts'
import { instanceOf, listCrumb, notFound, section } from '../page-context.ts'
import { testNotice } from '../test-notice.ts'
import { DetailPage } from './view.tsx'

const deployedLimit = 8

export function instanceDetailPage(deps: DashboardDeps) {
  const { db, poll } = deps
  return new Hono<DashboardEnv>()
    .get('/:id', async (c) => {
      const { userId, viewer } = c.var
      const instance = await instanceOf(c, deps)
      const [countsOf, deployed] = await Promise.all([
        readInstanceCounts(db, userId),
        readDeployed(db, userId, instance.id, deployedLimit),
      ])
      return renderPage(
        c,
        { title: instance.name, section, crumbs: [listCrumb] },
        <DetailPage {...{ instance, deployed }} counts={countsOf(instance.id)} time={viewer.time} />,
      )
    })
    .post('/:id/test', async (c) => {
      const { id, name } = await instanceOf(c, deps)
      return act(c, `/instances/${id}`, async () => {
        const tested = await testInstance(deps, c.var.userId, id)
        if (!tested) throw notFound()
        return testNotice(name, tested)
      })
    })
    .post('/:id/poll', async (c) => {
      const { id, name } = await instanceOf(c, deps)
      return act(c, `/instances/${id}`, async () => {
        const answer = await poll(c.var.userId, id)
        if (!answer) throw notFound()
        const { recorded, updated, passedOver, lagSeconds } = answer
        const found = `${plural(recorded, 'new run')}, ${plural(updated, 'update')}`
        const others =
          passedOver > 0 ? ` ${plural(passedOver, 'run')} of workflows that are not tracked.` : ''
        const rest = lagSeconds > 0 ? ' There is more to read: the next poll goes on.' : ''
        return { kind: lagSeconds > 0 ? 'wait' : 'ok', text: `${name} was asked: ${found}.${others}${rest}` }
      })
    })
    .post('/:id/reporter', async (c) => {
      const { id, name } = await instanceOf(c, deps)
      return act(c, `/instances/${id}`, async () => {
        if (!(await setUpReporter(deps, c.var.userId, id))) throw notFound()
        return { kind: 'ok', text: `The error reporter is set up on ${name}: failures are told of at once.` }
      })
    })
}
