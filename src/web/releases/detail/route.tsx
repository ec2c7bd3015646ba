/** @module `/releases/:id`: the progress of a release, and its commands. */
import { type Context, Hono } from 'hono'
import { requireFound } from '../../../errors.ts'
import type { Release } from '../../../releases/contract.ts'
import { maximumTargets } from '../../../releases/contract.ts'
import type { DashboardEnv } from '../../context.ts'
import { readForm } from '../../form-data.ts'
import { renderPage } from '../../layout/page.tsx'
import { act } from '../../links/outcome.ts'
import { nameOf } from '../list/view.tsx'
import { deploymentsCrumb, idOf, listCrumb, type ReleasePageDeps, section } from '../page-context.ts'
import { DetailPage } from './view.tsx'

const shownTargets = 100

export function releaseDetailPages({ releasing }: Pick<ReleasePageDeps, 'releasing'>) {
  const command = (
    c: Context<DashboardEnv>,
    text: string,
    work: (userId: string, id: string) => Promise<Release>,
  ) => {
    const id = idOf(c)
    return act(c, `/releases/${id}`, async () => {
      await work(c.var.userId, id)
      return { kind: 'ok', text }
    })
  }
  return new Hono<DashboardEnv>()
    .get('/:id', async (c) => {
      const { userId, viewer } = c.var
      const id = idOf(c)
      const limit = c.req.query('all') === 'true' ? maximumTargets : shownTargets
      const [release, targets] = await Promise.all([
        releasing.find(userId, id),
        releasing.repository.targets(userId, id, { limit }, { failedFirst: true }),
      ])
      const found = requireFound(release, 'Release')
      return renderPage(
        c,
        { title: nameOf(found), section, crumbs: [deploymentsCrumb, listCrumb] },
        <DetailPage release={found} targets={targets?.items ?? []} time={viewer.time} />,
      )
    })
    .post('/:id/start', async (c) => {
      const planHash = (await readForm(c)).get('planHash') ?? ''
      return command(c, 'The release has started.', (userId, id) => releasing.start(userId, id, planHash))
    })
    .post('/:id/resume', async (c) => {
      const skipObservation = (await readForm(c)).get('skipObservation') === 'true'
      return command(c, 'The release continues.', (userId, id) =>
        releasing.resume(userId, id, { skipObservation }),
      )
    })
    .post('/:id/halt', (c) =>
      command(c, 'The release is halted. Targets in progress finish.', (userId, id) =>
        releasing.halt(userId, id),
      ),
    )
    .post('/:id/rollback', (c) =>
      command(c, 'The release is being rolled back.', (userId, id) => releasing.rollBack(userId, id)),
    )
}
