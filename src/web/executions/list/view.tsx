/** @module The list of runs: filters, and one row per run. */
import { Card, Empty } from '../../components/card.tsx'
import { IgnoredFilters, LinkButton, Pagination, withQuery } from '../../components/controls.tsx'
import { PageHead } from '../../layout/page.tsx'
import { executionStyle, Status } from '../../components/status.tsx'
import { NameCell, Table, Td, Time, Tr } from '../../components/table.tsx'
import { duration, none, plural, runNumber, type TimeFormat } from '../../format.ts'
import { Meter } from '../../charts/spark.tsx'
import { Filters } from './filters.tsx'
import { triggerLabel } from '../../components/node-labels.ts'
import type { FilterChoices, ListedRun } from '../../../executions/list-queries.ts'
import { listHref, listQuery, type RunFilter, runHref } from '../../links/run-filter.ts'

export interface ListViewProps {
  filter: RunFilter
  runs: ListedRun[]
  /** Null on the last page. */
  next: string | null
  choices: FilterChoices
  time: TimeFormat
}

const path = '/executions'

export function ListView({ filter, runs, next, choices, time }: ListViewProps) {
  const list = listQuery(filter.query)
  const exportHref = (format: string) =>
    withQuery('/executions/export', new URLSearchParams(list), { format })
  return (
    <>
      <PageHead
        title="Runs"
        actions={
          runs.length > 0 && (
            <>
              <LinkButton href="/errors">Error groups</LinkButton>
              <LinkButton href={exportHref('csv')} icon="download">
                CSV
              </LinkButton>
              <LinkButton href={exportHref('json')} icon="download">
                JSON
              </LinkButton>
            </>
          )
        }
      />
      <Filters filter={filter} choices={choices} time={time} />
      <IgnoredFilters ignored={filter.ignored} />
      <Card label="Runs" flush results>
        {runs.length === 0 ? (
          <NoRuns isFiltered={list !== ''} isPaged={filter.after !== null} list={list} />
        ) : (
          <Runs runs={runs} list={list} time={time} />
        )}
      </Card>
      {runs.length > 0 && (
        <Pagination
          text={`${plural(runs.length, filter.after === null ? 'run' : 'older run')}, newest first`}
          firstHref={filter.after === null ? null : listHref(list)}
          nextHref={next && withQuery(path, new URLSearchParams(list), { after: next })}
        />
      )}
    </>
  )
}

function NoRuns({ isFiltered, isPaged, list }: { isFiltered: boolean; isPaged: boolean; list: string }) {
  if (isPaged) {
    return (
      <Empty title="No older runs." action={<LinkButton href={listHref(list)}>First page</LinkButton>}>
        This is the end of the list.
      </Empty>
    )
  }
  if (isFiltered) {
    return (
      <Empty title="No runs match." action={<LinkButton href={path}>Clear filters</LinkButton>}>
        New runs appear within a few minutes.
      </Empty>
    )
  }
  return (
    <Empty
      title="No runs yet."
      action={
        <LinkButton kind="primary" href="/deployments">
          View deployments
        </LinkButton>
      }
    >
      Runs appear here after a deployed or tracked workflow runs in n8n.
    </Empty>
  )
}

const columns = [
  { label: 'Status' },
  { label: 'Workflow' },
  { label: 'Started' },
  { label: 'Duration' },
  { label: 'Trigger' },
  { label: 'Version' },
  { label: 'Instance' },
]

/** Milliseconds that the run has taken so far; null if unknown. */
export function elapsedMs({ status, startedAt, durationMs }: ListedRun, now: Date): number | null {
  if (durationMs !== null) return durationMs
  if (status !== 'running' || startedAt === null) return null
  return Math.max(0, now.getTime() - Date.parse(startedAt))
}

function Runs({ runs, list, time }: { runs: ListedRun[]; list: string; time: TimeFormat }) {
  // A run in progress may have taken days, so finished runs set the scale.
  const ended = runs.flatMap(({ durationMs }) => durationMs ?? [])
  const longestMs = Math.max(
    1,
    ...(ended.length > 0 ? ended : runs.map((run) => elapsedMs(run, time.now) ?? 0)),
  )
  return (
    <Table caption="Runs, newest first" columns={columns} class="runs">
      {runs.map((run) => (
        <RunRow run={run} list={list} time={time} longestMs={longestMs} />
      ))}
    </Table>
  )
}

interface RunRowProps {
  run: ListedRun
  list: string
  time: TimeFormat
  longestMs: number
}

function RunRow({ run, list, time, longestMs }: RunRowProps) {
  const style = executionStyle(run)
  const ms = elapsedMs(run, time.now)
  const took = ms === null ? none : duration(ms)
  const errorText = [run.error?.node, run.error?.message].filter(Boolean).join(': ')
  return (
    <Tr>
      <Td phone="end">
        <Status {...style} />
      </Td>
      <Td class="runs-name">
        <NameCell
          href={runHref(run.id, list)}
          name={
            <>
              <span title={run.workflowName ?? undefined}>{run.workflowName ?? 'Deleted workflow'}</span>{' '}
              <span class="muted numeric">{runNumber(run)}</span>
            </>
          }
          {...(run.error && {
            note: (
              <span class="runs-error" title={errorText}>
                {errorText}
              </span>
            ),
          })}
        />
      </Td>
      <Td phone="line" class="nowrap runs-started">
        <Time at={run.startedAt ?? run.receivedAt} format={time} />
        <span class="runs-phone"> · {took}</span>
      </Td>
      <Td phone="hide" class="runs-duration">
        <span class="runs-took">
          <span class="numeric">{took}</span>
          {ms !== null && <Meter share={ms / longestMs} tone={style.tone} />}
        </span>
      </Td>
      <Td phone="hide">
        {triggerLabel(run.mode, run.triggerTypes)}
        {run.retriedBy && (
          <>
            {' '}
            <a class="muted" href={runHref(run.retriedBy, list)}>
              Retried
            </a>
          </>
        )}
      </Td>
      <Td phone="hide">
        {run.workflowName === null ? (
          `v${run.workflowVersion}`
        ) : (
          <a class="runs-version" href={`/workflows/${run.workflowId}`}>
            v{run.workflowVersion}
          </a>
        )}
      </Td>
      <Td phone="hide">
        {run.instanceName === null ? (
          <span class="muted">Deleted</span>
        ) : (
          <a href={`/instances/${run.instanceId}`}>{run.instanceName}</a>
        )}
      </Td>
    </Tr>
  )
}
