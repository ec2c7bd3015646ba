/** @module What deploying would do, found out without changing anything: in n8n it only reads. */
import { AppError } from '../errors.ts'
import { type Connection, type InstanceConnections, toAppError } from '../instances/connections.ts'
import { N8nError } from '../n8n/api-transport.ts'
import type { Catalogue } from '../n8n/catalogue.ts'
import { contentHash } from '../n8n/workflow-json.ts'
import { type N8nCredentialRef, type ResolvedBinding, resolveBindings } from './bindings.ts'
import { errorHandlingOf, namedErrorWorkflow } from './error-handling.ts'
import type { Plan, PlannedBinding, PlanRequest } from './plan-contract.ts'
import type { Release, Releases } from './release.ts'
import { savedExecutions, startedBy, toRemoteBody } from './remote-body.ts'
import type { RemoteCredentials } from './remote-credentials.ts'
import { diffRemote, isDrift } from './remote-form.ts'
import { getWorkflow } from './remote-state.ts'
import { findWebhookConflicts } from './webhook-conflicts.ts'

/** Of 250 credentials each. */
const maximumCredentialPages = 4

export interface PlannerOptions {
  releases: Releases
  remoteCredentials: RemoteCredentials
  connections: Pick<InstanceConnections, 'open'>
  loadCatalogue: () => Promise<Catalogue>
}

type CredentialInN8n = N8nCredentialRef & { type: string }

export class Planner {
  readonly #options: PlannerOptions

  constructor(options: PlannerOptions) {
    this.#options = options
  }

  /** @throws {AppError} `invalid`; `instance-*` when n8n cannot be asked */
  async plan(userId: string, request: PlanRequest): Promise<Plan> {
    const { releases, connections } = this.#options
    const { workflowId, instanceId, version, bindings: given = {} } = request
    const release = await releases.find(userId, workflowId, instanceId, version, given)
    const deployed = await releases.deployed(userId, workflowId, instanceId)
    const resolved = resolveBindings({
      requirements: release.requirements,
      hasUnresolved: release.unresolved.length > 0,
      held: release.held,
      given,
      previous: deployed?.bindings ?? {},
    })
    const connection = await connections.open(userId, instanceId)
    if (!connection) throw new AppError('not-found', 'No such instance')
    try {
      return await this.#compare(userId, request, release, deployed, resolved, connection)
    } catch (error) {
      if (error instanceof N8nError) throw toAppError(error)
      throw error
    }
  }

  async #compare(
    userId: string,
    request: PlanRequest,
    release: Release,
    deployed: Awaited<ReturnType<Releases['deployed']>>,
    resolved: ResolvedBinding[],
    connection: Connection,
  ): Promise<Plan> {
    const { client, instance } = connection
    const catalogue = await this.#options.loadCatalogue()
    const { settings: acceptedSettings } = await client.capabilities()
    const known = await credentialsInN8n(client, resolved)
    const problems: string[] = []
    const refs = new Map<string, N8nCredentialRef>()
    const bindings: PlannedBinding[] = []
    for (const each of resolved) {
      const { planned, ref } = await this.#binding(userId, instance.id, each, known, problems)
      bindings.push(planned)
      if (ref) refs.set(each.type, ref)
    }
    const n8nWorkflowId = deployed?.n8nWorkflowId ?? null
    const remote = n8nWorkflowId === null ? null : await getWorkflow(connection, n8nWorkflowId)
    const errorHandling = errorHandlingOf({
      workflow: release.workflow,
      own: namedErrorWorkflow(release.workflow.settings),
      live: remote?.settings,
      settingsBefore: deployed?.settingsBefore ?? null,
      reportsErrors: deployed?.reportsErrors ?? true,
      reporterWorkflowId: instance.reporterWorkflowId,
    })
    const { body, changes, errors } = toRemoteBody(release.workflow, catalogue, {
      credentials: refs,
      errorHandling,
      acceptedSettings,
      settingsBefore: remote?.settings,
    })
    problems.push(...errors.map(({ pointer, detail }) => `${pointer} ${detail}`))
    const publish = request.publish !== false && startedBy(release.workflow, catalogue) !== 'nothing'
    const search = publish
      ? await findWebhookConflicts(client, catalogue, body.nodes, n8nWorkflowId)
      : { conflicts: [], complete: true }
    if (!search.complete) {
      problems.push(
        'The instance has many workflows: not all of them were searched for the same webhook paths',
      )
    }
    const ours = await this.#options.releases.onInstance(userId, instance.id)
    const conflicts = search.conflicts.map(({ method, path, n8nWorkflowId: id, name }) => {
      return { method, path, n8nWorkflowId: id, name, deploymentId: ours.get(id) ?? null }
    })
    const diff = remote && diffRemote(remote, body)
    const live = deployed &&
      n8nWorkflowId !== null && {
        version: deployed.version,
        missing: remote === null,
        differs: diff ? isDrift(diff) : true,
        diff: diff ? without(diff, 'cosmetic') : null,
      }
    const plan = {
      ready:
        errors.length === 0 && conflicts.length === 0 && bindings.every(({ status }) => status === 'bound'),
      workflowId: release.workflowId,
      instanceId: release.instanceId,
      version: release.version,
      deploymentId: deployed?.id ?? null,
      publish,
      bindings,
      unresolved: release.unresolved,
      conflicts,
      forcedSettings: { ...savedExecutions, errorWorkflow: errorHandling.errorWorkflow },
      changes,
      live: live || null,
      problems,
    }
    const decisive = bindings.map((binding) => without(without(binding, 'candidates'), 'n8nCandidates'))
    const planHash = await contentHash({
      ...without(plan, 'forcedSettings'),
      bindings: decisive,
      contentHash: release.contentHash,
    })
    return { ...plan, planHash }
  }

  async #binding(
    userId: string,
    instanceId: string,
    { type, displayName, nodes, oauth, status, binding, candidates }: ResolvedBinding,
    known: CredentialInN8n[] | null,
    problems: string[],
  ): Promise<{ planned: PlannedBinding; ref?: N8nCredentialRef }> {
    const ofType = known?.filter((each) => each.type === type).map(({ id, name }) => ({ id, name })) ?? null
    const planned: PlannedBinding = {
      ...{ type, displayName, nodes, status },
      ...{ credentialId: null, n8nCredentialId: null, action: null },
      candidates: candidates.map(({ id, name, status }) => ({ id, name, status })),
      n8nCandidates: oauth || status === 'needs-n8n' || typeof binding === 'object' ? ofType : null,
    }
    if (binding === null) return { planned }
    if (typeof binding === 'object') {
      const { n8nCredentialId } = binding
      const found = ofType?.find(({ id }) => id === n8nCredentialId)
      if (ofType && !found) problems.push(`n8n has no ${type} credential of the id ${n8nCredentialId}`)
      const isMissing = ofType !== null && !found
      return {
        planned: {
          ...planned,
          n8nCredentialId,
          ...(isMissing ? { status: 'missing' } : { action: 'existing' }),
        },
        ref: found ?? { id: n8nCredentialId, name: type },
      }
    }
    const preview = await this.#options.remoteCredentials.preview(userId, instanceId, binding)
    if (!preview) return { planned: { ...planned, status: 'missing' } }
    const { action, ref } = preview
    return { planned: { ...planned, credentialId: binding, n8nCredentialId: ref.id, action }, ref }
  }
}

/** Null where they need not, or cannot, be listed. */
async function credentialsInN8n(
  client: Connection['client'],
  resolved: ResolvedBinding[],
): Promise<CredentialInN8n[] | null> {
  const isWanted = resolved.some(
    ({ oauth, status, binding }) => oauth || status === 'needs-n8n' || typeof binding === 'object',
  )
  if (!isWanted || !(await client.capabilities()).credentialList) return null
  const found: CredentialInN8n[] = []
  let cursor: string | null | undefined
  try {
    for (let page = 0; page < maximumCredentialPages && cursor !== null; page += 1) {
      const { items, nextCursor } = await client.listCredentials({ ...(cursor && { cursor }) })
      found.push(...items)
      cursor = nextCursor
    }
  } catch (error) {
    if (error instanceof N8nError && error.kind === 'forbidden') return null
    throw error
  }
  return found
}

function without<T extends object, K extends keyof T>(object: T, key: K): Omit<T, K> {
  const { [key]: _, ...rest } = object
  return rest
}
