import { and, eq, sql } from 'drizzle-orm'
import type { AvailableCredentials } from '../credentials/available.ts'
import type { Db } from '../db/client.ts'
import { workflows } from '../db/schema/workflows.ts'
import type { Catalogue } from '../n8n/catalogue.ts'
import { readSlots } from '../n8n/slots.ts'
import { listedCandidates } from './candidates.ts'
import type { MissingCredentials, Readiness } from './contract.ts'
import { type ResolvedSlot, resolveSlots } from './slot-bindings.ts'

type MissingRow = Omit<MissingCredentials['items'][number], 'displayName'>

/** What a user's workflows require of the user's credentials. Every method takes the owner first. */
export class CredentialRequirements {
  readonly #db: Db
  readonly #availableCredentials: AvailableCredentials
  readonly #loadCatalogue: () => Promise<Catalogue>

  constructor(db: Db, availableCredentials: AvailableCredentials, loadCatalogue: () => Promise<Catalogue>) {
    this.#db = db
    this.#availableCredentials = availableCredentials
    this.#loadCatalogue = loadCatalogue
  }

  /** What would fill the workflow's slots on an instance where it was never deployed, and what is missing. */
  async readiness(userId: string, workflowId: string): Promise<Readiness | null> {
    const [row] = await this.#db
      .select({ data: workflows.data })
      .from(workflows)
      .where(and(eq(workflows.userId, userId), eq(workflows.id, workflowId)))
    if (!row) return null
    const catalogue = await this.#loadCatalogue()
    const wanted = readSlots(row.data, catalogue)
    const types = wanted.slots.map(({ type }) => type)
    const available = await this.#availableCredentials.find(userId, types)
    const slots = resolveSlots({ wanted, catalogue, available })
    const byType = [...Map.groupBy(slots, ({ type }) => type)].toSorted(([a], [b]) => (a < b ? -1 : 1))
    return {
      ready: slots.every(isBound),
      slots: slots.map(toReadinessSlot),
      requirements: byType.map(([type, ofType]) => ({
        type,
        displayName: ofType[0]?.displayName ?? type,
        nodes: ofType.map(({ node }) => node.name).toSorted(),
        optional: ofType.every((slot) => slot.optional),
        satisfied: ofType.every(isBound),
        candidates: ofType[0] ? listedCandidates(ofType[0]) : [],
      })),
      unresolved: wanted.unresolved,
    }
  }

  /** Credential types that the owner's workflows require and the owner has no credential of, by type. */
  async missing(userId: string): Promise<MissingCredentials> {
    const { rows } = await this.#db.execute<MissingRow>(sql`
      select type, count(*)::integer as "workflowCount",
        json_agg(json_build_object('id', id, 'name', name) order by id desc) filter (where place <= 100) as workflows
      from (
        select required.type, w.id, w.name, row_number() over (partition by required.type order by w.id desc) as place
        from workflows w cross join unnest(w.required_credential_types) as required (type)
        where w.user_id = ${userId} and not exists (
          select 1 from credentials c where c.user_id = w.user_id and c.n8n_credential_type = required.type
        )
      ) missing
      group by type order by type collate "C"`)
    const catalogue = await this.#loadCatalogue()
    return {
      items: rows.map(({ type, workflowCount, workflows }) => ({
        type,
        displayName: catalogue.credentialType(type)?.displayName ?? type,
        workflowCount,
        workflows,
      })),
    }
  }
}

const isBound = ({ status }: ResolvedSlot): boolean => status === 'bound'

function toReadinessSlot(slot: ResolvedSlot): Readiness['slots'][number] {
  const { node, type, credential, candidates, displayName, named, status, reason } = slot
  const own = candidates.find(
    ({ id }) => credential && 'credentialId' in credential && id === credential.credentialId,
  )
  return {
    ...{ node: node.name, type, displayName, named, status },
    credential: own ? { id: own.id, name: own.name } : null,
    reason,
    ...(node.destination && { sentTo: node.destination.host }),
    candidates: listedCandidates(slot),
  }
}
