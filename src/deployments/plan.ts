/** @module What deploying would do, found out without changing anything: in n8n it only reads. */
import { AppError } from '../errors.ts'
import { type Connection, type InstanceConnections, toAppError } from '../instances/connections.ts'
import { N8nError } from '../n8n/api-transport.ts'
import type { Catalogue } from '../n8n/catalogue.ts'
import { contentHash } from '../n8n/workflow-json.ts'
import { hasErrors } from '../n8n/finding.ts'
import { type ChosenBinding, identityOf, type ResolvedSlot } from '../workflows/slot-bindings.ts'
import { chosenBindings } from './contract.ts'
import { slotRefs } from './credential-refs.ts'
import { errorHandlingOf, namedErrorWorkflow } from './error-handling.ts'
import type { Plan, PlanRequest } from './plan-contract.ts'
import { planFindings } from './plan-findings.ts'
import { type CredentialInN8n, type PlannedCredential, plannedSlot, summarize } from './plan-slots.ts'
import { type Deployed, readsLive, type Release, type Releases } from './release.ts'
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

export class Planner {
  readonly #options: PlannerOptions

  constructor(options: PlannerOptions) {
    this.#options = options
  }

  /** @throws {AppError} `invalid`; `instance-*` when n8n cannot be asked */
  async plan(userId: string, request: PlanRequest): Promise<Plan> {
    const { releases, connections } = this.#options
    const { workflowId, instanceId, version } = request
    const chosen = chosenBindings(request.bindings)
    const release = await releases.find(userId, workflowId, instanceId, version, chosen)
    const deployed = await releases.deployed(userId, workflowId, instanceId)
    const connection = await connections.open(userId, instanceId)
    if (!connection) throw new AppError('not-found', 'No such instance')
    try {
      return await this.#compare(userId, request, release, deployed, chosen, connection)
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
    chosen: ChosenBinding[],
    connection: Connection,
  ): Promise<Plan> {
    const { client, instance } = connection
    const { releases, loadCatalogue } = this.#options
    const catalogue = await loadCatalogue()
    const { settings: acceptedSettings } = await client.capabilities()
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
    const resolved = await releases.bind(userId, release, chosen, deployed, remote)
    const isListed = (slot: ResolvedSlot) =>
      slot.status === 'n8n' || (catalogue.credentialType(slot.type)?.oauth ?? false)
    const known = resolved.some(isListed) ? await credentialsInN8n(client) : null
    const credentials = await this.#credentials(userId, instance.id, resolved, known)
    const credentialOf = ({ credential, type }: ResolvedSlot) =>
      credential ? credentials.get(`${type} ${identityOf(credential)}`) : undefined
    const goneFromN8n = resolved.filter((slot) => slot.status === 'n8n' && !credentialOf(slot))
    const slots = resolved.map((slot) => {
      const status = goneFromN8n.includes(slot) ? ('missing' as const) : slot.status
      return plannedSlot(Object.assign({}, slot, { status }), credentialOf(slot))
    })
    const actions = new Map(
      slots.map((slot, index) => [slot, resolved[index] && credentialOf(resolved[index])?.action]),
    )
    const listed = known && {
      types: new Set(resolved.filter(isListed).map(({ type }) => type)),
      credentials: known,
    }
    const bindings = summarize(slots, (slot) => actions.get(slot), listed)
    const refs = slotRefs(
      resolved.map((slot) => ({ node: slot.node.name, type: slot.type, slot })),
      ({ slot }) => credentialOf(slot)?.ref,
    )
    const { body, changes, errors } = toRemoteBody(release.workflow, catalogue, {
      credentials: refs,
      errorHandling,
      acceptedSettings,
      settingsBefore: remote?.settings,
    })
    const publish = request.publish !== false && startedBy(release.workflow, catalogue) !== 'nothing'
    const webhooks = publish
      ? await findWebhookConflicts(client, catalogue, body.nodes, n8nWorkflowId)
      : { conflicts: [], complete: true }
    const problems = planFindings({
      ...{ slots: resolved, goneFromN8n, refusals: errors, webhooks },
      isTrackedGone: readsLive(deployed) && remote === null,
    })
    const ours = await releases.onInstance(userId, instance.id)
    const conflicts = webhooks.conflicts.map(({ method, path, n8nWorkflowId: id, name }) => {
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
      ready: !hasErrors(problems),
      workflowId: release.workflowId,
      instanceId: release.instanceId,
      version: release.version,
      deploymentId: deployed?.id ?? null,
      publish,
      slots,
      bindings,
      unresolved: release.wanted.unresolved,
      conflicts,
      forcedSettings: { ...savedExecutions, errorWorkflow: errorHandling.errorWorkflow },
      changes,
      live: live || null,
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

  /** What becomes of each credential that fills a slot, once each. One that is gone has no entry. */
  async #credentials(
    userId: string,
    instanceId: string,
    slots: readonly ResolvedSlot[],
    known: readonly CredentialInN8n[] | null,
  ): Promise<Map<string, PlannedCredential>> {
    const found = new Map<string, PlannedCredential>()
    for (const { type, credential } of slots) {
      if (!credential) continue
      const key = `${type} ${identityOf(credential)}`
      if (found.has(key)) continue
      if ('n8nCredentialId' in credential) {
        const id = credential.n8nCredentialId
        const ref = known ? known.find((each) => each.id === id && each.type === type) : { id, name: type }
        if (ref) found.set(key, { ref: { id, name: ref.name }, action: 'existing' })
        continue
      }
      const preview = await this.#options.remoteCredentials.preview(
        userId,
        instanceId,
        credential.credentialId,
      )
      if (preview) found.set(key, preview)
    }
    return found
  }
}

/** Null where they cannot be listed. */
async function credentialsInN8n(client: Connection['client']): Promise<CredentialInN8n[] | null> {
  if (!(await client.capabilities()).credentialList) return null
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
