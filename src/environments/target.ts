/** @module The variables and credentials that apply to a deployment on an instance: its own, then its environment's. */
import { and, eq, sql } from 'drizzle-orm'
import { type ChosenCredential, environments, type Variables } from '../db/schema/environments.ts'
import { instances, isProduction } from '../db/schema/instances.ts'

export interface Target {
  /** Name of the environment. */
  environment: string | null
  isProduction: boolean
  variables: Variables
  /** Names that the instance itself defines. */
  ownVariables: ReadonlySet<string>
  /** In order of precedence. */
  chosen: readonly { by: 'instance' | 'environment'; credentials: readonly ChosenCredential[] }[]
  /** IDs of credentials that were chosen for other environments and instances only. Empty outside production. */
  chosenElsewhere: ReadonlySet<string>
}

/** Joins an instance with its environment. */
export const environmentOfInstance = and(
  eq(environments.userId, instances.userId),
  eq(environments.name, instances.environment),
)

/** Of an instance that is joined with its environment. */
export const targetColumns = {
  environment: instances.environment,
  isProduction,
  environmentVariables: environments.variables,
  environmentCredentials: environments.credentials,
  instanceVariables: instances.variables,
  instanceCredentials: instances.credentials,
  chosenElsewhere: sql<string[] | null>`case when ${isProduction} then (
    select jsonb_agg(distinct chosen ->> 'credentialId')
    from (
      select e.credentials from environments e
      where e.user_id = instances.user_id and e.name is distinct from instances.environment
      union all
      select i.credentials from instances i where i.user_id = instances.user_id and i.id <> instances.id
    ) others cross join jsonb_array_elements(others.credentials) chosen) end`,
}

export interface TargetRow {
  environment: string | null
  isProduction: boolean
  environmentVariables: Variables | null
  environmentCredentials: ChosenCredential[] | null
  instanceVariables: Variables | null
  instanceCredentials: ChosenCredential[] | null
  chosenElsewhere: string[] | null
}

export function toTarget(row: TargetRow): Target {
  const ofInstance = row.instanceVariables ?? {}
  const own = row.instanceCredentials ?? []
  const shared = row.environmentCredentials ?? []
  const here = new Set([...own, ...shared].map(({ credentialId }) => credentialId))
  return {
    environment: row.environment,
    isProduction: row.isProduction,
    variables: { ...row.environmentVariables, ...ofInstance },
    ownVariables: new Set(Object.keys(ofInstance)),
    chosen: [
      { by: 'instance', credentials: own },
      { by: 'environment', credentials: shared },
    ],
    chosenElsewhere: new Set((row.chosenElsewhere ?? []).filter((id) => !here.has(id))),
  }
}
