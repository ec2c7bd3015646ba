import { and, desc, eq, inArray, sql } from 'drizzle-orm'
import type { Db } from '../db/client.ts'
import { credentials } from '../db/schema/credentials.ts'
import { workflows } from '../db/schema/workflows.ts'
import type { Catalogue } from '../n8n/catalogue.ts'
import { extractMetadata } from '../n8n/metadata.ts'
import type { MissingCredentials, Readiness } from './contract.ts'

type MissingRow = Omit<MissingCredentials['items'][number], 'displayName'>

/** What a user's workflows require of the user's credentials. Every method takes the owner first. */
export class CredentialRequirements {
  readonly #db: Db
  readonly #loadCatalogue: () => Promise<Catalogue>

  constructor(db: Db, loadCatalogue: () => Promise<Catalogue>) {
    this.#db = db
    this.#loadCatalogue = loadCatalogue
  }

  /** Which credentials the workflow needs, and which of the owner's would do. */
  async readiness(userId: string, workflowId: string): Promise<Readiness | null> {
    const [row] = await this.#db
      .select({ data: workflows.data })
      .from(workflows)
      .where(and(eq(workflows.userId, userId), eq(workflows.id, workflowId)))
    if (!row) return null
    const catalogue = await this.#loadCatalogue()
    const { requirements, unresolved } = extractMetadata(row.data, catalogue)
    const types = requirements.map((requirement) => requirement.type)
    const held =
      types.length === 0
        ? []
        : await this.#db
            .select({
              type: credentials.type,
              id: credentials.id,
              name: credentials.name,
              status: credentials.status,
            })
            .from(credentials)
            .where(and(eq(credentials.userId, userId), inArray(credentials.type, types)))
            .orderBy(desc(credentials.id))
    const checked = requirements.map(({ type, nodes, optional = false }) => {
      const candidates = held
        .filter((each) => each.type === type)
        .map(({ id, name, status }) => ({ id, name, status }))
      return {
        type,
        displayName: catalogue.credentialType(type)?.displayName ?? type,
        nodes,
        optional,
        satisfied: candidates.some((candidate) => candidate.status !== 'invalid'),
        candidates,
      }
    })
    return { ready: checked.every((requirement) => requirement.satisfied), requirements: checked, unresolved }
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
