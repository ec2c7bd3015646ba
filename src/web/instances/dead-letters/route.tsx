/** @module `/instances/:id/dead-letters`: lists, replays and deletes dead letters. */
import { IdParam } from '../../../lib/scalars.ts'
import { Hono } from 'hono'
import type { DashboardEnv } from '../../context.ts'
import { AppError, notFound } from '../../../errors.ts'
import { decodeCursor } from '../../../http/page.ts'
import type { DashboardDeps } from '../../context.ts'
import { renderPage } from '../../layout/page.tsx'
import { act } from '../../links/outcome.ts'
import { readParameters } from '../../links/parameters.ts'
import { crumbsOf, instanceOf, section } from '../page-context.ts'
import { DeletePage, DeadLettersPage, reasonLabel } from './view.tsx'

const pageSize = 25

export function deadLetterPages(deps: DashboardDeps) {
  const { deadLetters } = deps
  return new Hono<DashboardEnv>()
    .get('/:id/dead-letters', async (c) => {
      const { userId, viewer } = c.var
      const instance = await instanceOf(c, deps)
      const {
        query: { cursor = null },
        ignored,
      } = readParameters(new URL(c.req.url).searchParams, {
        cursor: (value) => decodeCursor(value) !== null,
      })
      const after = cursor === null ? null : decodeCursor(cursor)
      const page = await deadLetters.list(userId, { instanceId: instance.id }, { limit: pageSize, after })
      return renderPage(
        c,
        { title: 'Dead letters', section, crumbs: crumbsOf(instance) },
        <DeadLettersPage
          instance={instance}
          page={page}
          cursor={cursor}
          ignored={ignored}
          time={viewer.time}
        />,
      )
    })
    .post('/:id/dead-letters/:deadLetterId/replay', async (c) => {
      const { id } = await instanceOf(c, deps)
      const deadLetterId = deadLetterIdOf(c.req.param('deadLetterId'))
      return act(c, `/instances/${id}/dead-letters`, async () => {
        const answer = await deadLetters.replay(c.var.userId, deadLetterId)
        if (!answer) throw new AppError('conflict', 'The dead letter no longer exists')
        return answer.replayed
          ? { kind: 'ok', text: 'Report replayed. Its run is recorded.' }
          : {
              kind: 'wait',
              text: `The report still cannot be used: ${reasonLabel(answer.code ?? '')}.`,
            }
      })
    })
    .get('/:id/dead-letters/:deadLetterId/drop', async (c) => {
      const instance = await instanceOf(c, deps)
      const deadLetterId = deadLetterIdOf(c.req.param('deadLetterId'))
      return renderPage(
        c,
        { title: 'Delete', section, crumbs: crumbsOf(instance) },
        <DeletePage instance={instance} deadLetterId={deadLetterId} />,
      )
    })
    .post('/:id/dead-letters/:deadLetterId/drop', async (c) => {
      const { id } = await instanceOf(c, deps)
      const deadLetterId = deadLetterIdOf(c.req.param('deadLetterId'))
      return act(c, `/instances/${id}/dead-letters`, async () => {
        const deleted = await deadLetters.delete(c.var.userId, deadLetterId)
        return deleted
          ? { kind: 'ok', text: 'Dead letter deleted.' }
          : { kind: 'wait', text: 'The dead letter was already deleted.' }
      })
    })
}

function deadLetterIdOf(text: string): string {
  const { data } = IdParam.safeParse({ id: text })
  if (!data) throw notFound('Dead letter')
  return data.id
}
