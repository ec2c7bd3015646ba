/** @module The overview of a workflow: graph, versions, credentials, deployments and runs. */
import type { NodeStats } from '../../../analytics/contract.ts'
import type { ExecutionSummary, Incident } from '../../../executions/contract.ts'
import type { Workflow } from '../../../workflows/contract.ts'
import type { SlotReadiness } from '../../../workflows/readiness-contract.ts'
import type { Finding } from '../../../n8n/checks/finding.ts'
import { Card } from '../../components/card.tsx'
import type { DeploymentListRow } from '../../../deployments/list-queries.ts'
import { IncidentsCard } from '../../components/incidents-card.tsx'
import { count, plural, type TimeFormat } from '../../format.ts'
import { ChangesView } from '../versions/changes-view.tsx'
import { isProblem, markCredentials, neededCredentials } from './credentials-needed.ts'
import { nextStep, SetupProgress } from './next-step.tsx'
import { DeploymentsCard } from './deployments-card.tsx'
import { GraphCard } from '../graph/graph.tsx'
import { addMark, type NodeMark } from '../graph/marks.ts'
import { readGraph } from '../graph/model.ts'
import type { GraphState } from '../graph/view-state.ts'
import { isLive, WorkflowHead } from '../head.tsx'
import { continueHref } from '../../links/setup.ts'
import { countedRunsHref, diffHref, runsHref, workflowHref } from '../links.ts'
import { CredentialsCard, FindingsCard, NodeStatsCard, RecentRunsCard } from './cards.tsx'
import type {
  CredentialState,
  DayRuns,
  DeployedPlace,
  FailingNode,
  VersionRate,
} from '../../../workflows/detail-queries.ts'
import type { VersionChanges } from '../versions/changes.ts'
import { type ListedVersion, VersionList } from '../versions/list.tsx'
import { changeMarks } from '../versions/view.tsx'

export interface OverviewData {
  workflow: Workflow
  deployments: readonly DeploymentListRow[]
  today: DayRuns
  places: readonly DeployedPlace[]
  readiness: SlotReadiness
  credentials: readonly CredentialState[]
  versions: readonly ListedVersion[]
  rates: ReadonlyMap<number, VersionRate>
  /** Compared to the previous version. Null for the first version and for one that is too large to compare. */
  changes: VersionChanges | null
  runs: readonly ExecutionSummary[]
  /** Newest first. */
  incidents: readonly Incident[]
  /** The user has an n8n instance. */
  hasInstance: boolean
  /** Worst first. */
  failingNodes: readonly FailingNode[]
  /** Of the last 30 days. */
  nodes: NodeStats
  /** Worst first. */
  findings: readonly Finding[]
  graphState: GraphState
}

export function OverviewView({ data, time }: { data: OverviewData; time: TimeFormat }) {
  const { workflow, deployments, today, places, readiness, changes, versions } = data
  const { id, version } = workflow
  const live = deployments.find(isLive)
  const place = places.find((each) => each.id === live?.id)
  const needed = neededCredentials(readiness, data.credentials, place)
  const graph = readGraph(workflow.workflow, { triggerTypes: workflow.triggerTypes })
  const marks = marksOf(data)
  const isFirst = deployments.length === 0
  const back = isFirst ? continueHref(id) : workflowHref(id)
  markCredentials(marks, needed, back)
  const situation = {
    workflow,
    errors: data.findings.filter(({ level }) => level === 'error').length,
    failed: today.failed,
    isFirst,
    back,
    problem: needed.find(isProblem),
    hasInstance: data.hasInstance,
  }
  return (
    <>
      <WorkflowHead
        workflow={workflow}
        deployments={deployments}
        today={today}
        tab="overview"
        time={time}
        primary={nextStep(situation)}
      />
      {isFirst && <SetupProgress {...situation} />}
      {workflow.description && <p class="soft workflow-description">{workflow.description}</p>}
      <GraphCard
        id="drawing"
        title={`${workflow.name}, version ${version}`}
        note={
          graph.omitted > 0 ? `v${version}, ${plural(graph.omitted, 'more node')} not shown` : `v${version}`
        }
        version={`v${version}`}
        graph={graph}
        marks={marks}
        state={data.graphState}
        workflow={workflow.workflow}
        failedRunsHref={(node) => runsHref(id, { status: 'failed', node })}
      />
      <div class="grid">
        <div class="stack span-7">
          <Card
            title="Versions and prompts"
            aside={
              version > 1 ? (
                <a class="link" href={diffHref(id, version - 1, version)}>
                  Compare versions
                </a>
              ) : undefined
            }
          >
            <VersionList
              workflowId={id}
              currentVersion={version}
              versions={versions}
              rates={data.rates}
              deployments={deployments}
              time={time}
            />
            {version > versions.length && (
              <p class="workflow-aside">
                <a class="link" href={workflowHref(id, '/versions')}>
                  View all {plural(version, 'version')}
                </a>
              </p>
            )}
          </Card>
          {changes && (
            <Card
              title="Changes"
              note={`v${version - 1} → v${version}`}
              flush
              aside={
                <a class="link" href={diffHref(id, version - 1, version)}>
                  Full diff
                </a>
              }
            >
              <ChangesView changes={changes} maxBlocks={6} />
            </Card>
          )}
          {!changes && <FindingsCard workflow={workflow} findings={data.findings} />}
        </div>
        <div class="stack span-5">
          <CredentialsCard
            needed={needed}
            unresolved={readiness.unresolved}
            on={place?.instanceName ?? null}
            back={back}
            time={time}
          />
          <DeploymentsCard workflowId={id} deployments={deployments} time={time} />
          <RecentRunsCard id={id} runs={data.runs} time={time} />
          {data.incidents.length > 0 && <IncidentsCard incidents={data.incidents} time={time} />}
          {changes && <FindingsCard workflow={workflow} findings={data.findings} />}
        </div>
      </div>
      {data.runs.length > 0 && <NodeStatsCard id={id} nodes={data.nodes} />}
    </>
  )
}

/** Marks the nodes that are failing now, those with findings, and those that this version changed. */
function marksOf({
  workflow: { id },
  changes,
  failingNodes,
  findings,
}: OverviewData): Map<string, NodeMark[]> {
  const marks = changes ? changeMarks({ ...changes.diff, removed: [] }).marks : new Map<string, NodeMark[]>()
  for (const { node, level, message } of findings.toReversed()) {
    if (node !== undefined && level !== 'hint') addMark(marks, node, { kind: level, note: message })
  }
  for (const { node, failed, runs } of failingNodes) {
    addMark(marks, node, {
      kind: 'fails',
      note: `${count(failed)} of the latest ${plural(runs, 'run')} failed here`,
      href: countedRunsHref(id, { status: 'failed', node }),
      weight: failed,
    })
  }
  return marks
}
