/** @module What a rule can be limited to, for the dashboard. */
import { sql } from 'drizzle-orm'
import type { Reader } from '../db/client.ts'
import type { Scope } from './contract.ts'

export interface ScopeChoice extends Record<string, unknown> {
  scope: Scope
  id: string
  name: string
}

const maxChoices = 500

/** By name. With more than 500 of a kind, the API can name the others. */
export async function readScopeChoices(db: Reader, userId: string): Promise<ScopeChoice[]> {
  const { rows } = await db.execute<ScopeChoice>(sql`
    (select 'workflowId' as scope, id, name from workflows where user_id = ${userId} order by name, id limit ${maxChoices})
    union all
    (select 'instanceId', id, name from instances where user_id = ${userId} order by name, id limit ${maxChoices})
    union all
    (select 'credentialId', id, name from credentials where user_id = ${userId} order by name, id limit ${maxChoices})`)
  return rows
}
