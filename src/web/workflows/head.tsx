/** @module The head of every workflow page: state, actions and tabs. */
import type { Child } from 'hono/jsx'
import type { Workflow } from '../../workflows/contract.ts'
import { LinkButton, Tabs } from '../components/controls.tsx'
import { PageHead } from '../layout/page.tsx'
import { StatusTag } from '../components/status.tsx'
import { Time } from '../components/table.tsx'
import type { DeploymentListRow } from '../../deployments/list-queries.ts'
import { count, plural, type TimeFormat } from '../format.ts'
import { countNodes } from './graph/model.ts'
import { countedRunsHref, planHref, runsHref, workflowHref } from './links.ts'
import type { DayRuns } from '../../workflows/detail-queries.ts'

export type WorkflowTab = 'overview' | 'versions' | 'deployments' | 'tests' | 'none'

export interface HeadProps {
  workflow: Workflow
  /** Its deployments, worst first. */
  deployments: readonly DeploymentListRow[]
  /** Runs of the last 24 hours, counted as in the list of runs. */
  today: DayRuns
  tab: WorkflowTab
  time: TimeFormat
  /** A primary button more urgent than planning a deployment. */
  primary?: Child
  /** Hides the buttons on the page of a form, which has its own. */
  quiet?: boolean
}

export function WorkflowHead({ workflow, deployments, today, tab, time, primary, quiet }: HeadProps) {
  const { id, version, tags, updatedAt } = workflow
  const isBehind = !deployments.some((row) => isLive(row) && row.version === version)
  return (
    <>
      <PageHead
        title={workflow.name}
        meta={
          <>
            <StateTags id={id} deployments={deployments} today={today} />
            <span>v{version}</span>
            <span>{plural(countNodes(workflow.workflow), 'node')}</span>
            <span>
              Changed
              <Time at={updatedAt} format={time} as="relative" />
            </span>
            {tags.slice(0, 4).map((tag) => (
              <a class="workflow-state" href={`/workflows?tag=${encodeURIComponent(tag)}`}>
                <span class="tag">{tag}</span>
              </a>
            ))}
            {tags.length > 4 && <span class="muted">+{tags.length - 4} tags</span>}
          </>
        }
        actions={
          !quiet && (
            <>
              <LinkButton href={workflowHref(id, '/edit')} icon="pencil">
                Edit
              </LinkButton>
              <LinkButton
                href={planHref(id)}
                icon="deployments"
                kind={!primary && isBehind ? 'primary' : 'plain'}
              >
                {isBehind && deployments.some(isLive) ? `Plan deployment of v${version}` : 'Plan deployment'}
              </LinkButton>
              {primary}
            </>
          )
        }
      />
      <Tabs
        label="Workflow"
        choices={[
          { label: 'Overview', href: workflowHref(id), current: tab === 'overview' },
          {
            label: 'Versions',
            href: workflowHref(id, '/versions'),
            current: tab === 'versions',
            count: count(version),
          },
          {
            label: 'Deployments',
            href: workflowHref(id, '/deployments'),
            current: tab === 'deployments',
            count: count(deployments.filter(({ status }) => status !== 'undeployed').length),
          },
          { label: 'Tests', href: workflowHref(id, '/tests'), current: tab === 'tests' },
          { label: 'Runs', href: runsHref(id) },
          { label: 'Alerts', href: workflowHref(id, '/alerts') },
        ]}
      />
    </>
  )
}

export const isLive = ({ status }: Pick<DeploymentListRow, 'status'>): boolean =>
  status === 'active' || status === 'tracking'

/** `on prod-eu-1`, or `on 2 instances`. */
const where = (rows: readonly DeploymentListRow[]): string =>
  rows.length === 1 ? `on ${rows[0]?.instanceName}` : `on ${plural(rows.length, 'instance')}`

function StateTags({ id, deployments, today }: { id: string } & Pick<HeadProps, 'deployments' | 'today'>) {
  const failing = deployments.filter(({ state }) => state === 'failing')
  const broken = deployments.filter(({ state }) => state === 'failed')
  const drifted = deployments.filter(({ state }) => state === 'drifted')
  const live = deployments.filter(isLive)
  const { failed, finished } = today
  const failedHref = countedRunsHref(id, { status: 'failed', from: '24h' })
  return (
    <>
      {failing.length > 0 && (
        <a class="workflow-state" href={failedHref}>
          <StatusTag tone="fail" label={`Failing ${where(failing)}`} />
        </a>
      )}
      {failing.length === 0 && failed > 0 && (
        <a class="workflow-state" href={failedHref}>
          <StatusTag tone="wait" label={`${count(failed)} of ${plural(finished, 'run')} failed in 24 h`} />
        </a>
      )}
      {broken.length > 0 && (
        <a class="workflow-state" href={workflowHref(id, '/deployments')}>
          <StatusTag tone="fail" label={`Deployment failed ${where(broken)}`} />
        </a>
      )}
      {drifted.length > 0 && (
        <a class="workflow-state" href={workflowHref(id, '/deployments')}>
          <StatusTag tone="wait" label={`Drifted ${where(drifted)}`} />
        </a>
      )}
      {live.length > 0 ? (
        <a class="workflow-state" href={workflowHref(id, '/deployments')}>
          <StatusTag tone="ok" label={`Live ${where(live)}`} />
        </a>
      ) : (
        <span>
          <StatusTag
            tone="idle"
            label={deployments.some(({ state }) => state === 'deploying') ? 'Deploying' : 'Not deployed'}
          />
        </span>
      )}
    </>
  )
}

/** Links to the failed runs of the last 24 hours. */
export const FailedRunsButton = ({ id, failed }: { id: string; failed: number }) => (
  <LinkButton kind="primary" icon="executions" href={countedRunsHref(id, { status: 'failed', from: '24h' })}>
    View {plural(failed, 'failed run')}
  </LinkButton>
)
