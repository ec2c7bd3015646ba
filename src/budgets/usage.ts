/** @module What an account uses of its quotas. */
import { sql } from 'drizzle-orm'
import type { Reader } from '../db/client.ts'
import type { Usage } from './contract.ts'
import type { RateLimits } from './request-rates.ts'

interface Limits {
  quotas: {
    workflows: number
    credentials: number
    instances: number
    deployments: number
    alertRules: number
    alertChannels: number
    apiTokens: number
    versions: number
    storedBytes: number
  }
  rates: RateLimits
}

const tables = {
  workflows: 'workflows',
  credentials: 'credentials',
  instances: 'instances',
  deployments: 'deployments',
  alertRules: 'alert_rules',
  alertChannels: 'alert_channels',
  accessTokens: 'api_tokens',
} as const
type Counted = keyof typeof tables
type Row = Record<Counted | 'storedBytes' | 'versions', number> & { workflowId: string | null }

export class UsageRepository {
  readonly #db: Reader
  readonly #limits: Limits

  constructor(db: Reader, limits: Limits) {
    this.#db = db
    this.#limits = limits
  }

  async of(userId: string): Promise<Usage> {
    const counts = Object.entries(tables).map(
      ([name, table]) =>
        sql`(select count(*)::integer from ${sql.identifier(table)} where user_id = ${userId}) as ${sql.identifier(name)}`,
    )
    const { rows } = await this.#db.execute<Row>(sql`
      select ${sql.join(counts, sql`, `)}, stored_bytes(${userId}::uuid)::float8 as "storedBytes",
        coalesce(most.versions, 0) as versions, most.workflow_id as "workflowId"
      from (select) one left join lateral (
        select workflow_id, versions from workflow_sizes where user_id = ${userId} order by versions desc limit 1
      ) most on true`)
    const [row] = rows
    const { apiTokens, versions, ...quotas } = this.#limits.quotas
    const of = (name: Exclude<keyof Row, 'workflowId'>, limit: number) => ({ used: row?.[name] ?? 0, limit })
    return {
      workflows: of('workflows', quotas.workflows),
      credentials: of('credentials', quotas.credentials),
      instances: of('instances', quotas.instances),
      deployments: of('deployments', quotas.deployments),
      alertRules: of('alertRules', quotas.alertRules),
      alertChannels: of('alertChannels', quotas.alertChannels),
      accessTokens: of('accessTokens', apiTokens),
      storedBytes: of('storedBytes', quotas.storedBytes),
      versionsPerWorkflow: { ...of('versions', versions), workflowId: row?.workflowId ?? null },
      requestsPerMinute: this.#limits.rates,
    }
  }
}
