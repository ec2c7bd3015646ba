import { Hono } from 'hono'
import { N8nId } from '../../deployments/contract.ts'
import { RemoteWorkflowQuery } from '../../deployments/drift-contract.ts'
import { AppError } from '../../errors.ts'
import { DeadLetterId } from '../../executions/contract.ts'
import { decodeCursor } from '../../http/page.ts'
import { testInstance } from '../../instances/change.ts'
import type { Instance } from '../../instances/contract.ts'
import { setUpReporter } from '../../instances/set-up-reporter.ts'
import { renderPage } from '../layout/page.tsx'
import { act } from '../links/outcome.ts'
import type { DashboardDeps, DashboardEnv } from '../context.ts'
import { readForm } from '../form-data.ts'
import { plural } from '../format.ts'
import { DetailPage } from './detail/view.tsx'
import { importChosen, importLimit } from './import/import-chosen.ts'
import { ImportPage } from './import/view.tsx'
import { instanceOf } from './page-context.ts'
import { DropPage, LettersPage, reasonOfLetter } from './dead-letters/view.tsx'
import { ListPage } from './list/view.tsx'
import { readDeployed, readInstanceCounts } from './read-instances.ts'
import { settingsPages, testNotice } from './settings/route.tsx'

const listLimit = 100
const deployedLimit = 8
const letterLimit = 25
const list = { label: 'Instances', href: '/instances' }
const section = 'instances' as const

const crumbsOf = ({ id, name }: Instance) => [list, { label: name, href: `/instances/${id}` }]
const missing = () => new AppError('not-found', 'No such instance')

export function instancePages(deps: DashboardDeps) {
  const { db, instances, deadLetters, remoteWorkflows, poll } = deps

  return new Hono<DashboardEnv>()
    .get('/', async (c) => {
      const { userId, viewer } = c.var
      const [{ items }, countsOf] = await Promise.all([
        instances.list(userId, { limit: listLimit, after: null }),
        readInstanceCounts(db, userId),
      ])
      return renderPage(
        c,
        { title: 'Instances', section },
        <ListPage instances={items} countsOf={countsOf} time={viewer.time} />,
      )
    })
    .route('/', settingsPages(deps))
    .get('/:id', async (c) => {
      const { userId, viewer } = c.var
      const instance = await instanceOf(c, deps)
      const [countsOf, deployed] = await Promise.all([
        readInstanceCounts(db, userId),
        readDeployed(db, userId, instance.id, deployedLimit),
      ])
      return renderPage(
        c,
        { title: instance.name, section, crumbs: [list] },
        <DetailPage {...{ instance, deployed }} counts={countsOf(instance.id)} time={viewer.time} />,
      )
    })
    .post('/:id/test', async (c) => {
      const { id, name } = await instanceOf(c, deps)
      return act(c, `/instances/${id}`, async () => {
        const tested = await testInstance(deps, c.var.userId, id)
        if (!tested) throw missing()
        return testNotice(name, tested)
      })
    })
    .post('/:id/poll', async (c) => {
      const { id, name } = await instanceOf(c, deps)
      return act(c, `/instances/${id}`, async () => {
        const answer = await poll(c.var.userId, id)
        if (!answer) throw missing()
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
        if (!(await setUpReporter(deps, c.var.userId, id))) throw missing()
        return { kind: 'ok', text: `The error reporter is set up on ${name}: failures are told of at once.` }
      })
    })
    .get('/:id/import', async (c) => {
      const { userId } = c.var
      const instance = await instanceOf(c, deps)
      const asked = { name: c.req.query('q') || undefined, cursor: c.req.query('cursor') || undefined }
      // What n8n would not take is no filter.
      const { data: query = {} } = RemoteWorkflowQuery.safeParse(asked)
      const found = await remoteWorkflows
        .list(userId, instance.id, { ...query, limit: importLimit })
        .catch((error: unknown) => {
          if (error instanceof AppError) return error
          throw error
        })
      if (!found) throw missing()
      return renderPage(
        c,
        { title: 'Import', section, crumbs: crumbsOf(instance) },
        <ImportPage {...{ instance, found }} q={query.name ?? ''} cursor={query.cursor ?? null} />,
      )
    })
    .post('/:id/import', async (c) => {
      const { id } = await instanceOf(c, deps)
      const form = await readForm(c)
      const chosen = form.getAll('id').filter((text) => N8nId.safeParse(text).success)
      const back = `/instances/${id}/import`
      return act(c, back, async () => {
        if (chosen.length === 0) return { kind: 'wait', text: 'No workflow was chosen.' }
        const { workflowId, ...notice } = await importChosen(
          deps,
          c.var.userId,
          id,
          chosen.slice(0, importLimit),
        )
        return { ...notice, path: workflowId && notice.kind === 'ok' ? `/workflows/${workflowId}` : back }
      })
    })
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
