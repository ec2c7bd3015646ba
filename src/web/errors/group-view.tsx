/** @module One group of failures: how often, since when, where, and the runs. */
import type { ErrorGroupDetail } from '../../analytics/error-contract.ts'
import type { IncludableKind } from '../../runs/meaning.ts'
import { Card, Delta, Empty, Grid, Kpi, Kpis } from '../components/card.tsx'
import { LinkButton, withQuery } from '../components/controls.tsx'
import { Icon } from '../components/icons.tsx'
import { PageHead } from '../layout/page.tsx'
import { executionLook, Status } from '../components/status.tsx'
import { NameCell, Table, Td, Time, Tr } from '../components/table.tsx'
import { count, duration, none, plural, type TimeFormat } from '../format.ts'
import { type ErrorPeriod, errorPeriods } from './period.ts'
import { readableMessage, trendOf, trendWords } from '../components/error-trend.ts'
import { PeriodChoice } from './list-view.tsx'
import { explain } from '../components/explain.ts'
import { GroupChart, intervalWords } from './group-chart.tsx'
import { runNumber } from '../components/run-number.ts'
import { IncidentsCard } from '../components/incidents-card.tsx'
import { countedRuns, listQuery, runHref } from '../links/run-filter.ts'

export interface GroupViewProps {
  group: ErrorGroupDetail
  period: ErrorPeriod
  include: readonly IncludableKind[]
  time: TimeFormat
}

export function GroupView({ group, period, include, time }: GroupViewProps) {
  const { fingerprint, message, node, errorClass, httpStatus } = group
  const { word, tone } = trendWords(trendOf(group, group.period), group.lastSeenAt, time.now)
  const { cause, advice } = explain({ message, httpStatus, service: 'The service' })
  return (
    <>
      <PageHead
        title={<span class="group-title">{readableMessage(message, httpStatus)}</span>}
        meta={
          <>
            <span class={`tag ${tone === 'fail' ? 'fail' : ''}`}>{word}</span>
            <span>
              <Icon name="workflows" small />
              {node ?? 'Node unknown'}
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
        actions={<PeriodChoice path={`/errors/${fingerprint}`} period={period} include={include} />}
      />
      <Figures group={group} period={period} include={include} time={time} />
      <Grid>
        <Card span={8} title="Failed runs" note={intervalWords[group.seriesInterval]}>
          <GroupChart
            group={group}
            time={time}
            hrefOf={(from, to) =>
              withQuery('/executions', { error: fingerprint, from, to, ...countedRuns(include) })
            }
          />
        </Card>
        <Card span={4} title="What it means">
          <div class="group-cause">
            <p>{cause ?? 'This message is not one of those that are known here.'}</p>
            <p class="soft">{advice}</p>
            <p class="muted">
              Numbers, ids and quoted texts are left out of the message, so that runs come together.
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

function Figures({ group, period, include, time }: GroupViewProps) {
  const { runs, incidents, previousRuns, firstSeenAt, lastSeenAt, workflows, versions, fingerprint } = group
  const before = errorPeriods.find(([value]) => value === period)?.[1]
  return (
    <Kpis label="Figures of the group">
      <Kpi
        label="Failed runs"
        value={count(runs)}
        href={withQuery('/executions', { error: fingerprint, from: period, ...countedRuns(include) })}
        delta={
          <Delta change={runs - previousRuns} text={count(Math.abs(runs - previousRuns))} better="down" />
        }
        note={`vs the ${before} before${incidents > 0 ? ` · ${plural(incidents, 'incident')}` : ''}`}
      />
      <Kpi
        label="Workflows"
        value={count(workflows)}
        note={`${count(versions)} ${versions === 1 ? 'version' : 'versions'} in this period`}
      />
      <Kpi
        label="First seen"
        value={time.relative(firstSeenAt)}
        note={firstSeenAt ? time.instant(firstSeenAt) : ''}
      />
      <Kpi
        label="Last seen"
        value={time.relative(lastSeenAt)}
        note={lastSeenAt ? time.instant(lastSeenAt) : ''}
      />
    </Kpis>
  )
}

function Versions({
  group: { byVersion, fingerprint },
  period,
  include,
}: Pick<GroupViewProps, 'group' | 'period' | 'include'>) {
  return (
    <Card span={5} title="Where" note="in this period" flush>
      {byVersion.length === 0 ? (
        <Empty title="Nowhere in this period.">It is kept because it occurred before.</Empty>
      ) : (
        <Table
          caption="Workflow versions in which it occurred"
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
                    ...{ wf: workflowId, v: String(version), error: fingerprint, from: period },
                    ...countedRuns(include),
                  })}
                >
                  {count(runs)}
                </a>
                {incidents > 0 && <span class="muted nowrap"> + {plural(incidents, 'incident')}</span>}
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
          All of them
        </a>
      }
      flush
    >
      {group.executions.length === 0 ? (
        <Empty
          title="None of its runs is kept any more."
          action={<LinkButton href="/errors">All errors</LinkButton>}
        />
      ) : (
        <Table
          caption="The newest runs that failed so"
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
                <Status {...executionLook(run)} />
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
