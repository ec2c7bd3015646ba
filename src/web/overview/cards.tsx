/** @module The overview's lists of errors, workflows, credentials, deployments and instances, worst first. */
import { lateAfterSeconds } from '../../instances/contract.ts'
import { MiniBars } from '../charts/spark.tsx'
import { Card, Empty } from '../components/card.tsx'
import { LinkButton, withQuery } from '../components/controls.tsx'
import { Icon, NodeBadge } from '../components/icons.tsx'
import { credentialStyle, Status, statusBadge } from '../components/status.tsx'
import { NameCell, Table, Td, Time, Tr } from '../components/table.tsx'
import type { DeploymentListRow } from '../../deployments/list-queries.ts'
import { errorTitle, trendOf, trendLabel } from '../components/error-trend.ts'
import { WorkflowNames } from '../components/workflow-names.tsx'
import { includeQuery } from '../components/kind-choice.tsx'
import { countedRuns } from '../links/run-filter.ts'
import { count, duration, percent, plural, type TimeFormat, unknown } from '../format.ts'
import type { Overview } from './read-overview.ts'

interface Timed {
  overview: Overview
  time: TimeFormat
}

const shownErrors = 5
const shownRows = 4
/** Highlights workflows with at least this failure rate. */
const badShare = 0.1

export function ErrorsCard({
  overview: { errors, errorsPeriod, errorGroups, period, include, from, to },
  time,
}: Timed) {
  const within = { from: from.toISOString(), to: to.toISOString(), ...countedRuns(include) }
  const all = (
    <a class="link" href={withQuery('/errors', { period: period.name, ...includeQuery(include) })}>
      All {plural(errorGroups, 'group')}
    </a>
  )
  return (
    <Card
      title="Errors"
      note="regressed, new and rising first"
      {...(errorGroups > 0 && { aside: all })}
      span={8}
      flush
    >
      {errors.length === 0 ? (
        <Empty title={`No unresolved errors in the last ${period.text}.`}>
          Failures appear here, grouped by cause.
        </Empty>
      ) : (
        <Table
          caption={`Errors in the last ${period.text}`}
          columns={[
            { label: 'Error' },
            { label: 'Workflow' },
            { label: `Last ${period.label}` },
            { label: 'Runs', numeric: true },
            { label: 'Last seen', numeric: true },
          ]}
        >
          {errors.slice(0, shownErrors).map((group) => {
            const trend = trendLabel(trendOf(group, errorsPeriod), group.lastSeenAt, time.now)
            return (
              <Tr>
                <Td class="wide">
                  <NameCell
                    href={`/errors/${group.fingerprint}`}
                    name={
                      <span class="overview-error" title={errorTitle(group)}>
                        {errorTitle(group)}
                      </span>
                    }
                    note={
                      <>
                        {group.node ?? 'No node'} ·{' '}
                        <span class={trend.tone === 'fail' ? 'fail-text' : ''}>{trend.label}</span>
                      </>
                    }
                  />
                </Td>
                <Td phone="line" class="overview-workflows">
                  <WorkflowNames group={group} />
                </Td>
                <Td phone="hide">
                  <MiniBars values={barsOf(group.series)} />
                </Td>
                <Td numeric phone="end">
                  <a class="link" href={withQuery('/executions', within, { error: group.fingerprint })}>
                    {count(group.runs)}
                    <span class="phone-only">{group.runs === 1 ? ' run' : ' runs'}</span>
                  </a>
                </Td>
                <Td numeric phone="end">
                  <Time at={group.lastSeenAt} format={time} as="brief" />
                </Td>
              </Tr>
            )
          })}
        </Table>
      )}
    </Card>
  )
}

const maximumBars = 24

/** Combines values so that the bars fit. */
export function barsOf(values: readonly number[]): number[] {
  const perBar = Math.max(1, Math.ceil(values.length / maximumBars))
  return Array.from({ length: Math.ceil(values.length / perBar) }, (_, bar) =>
    values.slice(bar * perBar, (bar + 1) * perBar).reduce((sum, value) => sum + value, 0),
  )
}

export function WorkflowsCard({
  overview: { workflows, period, include, from, to },
}: {
  overview: Overview
}) {
  const within = { from: from.toISOString(), to: to.toISOString(), ...countedRuns(include) }
  return (
    <Card title="Failing and slow workflows" span={4} flush>
      {workflows.length === 0 ? (
        <Empty title="Not enough runs yet.">
          Workflows with at least five runs in the last {period.text} appear here.
        </Empty>
      ) : (
        <Table
          caption={`Workflows with the highest failure rate, then the slowest, in the last ${period.text}`}
          columns={[
            { label: 'Workflow' },
            { label: 'Failed', numeric: true },
            { label: 'p95', numeric: true },
          ]}
        >
          {workflows.map(({ workflowId, name, runs, failed, durationMs }) => {
            const share = runs === 0 ? 0 : failed / runs
            return (
              <Tr>
                <Td>
                  {name === null ? (
                    <span class="muted">Deleted workflow</span>
                  ) : (
                    <a class="row-link" href={`/workflows/${workflowId}`} data-row>
                      {name}
                    </a>
                  )}
                </Td>
                <Td numeric phone="end">
                  {failed === 0 ? (
                    <span class="muted">
                      {percent(0)}
                      <span class="phone-only"> failed</span>
                    </span>
                  ) : (
                    <a
                      class={share >= badShare ? 'fail-text' : 'row-link'}
                      href={withQuery('/executions', within, { wf: workflowId, status: 'failed' })}
                      title={`${count(failed)} of ${plural(runs, 'run')}`}
                    >
                      {percent(share)}
                      <span class="phone-only"> failed</span>
                    </a>
                  )}
                </Td>
                <Td numeric phone="line">
                  <span class="phone-only">p95 </span>
                  {duration(durationMs.p95)}
                </Td>
              </Tr>
            )
          })}
        </Table>
      )}
    </Card>
  )
}

export function CredentialsCard({
  overview: { credentials, credentialTotal, credentialStats },
  time,
}: Timed) {
  const all = (
    <a class="link" href="/credentials">
      All {count(credentialTotal)}
    </a>
  )
  return (
    <Card title="Credentials" {...(credentialTotal > 0 && { aside: all })} span={4}>
      {credentials.length === 0 ? (
        <Empty
          title="No credentials yet."
          action={<LinkButton href="/credentials/new">Add credential</LinkButton>}
        >
          Flowkeep stores credentials encrypted and sends them to n8n when you deploy a workflow.
        </Empty>
      ) : (
        <ul class="list">
          {credentials.slice(0, shownRows).map(({ id, name, type, status, lastValidatedAt }) => {
            const uses = credentialStats.get(id)?.workflowCount
            return (
              <li>
                <NodeBadge type={type} />
                <span class="list-text">
                  <a class="row-link" href={`/credentials/${id}`}>
                    {name}
                  </a>
                  <small>
                    {usesText(uses)}
                    {lastValidatedAt && (
                      <>
                        {' '}
                        · checked <Time at={lastValidatedAt} format={time} as="brief" />
                      </>
                    )}
                  </small>
                </span>
                <Status {...credentialStyle(status)} />
              </li>
            )
          })}
        </ul>
      )}
    </Card>
  )
}

const usesText = (workflows: number | undefined): string => {
  if (workflows === undefined) return `Used by ${unknown} workflows`
  return workflows === 0 ? 'Not deployed' : `Used by ${plural(workflows, 'workflow')}`
}

export function DeploymentsCard({ overview: { deployments }, time }: Timed) {
  const isTrouble = ({ state }: DeploymentListRow) => state === 'failing' || state === 'drifted'
  const shown = [
    ...deployments.filter(isTrouble),
    ...deployments.filter((row) => !isTrouble(row) && row.state !== 'undeployed'),
  ]
  const all = (
    <a class="link" href="/deployments">
      All
    </a>
  )
  return (
    <Card title="Deployments" {...(deployments.length > 0 && { aside: all })} span={4}>
      {shown.length === 0 ? (
        <Empty
          title={deployments.length === 0 ? 'No deployments yet.' : 'No active deployments.'}
          action={<LinkButton href="/deployments/new">Plan deployment</LinkButton>}
        >
          Deploy a version of a workflow to an n8n instance.
        </Empty>
      ) : (
        <ul class="list">
          {shown.slice(0, shownRows).map((row) => (
            <li>
              <NodeBadge type={row.triggerType} />
              <span class="list-text">
                <a class="row-link" href={`/deployments/${row.id}`}>
                  {row.workflowName} v{row.version}
                </a>
                <small>
                  {row.instanceName} · <Time at={row.since} format={time} as="brief" />
                </small>
              </span>
              <Status {...statusBadge(row)} />
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}

export function LagCard({ overview: { instances, liveByInstance } }: { overview: Overview }) {
  return (
    <Card
      title="Reconciliation lag"
      span={4}
      {...(instances.length > 0 && {
        aside: (
          <a class="link" href="/instances">
            Instances
          </a>
        ),
      })}
    >
      {instances.length === 0 ? (
        <Empty title="No instances yet." action={<LinkButton href="/instances/new">Add instance</LinkButton>}>
          Add an n8n instance to track its runs.
        </Empty>
      ) : (
        <ul class="list">
          {instances.slice(0, shownRows).map(({ id, name, status, n8nVersion, polling: { lagSeconds } }) => (
            <li>
              <Icon name="instances" />
              <span class="list-text">
                <a class="row-link" href={`/instances/${id}`}>
                  {name}
                </a>
                <small>
                  {n8nVersion ? `n8n ${n8nVersion} · ` : ''}
                  {count(liveByInstance[id] ?? 0)} live
                </small>
              </span>
              {status === 'unreachable' || status === 'refused' ? (
                <Status
                  tone={status === 'refused' ? 'fail' : 'wait'}
                  label={lagSeconds === null ? 'Unreachable' : duration(lagSeconds * 1000)}
                />
              ) : lagSeconds !== null && lagSeconds > lateAfterSeconds ? (
                <Status tone="wait" label={duration(lagSeconds * 1000)} />
              ) : (
                <span class="nowrap">{lagSeconds === null ? '–' : duration(lagSeconds * 1000)}</span>
              )}
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}
