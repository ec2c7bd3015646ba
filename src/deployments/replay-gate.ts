/** @module Whether recorded runs were replayed against a version on an instance, for workflows that require it. */
import { sql } from 'drizzle-orm'
import { type Finding } from '../n8n/checks/finding.ts'
import { type PlanProblem, toProblems } from './plan/problems.ts'

/** The newest replay of a version on an instance. */
export interface ReplayResult {
  status: 'running' | 'passed' | 'failed'
  runs: number
  passed: number
  /** Nodes that differ from the recorded runs. */
  differences: number
}

/** Null when the workflow does not require a replay. */
export type ReplayGate = { newest: ReplayResult | null } | null

/** The result of the rows of `test_runs` of one replay. */
export const replayResult = sql`
  jsonb_build_object(
    'id', t.replay_id,
    'status', case
      when bool_or(t.status = 'running') then 'running'
      when bool_and(t.status = 'passed') and count(*) = max((t.request ->> 'replayRuns')::integer) then 'passed'
      else 'failed' end,
    'runs', max((t.request ->> 'replayRuns')::integer),
    'passed', count(*) filter (where t.status = 'passed'),
    'differences', coalesce(sum((
      select count(*) from jsonb_array_elements(case when jsonb_typeof(t.nodes) = 'array' then t.nodes else '[]' end) node
      where jsonb_typeof(node -> 'differences') = 'array' and node -> 'differences' <> '[]'::jsonb
    )), 0))`

/** On a join of `workflows`, `workflow_versions` and `instances`. */
export const replayGateColumn = sql<ReplayGate>`
  case when workflows.require_replay then jsonb_build_object('newest', (
    select ${replayResult} from test_runs t
    where t.user_id = workflows.user_id and t.workflow_id = workflows.id and t.instance_id = instances.id
      and t.version = workflow_versions.version and t.replay_id is not null
    group by t.replay_id order by t.replay_id desc limit 1
  )) end`

const problemOf = (code: string, message: string): PlanProblem[] => {
  const finding: Finding = { code, level: 'error', pointer: '', message }
  return toProblems('unless-forced', [finding])
}

/** @param release a version with fixes is not the version that was replayed */
export function replayProblems({
  replayGate,
  applied,
}: {
  replayGate: ReplayGate
  applied: readonly string[]
}): PlanProblem[] {
  if (replayGate === null) return []
  const { newest } = replayGate
  if (applied.length > 0 || newest === null || newest.status === 'running') {
    return problemOf(
      'replay-required',
      newest?.status === 'running' && applied.length === 0
        ? 'The replay of this version on this instance has not finished. Wait until it has passed'
        : 'The workflow requires a replay of recorded runs, and this version has not been replayed on this instance. Run the replay first',
    )
  }
  if (newest.status === 'passed') return []
  const { runs, passed, differences } = newest
  return problemOf(
    'replay-failed',
    `The newest replay of this version on this instance failed: ${runs - passed} of ${runs} runs did not pass, ` +
      `${differences} ${differences === 1 ? 'node differs' : 'nodes differ'}. Correct the workflow and run the replay again`,
  )
}

export const isReplayProblem = ({ code }: Pick<Finding, 'code'>): boolean => code.startsWith('replay-')
