/** @module `/workflows/:id/tests`: runs tests of a workflow and shows their results. */
import { type Context, Hono } from 'hono'
import { AppError, requireFound } from '../../../errors.ts'
import { statusOf } from '../../../http/problem.ts'
import { check } from '../../../http/validate.ts'
import { IdParam } from '../../../lib/scalars.ts'
import { loadCatalogue } from '../../../n8n/catalogue/catalogue.ts'
import { TestRequest } from '../../../testing/contract.ts'
import { inputOf, triggersOf } from '../../../testing/prepare.ts'
import { noLimit } from '../../components/period.ts'
import type { DashboardEnv } from '../../context.ts'
import { errorsByField, type FormState, readForm } from '../../form-data.ts'
import { renderPage } from '../../layout/page.tsx'
import { redirectWith } from '../../notice.ts'
import { readGraphState } from '../graph/view-state.ts'
import { WorkflowHead } from '../head.tsx'
import { workflowHref } from '../links.ts'
import { crumbsOf, findWorkflow, type FoundWorkflow, idOf, type WorkflowPageDeps } from '../page-context.ts'
import { inputText } from './input-text.ts'
import { TestsView, TestView } from './view.tsx'

const shownTests = 20
const limitBytes = 1024 * 1024
const fields = ['instanceId', 'trigger', 'input', 'writes', 'runs', 'replay']
/** Failures that the error page shows. */
const pageCodes = new Set(['not-found', 'unauthenticated', 'internal', 'database-unavailable'])

export function testPages(deps: WorkflowPageDeps) {
  const { instances, testRepository, testRuns, now } = deps

  const listPage = async (
    c: Context<DashboardEnv>,
    found: FoundWorkflow,
    state: FormState | null,
    status = 200,
  ) => {
    const { workflow, deployments, today } = found
    const { userId, viewer } = c.var
    const [list, tests, catalogue] = await Promise.all([
      instances.list(userId, { limit: noLimit, after: null }),
      testRepository.list(userId, { workflowId: workflow.id }, { limit: shownTests, after: null }),
      loadCatalogue(),
    ])
    const triggers = triggersOf(workflow.workflow, catalogue)
    const [trigger = ''] = triggers
    const items = inputOf({ workflow: workflow.workflow }, { trigger, items: undefined }, now())
    return renderPage(
      c,
      { title: 'Tests', section: 'workflows', crumbs: crumbsOf(workflow), status: status as 200 },
      <>
        <WorkflowHead
          workflow={workflow}
          deployments={deployments}
          today={today}
          tab="tests"
          time={viewer.time}
        />
        <TestsView
          workflowId={workflow.id}
          requireReplay={workflow.requireReplay}
          instances={list.items}
          triggers={triggers}
          tests={tests.items}
          time={viewer.time}
          values={state?.values ?? { input: inputText(items.length === 1 ? items[0] : items) }}
          errors={state?.errors ?? {}}
        />
      </>,
    )
  }

  return new Hono<DashboardEnv>()
    .get('/:id/tests', async (c) => listPage(c, await findWorkflow(deps, c), null))
    .post('/:id/tests', async (c) => {
      const form = await readForm(c, limitBytes)
      const values = Object.fromEntries(fields.map((name) => [name, (form.get(name) ?? '').trim()]))
      const id = idOf(c)
      try {
        const { instanceId, trigger, writes, runs } = values
        const what = runs
          ? { replay: { runs: Number(runs) } }
          : { ...(trigger && { trigger }), input: jsonOf(values['input'] ?? '') }
        const request = check(TestRequest, { instanceId, ...(writes && { writes }), ...what }, 'json')
        const test = await testRuns.start(c.var.userId, id, request)
        return c.redirect(workflowHref(id, `/tests/${test.id}`), 303)
      } catch (error) {
        if (!(error instanceof AppError) || pageCodes.has(error.code)) throw error
        const errors = errorsByField(error, fields)
        return listPage(c, await findWorkflow(deps, c), { values, errors }, statusOf(error.code))
      }
    })
    .post('/:id/tests/setting', async (c) => {
      const id = idOf(c)
      const requireReplay = (await readForm(c)).get('requireReplay') === 'true'
      requireFound(await deps.workflows.update(c.var.userId, id, null, { requireReplay }), 'Workflow')
      const text = requireReplay
        ? 'A version is published only after a replay has passed.'
        : 'Versions are published without a replay.'
      return redirectWith(c, workflowHref(id, '/tests'), text)
    })
    .get('/:id/tests/:test', async (c) => {
      const { userId, viewer } = c.var
      const { data } = IdParam.safeParse({ id: c.req.param('test') })
      const [found, test] = await Promise.all([
        findWorkflow(deps, c),
        data ? testRuns.find(userId, data.id) : null,
      ])
      const { workflow, deployments, today } = found
      const shown = requireFound(test?.workflowId === workflow.id ? test : null, 'Test run')
      const [version, instance] = await Promise.all([
        deps.workflows.findVersion(userId, workflow.id, shown.version),
        instances.find(userId, shown.instanceId),
      ])
      return renderPage(
        c,
        {
          title: 'Test',
          section: 'workflows',
          crumbs: [...crumbsOf(workflow), { label: 'Tests', href: workflowHref(workflow.id, '/tests') }],
        },
        <>
          <WorkflowHead
            workflow={workflow}
            deployments={deployments}
            today={today}
            tab="tests"
            time={viewer.time}
          />
          <TestView
            test={shown}
            workflow={version?.workflow ?? null}
            instance={instance?.name ?? null}
            graphState={readGraphState(c)}
            time={viewer.time}
          />
        </>,
      )
    })
}

/** @throws {AppError} `invalid` */
function jsonOf(text: string): unknown {
  if (text === '') return undefined
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new AppError('invalid', 'The request is invalid', {
      errors: [{ pointer: '/input', detail: 'Is not valid JSON' }],
    })
  }
}
