/** @module The credentials of a workflow's slots on each of the user's instances: the slots of a plan, without the rest. */
import { and, desc, eq, ne } from 'drizzle-orm'
import { checkWorkflow, versionToCheck } from '../../check/run.ts'
import { summarizeCheck } from '../../check/summary.ts'
import type { Db } from '../../db/client.ts'
import { deployments } from '../../db/schema/deployments.ts'
import { environments } from '../../db/schema/environments.ts'
import { instances } from '../../db/schema/instances.ts'
import { withVariables } from '../../environments/substitute.ts'
import { environmentOfInstance, type Target, targetColumns, toTarget } from '../../environments/target.ts'
import type { JsonObject } from '../../lib/json-object.ts'
import type { Catalogue } from '../../n8n/catalogue/catalogue.ts'
import { AppError, invalid, notFound } from '../../errors.ts'
import type { Connection, InstanceConnections } from '../../instances/connections.ts'
import { readSlots, type WorkflowSlots } from '../../n8n/reading/slots.ts'
import { readVariables } from './variables.ts'
import type { ReadVariable, Readiness } from '../../workflows/readiness-contract.ts'
import { type CredentialRequirements, toReadiness } from '../../workflows/requirements.ts'
import { isFilled, type ResolvedSlot } from '../../workflows/slot-bindings.ts'
import { readsLive, type Releases } from '../release.ts'
import { getWorkflow } from '../remote/state.ts'
import type { SettledSlots } from './settled-slots.ts'

const maximumInstances = 10
/** Number of instances that are checked concurrently. */
const concurrency = 4

interface Place {
  target: Target
  id: string
  n8nVersion: string | null
  name: string
  deploymentId: string | null
}

/** `slots` is null when the instance failed to answer. */
type Answer = Place &
  ({ slots: ResolvedSlot[]; variables: ReadVariable[] } | { slots: null; error: AppError })

export interface WorkflowReadinessOptions {
  requirements: Pick<CredentialRequirements, 'resolve'>
  releases: Pick<Releases, 'deployed' | 'bind'>
  settledSlots: SettledSlots
  connections: Pick<InstanceConnections, 'open'>
  loadCatalogue: () => Promise<Catalogue>
}

export class WorkflowReadiness {
  readonly #db: Db
  readonly #options: WorkflowReadinessOptions

  constructor(db: Db, options: WorkflowReadinessOptions) {
    this.#db = db
    this.#options = options
  }

  /**
   * Null when the user has no such workflow.
   * @param instanceId default: all instances, with a representative one described in full
   * @throws {AppError} `invalid` for another user's instance; the error of `instanceId` if that instance fails
   */
  async find(userId: string, workflowId: string, instanceId?: string): Promise<Readiness | null> {
    const [base, all] = await Promise.all([
      this.#options.requirements.resolve(userId, workflowId),
      this.#places(userId, workflowId),
    ])
    if (!base) return null
    const places =
      instanceId === undefined ? all.slice(0, maximumInstances) : all.filter(({ id }) => id === instanceId)
    if (instanceId !== undefined && places.length === 0) throw invalid('instanceId', 'Instance not found')
    const answers: Answer[] = []
    for (let at = 0; at < places.length; at += concurrency) {
      const group = places.slice(at, at + concurrency)
      answers.push(
        ...(await Promise.all(group.map((place) => this.#answer(userId, workflowId, place, base)))),
      )
    }
    const [first] = answers
    if (instanceId !== undefined && first?.slots === null) throw first.error
    const described = representative(answers)
    const n8nVersion = versionToCheck(described?.n8nVersion ?? null)
    return {
      ...toReadiness(described?.slots ?? base.slots, base.wanted),
      instanceId: described?.id ?? null,
      variables: described?.variables ?? [],
      check: summarizeCheck(await checkWorkflow(base.workflow, { n8nVersion })),
      instances: answers.map(toInstance),
    }
  }

  async #answer(
    userId: string,
    workflowId: string,
    place: Place,
    base: { workflow: JsonObject; wanted: WorkflowSlots; slots: ResolvedSlot[] },
  ): Promise<Answer> {
    const { releases, settledSlots, loadCatalogue } = this.#options
    const { target } = place
    const connect = () => this.#connect(userId, place.id)
    try {
      const deployed =
        place.deploymentId === null ? null : await releases.deployed(userId, workflowId, place.id)
      const n8nId = deployed && readsLive(deployed) ? deployed.n8nWorkflowId : null
      const remote = n8nId === null ? null : await getWorkflow(await connect(), n8nId)
      const substituted = await withVariables(base.workflow, target.variables)
      const { workflow } = substituted
      const wanted = workflow === base.workflow ? base.wanted : readSlots(workflow, await loadCatalogue())
      const isPlain = !deployed && wanted === base.wanted && !hasChoices(target)
      const bound = isPlain
        ? base.slots
        : await releases.bind(userId, { instanceId: place.id, wanted, target }, [], deployed, remote)
      const { slots } = await settledSlots.settle(userId, bound, connect)
      return { ...place, slots, variables: readVariables({ substituted, target }) }
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      return { ...place, slots: null, error }
    }
  }

  async #connect(userId: string, instanceId: string): Promise<Connection> {
    const connection = await this.#options.connections.open(userId, instanceId)
    if (!connection) throw notFound('Instance')
    return connection
  }

  /** Instances with a deployment first, then the newest. */
  async #places(userId: string, workflowId: string): Promise<Place[]> {
    const [servers, deployed] = await this.#db.read.batch([
      this.#db.read
        .select({
          id: instances.id,
          name: instances.name,
          n8nVersion: instances.n8nVersion,
          ...targetColumns,
        })
        .from(instances)
        .leftJoin(environments, environmentOfInstance)
        .where(eq(instances.userId, userId))
        .orderBy(desc(instances.id)),
      this.#db.read
        .select({ id: deployments.id, instanceId: deployments.instanceId, status: deployments.status })
        .from(deployments)
        .where(
          and(
            eq(deployments.userId, userId),
            eq(deployments.workflowId, workflowId),
            ne(deployments.status, 'undeployed'),
          ),
        )
        // As in `Releases.deployed`, a tracking deployment counts last.
        .orderBy(desc(deployments.id)),
    ])
    const idOn = new Map<string, string>()
    for (const { id, instanceId, status } of deployed.toReversed()) {
      if (status !== 'tracking' || !idOn.has(instanceId)) idOn.set(instanceId, id)
    }
    const places = servers.map((server): Place => {
      const { id, name, n8nVersion } = server
      return { id, name, n8nVersion, target: toTarget(server), deploymentId: idOn.get(id) ?? null }
    })
    return places.toSorted((a, b) => Number(a.deploymentId === null) - Number(b.deploymentId === null))
  }
}

const hasChoices = ({ chosen, chosenElsewhere }: Target): boolean =>
  chosenElsewhere.size > 0 || chosen.some(({ credentials }) => credentials.length > 0)

const openSlots = (slots: readonly ResolvedSlot[]): number => slots.filter((slot) => !isFilled(slot)).length

/** The deployed instance with the most open slots; without a deployment, the instance with the fewest. */
function representative(answers: readonly Answer[]) {
  const isDeployed = answers.some(({ deploymentId }) => deploymentId !== null)
  const sign = isDeployed ? -1 : 1
  return answers
    .flatMap((each) => (each.slots !== null && (each.deploymentId !== null) === isDeployed ? [each] : []))
    .toSorted((a, b) => sign * (openSlots(a.slots) - openSlots(b.slots)))[0]
}

function toInstance(answer: Answer): Readiness['instances'][number] {
  const { id, name, deploymentId, slots } = answer
  const place = { id, name, deploymentId }
  if (slots === null) return { ...place, ready: null, error: answer.error.message, slots: [] }
  return {
    ...place,
    ready: slots.every(isFilled),
    error: null,
    slots: slots.map(({ node, type, status, reason, consentUrl }) =>
      Object.assign({ node: node.name, type, status, reason }, consentUrl !== undefined && { consentUrl }),
    ),
  }
}
