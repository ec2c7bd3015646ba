/** @module The demo's runs as n8n reports them: version, outcome and time of receipt. */
import type { Flow } from './flow.ts'
import type { Json } from './nodes.ts'
import { Random } from './random.ts'
import { simulate } from './run.ts'
import { dayMs, type PlannedRun } from './traffic.ts'
import type { DemoDeployment, DemoWorkflow, Server } from './workflow.ts'

const minuteMs = 60_000

export interface Report {
  server: Server
  receivedAtMs: number
  /** n8n's execution object. */
  execution: Json
}

/** The runs that have not ended. */
const openRuns: { workflow: string; status: 'running' | 'waiting' | 'new'; minutesAgo: number }[] = [
  { workflow: 'Refund requests', status: 'waiting', minutesAgo: 2730 },
  { workflow: 'Refund requests', status: 'waiting', minutesAgo: 1310 },
  { workflow: 'Refund requests', status: 'waiting', minutesAgo: 96 },
  { workflow: 'Nightly export', status: 'running', minutesAgo: 7.2 },
  { workflow: 'Pull request review', status: 'running', minutesAgo: 1.1 },
  { workflow: 'Help centre chat', status: 'running', minutesAgo: 0.4 },
  { workflow: 'Lead enrichment', status: 'running', minutesAgo: 0.2 },
  { workflow: 'Shipping updates', status: 'new', minutesAgo: 0.05 },
]
export const openRunCount = openRuns.length

/** Sorted by receipt. @param n8nWorkflowId returns the n8n ID of a workflow */
export function reportsOf(
  planned: PlannedRun[],
  flows: Map<DemoWorkflow, Flow[]>,
  n8nWorkflowId: (deployment: DemoDeployment) => string,
  nowMs: number,
): Report[] {
  const random = new Random('runs')
  const nextId: Record<Server, number> = { eu: 48_213, us: 20_114, staging: 3120 }
  const workflows = [...flows.keys()]
  const open = openRuns.flatMap(({ workflow: name, status, minutesAgo }) => {
    const workflow = workflows.find((each) => each.name === name)
    const [deployment] = workflow?.deployments ?? []
    return workflow && deployment
      ? [{ workflow, deployment, startedAtMs: Math.round(nowMs - minutesAgo * minuteMs), status }]
      : []
  })
  const reports = [...planned.map((run) => ({ ...run, status: null })), ...open]
    .toSorted((a, b) => a.startedAtMs - b.startedAtMs)
    .map((run): Report => {
      const { server } = run.deployment
      nextId[server] += random.whole(1, 3)
      const about = {
        id: String(nextId[server]),
        workflowId: n8nWorkflowId(run.deployment),
        mode: modeOf(run.workflow, random),
        startedAt: new Date(run.startedAtMs).toISOString(),
      }
      if (run.status !== null)
        return { server, receivedAtMs: run.startedAtMs + 900, execution: { ...about, status: run.status } }
      return ended(run, flows.get(run.workflow) ?? [], about, nowMs, random)
    })
  return reports.toSorted((a, b) => a.receivedAtMs - b.receivedAtMs)
}

function ended(run: PlannedRun, flows: Flow[], about: Json, nowMs: number, random: Random): Report {
  const { workflow, deployment, startedAtMs } = run
  const daysAgo = (nowMs - startedAtMs) / dayMs
  const index = deployment.history.findLastIndex(([, since]) => since >= daysAgo)
  const [version] = deployment.history[Math.max(index, 0)] ?? [1]
  const next = deployment.history[index + 1]
  const flow = flows[version - 1]
  if (!flow) throw new Error(`"${workflow.name}" has no version ${version}`)
  const { server } = deployment

  const found = workflow.faults.find(
    ({
      node,
      share,
      versions: [from, to] = [1, Number.POSITIVE_INFINITY],
      daysAgo: [since, until] = [Number.POSITIVE_INFINITY, 0],
    }) =>
      version >= from &&
      version <= to &&
      daysAgo <= since &&
      daysAgo >= until &&
      flow.nodes.some((each) => each.name === node) &&
      random.chance(share),
  )
  const fault = found ? { node: found.node, error: found.error(random) } : null
  const end = fault
    ? 'fails'
    : (['ends', 'canceled', 'crashed'] as const)[random.weighted([1, 0.0025, 0.0006])]
  const stopAfter = end === 'canceled' || end === 'crashed' ? random.whole(1, 2) : undefined
  const { endedAtMs, data, nodes } = simulate(
    flow,
    workflow,
    { startedAtMs, fault, ...(stopAfter !== undefined && { stopAfter }) },
    random,
  )
  const crash = {
    name: 'WorkflowCrashedError',
    message: 'Workflow did not finish, possible out-of-memory issue',
    timestamp: endedAtMs,
  }
  const receipt = {
    // Failures are pushed immediately; the next poll finds the others.
    atMs: endedAtMs + (fault ? random.whole(200, 1900) : random.whole(2000, 58_000)),
    beforeMs: next ? nowMs - next[1] * dayMs - 1 : nowMs,
  }
  if (endedAtMs >= nowMs)
    return { server, receivedAtMs: startedAtMs + 900, execution: { ...about, status: 'running' } }
  return {
    server,
    receivedAtMs: Math.min(receipt.atMs, Math.max(receipt.beforeMs, startedAtMs)),
    execution: {
      ...about,
      status: fault ? 'error' : end === 'ends' ? 'success' : end,
      stoppedAt: new Date(endedAtMs).toISOString(),
      workflowData: { id: about['workflowId'], name: workflow.name, nodes },
      data: end === 'crashed' ? { resultData: { ...(data['resultData'] as Json), error: crash } } : data,
    },
  }
}

function modeOf({ traffic }: DemoWorkflow, random: Random): string {
  const kind = random.weighted([1, 0.008, 0.004])
  if (kind > 0) return kind === 1 ? 'retry' : 'manual'
  return traffic.mode === 'webhook' ? 'webhook' : 'trigger'
}
