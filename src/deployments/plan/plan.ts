/** @module Plans a deployment: its changes and problems. Only reads, here and in n8n. */
import { notFound } from '../../errors.ts'
import { type Connection, toAppError } from '../../instances/connections.ts'
import type { N8nWorkflow } from '../../n8n/api/shapes.ts'
import { N8nError } from '../../n8n/api/transport.ts'
import type { Catalogue } from '../../n8n/catalogue/catalogue.ts'
import { endpointsOf, productionUrls } from '../../n8n/reading/webhook-paths.ts'
import { contentHash } from '../../lib/canonical-json.ts'
import { type Finding, hasErrors } from '../../n8n/checks/finding.ts'
import { withName } from '../../n8n/sendable/workflow.ts'
import { withSubWorkflows } from '../../n8n/reading/sub-workflow-refs.ts'
import { identityOf } from '../../workflows/binding-sources.ts'
import { type RequestedBinding, type ResolvedSlot } from '../../workflows/slot-bindings.ts'
import type { DeploymentContext, DeploymentContexts } from '../context.ts'
import { requestedBindings } from '../contract.ts'
import { slotRefs } from '../remote/credential-refs.ts'
import { errorHandlingOf, namedErrorWorkflow } from '../deploy/error-handling.ts'
import type { Dependencies } from './dependencies.ts'
import { asWarning, checkPlan, lostCredentials, trackedFindings, unknownTypeFindings } from './checks.ts'
import type { Plan, PlannedDependency, PlanRequest } from './contract.ts'
import { isForceable, type PlanProblem, toProblems } from './problems.ts'
import { isPublished } from './publish-guard.ts'
import { replayProblems } from '../replay-gate.ts'
import { slotFindings } from './slot-findings.ts'
import { type PlannedCredential, plannedSlot, summarize } from './slots.ts'
import { type Deployed, readsLive, type Release, type Releases } from '../release.ts'
import { savedExecutions, startedBy, toRemoteBody } from '../remote/body.ts'
import type { RemoteCredentials } from '../remote/credentials.ts'
import { diffRemote, isDrift, remoteHash } from '../remote/form.ts'
import { getWorkflow, hasCredential } from '../remote/state.ts'
import type { SettledSlots } from './settled-slots.ts'
import {
  dependencyFinding,
  dependencyWarning,
  errorWorkflowCode,
  type SubWorkflows,
} from '../remote/sub-workflows.ts'
import { findUntrackedCopies } from './untracked-copies.ts'
import { webhookScopeOf } from '../remote/webhook-ids.ts'
import { readVariables, variableFindings } from './variables.ts'
import { conflictFindings, findWebhookConflicts } from './webhook-conflicts.ts'

export interface PlannerOptions {
  releases: Releases
  remoteCredentials: RemoteCredentials
  settledSlots: SettledSlots
  contexts: DeploymentContexts
  loadCatalogue: () => Promise<Catalogue>
  subWorkflows: SubWorkflows
  dependencies: Dependencies
}

export class Planner {
  readonly #options: PlannerOptions

  constructor(options: PlannerOptions) {
    this.#options = options
  }

  /**
   * @param assumed workflows to treat as live on the instance, because they are deployed first
   * @param context the request's release, loaded
   * @throws {AppError} `invalid`; `instance-*`
   */
  async plan(
    userId: string,
    request: PlanRequest,
    { assumed = new Set(), context }: { assumed?: ReadonlySet<string>; context?: DeploymentContext } = {},
  ): Promise<Plan> {
    const { contexts } = this.#options
    const requested = requestedBindings(request.bindings)
    const { release, deployed, connection: opening } = context ?? (await contexts.load(userId, request))
    const connection = await opening
    if (!connection) throw notFound('Instance')
    try {
      return await this.#compare(userId, request, release, deployed, requested, connection, assumed)
    } catch (error) {
      if (error instanceof N8nError) throw toAppError(error)
      throw error
    }
  }

  async #compare(
    userId: string,
    request: PlanRequest,
    release: Release,
    deployed: Deployed | null,
    requested: RequestedBinding[],
    connection: Connection,
    assumed: ReadonlySet<string>,
  ): Promise<Plan> {
    const { client, instance } = connection
    const { releases, loadCatalogue } = this.#options
    const catalogue = await loadCatalogue()
    const { settings: acceptedSettings } = await client.capabilities()
    const n8nWorkflowId = deployed?.n8nWorkflowId ?? null
    const remote = n8nWorkflowId === null ? null : await getWorkflow(connection, n8nWorkflowId)
    const called = await this.#called(userId, request, release, n8nWorkflowId, connection, assumed)
    const { workflow: substituted } = release.substituted
    const named = withName(substituted, release.name)
    const workflow = withSubWorkflows(named, called.ids)
    const errorHandling = errorHandlingOf({
      workflow,
      own: namedErrorWorkflow(workflow.settings),
      live: remote?.settings,
      settingsBefore: deployed?.settingsBefore ?? null,
      reportsErrors: deployed?.reportsErrors ?? true,
      reporterWorkflowId: instance.reporterWorkflowId,
    })
    const [bound, ours] = await Promise.all([
      releases.bind(userId, release, requested, deployed, remote),
      releases.onInstance(userId, instance.id),
    ])
    const { slots: resolved, listed } = await this.#options.settledSlots.settle(
      userId,
      bound,
      async () => connection,
      { listOauth: true },
    )
    const credentials = await this.#credentials(userId, connection, resolved)
    const credentialOf = ({ credential, type }: ResolvedSlot) =>
      credential ? credentials.get(`${type} ${identityOf(credential)}`) : undefined
    const slots = resolved.map((slot) => plannedSlot(slot, credentialOf(slot)))
    const actions = new Map(
      slots.map((slot, index) => [slot, resolved[index] && credentialOf(resolved[index])?.action]),
    )
    const bindings = summarize(slots, (slot) => actions.get(slot), listed)
    const refs = slotRefs(
      resolved.map((slot) => ({ node: slot.node.name, type: slot.type, slot })),
      ({ slot }) => credentialOf(slot)?.ref,
    )
    const { body, changes, findings } = toRemoteBody(workflow, catalogue, {
      credentials: refs,
      errorHandling,
      acceptedSettings,
      live: remote,
      webhookScope: webhookScopeOf(release, deployed),
    })
    const publish = request.publish !== false && startedBy(release.workflow, catalogue) !== 'nothing'
    const webhooks = publish
      ? await findWebhookConflicts(client, catalogue, body.nodes, n8nWorkflowId)
      : { conflicts: [], complete: true }
    const isLive = isPublished(deployed, release)
    const checked = await checkPlan({
      workflow: release.workflow,
      catalogue,
      connection,
      errorHandling,
      remote,
      publish: request.publish !== false,
      isPublished: isLive,
      credentials: [...credentials.values()],
    })
    const problems = [
      ...(request.publish === false || isLive ? [] : replayProblems(release)),
      ...toProblems('refuse', [...findings, ...slotFindings(resolved)]),
      ...toProblems(isLive ? 'try' : 'unless-forced', conflictFindings(webhooks)),
      ...toProblems(
        'try',
        trackedFindings({
          isGone: readsLive(deployed) && remote === null,
          isArchived: remote?.isArchived ?? false,
        }),
      ),
      ...called.problems,
      ...toProblems('try', [
        ...(publish && !deployed ? await findUntrackedCopies(connection, catalogue, body, ours) : []),
        ...lostCredentials(resolved, credentialOf),
        ...(await variableFindings(connection, release)),
        ...(await unknownTypeFindings(client, catalogue, resolved)),
      ]),
      ...checked.problems,
    ]
    const conflicts = webhooks.conflicts.map(({ method, path, n8nWorkflowId: id, name }) => {
      return { method, path, n8nWorkflowId: id, name, deploymentId: ours.get(id) ?? null }
    })
    const diff = remote && diffRemote(remote, body)
    const live = deployed &&
      n8nWorkflowId !== null && {
        version: deployed.version,
        missing: remote === null,
        differs: diff ? isDrift(diff) : true,
        drifted: remote !== null && (await isChangedInN8n(deployed, remote)),
        diff: diff ? without(diff, 'cosmetic') : null,
      }
    const plan = {
      ready: !hasErrors(problems),
      workflowId: release.workflowId,
      instanceId: release.instanceId,
      version: release.version,
      deploymentId: deployed?.id ?? null,
      publish,
      slots,
      bindings,
      variables: readVariables(release),
      unresolved: release.wanted.unresolved,
      dependencies: called.dependencies,
      conflicts,
      forcedSettings: { ...savedExecutions, errorWorkflow: errorHandling.errorWorkflow },
      changes:
        named === substituted
          ? changes
          : [{ pointer: '/name', detail: `is missing; set to ${String(named.name)}` }, ...changes],
      fixes: release.applied,
      webhookUrls: productionUrls(instance.baseUrl, endpointsOf(body.nodes, catalogue)),
      live: live || null,
      n8nVersion: checked.n8nVersion,
      problems,
    }
    const planHash = await contentHash({
      ...without(plan, 'forcedSettings'),
      slots: slots.map((slot) => without(slot, 'candidates')),
      bindings: bindings.map((binding) => without(without(binding, 'candidates'), 'n8nCandidates')),
      contentHash: release.contentHash,
    })
    return { ...plan, planHash }
  }

  /** The sub-workflows on the instance, and plans for the ones to deploy first. */
  async #called(
    userId: string,
    { instanceId, withDependencies = true, publish = true }: PlanRequest,
    { workflowId, workflow }: Release,
    n8nWorkflowId: string | null,
    { client }: Connection,
    assumed: ReadonlySet<string>,
  ): Promise<{ ids: Map<string, string>; dependencies: PlannedDependency[]; problems: PlanProblem[] }> {
    const { subWorkflows, dependencies: graph } = this.#options
    const target = { workflowId, instanceId, n8nWorkflowId }
    const resolved = await subWorkflows.resolve(userId, workflow, target, client)
    const { ids, dependencies } = resolved
    const findings = [...resolved.findings]
    const isAsked = withDependencies && assumed.size === 0 && dependencies.length > 0
    const caller = { workflowId, workflow, dependencies }
    const order = isAsked
      ? await graph.order(userId, instanceId, caller, client)
      : { pending: [], findings: [] }
    findings.push(...order.findings)
    const live = new Set([...assumed, workflowId])
    const planned: PlannedDependency[] = []
    const waiting: PlanProblem[] = []
    for (const { workflowId: id, name, deploymentId, status, action } of order.pending) {
      const {
        ready,
        problems,
        version,
        live: there,
      } = await this.plan(userId, { workflowId: id, instanceId }, { assumed: live })
      const drifted = there?.drifted ?? false
      planned.push({ workflowId: id, name, version, deploymentId, status, action, ready, drifted, problems })
      live.add(id)
      if (!ready) waiting.push(...notReady(name, problems))
    }
    for (const dependency of dependencies) {
      const isLive = live.has(dependency.workflowId)
      const finding = isLive ? undefined : dependencyFinding(dependency)
      const warning = isLive ? undefined : dependencyWarning(dependency)
      if (finding) findings.push(finding)
      else if (warning) findings.push(warning)
      const { workflowId: id, name, deploymentId, status } = dependency
      if (order.pending.some((each) => each.workflowId === id)) continue
      planned.push({
        workflowId: id,
        name,
        version: null,
        deploymentId,
        status,
        action: 'none',
        ready: !finding,
        drifted: false,
        problems: [],
      })
    }
    // A legacy n8n calls an error workflow that is not published.
    const { publish: isCurrent } = await client.capabilities()
    const counted = isCurrent ? findings : findings.filter(({ code }) => code !== errorWorkflowCode)
    const own = toProblems('refuse', publish ? counted : counted.map(asWarning))
    return { ids, dependencies: planned, problems: [...own, ...waiting] }
  }

  /** The action for each credential that fills a slot. Deleted credentials have no entry. */
  async #credentials(
    userId: string,
    { instance, client }: Connection,
    slots: readonly ResolvedSlot[],
  ): Promise<Map<string, PlannedCredential>> {
    const found = new Map<string, PlannedCredential>()
    const own = slots.flatMap(({ credential: of }) => (of && 'credentialId' in of ? [of.credentialId] : []))
    const previews = new Map(
      await Promise.all(
        [...new Set(own)].map(
          async (id) => [id, await this.#options.remoteCredentials.preview(userId, instance.id, id)] as const,
        ),
      ),
    )
    for (const { type, credential, inN8n, nameInN8n = type } of slots) {
      if (!credential || inN8n === 'gone') continue
      const key = `${type} ${identityOf(credential)}`
      if (found.has(key)) continue
      if ('n8nCredentialId' in credential) {
        const id = credential.n8nCredentialId
        found.set(key, { ref: { id, name: nameInN8n }, action: 'existing' })
        continue
      }
      const preview = previews.get(credential.credentialId)
      if (!preview) continue
      const { credentialRead } = await client.capabilities()
      const isLost =
        credentialRead && preview.action !== 'create' && !(await hasCredential(client, preview.ref.id))
      found.set(key, isLost ? { ref: preview.ref, action: 'create', isLost } : preview)
    }
    return found
  }
}

/** Whether n8n has something other than what Flowkeep sent last. */
export async function isChangedInN8n(
  { status, deployedHash }: Pick<Deployed, 'status' | 'deployedHash'>,
  remote: N8nWorkflow,
): Promise<boolean> {
  if (status === 'tracking' || remote.isArchived) return true
  if (status === 'active' || status === 'inactive') if (remote.active !== (status === 'active')) return true
  return deployedHash !== null && deployedHash !== (await remoteHash(remote))
}

/** The caller's problem when a sub-workflow to deploy first has problems. */
function notReady(name: string, problems: readonly PlanProblem[]): PlanProblem[] {
  const finding: Finding = {
    code: 'dependency-not-ready',
    level: 'error',
    pointer: '',
    message: `The sub-workflow ${JSON.stringify(name)} cannot be deployed yet. Fix its problems first`,
  }
  const blocking = problems.filter(({ blocks }) => blocks)
  const policy = blocking.length === 0 ? 'try' : isForceable(blocking) ? 'unless-forced' : 'refuse'
  return toProblems(policy, [finding])
}

function without<T extends object, K extends keyof T>(object: T, key: K): Omit<T, K> {
  const { [key]: _, ...rest } = object
  return rest
}
