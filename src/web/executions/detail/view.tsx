/** @module One run: its outcome, its timeline, and why it failed. */
import type { Child } from 'hono/jsx'
import { Card, Empty, Grid, Remark } from '../../components/card.tsx'
import { LinkButton } from '../../components/controls.tsx'
import { Icon } from '../../components/icons.tsx'
import { PageHead } from '../../layout/page.tsx'
import { executionStyle, Glyph, Status } from '../../components/status.tsx'
import { Time } from '../../components/table.tsx'
import { duration, plural, runNumber, type TimeFormat } from '../../format.ts'
import type { Diagnosis } from '../../../executions/diagnosis/contract.ts'
import { ErrorPanel } from './error-panel.tsx'
import { Inspector } from './inspector.tsx'
import { triggerLabel } from '../../components/node-labels.ts'
import { missingData } from './missing-data.ts'
import { runHref } from '../../links/run-filter.ts'
import type { RunView } from './model.ts'
import { UsageCard } from './usage-card.tsx'
import { Waterfall, WaterfallLegend } from './waterfall.tsx'

export interface RunPageProps {
  view: RunView
  /** Null for a run that did not fail. */
  diagnosis: Diagnosis | null
  /** The query of the run list that linked here. */
  list: string
  neighbours: { newer: string | null; older: string | null }
  time: TimeFormat
  /** The default retention of run data, in days. */
  dataDays: number
}

export function RunPageView(props: RunPageProps) {
  const { view } = props
  const { status } = view.page.run
  const isOpen = status === 'running' || status === 'new' || status === 'waiting'
  return (
    <div class="stack" id="run" {...(isOpen && { 'data-refresh': true })}>
      <Head {...props} />
      {view.failure && (
        <a class="run-jump" href="#error">
          <Glyph tone="fail" />
          <span>
            <b>{view.failure.node ? `${view.failure.node} failed` : 'Run failed'}</b>
            <span>{view.failure.message.slice(0, 120)}</span>
          </span>
          <Icon name="down" />
        </a>
      )}
      <Grid>
        <TimelineCard {...props} />
        <div class="span-4 run-side">
          <Inspector view={view} time={props.time} />
        </div>
        <UsageCard usage={view.page.usage} />
      </Grid>
    </div>
  )
}

function Head({ view, list, neighbours, time }: RunPageProps) {
  const { page, n8nUrl, title } = view
  const { run, workflow, version, instance } = page
  const style = executionStyle(run)
  return (
    <PageHead
      title={
        <>
          {title} <span class="run-number">{runNumber(run)}</span>
        </>
      }
      meta={
        <>
          <span>
            <Status {...style} />
            {durationText(view, time)}
          </span>
          <span>
            <Icon name="calendar" small />
            <Time at={run.startedAt ?? run.receivedAt} format={time} />
          </span>
          <span>
            <Icon name="bolt" small />
            {triggerLabel(run.mode, version?.triggerTypes ?? [])}
          </span>
          <span>
            <Icon name="version" small />
            {workflow ? (
              <a
                class="link"
                href={`/workflows/${run.workflowId}`}
                title={versionTitles[run.workflowVersionSource]}
              >
                v{run.workflowVersion}
              </a>
            ) : (
              `v${run.workflowVersion}`
            )}
            <span class="muted">
              {run.workflowVersionSource === 'n8n'
                ? 'version reported by n8n'
                : 'version inferred from start time'}
            </span>
          </span>
          {kindLabels[run.kind] && <span>{kindLabels[run.kind]}</span>}
          {run.retryOf ? (
            <a class="link" href={runHref(run.retryOf, list)}>
              Retry of an earlier run
            </a>
          ) : (
            run.n8nRetryOf && <span>Retry of #{run.n8nRetryOf}</span>
          )}
          {run.retriedBy && (
            <a class="link" href={runHref(run.retriedBy, list)}>
              Retried by a later run
            </a>
          )}
          <span>
            <Icon name="instances" small />
            {instance ? <a href={`/instances/${run.instanceId}`}>{instance.name}</a> : 'Deleted instance'}
          </span>
        </>
      }
      actions={
        <>
          <nav class="run-neighbours" aria-label="Adjacent runs">
            <Neighbour id={neighbours.newer} list={list} label="Newer run" icon="up" />
            <Neighbour id={neighbours.older} list={list} label="Older run" icon="down" />
          </nav>
          {n8nUrl && (
            <LinkButton href={n8nUrl} icon="external" external>
              Open in n8n
            </LinkButton>
          )}
        </>
      }
    />
  )
}

const versionTitles = {
  n8n: 'The version that n8n reported',
  time: 'The version that was live when the run started',
}

/** Production runs are the default and have no label. */
const kindLabels: Partial<Record<RunPageProps['view']['page']['run']['kind'], string>> = {
  manual: 'Manual run',
  sub: 'Sub-workflow run',
  error: 'Error workflow run',
  superseded: 'Superseded by a retry',
}

function durationText({ page: { run } }: RunView, time: TimeFormat): string {
  if (run.durationMs !== null) {
    const took =
      run.status === 'success' ? `in ${duration(run.durationMs)}` : `after ${duration(run.durationMs)}`
    return run.activeMs === null ? took : `${took}, ${duration(run.activeMs)} without waiting`
  }
  if (run.startedAt === null || run.finishedAt !== null) return ''
  return `for ${duration(Math.max(0, time.now.getTime() - Date.parse(run.startedAt)))}`
}

const Neighbour = ({
  id,
  list,
  label,
  icon,
}: {
  id: string | null
  list: string
  label: string
  icon: 'up' | 'down'
}) =>
  id === null ? (
    <span class="run-neighbour" aria-disabled="true" title={`No ${label.toLowerCase()}`}>
      <Icon name={icon} />
      <span class="visually-hidden">No {label.toLowerCase()}</span>
    </span>
  ) : (
    <a class="run-neighbour" href={runHref(id, list)} title={label} aria-label={label}>
      <Icon name={icon} />
    </a>
  )

function TimelineCard({ view, diagnosis, list, dataDays }: RunPageProps) {
  const { page, failure, selected, timeline } = view
  const { run } = page
  const panel = failure && <ErrorPanel view={view} text={diagnosis?.text ?? failure.message} />
  const isPlaced = timeline.rows.some(({ name }) => name === failure?.node)
  return (
    <Card
      span={8}
      class="run-timeline"
      title="Node timeline"
      note={noteOf(view)}
      aside={<WaterfallLegend rows={timeline.rows} />}
      flush
    >
      <DataState view={view} dataDays={dataDays} />
      {failure && !isPlaced && (
        <div class="run-error-alone" id="error">
          {panel}
        </div>
      )}
      {timeline.rows.length > 0 && (
        <Waterfall
          timeline={timeline}
          selected={selected?.name ?? null}
          hrefOf={({ isRun, name }) =>
            isRun ? runHref(run.id, list) : `${runHref(run.id, list, name)}#inspector`
          }
          error={failure && isPlaced ? { node: failure.node, panel } : null}
        />
      )}
    </Card>
  )
}

function noteOf({ nodes, timeline }: RunView): string | undefined {
  if (nodes.length === 0) return undefined
  const ran = `${timeline.ran} of ${plural(timeline.nodeCount, 'node')} ran`
  return timeline.omitted > 0 ? `${ran} · ${timeline.omitted} not shown` : ran
}

function DataState({ view, dataDays }: { view: RunView; dataDays: number }): Child {
  const missing = missingData(view, dataDays)
  if (!missing) return null
  const { title, text, settingsUrl } = missing
  const link = settingsUrl && (
    <LinkButton href={settingsUrl} icon="external" external small={view.timeline.rows.length > 0}>
      Workflow settings in n8n
    </LinkButton>
  )
  if (view.timeline.rows.length === 0) {
    return (
      <Empty title={title} action={link}>
        {text}
      </Empty>
    )
  }
  return (
    <div class="run-remark">
      <Remark>
        <b>{title}</b> {text}
      </Remark>
      {link}
    </div>
  )
}
