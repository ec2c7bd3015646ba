/** @module The state of a deployment: its status, and whether it fails or differs from n8n. The same on every page. */
import { type SQL, sql } from 'drizzle-orm'
import { last24Hours } from '../lib/time.ts'
import { failedSum, failingDeployment } from './meaning.ts'
import { partsOf } from './period.ts'
import { type Filter, runsIn } from './sources.ts'

/** The statuses, plus `failing` and `drifted` for deployments in n8n. Worst first. */
export const deploymentListStates = [
  'failed',
  'failing',
  'drifted',
  'deploying',
  'active',
  'inactive',
  'tracking',
  'undeployed',
] as const
export type DeploymentListState = (typeof deploymentListStates)[number]

/** CTE `runs`: those of the last 24 hours. CTE `sums`: the finished ones by `deployment_id` and `workflow_version`. */
export const recentSums = (userId: string, filter: Filter, now: Date): SQL => sql`
  runs as (${runsIn(userId, filter, partsOf(last24Hours(now)))}),
  sums as (
    select deployment_id, workflow_version, sum(success)::integer as succeeded, sum(${failedSum})::integer as failed
    from runs group by deployment_id, workflow_version
  )`

/**
 * On a deployment `d` and the row `s` of `recentSums` of its version. `failing`: see `failingDeployment`. `drifted`: n8n
 * differs from the deployed version.
 */
export const deploymentState = sql`case
  when d.status = 'failed' then 'failed'
  when d.status in ('pending', 'deploying') then 'deploying'
  when d.status in ('active', 'tracking') and s.succeeded + s.failed >= ${failingDeployment.minRuns}::integer
    and s.failed >= (s.succeeded + s.failed) * ${failingDeployment.share}::float8 then 'failing'
  when d.drifted_since is not null and d.status in ('active', 'inactive', 'tracking') then 'drifted'
  else d.status end`
