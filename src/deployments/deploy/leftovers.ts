/**
 * @module Removes what n8n created from requests that arrived too late: after their run had lost its lease or stopped waiting
 * for a response. Each deployment is checked once, minutes after its last interrupted run.
 */
import { sql } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import type { DeploymentStatus, SlotBinding } from '../../db/schema/deployments.ts'
import { AppError } from '../../errors.ts'
import type { Connection, InstanceConnections } from '../../instances/connections.ts'
import type { ErrorReporter } from '../../instances/reporter.ts'
import { N8nError } from '../../n8n/api/transport.ts'
import type { RemoteCredentials } from '../remote/credentials.ts'
import { hasOther } from './run.ts'
import { creationName, ignoreNotFound } from './steps.ts'

/** When to check a deployment again whose n8n refused or did not respond. */
const againMs = 10 * 60_000

export interface LeftoversOptions {
  connections: Pick<InstanceConnections, 'open'>
  remoteCredentials: Pick<RemoteCredentials, 'removeUnused' | 'removeLate'>
  reporter: Pick<ErrorReporter, 'removeReporter'>
}

interface Due {
  id: string
  userId: string
  instanceId: string
  n8nWorkflowId: string | null
  status: DeploymentStatus
  bindings: SlotBinding[]
  /** Identifies this check: a run that is interrupted meanwhile sets another time. */
  until: string
}

export class Leftovers {
  readonly #db: Db
  readonly #now: () => Date
  readonly #options: LeftoversOptions

  constructor(db: Db, now: () => Date, options: LeftoversOptions) {
    this.#db = db
    this.#now = now
    this.#options = options
  }

  /** For the scheduled job. @returns how many deployments have nothing left in n8n now */
  async remove(limit: number): Promise<number> {
    let done = 0
    for (const due of await this.#claim(limit)) {
      const { id, userId, instanceId, until } = due
      try {
        const connection = await this.#options.connections.open(userId, instanceId)
        if (connection) await this.#removeOf(due, connection)
      } catch (error) {
        if (error instanceof N8nError || error instanceof AppError) continue
        throw error
      }
      await this.#db.execute(sql`update deployments set clean_up_at = null
        where user_id = ${userId} and id = ${id} and clean_up_at = ${until}::timestamptz`)
      done += 1
    }
    return done
  }

  async #claim(limit: number): Promise<Due[]> {
    const until = new Date(this.#now().getTime() + againMs).toISOString()
    const { rows } = await this.#db.execute<Omit<Due, 'until'>>(sql`
      update deployments set clean_up_at = ${until}::timestamptz
      where id in (
        select d.id from deployments d
        join instances i on i.user_id = d.user_id and i.id = d.instance_id
        where d.clean_up_at <= ${this.#now().toISOString()}::timestamptz and d.intent is null
          and i.status not in ('unreachable', 'refused')
          and not exists (select 1 from user_routes r where r.user_id = d.user_id)
        order by d.clean_up_at limit ${limit} for update of d skip locked)
      returning id, user_id as "userId", instance_id as "instanceId", n8n_workflow_id as "n8nWorkflowId", status, bindings`)
    return rows.map((row) => Object.assign(row, { until }))
  }

  async #removeOf(due: Due, connection: Connection): Promise<void> {
    const { client } = connection
    for (const { id } of await client.findWorkflows(creationName(due.id))) {
      if (id !== due.n8nWorkflowId && (await this.#isSettled(due)))
        await client.deleteWorkflow(id).catch(ignoreNotFound)
    }
    if (due.status !== 'undeployed') return
    const { userId, id, bindings } = due
    const { remoteCredentials, reporter } = this.#options
    const credentialIds = bindings.flatMap((bound) => ('credentialId' in bound ? [bound.credentialId] : []))
    await remoteCredentials.removeUnused(userId, connection, id, (work) => work())
    await remoteCredentials.removeLate(userId, connection, id, credentialIds)
    if (!(await hasOther(this.#db, due))) await reporter.removeReporter(connection)
  }

  /** Whether no run has started since. It would find the workflow by its name, and use it. */
  async #isSettled({ userId, id, until }: Due): Promise<boolean> {
    const { rows } = await this.#db.read.execute(sql`select 1 from deployments
      where user_id = ${userId} and id = ${id} and intent is null and clean_up_at = ${until}::timestamptz`)
    return rows.length > 0
  }
}
