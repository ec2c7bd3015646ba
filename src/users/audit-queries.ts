import { sql } from 'drizzle-orm'
import type { Reader } from '../db/client.ts'

interface Subject extends Record<string, unknown> {
  id: string
  name: string
}

/** Names of a user's existing entities by ID. A deployment has the names of its workflow and instance. */
export async function readSubjects(
  db: Reader,
  userId: string,
  ids: readonly string[],
): Promise<Map<string, string>> {
  const wanted = [...new Set(ids)]
  if (wanted.length === 0) return new Map()
  const among = sql`user_id = ${userId} and id = any(${sql.param(wanted)}::uuid[])`
  const { rows } = await db.execute<Subject>(sql`
    select id, name from workflows where ${among}
    union all select id, name from credentials where ${among}
    union all select id, name from instances where ${among}
    union all select d.id, w.name || ' on ' || i.name from (select * from deployments where ${among}) d
      join workflows w on w.user_id = d.user_id and w.id = d.workflow_id
      join instances i on i.user_id = d.user_id and i.id = d.instance_id`)
  return new Map(rows.map(({ id, name }) => [id, name]))
}
