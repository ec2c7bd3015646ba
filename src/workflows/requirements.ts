import { and, eq, type SQL, sql } from 'drizzle-orm'
import type { AvailableCredentials } from '../credentials/available.ts'
import type { Db } from '../db/client.ts'
import { workflows } from '../db/schema/workflows.ts'
import type { JsonObject } from '../lib/json-object.ts'
import type { Catalogue } from '../n8n/catalogue/catalogue.ts'
import { readSlots, type WorkflowSlots } from '../n8n/reading/slots.ts'
import { listedCandidates } from './candidates.ts'
import type { MissingCredentials } from './contract.ts'
import type { Readiness, SlotReadiness } from './readiness-contract.ts'
import { isFilled, nameOf, type ResolvedSlot, resolveSlots } from './slot-bindings.ts'

type MissingRow = Omit<MissingCredentials['items'][number], 'displayName'>

/** Matches the credential requirements of a user's workflows with the user's credentials. Every method takes the owner first. */
export class CredentialRequirements {
  readonly #db: Db
  readonly #availableCredentials: AvailableCredentials
  readonly #loadCatalogue: () => Promise<Catalogue>

  constructor(db: Db, availableCredentials: AvailableCredentials, loadCatalogue: () => Promise<Catalogue>) {
    this.#db = db
    this.#availableCredentials = availableCredentials
    this.#loadCatalogue = loadCatalogue
  }

  /** How the slots would be filled on an instance without a deployment of the workflow. */
  async readiness(userId: string, workflowId: string): Promise<SlotReadiness | null> {
    const found = await this.resolve(userId, workflowId)
    return found && { ...toReadiness(found.slots, found.wanted), instanceId: null, instances: [] }
  }

  /** The slots of the current version, resolved without calling n8n. Null if the workflow does not exist. */
  async resolve(
    userId: string,
    workflowId: string,
  ): Promise<{ workflow: JsonObject; wanted: WorkflowSlots; slots: ResolvedSlot[] } | null> {
    const [row] = await this.#db.read
      .select({ data: workflows.data })
      .from(workflows)
      .where(and(eq(workflows.userId, userId), eq(workflows.id, workflowId)))
    if (!row) return null
    const catalogue = await this.#loadCatalogue()
    const wanted = readSlots(row.data, catalogue)
    const types = wanted.slots.map(({ type }) => type)
    const available = await this.#availableCredentials.find(userId, types)
    return { workflow: row.data, wanted, slots: resolveSlots({ wanted, catalogue, available }) }
  }

  /** Required credential types without a credential, sorted by type. */
  async findMissing(userId: string): Promise<MissingCredentials> {
    const { rows } = await this.#db.read.execute<MissingRow>(sql`
      select type, count(*)::integer as "workflowCount",
        json_agg(json_build_object('id', id, 'name', name) order by id desc) filter (where place <= 100) as workflows
      from (
        select type, w.id, w.name, row_number() over (partition by type order by w.id desc) as place
        from ${requiredBy(userId)} where ${isMissing(userId)}
      ) missing
      group by type order by type collate "C"`)
    return { items: await this.#named(rows) }
  }

  /** As `findMissing`, with the number of workflows only. */
  async countMissing(userId: string): Promise<Omit<MissingCredentials['items'][number], 'workflows'>[]> {
    const { rows } = await this.#db.read.execute<Omit<MissingRow, 'workflows'>>(sql`
      select type, sum(workflows)::integer as "workflowCount"
      from (
        select required_credential_types as types, count(*) as workflows from workflows
        where user_id = ${userId} and fits_index(required_credential_types) group by required_credential_types
        union all select required_credential_types, 1 from workflows
        where user_id = ${userId} and not fits_index(required_credential_types)
      ) w cross join unnest(types) as required (type)
      group by type having ${isMissing(userId)} order by type collate "C"`)
    return this.#named(rows)
  }

  async #named<Row extends { type: string }>(rows: Row[]): Promise<(Row & { displayName: string })[]> {
    const catalogue = await this.#loadCatalogue()
    return rows.map((row) => ({
      ...row,
      displayName: catalogue.credentialType(row.type)?.displayName ?? row.type,
    }))
  }
}

/** A row for each workflow and credential `type` that it requires. */
const requiredBy = (userId: string): SQL => sql`(
  select w.id, w.name, required.type from workflows w cross join unnest(w.required_credential_types) as required (type)
  where w.user_id = ${userId}
) w`

const isMissing = (userId: string): SQL =>
  sql`type <> all(array(select n8n_credential_type from credentials where user_id = ${userId}))`

export function toReadiness(
  slots: readonly ResolvedSlot[],
  { unresolved }: Pick<WorkflowSlots, 'unresolved'>,
): Pick<Readiness, 'ready' | 'slots' | 'requirements' | 'unresolved'> {
  const byType = [...Map.groupBy(slots, ({ type }) => type)].toSorted(([a], [b]) => (a < b ? -1 : 1))
  return {
    ready: slots.every(isFilled),
    slots: slots.map(toSlot),
    requirements: byType.map(([type, ofType]) => ({
      type,
      displayName: ofType[0]?.displayName ?? type,
      nodes: ofType.map(({ node }) => node.name).toSorted(),
      optional: ofType.every((slot) => slot.optional),
      satisfied: ofType.every(isFilled),
      candidates: ofType[0] ? listedCandidates(ofType[0]) : [],
    })),
    unresolved,
  }
}

/** The response shape of plans and readiness. */
export function toSlot(slot: ResolvedSlot): Readiness['slots'][number] {
  const { node, type, displayName, named, status, credential, reason, consentUrl } = slot
  return {
    node: node.name,
    type,
    displayName,
    named,
    status,
    credential: credential && {
      ...('credentialId' in credential ? { id: credential.credentialId } : credential),
      name: nameOf(slot) ?? type,
    },
    reason,
    ...(consentUrl !== undefined && { consentUrl }),
    ...(node.destination && { sentTo: node.destination.host }),
    ...(node.destination?.host === null && { sentToExpression: node.destination.computed[0] ?? null }),
    candidates: listedCandidates(slot),
  }
}
