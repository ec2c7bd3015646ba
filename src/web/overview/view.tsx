/** @module The overview page: problems, their severity and their causes. */
import { durationErrorBound } from '../../analytics/contract.ts'
import { failedIn } from '../../analytics/summary.ts'
import { DurationChart } from '../charts/duration-chart.tsx'
import { RunsChart, RunsLegend } from '../charts/runs-chart.tsx'
import { Sparkline } from '../charts/spark.tsx'
import { Attention, Card, Delta, Empty, Kpi, Kpis } from '../components/card.tsx'
import { IgnoredFilters, LinkButton, Segmented, withQuery } from '../components/controls.tsx'
import { PageHead } from '../layout/page.tsx'
import { count, duration, durationParts, percent, plural, type TimeFormat } from '../format.ts'
import { includeQuery, KindChoice } from '../components/kind-choice.tsx'
import { countedRuns } from '../links/run-filter.ts'
import { attentionOf } from './attention.ts'
import { CredentialsCard, DeploymentsCard, ErrorsCard, LagCard, WorkflowsCard } from './cards.tsx'
import { periods } from '../components/period.ts'
import { periodBars } from './period-bars.ts'
import type { Overview } from './read-overview.ts'
import { badFrom, type ShownTime, toDurationBuckets, toMarkers, toRunsBuckets } from './chart-data.ts'

/** Error bound of percentile estimates. */
const errorBoundText = `±${durationErrorBound * 100}%`

interface OverviewProps {
  overview: Overview & { approvals: number }
  time: TimeFormat
}

export function OverviewView({ overview, ignored, time }: OverviewProps & { ignored: readonly string[] }) {
  const { period, include } = overview
  if (overview.isEmpty) return <Beginning />
  if (overview.newestRunId === null) return <Waiting overview={overview} time={time} />
  const choices = periods.map(({ name, label }) => ({
    label,
    href: withQuery('/', includeQuery(include), { period: name === '24h' ? null : name }),
    current: name === period.name,
  }))
  return (
    <>
      <PageHead
        title="Overview"
        actions={
          <>
            <KindChoice
              path="/"
              query={period.name === '24h' ? {} : { period: period.name }}
              include={include}
            />
            <Segmented label="Period" choices={choices} />
          </>
        }
      />
      <IgnoredFilters ignored={ignored} />
      <Attention items={attentionOf(troublesOf(overview), time)} />
      <Figures overview={overview} />
      <div class="grid stretch">
        <Runs overview={overview} time={time} />
        <Durations overview={overview} time={time} />
      </div>
      <div class="grid stretch">
        <ErrorsCard overview={overview} time={time} />
        <WorkflowsCard overview={overview} />
      </div>
      <div class="grid stretch">
        <CredentialsCard overview={overview} time={time} />
        <DeploymentsCard overview={overview} time={time} />
        <LagCard overview={overview} />
      </div>
    </>
  )
}

const Beginning = () => (
  <>
    <PageHead title="Overview" />
    <Card>
      <Empty
        title="No workflows yet."
        action={
          <>
            <LinkButton kind="primary" href="/workflows/new" icon="plus">
              Add workflow
            </LinkButton>
            <LinkButton href="/instances/new">Add instance</LinkButton>
          </>
        }
      >
        Add a workflow with its prompt and an n8n instance, then deploy. Runs, failures and their causes
        appear here.
      </Empty>
    </Card>
  </>
)

/** With workflows, but before the first run: problems and the next step. */
function Waiting({ overview, time }: OverviewProps) {
  const { instances, deployments } = overview
  const troubles = attentionOf(troublesOf(overview), time)
  const deployed = deployments.filter(({ state }) => state !== 'undeployed')
  const [first] = deployed
  const next =
    first !== undefined
      ? {
          title: 'No runs yet.',
          text:
            deployed.length === 1
              ? `${first.workflowName} is on ${first.instanceName}. Its first run appears here.`
              : `${plural(deployed.length, 'workflow is', 'workflows are')} in n8n. Their first runs appear here.`,
          href: `/deployments/${first.id}`,
          label: 'View deployment',
        }
      : instances.length === 0
        ? {
            title: 'Add an n8n instance next.',
            text: 'Your workflows are saved. Add the n8n server that runs them.',
            href: '/instances/new',
            label: 'Add instance',
          }
        : {
            title: 'Deploy a workflow next.',
            text: 'A plan shows what a deployment changes in n8n before anything is sent.',
            href: '/deployments/new',
            label: 'Plan deployment',
          }
  return (
    <>
      <PageHead title="Overview" />
      {troubles.length > 0 && <Attention items={troubles} />}
      <Card label="Next step">
        <Empty
          title={next.title}
          action={
            <LinkButton kind="primary" href={next.href}>
              {next.label}
            </LinkButton>
          }
        >
          {next.text}
        </Empty>
      </Card>
      {(deployed.length > 0 || overview.credentials.length > 0) && (
        <div class="grid stretch">
          {overview.credentials.length > 0 && <CredentialsCard overview={overview} time={time} />}
          {deployed.length > 0 && <DeploymentsCard overview={overview} time={time} />}
          {instances.length > 0 && <LagCard overview={overview} />}
        </div>
      )}
    </>
  )
}

const troublesOf = ({
  deployments,
  credentials,
  credentialStats,
  instances,
  missing,
  stuck,
  incidents,
  approvals,
}: OverviewProps['overview']) => ({
  approvals,
  failing: deployments.filter(({ state }) => state === 'failing'),
  failed: deployments.filter(({ state }) => state === 'failed'),
  drifted: deployments.filter(({ state }) => state === 'drifted'),
  rejected: credentials
    .filter(({ status }) => status === 'invalid')
    .map(({ id, name, lastValidatedAt, validationError }) => {
      const { workflowCount: workflows = null, authenticationFailures = 0 } = credentialStats.get(id) ?? {}
      return { id, name, lastValidatedAt, validationError, workflows, authenticationFailures }
    }),
  silent: instances.flatMap(({ id, name, status, statusDetail, polling }) =>
    status === 'unreachable' || status === 'refused'
      ? [{ id, name, status, statusDetail, lastPolledAt: polling.lastPolledAt }]
      : [],
  ),
  incidents,
  stuck,
  missingTypes: missing,
})

const round = (value: number): number => Math.round(value * 10) / 10

function Figures({
  overview: { summary, period, include, from, to, series, errorGroups, instances },
}: {
  overview: Overview
}) {
  const { previous } = summary
  const within = { from: from.toISOString(), to: to.toISOString(), ...countedRuns(include) }
  const failed = failedIn(summary.byStatus)
  const failedBefore = failedIn(previous?.byStatus)
  const rate = summary.successRate
  const rateBefore = previous?.successRate ?? null
  const points = rate === null || rateBefore === null ? null : round(rate - rateBefore)
  const runsBefore = previous?.total ?? 0
  const runs = summary.total - runsBefore
  const { p50, p95 } = summary.durationMs
  const p95Before = previous?.durationMs.p95 ?? null
  const slower = p95 === null || p95Before === null ? null : p95 - p95Before
  const running = summary.byStatus.find(({ status }) => status === 'running')?.count ?? 0
  const rates = series.items.map(({ successRate }) => successRate)
  const { before } = periodBars[period.name]
  const hasBefore = runsBefore > 0
  const afterDelta = (note: string | undefined) => (note && hasBefore ? `· ${note}` : note)
  const [figure = '–', unit] = rate === null ? [] : [percent(rate / 100).slice(0, -1), '%']
  return (
    <Kpis label={`Key figures for the last ${period.text}`}>
      <Kpi
        label="Success rate"
        value={figure}
        {...(unit && { unit })}
        href={withQuery('/executions', within, { status: 'success,failed' })}
        spark={<Sparkline values={rates} badFrom={badFrom(rates)} />}
        {...(hasBefore && {
          delta: <Delta change={points} text={`${Math.abs(points ?? 0)} pts`} better="up" />,
        })}
        note={hasBefore ? points !== null && `vs ${before}` : `No runs in ${before}`}
      />
      <Kpi
        label="Runs"
        value={count(summary.total)}
        href={withQuery('/executions', within)}
        {...(hasBefore && { delta: <Delta change={runs} text={percent(Math.abs(runs) / runsBefore)} /> })}
        note={afterDelta(running > 0 ? `${count(running)} running` : undefined)}
      />
      <Kpi
        label="Failed"
        value={count(failed)}
        href={withQuery('/executions', within, { status: 'failed' })}
        {...(hasBefore && {
          delta: (
            <Delta
              change={failed - failedBefore}
              text={count(Math.abs(failed - failedBefore))}
              better="down"
            />
          ),
        })}
        note={afterDelta(failedNote(errorGroups, summary.incidents))}
      />
      <Kpi
        label="Duration p95"
        value={durationParts(p95)}
        href={withQuery('/executions', within)}
        {...(hasBefore && {
          delta: <Delta change={slower} text={duration(Math.abs(slower ?? 0))} better="down" />,
        })}
        note={p50 === null ? undefined : afterDelta(`p50 ${duration(p50)} · ${errorBoundText}`)}
      />
      <LagKpi instances={instances} />
    </Kpis>
  )
}

function LagKpi({ instances }: Pick<Overview, 'instances'>) {
  const worst = instances.find(({ polling }) => polling.lagSeconds !== null)
  return (
    <Kpi
      label="Reconciliation lag"
      value={durationParts(worst ? (worst.polling.lagSeconds ?? 0) * 1000 : null)}
      href="/instances"
      note={worst ? `Worst: ${worst.name}` : 'No instance polled yet'}
    />
  )
}

const failedNote = (groups: number, incidents: number): string | undefined => {
  const parts = [groups > 0 && plural(groups, 'group'), incidents > 0 && `${count(incidents)} without a run`]
  const shown = parts.filter(Boolean)
  return shown.length > 0 ? shown.join(' · ') : undefined
}

/** Runs are known from the first deployment until the last poll of an instance. */
function shownTime({ from, to, knownFrom, instances }: Overview): ShownTime {
  const through = instances.flatMap(({ polling }) =>
    polling.polledThrough ? [Date.parse(polling.polledThrough)] : [],
  )
  return { from, to, knownFrom, knownUntil: through.length === 0 ? null : new Date(Math.max(...through)) }
}

function Runs({ overview, time }: OverviewProps) {
  const { period, include, series, summary, versions } = overview
  const { bucketMs, steps } = periodBars[period.name]
  const buckets = toRunsBuckets(series.items, shownTime(overview))
  const failed = failedIn(summary.byStatus)
  const worst = buckets.toSorted((a, b) => b.failed - a.failed)[0]
  const when =
    worst && worst.failed > 0
      ? ` Failures peaked ${time.afterVerb(worst.start)}, with ${plural(worst.failed, 'failed run')}.`
      : ''
  return (
    <Card title="Runs" note={steps} aside={<RunsLegend />} span={8}>
      <RunsChart
        id="runs"
        title="Runs over time"
        description={`${plural(summary.total, 'run')} in the last ${period.text}, ${count(failed)} failed.${when}`}
        buckets={buckets}
        bucketMs={bucketMs}
        time={time}
        markers={toMarkers(versions, buckets)}
        hrefOf={({ start, end }) =>
          withQuery('/executions', { from: start, to: end, ...countedRuns(include) })
        }
      />
    </Card>
  )
}

function Durations({ overview, time }: OverviewProps) {
  const { period, series, summary } = overview
  const { p50, p95 } = summary.durationMs
  return (
    <Card title="Duration" note={`log scale, ${errorBoundText}`} span={4}>
      <DurationChart
        id="durations"
        title="Duration of runs over time"
        description={`50% of runs took up to ${duration(p50)}, 95% up to ${duration(p95)}. Estimates, ${errorBoundText}.`}
        buckets={toDurationBuckets(series.items, shownTime(overview))}
        bucketMs={periodBars[period.name].bucketMs}
        time={time}
      />
    </Card>
  )
}
