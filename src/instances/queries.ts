/** @module The number of deployments and dead letters per instance. */
import { sql } from 'drizzle-orm'
import type { Reader } from '../db/client.ts'

export type InstanceCounts = {
  instanceId: string
  /** Deployments with status `active`. */
  active: number
  failed: number
  /** Deployments that are not undeployed. */
  total: number
  deadLetters: number
}

const none = (instanceId: string): InstanceCounts => ({
  instanceId,
  active: 0,
  failed: 0,
  total: 0,
  deadLetters: 0,
})

/** The counts of every instance of the user. */
export async function readInstanceCounts(
  db: Reader,
  userId: string,
): Promise<(instanceId: string) => InstanceCounts> {
  const { rows } = await db.execute<InstanceCounts>(sql`
    select i.id as "instanceId", coalesce(d.active, 0) as active, coalesce(d.failed, 0) as failed,
      coalesce(d.total, 0) as total, coalesce(l.dead_letters, 0) as "deadLetters"
    from instances i
    left join (
      select instance_id, (count(*) filter (where status = 'active'))::integer as active,
        (count(*) filter (where status = 'failed'))::integer as failed, count(*)::integer as total
      from deployments where user_id = ${userId} and status <> 'undeployed' group by instance_id
    ) d on d.instance_id = i.id
    left join (
      select instance_id, count(*)::integer as dead_letters from dead_letters
      where user_id = ${userId} group by instance_id
    ) l on l.instance_id = i.id
    where i.user_id = ${userId}`)
  const byId = new Map(rows.map((row) => [row.instanceId, row]))
  return (instanceId) => byId.get(instanceId) ?? none(instanceId)
}
