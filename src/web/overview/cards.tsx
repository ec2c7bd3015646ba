/** @module The overview's lists: errors, workflows, credentials, deployments, instances; the worst of each. */
import { MiniBars } from '../charts/spark.tsx'
import { Card, Empty } from '../components/card.tsx'
import { LinkButton, withQuery } from '../components/controls.tsx'
import { Icon, NodeBadge } from '../components/icons.tsx'
import { credentialLook, Status } from '../components/status.tsx'
import { NameCell, Table, Td, Time, Tr } from '../components/table.tsx'
import type { BoardRow } from '../../deployments/list-queries.ts'
import { readableMessage, trendOf, trendWords } from '../components/error-trend.ts'
import { countedRuns } from '../links/run-filter.ts'
import { count, duration, percent, plural, type TimeFormat, unknown } from '../format.ts'
import { boardLook } from '../components/deployment-status.ts'
import type { Overview } from './read-overview.ts'

interface Timed {
  overview: Overview
  time: TimeFormat
}

const shownErrors = 5
const shownRows = 4
/** From this share on a workflow is failing, not merely imperfect. */
const badShare = 0.1

export function ErrorsCard({
  overview: { errors, errorsPeriod, errorGroups, period, include, from, to },
  time,
}: Timed) {
  const within = { from: from.toISOString(), to: to.toISOString(), ...countedRuns(include) }
  const all = (
    <a class="link" href={withQuery('/errors', within)}>
      All {plural(errorGroups, 'group')}
    </a>
  )
  return (
    <Card title="Errors" note="new and rising first" {...(errorGroups > 0 && { aside: all })} span={8} flush>
      {errors.length === 0 ? (
        <Empty title={`No run failed in the last ${period.label}.`}>
          What fails is grouped here by cause.
        </Empty>
      ) : (
        <Table
          caption={`Errors of the last ${period.label}`}
          columns={[
            { label: 'Error' },
            { label: 'Workflows', numeric: true },
            { label: `Last ${period.label}` },
            { label: 'Runs', numeric: true },
            { label: 'Last seen', numeric: true },
          ]}
        >
          {errors.slice(0, shownErrors).map((group) => {
            const trend = trendWords(trendOf(group, errorsPeriod), group.lastSeenAt, time.now)
            return (
              <Tr>
                <Td class="wide">
                  <NameCell
                    href={`/errors/${group.fingerprint}`}
                    name={
                      <span class="overview-error">{readableMessage(group.message, group.httpStatus)}</span>
                    }
                    note={
                      <>
                        {group.node ?? 'No node'} ·{' '}
                        <span class={trend.tone === 'fail' ? 'fail-text' : ''}>{trend.word}</span>
                      </>
                    }
                  />
                </Td>
                <Td numeric phone="hide">
                  {count(group.workflows)}
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

/** Several values to a bar where there are more than have room. */
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
        <Empty title="Nothing stands out.">
          Workflows with five runs and more in the last {period.label} are compared here.
        </Empty>
      ) : (
        <Table
          caption={`Workflows that failed most, then the slowest, in the last ${period.label}`}
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
                    <span class="muted">A deleted workflow</span>
                  ) : (
                    <a class="row-link" href={`/workflows/${workflowId}`} data-row>
                      {name}
                    </a>
                  )}
                </Td>
                <Td numeric phone="end">
                  <a
                    class={share >= badShare ? 'fail-text' : 'link'}
                    href={withQuery('/executions', within, { wf: workflowId, status: 'failed' })}
                    title={`${count(failed)} of ${plural(runs, 'run')}`}
                  >
                    {percent(share)}
                    <span class="phone-only"> failed</span>
                  </a>
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
          action={<LinkButton href="/credentials/new">Add a credential</LinkButton>}
        >
          They are kept encrypted, and sent to n8n when a workflow is deployed.
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
                <Status {...credentialLook(status)} />
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

export function DeploymentsCard({ overview: { board }, time }: Timed) {
  const isTrouble = ({ state }: BoardRow) => state === 'failing' || state === 'drifted'
  const shown = [
    ...board.filter(isTrouble),
    ...board.filter((row) => !isTrouble(row) && row.state !== 'undeployed'),
  ]
  const all = (
    <a class="link" href="/deployments">
      All
    </a>
  )
  return (
    <Card title="Deployments" {...(board.length > 0 && { aside: all })} span={4}>
      {shown.length === 0 ? (
        <Empty
          title={board.length === 0 ? 'No deployments yet.' : 'Nothing is deployed now.'}
          action={<LinkButton href="/deployments/new">Plan a deployment</LinkButton>}
        >
          A deployment brings a version of a workflow live on an n8n.
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
              <Status {...boardLook(row)} />
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}

const lateSeconds = 15 * 60

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
        <Empty
          title="No n8n connected yet."
          action={<LinkButton href="/instances/new">Connect an n8n</LinkButton>}
        >
          What runs there is read and counted here.
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
                  word={lagSeconds === null ? 'No answer' : duration(lagSeconds * 1000)}
                />
              ) : lagSeconds !== null && lagSeconds > lateSeconds ? (
                <Status tone="wait" word={duration(lagSeconds * 1000)} />
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
