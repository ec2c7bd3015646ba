/** Statements that are not limited to one user, with the reason. `test/statement-budgets.test.ts` rejects unused entries. */
export interface Exception {
  /** Matches the statement, with single spaces. */
  statement: RegExp
  reason: string
}

const because = (reason: string, ...statements: RegExp[]): Exception[] =>
  statements.map((statement) => ({ statement, reason }))

export const exceptions: Exception[] = [
  ...because(
    'finds the user by a secret or an address',
    /^select "id", "email", .* from "users" where \(lower\("users"\."email"\)/,
    /^insert into "users" .* from "user_routes"/,
    /^with found as \( select t\.id, .* where s\.hash = /,
    /from oauth_grants g join api_tokens t .* where g\.code_hash = /,
    / where g\.token_id = \(select token_id from api_token_secrets where hash = /,
  ),
  ...because(
    'changes the session that a verified refresh token names',
    /^update "sessions" set "generation" = /,
    /^update "sessions" set "revoked_at" = \$1 where \("sessions"\."id" = \$2/,
  ),
  ...because(
    'takes owners from `record_executions`, which reads them from the instance',
    /from record_executions\(\$1, \$2, \$3\) r$/,
    /^with items as materialized .* insert into execution_values as v /,
  ),
  ...because(
    'is part of the job that serves all users',
    /^update alert_rules set evaluated_at = /,
    /^with rules as materialized \(select \* from alert_rules where id = any/,
    /^with claimed as \( update alert_deliveries set lease_until/,
    /^update alert_deliveries set state = \$1, lease_until = null/,
  ),
  ...because(
    'is a metric, or finds the keys in use, over all users',
    /^\(?with recursive "?(?:ids_of_credentials"|keys\(id\))/,
    /^select (?:coalesce\(extract\(epoch from now\(\) - \(select i\.next_poll_at|count\(\*\)::integer as value from \(select 1 from |array\[(?:code|status)\] as of, )/,
  ),
]

/** Tables without an owner. */
export const tablesWithoutOwner = [
  'execution_backfill',
  'execution_horizon',
  'flowkeep_migrations',
  'job_runs',
  'key_checks',
  'login_throttles',
  'oauth_clients',
]
