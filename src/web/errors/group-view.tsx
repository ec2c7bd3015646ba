/** @module One error group: its frequency, first and last occurrence, versions and runs. */
import type { ErrorGroupDetail } from '../../analytics/contract.ts'
import type { IncludableKind } from '../../runs/meaning.ts'
import { Card, Delta, Empty, Grid, Kpi, Kpis, Remark } from '../components/card.tsx'
import { Action, Button, IgnoredFilters, LinkButton, withQuery } from '../components/controls.tsx'
import { Icon } from '../components/icons.tsx'
import { PageHead } from '../layout/page.tsx'
import { executionStyle, Status } from '../components/status.tsx'
import { NameCell, Table, Td, Time, Tr } from '../components/table.tsx'
import { cutList } from '../../lib/cut-list.ts'
import { Select } from '../components/select.tsx'
import { count, cutNote, duration, none, runNumber, type TimeFormat } from '../format.ts'
import type { ErrorPeriod } from '../components/period.ts'
import { errorTitle, trendOf, trendLabel } from '../components/error-trend.ts'
import { PeriodChoice } from './list-view.tsx'
import { explain } from '../../executions/diagnosis/explain.ts'
import { GroupChart, intervalLabels } from './group-chart.tsx'
import { IncidentsCard } from '../components/incidents-card.tsx'
import { includeQuery } from '../components/kind-choice.tsx'
import { countedRuns, listQuery, runHref } from '../links/run-filter.ts'

export interface GroupViewProps {
  group: ErrorGroupDetail
  period: ErrorPeriod
  include: readonly IncludableKind[]
  time: TimeFormat
}

export function GroupView(props: GroupViewProps & { ignored: readonly string[] }) {
  const { group, period, include, ignored, time } = props
  const { fingerprint, message, node, errorClass, httpStatus } = group
  const { label, tone } = trendLabel(trendOf(group, group.period), group.lastSeenAt, time.now)
  const { cause, advice } = explain({
    message: group.latestMessage ?? message,
    httpStatus,
    service: 'The service',
  })
  return (
    <>
      <PageHead
        title={<span class="group-title">{errorTitle(group)}</span>}
        meta={
          <>
            <span class={`tag ${tone === 'fail' ? 'fail' : ''}`}>{label}</span>
            <span>
              <Icon name="workflows" small />
              {node ?? 'Unknown node'}
            </span>
            {errorClass && (
              <span>
                <Icon name="code" small />
                {errorClass}
              </span>
            )}
            {httpStatus !== null && (
              <span>
                <Icon name="globe" small />
                HTTP {httpStatus}
              </span>
            )}
          </>
        }
        actions={
          <>
            <PeriodChoice path={`/errors/${fingerprint}`} period={period} query={includeQuery(include)} />
            <StateActions group={group} period={period} include={include} />
          </>
        }
      />
      <IgnoredFilters ignored={ignored} />
      <StateNote group={group} time={time} />
      <Figures group={group} period={period} include={include} time={time} />
      <Grid>
        <Card span={8} title="Failed runs" note={intervalLabels[group.seriesInterval]}>
          <GroupChart
            group={group}
            time={time}
            hrefOf={(from, to) =>
              withQuery('/executions', { error: fingerprint, from, to, ...countedRuns(include) })
            }
          />
        </Card>
        <Card span={4} title="Explanation">
          <div class="group-cause">
            <p>{cause ?? 'Flowkeep has no explanation for this message.'}</p>
            <p class="soft">{advice}</p>
            <p class="muted">
              Numbers, IDs and quoted text are removed from the message to group similar failures.
            </p>
          </div>
        </Card>
        <Versions group={group} period={period} include={include} />
        {group.executions.length > 0 || group.newestIncidents.length === 0 ? (
          <Latest group={group} include={include} time={time} />
        ) : null}
        {group.newestIncidents.length > 0 && (
          <IncidentsCard incidents={group.newestIncidents} span={7} time={time} />
        )}
      </Grid>
    </>
  )
}

/** Failures before the decision, or of earlier versions, do not reopen a resolved group. */
function StateNote({
  group: { state, stateChangedAt, fixedIn, byWorkflow },
  time,
}: StateProps & { time: TimeFormat }) {
  if (stateChangedAt === null) return null
  const at = <Time at={stateChangedAt} format={time} as="inSentence" />
  const name = byWorkflow.find(({ workflowId }) => workflowId === fixedIn?.workflowId)?.name
  const version = fixedIn && `${name ?? 'a workflow'} v${fixedIn.version}`
  return (
    <Remark tone={state === 'regressed' ? 'fail' : 'idle'}>
      {state === 'ignored' ? (
        <>Ignored {at}. It stays out of the list until you reopen it.</>
      ) : state === 'regressed' ? (
        <>
          Resolved {at}
          {version && ` in ${version}`}, but it failed again.
        </>
      ) : (
        <>
          Resolved {at}
          {version && ` in ${version}`}. It reopens if it fails again.
        </>
      )}
    </Remark>
  )
}

type StateProps = Pick<GroupViewProps, 'group'>

const maxFixes = 10

/** Current versions of the affected workflows without this error. */
const fixesOf = ({ byWorkflow, byVersion }: ErrorGroupDetail) =>
  byWorkflow.flatMap(({ workflowId, name, currentVersion }) => {
    const failed = byVersion.flatMap((each) => (each.workflowId === workflowId ? [each.version] : []))
    return name !== null && currentVersion !== null && !failed.some((version) => version >= currentVersion)
      ? [[`${workflowId}.${currentVersion}`, `In ${name} v${currentVersion}`] as const]
      : []
  })

function StateActions({ group, period, include }: Omit<GroupViewProps, 'time'>) {
  const { fingerprint, state } = group
  const action = withQuery(`/errors/${fingerprint}/state`, {
    period: period.name,
    ...includeQuery(include),
  })
  const set = (to: string) => ({ action, fields: { state: to } })
  if (state === 'resolved' || state === 'ignored') return <Action {...set('open')}>Reopen</Action>
  const fixes = cutList(fixesOf(group), maxFixes)
  return (
    <>
      <Action {...set('ignored')}>Ignore</Action>
      <form method="post" action={action} class="error-resolve">
        <input type="hidden" name="state" value="resolved" />
        {fixes.items.length > 0 && (
          <label class="filter-select">
            <span class="visually-hidden">Fixed in</span>
            <Select
              options={[['', 'In all versions'], ...fixes.items]}
              note={cutNote(fixes)}
              attributes={{ name: 'fixedIn' }}
            />
          </label>
        )}
        <Button kind="primary" icon="check">
          Resolve
        </Button>
      </form>
    </>
  )
}

function Figures({ group, period, include, time }: GroupViewProps) {
  const { runs, incidents, previousRuns, firstSeenAt, lastSeenAt, workflows, versions, fingerprint } = group
  return (
    <Kpis label="Error group metrics">
      <Kpi
        label="Failed runs"
        value={count(runs)}
        href={withQuery('/executions', { error: fingerprint, from: period.name, ...countedRuns(include) })}
        delta={
          <Delta change={runs - previousRuns} text={count(Math.abs(runs - previousRuns))} better="down" />
        }
        note={`vs the ${period.name === 'yesterday' ? 'day before' : `previous ${period.text}`}${incidents > 0 ? ` · ${count(incidents)} without a run` : ''}`}
      />
      <Kpi
        label="Workflows"
        value={count(workflows)}
        note={`${count(versions)} ${versions === 1 ? 'version' : 'versions'} in this period`}
      />
      <Kpi
        label="First seen"
        value={time.relative(firstSeenAt)}
        note={firstSeenAt ? time.inSentence(firstSeenAt) : ''}
      />
      <Kpi
        label="Last seen"
        value={time.relative(lastSeenAt)}
        note={lastSeenAt ? time.inSentence(lastSeenAt) : ''}
      />
    </Kpis>
  )
}

function Versions({
  group: { byVersion, versions, fingerprint },
  period,
  include,
}: Pick<GroupViewProps, 'group' | 'period' | 'include'>) {
  return (
    <Card
      span={5}
      title="Affected versions"
      note={cutNote({ items: byVersion, isCut: versions > byVersion.length }) ?? 'in this period'}
      flush
    >
      {byVersion.length === 0 ? (
        <Empty title="No failures in this period.">It last occurred before this period.</Empty>
      ) : (
        <Table
          caption="Workflow versions with this error"
          columns={[{ label: 'Workflow' }, { label: 'Version' }, { label: 'Runs', numeric: true }]}
        >
          {byVersion.map(({ workflowId, name, version, runs, incidents }) => (
            <Tr>
              <Td>
                <NameCell
                  {...(name !== null && { href: `/workflows/${workflowId}` })}
                  name={name ?? 'Deleted workflow'}
                />
              </Td>
              <Td>v{version}</Td>
              <Td numeric phone="end">
                <a
                  class="link"
                  href={withQuery('/executions', {
                    wf: workflowId,
                    v: String(version),
                    error: fingerprint,
                    from: period.name,
                    ...countedRuns(include),
                  })}
                >
                  {count(runs)}
                </a>
                {incidents > 0 && <span class="muted nowrap"> + {count(incidents)} without a run</span>}
              </Td>
            </Tr>
          ))}
        </Table>
      )}
    </Card>
  )
}

const shownRuns = 12

function Latest({ group, include, time }: Omit<GroupViewProps, 'period'>) {
  const list = listQuery({ error: group.fingerprint, ...countedRuns(include) })
  const names = new Map(group.byWorkflow.map(({ workflowId, name }) => [workflowId, name]))
  return (
    <Card
      span={7}
      title="Latest runs"
      aside={
        <a class="link" href={`/executions?${list}`}>
          All runs
        </a>
      }
      flush
    >
      {group.executions.length === 0 ? (
        <Empty
          title="These runs are no longer stored."
          action={<LinkButton href="/errors">All errors</LinkButton>}
        />
      ) : (
        <Table
          caption="Latest runs with this error"
          columns={[
            { label: 'Run' },
            { label: 'Status' },
            { label: 'Version' },
            { label: 'Started' },
            { label: 'Duration', numeric: true },
          ]}
        >
          {group.executions.slice(0, shownRuns).map((run) => (
            <Tr>
              <Td>
                <NameCell
                  href={runHref(run.id, list)}
                  name={<span class="numeric">{runNumber(run)}</span>}
                  {...(names.get(run.workflowId) && { note: names.get(run.workflowId) })}
                />
              </Td>
              <Td phone="end">
                <Status {...executionStyle(run)} />
              </Td>
              <Td phone="hide">v{run.workflowVersion}</Td>
              <Td phone="line">
                <Time at={run.startedAt ?? run.receivedAt} format={time} />
              </Td>
              <Td numeric phone="hide">
                {run.durationMs === null ? none : duration(run.durationMs)}
              </Td>
            </Tr>
          ))}
        </Table>
      )}
    </Card>
  )
}
