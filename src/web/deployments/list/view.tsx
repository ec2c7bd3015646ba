/** @module The list of deployments, broken ones first. */
import { type DeploymentListState, deploymentListStates } from '../../../runs/deployment-state.ts'
import { lowSuccessRate } from '../../../runs/meaning.ts'
import type { CutList } from '../../../lib/cut-list.ts'
import type { Child } from 'hono/jsx'
import { Card, Empty } from '../../components/card.tsx'
import {
  FilterForm,
  FilterSelect,
  FilterText,
  IgnoredFilters,
  LinkButton,
  Pagination,
  withQuery,
} from '../../components/controls.tsx'
import { Icon, NodeBadge } from '../../components/icons.tsx'
import { PageHead } from '../../layout/page.tsx'
import { Glyph, Status, statusBadge, type Tone } from '../../components/status.tsx'
import { NameCell, Table, Td, Time, Tr } from '../../components/table.tsx'
import { countedRuns } from '../../links/run-filter.ts'
import { count, cutNote, none, percent, plural, type TimeFormat } from '../../format.ts'
import {
  type DeploymentList,
  type DeploymentListFilter,
  type DeploymentListRow,
  type Named,
} from '../../../deployments/list-queries.ts'
import { stepLabel } from '../../components/deployment-stages.ts'

const states: Record<DeploymentListState, { tone: Tone; label: string; struckThrough?: boolean }> = {
  failed: { tone: 'fail', label: 'failed' },
  failing: { tone: 'fail', label: 'failing' },
  drifted: { tone: 'wait', label: 'drifted' },
  deploying: { tone: 'run', label: 'deploying' },
  active: { tone: 'ok', label: 'live' },
  inactive: { tone: 'idle', label: 'unpublished', struckThrough: true },
  tracking: { tone: 'idle', label: 'tracked' },
  undeployed: { tone: 'idle', label: 'undeployed', struckThrough: true },
}

const capitalize = (word: string) => word.charAt(0).toUpperCase() + word.slice(1)

export interface ListPageProps {
  list: DeploymentList
  counts: Map<DeploymentListState, number>
  filter: DeploymentListFilter
  /** The parameters of the URL, without `after`. */
  query: Record<string, string>
  isFirstPage: boolean
  /** Names of the invalid parameters. */
  ignored: string[]
  workflow: string | null
  instances: CutList<Named>
  time: TimeFormat
}

export function ListPage(props: ListPageProps) {
  const { list, counts, filter, query, isFirstPage, ignored, workflow, instances, time } = props
  const total = [...counts.values()].reduce((sum, each) => sum + each, 0)
  const inState = filter.state === undefined ? total : (counts.get(filter.state) ?? 0)
  const isFiltered = Object.keys(query).length > 0
  return (
    <>
      <PageHead
        title="Deployments"
        meta={deploymentListStates
          .filter((state) => (counts.get(state) ?? 0) > 0)
          .map((state) => {
            const { tone, label, struckThrough = false } = states[state]
            const isSet = filter.state === state
            return (
              <a
                class={`status ${tone}${isSet ? ' deploy-set' : ''}`}
                href={withQuery('/deployments', query, { status: isSet ? null : state })}
                {...(isSet && { 'aria-current': 'true' })}
              >
                <Glyph tone={tone} struckThrough={struckThrough} />
                {count(counts.get(state))} {label}
              </a>
            )
          })}
        actions={
          <>
            <LinkButton href="/releases">Releases</LinkButton>
            <LinkButton kind="primary" icon="plus" href="/deployments/new">
              Plan deployment
            </LinkButton>
          </>
        }
      />
      {(total > 0 || isFiltered) && (
        <FilterForm action="/deployments" keep={query.wf === undefined ? {} : { wf: query.wf }}>
          <FilterText label="Filter by workflow" value={filter.q ?? ''} />
          <FilterSelect
            name="status"
            label="State"
            value={filter.state ?? ''}
            options={[
              ['', 'Any state'],
              ...deploymentListStates.map((state) => [state, capitalize(states[state].label)] as const),
            ]}
          />
          <FilterSelect
            name="inst"
            label="Instance"
            value={filter.instanceId ?? ''}
            options={[['', 'Any instance'], ...instances.items.map(({ id, name }) => [id, name] as const)]}
            note={cutNote(instances)}
          />
          {query.wf !== undefined && (
            <a class="chip set" href={withQuery('/deployments', query, { wf: null })}>
              Workflow <b title={workflow ?? ''}>{workflow ?? 'deleted'}</b>
              <Icon name="cross" small />
              <span class="visually-hidden">Remove filter</span>
            </a>
          )}
          {isFiltered && (
            <a class="link nowrap" href="/deployments">
              Clear filters
            </a>
          )}
        </FilterForm>
      )}
      <IgnoredFilters ignored={ignored} />
      <Card label="Deployments" flush results>
        {list.rows.length === 0 ? (
          <EmptyList isFiltered={isFiltered} hasInstances={instances.items.length > 0} />
        ) : (
          <Table
            caption="Deployments, worst first"
            class="deploy-table"
            columns={[
              { label: 'Workflow' },
              { label: 'State' },
              { label: 'Version' },
              { label: 'Success, 24 h', numeric: true },
              { label: 'Last error' },
            ]}
          >
            {list.rows.map((row) => (
              <Row row={row} time={time} />
            ))}
          </Table>
        )}
      </Card>
      {list.rows.length > 0 && (
        <Pagination
          text={`Showing ${count(list.rows.length)} of ${plural(inState, 'deployment')}.`}
          firstHref={isFirstPage ? null : withQuery('/deployments', query)}
          nextHref={list.nextCursor && withQuery('/deployments', query, { after: list.nextCursor })}
        />
      )}
    </>
  )
}

function EmptyList({ isFiltered, hasInstances }: { isFiltered: boolean; hasInstances: boolean }) {
  if (isFiltered) {
    return (
      <Empty
        title="No deployments match."
        action={<LinkButton href="/deployments">Clear filters</LinkButton>}
      />
    )
  }
  return hasInstances ? (
    <Empty
      title="No deployments yet."
      action={<LinkButton href="/deployments/new">Plan deployment</LinkButton>}
    >
      A deployment runs one version of a workflow on an n8n instance. The plan shows every change before
      anything is sent.
    </Empty>
  ) : (
    <Empty title="No deployments yet." action={<LinkButton href="/instances/new">Add instance</LinkButton>}>
      A deployment runs a workflow on an n8n instance. Add an instance first.
    </Empty>
  )
}

const stateNote: Partial<Record<DeploymentListState, (row: DeploymentListRow, time: TimeFormat) => Child>> = {
  deploying: (row) => (row.status === 'pending' ? 'Waiting to start' : stepLabel(row.step)),
  failing: (row) => (row.status === 'tracking' ? 'Tracked' : 'Live'),
  drifted: (row, time) => (
    <a class="link" href={`/deployments/${row.id}/drift`}>
      Compare<span class="visually-hidden"> {row.workflowName} with n8n</span>, detected{' '}
      <Time at={row.driftedSince} format={time} as="brief" />
    </a>
  ),
}

function Row({ row, time }: { row: DeploymentListRow; time: TimeFormat }) {
  const { state, succeeded, failed, version, newestVersion } = row
  const finished = succeeded + failed
  const share = finished === 0 ? null : succeeded / finished
  const runs = withQuery('/executions', {
    status: 'success,failed',
    v: String(version),
    dep: row.id,
    from: '24h',
    ...countedRuns(),
  })
  const note = stateNote[state]?.(row, time)
  return (
    <Tr {...((state === 'failed' || state === 'failing') && { tone: 'fail' })}>
      <Td>
        <NameCell
          badge={<NodeBadge type={row.triggerType} />}
          href={`/deployments/${row.id}`}
          name={row.workflowName}
          note={`on ${row.instanceName}`}
        />
      </Td>
      <Td phone="end">
        <span class="two-lines">
          <Status {...statusBadge(row)} />
          {note && <small>{note}</small>}
        </span>
      </Td>
      <Td phone="line">
        <span class="two-lines deploy-version">
          <span>
            v{version}
            {newestVersion > version && <span class="muted"> of {newestVersion}</span>}
          </span>
          <small>
            <span class="visually-hidden">since </span>
            <Time at={row.since} format={time} />
          </small>
        </span>
      </Td>
      <Td numeric phone="line" class="deploy-share">
        {share === null ? (
          <span class="muted">
            {none}
            <span class="visually-hidden"> no finished runs in 24 h</span>
          </span>
        ) : (
          <span class="two-lines">
            <a class={share < lowSuccessRate ? 'fail' : ''} href={runs}>
              {percent(share)}
            </a>
            <small>{plural(finished, 'run')}</small>
          </span>
        )}
      </Td>
      <Td phone="line" class={row.error || row.runId ? 'deploy-error' : 'deploy-error deploy-none'}>
        <LastError row={row} />
      </Td>
    </Tr>
  )
}

/** A deployment error takes precedence over a run error. */
function LastError({ row }: { row: DeploymentListRow }) {
  const { status, error, step, runError, runNode, runId } = row
  if (error) {
    return (
      <span class="two-lines">
        <span class={status === 'failed' ? 'deploy-clamp' : 'deploy-clamp soft'} title={error}>
          {error}
        </span>
        {status === 'failed' && <small>Stopped at: {stepLabel(step)}</small>}
      </span>
    )
  }
  if (runId === null) return <span class="muted">{none}</span>
  return (
    <span class="two-lines">
      <a class="deploy-clamp" href={`/executions/${runId}`} title={runError ?? undefined}>
        {runError ?? 'Failed without a message'}
      </a>
      {runNode && <small>{runNode}</small>}
    </span>
  )
}
