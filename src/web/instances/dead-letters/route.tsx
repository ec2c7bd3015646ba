/** @module `/instances/:id/dead-letters`: reports that could not be used. */
import { Hono } from 'hono'
import type { DashboardEnv } from '../../context.ts'
import { AppError } from '../../../errors.ts'
import { DeadLetterId } from '../../../executions/contract.ts'
import { decodeCursor } from '../../../http/page.ts'
import type { DashboardDeps } from '../../context.ts'
import { renderPage } from '../../layout/page.tsx'
import { act } from '../../links/outcome.ts'
import { crumbsOf, instanceOf, section } from '../page-context.ts'
import { DropPage, LettersPage, reasonOfLetter } from './view.tsx'

const letterLimit = 25

export function deadLetterPages(deps: DashboardDeps) {
  const { deadLetters } = deps
  return new Hono<DashboardEnv>()
    .get('/:id/dead-letters', async (c) => {
      const { userId, viewer } = c.var
      const instance = await instanceOf(c, deps)
      const cursor = c.req.query('cursor') ?? null
      const after = cursor === null ? null : decodeCursor(cursor)
      const page = { limit: letterLimit, after }
      const letters = await deadLetters.list(userId, { instanceId: instance.id }, page)
      return renderPage(
        c,
        { title: 'Unused reports', section, crumbs: crumbsOf(instance) },
        <LettersPage {...{ instance, letters }} cursor={after && cursor} time={viewer.time} />,
      )
    })
    .post('/:id/dead-letters/:letterId/replay', async (c) => {
      const { id } = await instanceOf(c, deps)
      const letterId = letterIdOf(c.req.param('letterId'))
      return act(c, `/instances/${id}/dead-letters`, async () => {
        const answer = await deadLetters.replay(c.var.userId, letterId)
        if (!answer) throw new AppError('conflict', 'The report is gone already')
        return answer.replayed
          ? { kind: 'ok', text: 'The report is used now: its run is recorded.' }
          : {
              kind: 'wait',
              text: `It still cannot be used: ${reasonOfLetter(answer.code ?? '')}.`,
            }
      })
    })
    .get('/:id/dead-letters/:letterId/drop', async (c) => {
      const instance = await instanceOf(c, deps)
      const letterId = letterIdOf(c.req.param('letterId'))
      return renderPage(
        c,
        { title: 'Drop', section, crumbs: crumbsOf(instance) },
        <DropPage {...{ instance, letterId }} />,
      )
    })
    .post('/:id/dead-letters/:letterId/drop', async (c) => {
      const { id } = await instanceOf(c, deps)
      const letterId = letterIdOf(c.req.param('letterId'))
      return act(c, `/instances/${id}/dead-letters`, async () => {
        const dropped = await deadLetters.delete(c.var.userId, letterId)
        return dropped
          ? { kind: 'ok', text: 'The report is dropped.' }
          : { kind: 'wait', text: 'The report was gone already.' }
      })
    })
}

function letterIdOf(text: string): string {
  const { data } = DeadLetterId.safeParse({ id: text })
  if (!data) throw new AppError('not-found', 'No such report')
  return data.id
}
