/** @module Plans a deployment, deploys the plan, and tracks workflows that n8n already has. */
import { type Context, Hono } from 'hono'
import { v7 as uuidv7 } from 'uuid'
import { ActivationQuery, type Deployment, NewDeployment } from '../../../deployments/contract.ts'
import { AppError, notFound } from '../../../errors.ts'
import { statusOf } from '../../../http/problem.ts'
import { check } from '../../../http/validate.ts'
import { renderPage } from '../../layout/page.tsx'
import type { DashboardDeps, DashboardEnv } from '../../context.ts'
import { errorsByField, type FormState, readForm } from '../../form-data.ts'
import { redirectWith } from '../../notice.ts'
import { continueHref, newCredentialHref, newInstanceHref } from '../../links/setup.ts'
import { type Choices, selectedBindings, planOf, planPath, readChoices } from './choices.ts'
import { outcomeOf, reasonOf } from '../../links/outcome.ts'
import { getWorkflow } from '../../../deployments/remote/state.ts'
import type { Plan } from '../../../deployments/plan/contract.ts'
import { reporterName } from '../../../instances/reporter-workflow.ts'
import type { Instance } from '../../../instances/contract.ts'
import type { ErrorWorkflow } from './settings-card.tsx'
import { PlanPage } from './view.tsx'
import { isUuid } from '../../../lib/scalars.ts'
import type { CutList } from '../../../lib/cut-list.ts'
import { type Named, readOptions } from '../../../deployments/list-queries.ts'
import { trackFields, TrackPage } from './track-view.tsx'

export type PlanDeps = Pick<
  DashboardDeps,
  | 'db'
  | 'requirements'
  | 'deployer'
  | 'deployments'
  | 'workflows'
  | 'instances'
  | 'connections'
  | 'fingerprint'
  | 'replayResults'
>

const crumbs = [{ label: 'Deployments', href: '/deployments' }]
const versionLimit = 50

const nameIn = ({ items }: CutList<Named>, id: string | null): string | null =>
  items.find((each) => each.id === id)?.name ?? null

export function planPages(deps: PlanDeps) {
  const { db, requirements, deployer, deployments, workflows, instances, connections, fingerprint } = deps
  const { replayResults } = deps

  /** The name of the error workflow in n8n. Asks n8n unless it is Flowkeep's reporter. */
  async function errorWorkflowOf(
    userId: string,
    plan: Plan | null,
    instance: Instance | null,
  ): Promise<ErrorWorkflow | null> {
    const id = plan?.forcedSettings['errorWorkflow'] ?? null
    if (id === null || !instance) return null
    const href = `${instance.baseUrl}/workflow/${encodeURIComponent(id)}`
    if (id === instance.reporter?.n8nWorkflowId) return { name: reporterName, href }
    const found = await connections
      .open(userId, instance.id)
      .then((connection) => connection && getWorkflow(connection, id))
      .catch((error: unknown) => {
        if (error instanceof AppError) return null
        throw error
      })
    return { name: found?.name ?? null, href }
  }

  /** Preselects the only instance. On failure, shows the reason and preserves the choices. */
  async function planPage(c: Context<DashboardEnv>, requested: Choices, refusal?: AppError) {
    const { userId, viewer } = c.var
    const reading = readOptions(db, userId, requested)
    const onlyInstance = async () => {
      const [only, another] = (await reading).instances.items
      return another ? null : (only?.id ?? null)
    }
    const { workflowId } = requested
    const instanceId = requested.instanceId ?? (await onlyInstance())
    const chosen = { ...requested, instanceId }
    let unavailable: string | null = null
    let refused = refusal
    const planning = planOf(deployer, userId, chosen).catch((error: unknown) => {
      if (!(error instanceof AppError) || error.code === 'not-found') throw error
      if (error.code.startsWith('instance-')) unavailable = reasonOf(error)
      else refused ??= error
      return { choices: chosen, plan: null, dropped: [] as string[] }
    })
    const [options, planned, versions, instance] = await Promise.all([
      reading,
      planning,
      workflowId === null ? null : workflows.versions(userId, workflowId, { limit: versionLimit }),
      instanceId === null ? null : instances.find(userId, instanceId),
    ])
    const status = refused ? statusOf(refused.code) : 200
    return renderPage(
      c,
      { title: 'Plan deployment', section: 'deployments', crumbs, status },
      <PlanPage
        {...options}
        {...planned}
        versions={{ items: versions?.items ?? [], isCut: !!versions?.nextCursor }}
        workflowName={nameIn(options.workflows, workflowId) ?? versions?.items[0]?.name ?? null}
        instanceName={instance?.name ?? null}
        errorWorkflow={await errorWorkflowOf(userId, planned.plan, instance)}
        refusal={refused ? reasonOf(refused) : null}
        unavailable={unavailable}
        nonce={uuidv7()}
        time={viewer.time}
      />,
    )
  }

  async function trackPage(c: Context<DashboardEnv>, state: FormState, status: 200 | 409 | 422) {
    const idOf = (text = '') => (isUuid(text) ? text : null)
    const { workflowId, instanceId } = state.values
    const chosen = { workflowId: idOf(workflowId), instanceId: idOf(instanceId) }
    const options = await readOptions(db, c.var.userId, chosen)
    return renderPage(
      c,
      { title: 'Track workflow', section: 'deployments', crumbs, status },
      <TrackPage {...options} {...state} />,
    )
  }

  /** Deploys the plan. @throws {AppError} `conflict` if the plan has changed since the user saw it */
  async function deployPlanned(userId: string, choices: Choices, form: URLSearchParams): Promise<Deployment> {
    const { plan } = await planOf(deployer, userId, choices)
    if (!plan || plan.planHash !== form.get('planHash')) {
      throw new AppError('conflict', 'The plan has changed since you opened it. Review the updated plan')
    }
    const { workflowId, instanceId, version, deploymentId } = plan
    const { publish, reportSuccess, fixes } = choices
    const reason = form.get('force')
    const force = reason === null ? undefined : check(ActivationQuery, { force: reason }, 'json').force
    const bindings = selectedBindings(choices)
    if (deploymentId !== null) {
      const change = { version, bindings, publish, reportSuccess, fixes, force }
      const deployment = await deployer.deploy(userId, deploymentId, change)
      if (!deployment) throw notFound('Deployment')
      return deployment
    }
    const key = await creationKey(form)
    return deployer.create(
      userId,
      { workflowId, instanceId, version, bindings, publish, reportSuccess, fixes, force },
      key,
    )
  }

  async function creationKey(form: URLSearchParams) {
    const nonce = form.get('key') ?? ''
    if (!/^[0-9a-f-]{36}$/.test(nonce)) return undefined
    return {
      key: nonce,
      route: 'POST /deployments',
      bodyHash: await fingerprint('idempotency-body', form.toString()),
    }
  }

  async function outcome(c: Context<DashboardEnv>, deployment: Deployment) {
    const options = await readOptions(db, c.var.userId, deployment)
    const workflow = nameIn(options.workflows, deployment.workflowId) ?? 'The workflow'
    const { kind, text } = outcomeOf(
      deployment,
      `${workflow} on ${nameIn(options.instances, deployment.instanceId) ?? 'the instance'}`,
    )
    return redirectWith(c, `/deployments/${deployment.id}`, text, kind)
  }

  /** The first open step between a workflow and its deployment. */
  async function nextStep(c: Context<DashboardEnv>): Promise<string> {
    const query = new URL(c.req.url).searchParams
    const { workflowId } = readChoices(query)
    const readiness = workflowId === null ? null : await requirements.readiness(c.var.userId, workflowId)
    if (workflowId === null || !readiness) throw new AppError('not-found', 'Workflow not found')
    const skipsCredentials = query.get('skip') === 'credentials'
    const optional = new Set(readiness.requirements.flatMap(({ type, optional }) => (optional ? [type] : [])))
    const missing = readiness.slots.find(
      ({ type, status, candidates }) =>
        status === 'missing' && candidates.length === 0 && !optional.has(type),
    )
    const back = continueHref(workflowId, { skipsCredentials })
    if (missing && !skipsCredentials) {
      return newCredentialHref(missing.type, back, missing.named?.name)
    }
    return (await c.var.navCounts)?.instances === 0 ? newInstanceHref(back) : planPath({ workflowId })
  }

  return new Hono<DashboardEnv>()
    .get('/continue', async (c) => c.redirect(await nextStep(c), 303))
    .get('/new', (c) => planPage(c, readChoices(new URL(c.req.url).searchParams)))
    .post('/', async (c) => {
      const form = await readForm(c)
      const { userId } = c.var
      const key = await creationKey(form)
      // On a double click or a resubmitted form, the first request has created the deployment.
      const earlier = key && (await deployments.findCreated(userId, key))
      if (earlier) return outcome(c, earlier)
      const choices = readChoices(form)
      try {
        return await outcome(c, await deployPlanned(userId, choices, form))
      } catch (error) {
        if (!(error instanceof AppError) || error.code === 'not-found') throw error
        const created = key && (await deployments.findCreated(userId, key))
        return created ? outcome(c, created) : planPage(c, choices, error)
      }
    })
    .get('/track', (c) => trackPage(c, { values: c.req.query(), errors: {} }, 200))
    .post('/track', async (c) => {
      const form = await readForm(c)
      const values = Object.fromEntries(trackFields.map((name) => [name, (form.get(name) ?? '').trim()]))
      const { version, n8nWorkflowId = '', ...ids } = values
      try {
        const body = check(
          NewDeployment,
          { ...ids, n8nWorkflowId, ...(version && { version: Number(version) }) },
          'json',
        )
        const deployment = await deployer.track(c.var.userId, { ...body, n8nWorkflowId })
        await replayResults(c.var.userId, deployment)
        return await outcome(c, deployment)
      } catch (error) {
        if (!(error instanceof AppError)) throw error
        if (error.code !== 'invalid' && error.code !== 'deployment-exists' && error.code !== 'quota-exceeded')
          throw error
        return trackPage(
          c,
          {
            values,
            errors: {
              ...errorsByField(error, trackFields),
              ...(!ids.workflowId && { workflowId: 'Choose a workflow' }),
              ...(!ids.instanceId && { instanceId: 'Choose an instance' }),
            },
          },
          error.code === 'invalid' ? 422 : 409,
        )
      }
    })
}
