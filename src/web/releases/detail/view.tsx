/** @module One release: its state, its commands, and its targets with failed ones first. */
import type { Release, ReleaseTarget } from '../../../releases/contract.ts'
import { Card, Grid, KeyValues, Kpi, Kpis, Remark } from '../../components/card.tsx'
import { Action } from '../../components/controls.tsx'
import { Status, StatusTag } from '../../components/status.tsx'
import { NameCell, Table, Td, Time, Tr } from '../../components/table.tsx'
import { count, none, percent, plural, sentence, type TimeFormat } from '../../format.ts'
import { PageHead } from '../../layout/page.tsx'
import { doneOf, nameOf, placeOf } from '../list/view.tsx'
import { isInProgress, releaseStyle, targetStyle } from '../page-context.ts'

interface DetailPageProps {
  release: Release
  /** Failed and blocked ones first, possibly not all. */
  targets: readonly ReleaseTarget[]
  time: TimeFormat
}

export function DetailPage({ release, targets, time }: DetailPageProps) {
  const { id, reason, status, targets: counts } = release
  const failed = counts.failed + counts.rollbackFailed
  return (
    <div class="stack" id="release" {...(isInProgress(release) && { 'data-refresh': true })}>
      <PageHead
        title={nameOf(release)}
        meta={
          <>
            <StatusTag {...releaseStyle(release)} />
            <span>{placeOf(release)}</span>
          </>
        }
        actions={<Commands release={release} />}
      />
      {reason !== null && <Remark tone={status === 'halted' ? 'fail' : 'wait'}>{sentence(reason)}</Remark>}
      <Kpis label="Progress">
        <Kpi label="Done" value={`${count(doneOf(release))} of ${count(counts.total)}`} />
        <Kpi label="In progress" value={count(counts.deploying + counts.rollingBack)} />
        <Kpi
          label={status === 'planned' ? 'Blocked' : 'Failed'}
          value={count(status === 'planned' ? counts.blocked : failed)}
        />
        <Runs release={release} />
      </Kpis>
      <Card title="Targets" flush>
        <Table
          caption="Targets, failed ones first"
          columns={[{ label: 'Target' }, { label: 'State' }, { label: 'Version' }, { label: 'Problem' }]}
        >
          {targets.map((target) => (
            <TargetRow target={target} />
          ))}
        </Table>
      </Card>
      {targets.length < counts.total && (
        <p class="soft">
          Showing {count(targets.length)} of {plural(counts.total, 'target')}.{' '}
          <a class="link" href={`/releases/${id}?all=true`}>
            Show all
          </a>
        </p>
      )}
      <Grid>
        <Card span={6} title="Settings">
          <Settings release={release} time={time} />
        </Card>
      </Grid>
    </div>
  )
}

function Runs({ release: { observation } }: { release: Release }) {
  if (!observation) return <Kpi label="Failed runs" value={none} />
  const { finishedRuns, failedRuns } = observation
  const share = finishedRuns === 0 ? none : percent(failedRuns / finishedRuns)
  return (
    <Kpi label="Failed runs" value={share} note={`${count(failedRuns)} of ${plural(finishedRuns, 'run')}`} />
  )
}

function Commands({ release }: { release: Release }) {
  const { id, status, phase, planHash, startedAt, targets } = release
  const path = `/releases/${id}`
  const isRunning = status === 'planning' || status === 'running'
  const canResume =
    (status === 'halted' && targets.rollbackFailed + targets.rolledBack === 0) ||
    (status === 'planned' && targets.blocked > 0)
  const canRollBack =
    startedAt !== null && (status === 'running' || status === 'halted' || status === 'completed')
  return (
    <>
      {isRunning && (
        <Action action={`${path}/halt`} icon="cross">
          Halt
        </Action>
      )}
      {status === 'running' && phase === 'observing' && (
        <Action action={`${path}/resume`} fields={{ skipObservation: 'true' }}>
          Deploy the rest now
        </Action>
      )}
      {canRollBack && (
        <Action
          action={`${path}/rollback`}
          kind="danger"
          confirm={`Roll back ${nameOf(release)}? Every target that the release changed returns to its previous version.`}
        >
          Roll back
        </Action>
      )}
      {canResume && (
        <Action action={`${path}/resume`} kind="primary">
          {status === 'planned' ? 'Plan again' : 'Resume'}
        </Action>
      )}
      {status === 'planned' && targets.blocked === 0 && planHash !== null && (
        <Action action={`${path}/start`} kind="primary" fields={{ planHash }}>
          Start release
        </Action>
      )}
    </>
  )
}

const actions = { create: 'New', update: 'Update', none: 'No change' } as const

function TargetRow({ target }: { target: ReleaseTarget }) {
  const {
    workflowName,
    instanceName,
    canary,
    version,
    previousVersion,
    action,
    deploymentId,
    error,
    problems,
  } = target
  const style = targetStyle(target)
  const shown = error ?? problems.find(({ blocks }) => blocks)?.message ?? problems[0]?.message
  return (
    <Tr {...(style.tone === 'fail' && { tone: 'fail' })}>
      <Td>
        <NameCell
          name={workflowName}
          note={`on ${instanceName}${canary ? ', canary' : ''}`}
          {...(deploymentId !== null && { href: `/deployments/${deploymentId}` })}
        />
      </Td>
      <Td phone="end">
        <Status {...style} />
      </Td>
      <Td phone="line">
        <span class="two-lines">
          <span>
            {previousVersion !== null && previousVersion !== version && `v${previousVersion} to `}v{version}
          </span>
          {action && <small>{actions[action]}</small>}
        </span>
      </Td>
      <Td phone="line" class={shown ? 'deploy-error' : 'deploy-error deploy-none'}>
        {shown ? (
          <span class="deploy-clamp" title={shown}>
            {shown}
          </span>
        ) : (
          <span class="muted">{none}</span>
        )}
      </Td>
    </Tr>
  )
}

const Settings = ({ release, time }: { release: Release; time: TimeFormat }) => (
  <KeyValues
    items={[
      [
        'Workflows',
        <ul>
          {release.workflows.map(({ workflowId, name, version }) => (
            <li>
              <a class="link" href={`/workflows/${workflowId}`}>
                {name}
              </a>{' '}
              v{version}
            </li>
          ))}
        </ul>,
      ],
      ['Canary', plural(release.canary, 'instance')],
      [
        'Observation',
        `at least ${count(release.observe.seconds)} s and ${plural(release.observe.minRuns, 'run')}`,
      ],
      [
        'Halts above',
        `${percent(release.maxFailureRate)} failed runs or ${plural(release.maxFailedTargets, 'failed target')}`,
      ],
      ['Concurrency', plural(release.concurrency, 'target')],
      ['Created', <Time at={release.createdAt} format={time} />],
      ['Started', <Time at={release.startedAt} format={time} />],
      ['Finished', <Time at={release.finishedAt} format={time} />],
    ]}
  />
)
