/** @module The start times of all demo runs: 60 days with a daily and weekly rhythm and one complete outage. */
import { Random } from './random.ts'
import type { DemoDeployment, DemoWorkflow, Server } from './workflow.ts'

export const dayMs = 24 * 60 * 60 * 1000
const hourMs = dayMs / 24
const minuteMs = hourMs / 60

export const totalRuns = 20_000
export const historyDays = 60
/** The outage: no runs and no reports. */
export const outageHoursAgo = { from: 11.2, to: 8.4 }
/** From this time on, the n8n server is unreachable. */
export const stagingLostHoursAgo = 3.2

export interface PlannedRun {
  workflow: DemoWorkflow
  deployment: DemoDeployment
  startedAtMs: number
}

/** By hour of the day, UTC. */
const rhythms: Record<'office' | 'shop' | 'flat', { hours: number[]; weekend: number }> = {
  office: {
    hours: [1, 1, 1, 1, 2, 4, 14, 40, 74, 92, 96, 82, 66, 84, 92, 78, 52, 26, 12, 7, 5, 3, 2, 1],
    weekend: 0.12,
  },
  shop: {
    hours: [10, 6, 4, 3, 4, 8, 18, 30, 42, 50, 54, 56, 58, 52, 50, 52, 60, 72, 86, 92, 84, 60, 36, 20],
    weekend: 1.2,
  },
  flat: { hours: Array.from({ length: 24 }, () => 40), weekend: 1 },
}
/** Share of each deployment in the runs of its workflow. Most run on the first. */
const shares: Record<Server, number> = { eu: 1, us: 0.45, staging: 0.08 }

interface Stream {
  workflow: DemoWorkflow
  deployment: DemoDeployment
  fromMs: number
  toMs: number
}

/** Sorted by start. Exactly `totalRuns` minus `others`. */
export function planRuns(workflows: DemoWorkflow[], nowMs: number, others: number): PlannedRun[] {
  const streams = workflows.flatMap((workflow) => streamsOf(workflow, nowMs))
  const fixed = [
    ...streams.flatMap((stream) => scheduledRuns(stream, nowMs)),
    ...workflows.flatMap((workflow) => burstRuns(workflow, nowMs)),
  ]
  const random = sampledRuns(streams, nowMs, totalRuns - others - fixed.length)
  return [...fixed, ...random].toSorted((a, b) => a.startedAtMs - b.startedAtMs)
}

function streamsOf(workflow: DemoWorkflow, nowMs: number): Stream[] {
  return workflow.deployments.flatMap((deployment) => {
    const [first] = deployment.history
    if (!first || deployment.status === 'pending') return []
    const lostMs = deployment.server === 'staging' ? stagingLostHoursAgo * hourMs : 0
    const endedMs = Math.max((deployment.endedDaysAgo ?? 0) * dayMs, lostMs)
    // Within the 60 days, so that the first day is complete.
    const fromMs = nowMs - Math.min(first[1], historyDays - 0.1) * dayMs
    return [{ workflow, deployment, fromMs: fromMs + minuteMs, toMs: nowMs - endedMs }]
  })
}

const isOutage = (atMs: number, nowMs: number): boolean =>
  atMs >= nowMs - outageHoursAgo.from * hourMs && atMs < nowMs - outageHoursAgo.to * hourMs

function scheduledRuns({ workflow, deployment, fromMs, toMs }: Stream, nowMs: number): PlannedRun[] {
  const { traffic } = workflow
  if (traffic.mode !== 'schedule') return []
  const random = new Random(`${workflow.name} ${deployment.server}`)
  const runs: PlannedRun[] = []
  const add = (atMs: number) => {
    const startedAtMs = atMs + random.whole(20, 400)
    if (startedAtMs >= fromMs && startedAtMs < toMs && !isOutage(startedAtMs, nowMs)) {
      runs.push({ workflow, deployment, startedAtMs })
    }
  }
  if ('everyMinutes' in traffic) {
    // A test server gets less traffic.
    const everyMs = traffic.everyMinutes * minuteMs * (deployment.server === 'staging' ? 8 : 1)
    for (let atMs = Math.ceil(fromMs / everyMs) * everyMs; atMs < toMs; atMs += everyMs) add(atMs)
    return runs
  }
  for (let dayAtMs = Math.floor(fromMs / dayMs) * dayMs; dayAtMs < toMs; dayAtMs += dayMs) {
    const weekday = new Date(dayAtMs).getUTCDay()
    if (traffic.days === 'weekdays' && (weekday === 0 || weekday === 6)) continue
    if (traffic.days === 'mondays' && weekday !== 1) continue
    for (const hour of traffic.atHours) add(dayAtMs + hour * hourMs)
  }
  return runs
}

function burstRuns(workflow: DemoWorkflow, nowMs: number): PlannedRun[] {
  const { burst } = workflow
  const [deployment] = workflow.deployments
  if (!burst || !deployment) return []
  const random = new Random(`${workflow.name} burst`)
  const fromMs = nowMs - burst.daysAgo * dayMs
  return Array.from({ length: burst.runs }, (_, index) => ({
    workflow,
    deployment,
    startedAtMs: Math.round(
      fromMs + ((index + random.between(0.1, 0.9)) * (nowMs - 5 * minuteMs - fromMs)) / burst.runs,
    ),
  }))
}

/** Draws from the expected number of runs per stream and hour. */
function sampledRuns(streams: Stream[], nowMs: number, count: number): PlannedRun[] {
  const random = new Random('traffic')
  const cells: { stream: Stream; atMs: number }[] = []
  const sums: number[] = []
  let sum = 0
  for (const stream of streams) {
    const { workflow, deployment, fromMs, toMs } = stream
    const { traffic } = workflow
    if (traffic.mode === 'schedule') continue
    const { hours, weekend } = rhythms[traffic.rhythm]
    const total = hours.reduce((all, each) => all + each, 0)
    // In local time: America is eight hours behind.
    const shift = deployment.server === 'us' ? 16 : 0
    const burstFromMs =
      workflow.burst && deployment === workflow.deployments[0]
        ? nowMs - workflow.burst.daysAgo * dayMs
        : nowMs
    for (
      let atMs = Math.floor(fromMs / hourMs) * hourMs;
      atMs < Math.min(toMs, burstFromMs);
      atMs += hourMs
    ) {
      const date = new Date(atMs)
      const isWeekend = date.getUTCDay() % 6 === 0
      const growth = 1.15 - (0.4 * (nowMs - atMs)) / (historyDays * dayMs)
      const share = deployment === workflow.deployments[0] ? 1 : shares[deployment.server]
      const ofDay = (hours[(date.getUTCHours() + shift) % 24] ?? 0) / total
      sum += traffic.perDay * share * ofDay * growth * (isWeekend ? weekend : 1) * random.factor(0.18)
      cells.push({ stream, atMs })
      sums.push(sum)
    }
  }
  const runs: PlannedRun[] = []
  while (runs.length < count) {
    const cell = cells[firstAbove(sums, random.next() * sum)]
    if (!cell) throw new Error('No traffic to draw from')
    const { workflow, deployment, fromMs, toMs } = cell.stream
    const startedAtMs = Math.floor(cell.atMs + random.next() * hourMs)
    const endMs = toMs - (deployment.server === 'staging' ? 0 : 2 * minuteMs)
    if (startedAtMs < fromMs || startedAtMs >= endMs || isOutage(startedAtMs, nowMs)) continue
    runs.push({ workflow, deployment, startedAtMs })
  }
  return runs
}

function firstAbove(sums: number[], wanted: number): number {
  let low = 0
  let high = sums.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sums[middle] ?? 0) > wanted) high = middle
    else low = middle + 1
  }
  return low
}
