/** @module One deployment: its state, the available actions, and how its versions performed. */
import type { Summary } from '../../../analytics/contract.ts'
import { failedIn } from '../../../analytics/summary.ts'
import type { Deployment } from '../../../deployments/contract.ts'
import type { ExecutionSummary } from '../../../executions/contract.ts'
import { Attention, Delta, Grid, Kpi, Kpis } from '../../components/card.tsx'
import { Action, LinkButton, withQuery } from '../../components/controls.tsx'
import { Icon } from '../../components/icons.tsx'
import { PageHead } from '../../layout/page.tsx'
import { statusBadge, StatusTag } from '../../components/status.tsx'
import { Time } from '../../components/table.tsx'
import { countedRuns } from '../../links/run-filter.ts'
import { count, durationParts, percent, type TimeFormat } from '../../format.ts'
import { SetupSteps } from '../../components/setup-steps.tsx'
import { planPath } from '../plan/choices.ts'
import { betterVersion } from './better-version.ts'
import { Bindings, Facts } from './facts-cards.tsx'
import { FailingCard } from './failing-card.tsx'
import { HistoryCard } from './history-card.tsx'
import type { Catalogue } from '../../../n8n/catalogue/catalogue.ts'
import type { DeploymentDetail } from '../../../deployments/detail-queries.ts'
import { isInProgress, StagesCard } from './stages-card.tsx'
import { rolledBackFrom, stagesOf } from '../../components/deployment-stages.ts'

export interface DetailPageProps {
  deployment: Deployment
  detail: DeploymentDetail
  /** The last 24 hours, compared with the 24 hours before. */
  summary: Summary
  failing: ExecutionSummary[]
  catalogue: Catalogue
  time: TimeFormat
}

export function DetailPage(props: DetailPageProps) {
  const { deployment, detail, catalogue, time } = props
  const { surroundings, history } = detail
  const better =
    deployment.status === 'active' ? betterVersion(history, detail.runs, deployment.version) : null
  const runsPath = withQuery('/executions', { dep: deployment.id, ...countedRuns() })
  return (
    <div class="stack" id="deployment" {...(isInProgress(deployment) && { 'data-refresh': true })}>
      <DetailHead {...props} />
      <Progress {...props} />
      {better && (
        <Attention
          items={[
            {
              tone: 'fail',
              what: `v${deployment.version} succeeds in ${percent(better.currentShare)} of its runs.`,
              detail: `v${better.version} succeeded in ${percent(better.share)}.`,
            },
          ]}
        />
      )}
      <StagesCard
        deployment={deployment}
        stages={stagesOf(deployment, rolledBackFrom(history, deployment.version))}
        lastLive={history.find(({ version }) => version !== deployment.intent?.version)?.version ?? null}
        hasHistory={history.length > 0}
      />
      {deployment.status !== 'pending' && <Figures {...props} runsPath={runsPath} />}
      <Grid>
        <div class="stack span-8">
          <HistoryCard deployment={deployment} detail={detail} time={time} runsPath={runsPath} />
          <FailingCard
            failing={props.failing}
            runsPath={runsPath}
            instanceName={surroundings.instanceName}
            polledThrough={surroundings.polledThrough}
            time={time}
          />
        </div>
        <div class="stack span-4">
          <Facts deployment={deployment} detail={detail} time={time} />
          <Bindings deployment={deployment} detail={detail} catalogue={catalogue} />
        </div>
      </Grid>
    </div>
  )
}

/** Of a first deployment, until its first run. */
function Progress({ deployment: { status, managed, workflowId }, detail }: DetailPageProps) {
  const isFirst = detail.history.length <= 1 && detail.runs.size === 0 && detail.surroundings.running === 0
  if (!managed || !isFirst || ['undeployed', 'inactive', 'tracking'].includes(status)) return null
  return (
    <SetupSteps
      current={status === 'active' ? null : 'live'}
      done={[
        'workflow',
        'credentials',
        'instance',
        'plan',
        ...(status === 'active' ? ['live' as const] : []),
      ]}
      hrefs={{ workflow: `/workflows/${workflowId}` }}
    />
  )
}

function DetailHead({ deployment, detail, time }: DetailPageProps) {
  const { surroundings } = detail
  const { id, status, version, liveSince, workflowId, instanceId } = deployment
  return (
    <PageHead
      title={surroundings.workflowName}
      meta={
        <>
          <StatusTag {...statusBadge({ state: surroundings.state, status })} />
          {surroundings.driftedSince && surroundings.state !== 'drifted' && (
            <a href={`/deployments/${id}/drift`}>
              <StatusTag tone="wait" label="Drifted" />
            </a>
          )}
          <span>v{version}</span>
          {liveSince && (
            <span>
              <Icon name="clock" small />
              since <Time at={liveSince} format={time} as="inSentence" />
            </span>
          )}
          <a href={`/instances/${instanceId}`}>
            <Icon name="instances" small />
            {surroundings.instanceName}
          </a>
          <a href={`/workflows/${workflowId}`}>
            <Icon name="workflows" small />
            Workflow
          </a>
        </>
      }
      actions={<Actions deployment={deployment} detail={detail} path={`/deployments/${id}`} />}
    />
  )
}

function Actions({
  deployment,
  detail,
  path,
}: {
  deployment: Deployment
  detail: DeploymentDetail
  path: string
}) {
  const { status, version, n8nWorkflowId, managed } = deployment
  const { surroundings } = detail
  const { workflowId, instanceId } = deployment
  const isNewer = surroundings.newestVersion > version
  const plan = planPath({ workflowId, instanceId })
  if (isInProgress(deployment)) return null
  const better = status === 'active' && !isNewer ? betterVersion(detail.history, detail.runs, version) : null
  const canCompare = n8nWorkflowId !== null && ['active', 'inactive', 'tracking'].includes(status)
  return (
    <>
      {canCompare && (
        <LinkButton href={`${path}/drift`} icon="workflows">
          Compare with n8n
        </LinkButton>
      )}
      {status === 'active' && (
        <Action
          action={`${path}/deactivate`}
          icon="pause"
          confirm={`Unpublish ${surroundings.workflowName} on ${surroundings.instanceName}? Its triggers stop immediately. The workflow stays in n8n.`}
        >
          Unpublish
        </Action>
      )}
      {managed && status !== 'undeployed' && status !== 'failed' && (
        <LinkButton href={`${path}/undeploy`}>Undeploy</LinkButton>
      )}
      {(status === 'undeployed' || (status === 'tracking' && !managed)) && (
        <LinkButton href={`${path}/delete`}>{status === 'tracking' ? 'Stop tracking' : 'Delete'}</LinkButton>
      )}
      {status === 'failed' ? (
        <Action action={`${path}/retry`} kind="primary" icon="retry">
          Retry
        </Action>
      ) : isNewer || status === 'undeployed' ? (
        <LinkButton href={plan} kind="primary" icon="deployments">
          {status === 'undeployed' ? 'Plan again' : `Plan v${surroundings.newestVersion}`}
        </LinkButton>
      ) : (
        status === 'inactive' && (
          <Action action={`${path}/activate`} kind="primary" icon="play">
            Publish
          </Action>
        )
      )}
      {better && (
        <LinkButton href={`${path}/rollback?version=${better.version}`} kind="primary" icon="undo">
          Roll back to v{better.version}
        </LinkButton>
      )}
      {status === 'inactive' && isNewer && (
        <Action action={`${path}/activate`} icon="play">
          Publish v{version}
        </Action>
      )}
    </>
  )
}

function Figures({ summary, runsPath, detail }: DetailPageProps & { runsPath: string }) {
  const dayPath = `${runsPath}&from=24h`
  const { total, byStatus, successRate, durationMs, previous } = summary
  const failed = failedIn(byStatus)
  const change =
    successRate === null || previous?.successRate == null ? null : successRate - previous.successRate
  const rate = percent(successRate === null ? null : successRate / 100)
  return (
    <Kpis label="Last 24 hours">
      <Kpi
        label="Success, 24 h"
        value={rate.replace('%', '')}
        {...(successRate !== null && { unit: '%' })}
        href={dayPath}
        delta={
          <Delta change={change} text={`${Math.abs(Math.round((change ?? 0) * 10) / 10)} pts`} better="up" />
        }
        {...(change !== null && { note: 'vs the previous 24 hours' })}
      />
      <Kpi
        label="Runs"
        value={count(total)}
        href={dayPath}
        note={
          detail.surroundings.running > 0 ? `${count(detail.surroundings.running)} running` : 'none running'
        }
      />
      <Kpi
        label="Failed"
        value={count(failed)}
        href={`${dayPath}&status=failed`}
        note={previous ? `${count(failedIn(previous.byStatus))} in the previous 24 hours` : undefined}
      />
      <Kpi
        label="Duration p95"
        value={durationParts(durationMs.p95)}
        note={
          durationMs.p50 === null
            ? 'no finished runs'
            : `p50 ${durationParts(durationMs.p50)
                .map(({ value, unit }) => `${value} ${unit}`)
                .join(' ')}`
        }
      />
    </Kpis>
  )
}
