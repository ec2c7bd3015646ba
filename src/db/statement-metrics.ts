/** @module Measures requests to the database, and records a span for each without parameters or the text of statements. */
import { metrics } from '../telemetry/metrics.ts'
import { recordsMetrics } from '../telemetry/registry.ts'
import { inSpan } from '../telemetry/trace.ts'
import type { StatementKind } from './client.ts'

interface Sent {
  database: string
  kind: StatementKind
  /** JSON of the driver: one statement, or those of a batch. */
  body: string
}

/**
 * @param work calls `countAttempt` before each attempt
 * @param sqlStateOf undefined for a successful answer
 */
export function measured<T>(
  { database, kind, body }: Sent,
  work: (countAttempt: () => void) => Promise<T>,
  sqlStateOf: (answer: T) => string | undefined,
): Promise<T> {
  return inSpan('client', kind === 'read' ? 'database read' : 'database write', async (span) => {
    const startedAt = performance.now()
    const statements = span || recordsMetrics() ? countStatements(body) : 0
    let attempts = 0
    let errorClass: string | undefined = 'connection'
    if (span) {
      span.attributes['db.system.name'] = 'postgresql'
      span.attributes['db.operation.name'] = /"query":"\s*(\w+)/.exec(body)?.[1]?.toUpperCase() ?? 'BATCH'
      if (statements > 1) span.attributes['db.operation.batch.size'] = statements
    }
    try {
      const answer = await work(() => (attempts += 1))
      errorClass = classOf(sqlStateOf(answer))
      return answer
    } finally {
      metrics.statements.add(statements, database, kind)
      metrics.databaseSeconds.observe((performance.now() - startedAt) / 1000, database, kind)
      if (attempts > 1) metrics.databaseRetries.add(attempts - 1, database)
      if (errorClass !== undefined) {
        metrics.databaseErrors.add(1, database, errorClass)
        if (span) {
          span.isFailed = true
          span.attributes['error.type'] = errorClass
        }
      }
    }
  })
}

/** The class of a SQLSTATE. An answer without one is not from Postgres. */
function classOf(sqlState: string | undefined): string | undefined {
  if (sqlState === undefined) return undefined
  return /^[0-9A-Z]{5}$/.test(sqlState) ? sqlState.slice(0, 2) : 'connection'
}

const statementStart = '{"query":"'

/** Without parsing what may be megabytes. Quotes within a statement or a parameter are escaped, so that this finds no other. */
function countStatements(body: string): number {
  let count = 0
  for (let at = body.indexOf(statementStart); at >= 0; at = body.indexOf(statementStart, at + 1)) count += 1
  return Math.max(1, count)
}
