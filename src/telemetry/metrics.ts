/** @module What this process or isolate measures. `docs/monitoring.md` lists the metrics. */
import { Metric } from './registry.ts'

const second = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const day = [1, 5, 15, 60, 300, 900, 3600, 21_600, 86_400]

export const metrics = {
  requests: new Metric('counter', 'flowkeep_http_requests', 'Requests by route and status class', [
    'method',
    'route',
    'status',
  ]),
  requestSeconds: new Metric(
    'histogram',
    'flowkeep_http_request_duration_seconds',
    'Time until the response starts',
    ['method', 'route'],
    second,
  ),
  activeRequests: new Metric('gauge', 'flowkeep_http_requests_active', 'Requests in progress'),
  statements: new Metric('counter', 'flowkeep_database_statements', 'Statements sent', ['database', 'kind']),
  databaseSeconds: new Metric(
    'histogram',
    'flowkeep_database_request_duration_seconds',
    'Time of one request to the database: a statement or a batch, with its retries',
    ['database', 'kind'],
    second,
  ),
  databaseErrors: new Metric(
    'counter',
    'flowkeep_database_errors',
    'Failed requests by SQLSTATE class; connection if Postgres did not respond',
    ['database', 'class'],
  ),
  databaseRetries: new Metric('counter', 'flowkeep_database_retries', 'Retried requests to the database', [
    'database',
  ]),
  n8nRequests: new Metric('counter', 'flowkeep_n8n_requests', 'Requests to n8n servers by outcome', [
    'operation',
    'outcome',
  ]),
  n8nSeconds: new Metric(
    'histogram',
    'flowkeep_n8n_request_duration_seconds',
    'Time of a request to an n8n server',
    [],
    second,
  ),
  executions: new Metric(
    'counter',
    'flowkeep_ingest_executions',
    'Delivered executions: created, known, or unmatched (no deployment)',
    ['source', 'result'],
  ),
  ingestLag: new Metric(
    'histogram',
    'flowkeep_ingest_lag_seconds',
    'Time between the end of an execution and its first delivery',
    ['source'],
    day,
  ),
  rejectedReports: new Metric(
    'counter',
    'flowkeep_ingest_rejected_reports',
    'Reports stored as dead letters by code',
    ['code'],
  ),
  jobRuns: new Metric('counter', 'flowkeep_job_runs', 'Runs of the parts of the scheduled job', [
    'part',
    'outcome',
  ]),
  jobSeconds: new Metric('gauge', 'flowkeep_job_last_duration_seconds', 'Duration of the last run', ['part']),
  jobSuccess: new Metric(
    'gauge',
    'flowkeep_job_last_success_timestamp_seconds',
    'Time of the last successful run',
    ['part'],
  ),
  droppedSpans: new Metric('counter', 'flowkeep_telemetry_dropped_spans', 'Spans that were not exported'),
  exportFailures: new Metric('counter', 'flowkeep_telemetry_export_failures', 'Failed exports over OTLP'),
}
