/** @module The demo's model of a workflow: versions, deployments, frequency of runs and faults. */
import type { DeploymentStatus } from '../../src/db/schema/deployments.ts'
import type { MakeError } from './faults.ts'
import { Flow } from './flow.ts'

export type Server = 'eu' | 'us' | 'staging'

export interface DemoVersion {
  daysAgo: number
  /** Null for a manual edit. */
  prompt: string | null
  model: string | null
  make: (flow: Flow) => Flow
}

/** When runs start. `office`: working hours; `shop`: also evenings and weekends; `flat`: evenly distributed. */
export type Traffic =
  | { mode: 'webhook' | 'trigger'; perDay: number; rhythm: 'office' | 'shop' | 'flat' }
  | { mode: 'schedule'; everyMinutes: number }
  /** Hours of the day (UTC). */
  | { mode: 'schedule'; atHours: number[]; days: 'all' | 'weekdays' | 'mondays' }

export interface Fault {
  node: string
  error: MakeError
  /** Share of the runs in which it can occur. */
  share: number
  /** Only in these versions. */
  versions?: [from: number, to: number]
  /** Only in this period. */
  daysAgo?: [from: number, to: number]
}

export interface DemoDeployment {
  server: Server
  status: DeploymentStatus
  /** Oldest first; the last one is live. */
  history: [version: number, daysAgo: number][]
  step?: string
  error?: string
  /** When it was unpublished or undeployed. */
  endedDaysAgo?: number
}

export interface DemoWorkflow {
  name: string
  description: string
  tags: string[]
  traffic: Traffic
  /** Number of additional runs on the first deployment, from that time on. */
  burst?: { runs: number; daysAgo: number }
  /** Weights of a node's outputs. */
  branches?: Record<string, number[]>
  /** Number of items that a node returns. */
  items?: Record<string, [min: number, max: number]>
  /** Number of batches in a loop. */
  loops?: Record<string, [min: number, max: number]>
  /** Spread of the durations: 0.3 is steady, 0.8 has a long tail. */
  sigma?: number
  faults: Fault[]
  versions: DemoVersion[]
  deployments: DemoDeployment[]
}

/** Deploys every version an hour after its creation, except those in `without`. */
export function live(
  server: Server,
  versions: DemoVersion[],
  without: number[] = [],
  status: DeploymentStatus = 'active',
): DemoDeployment {
  const history = versions.flatMap(({ daysAgo }, index): [number, number][] =>
    without.includes(index + 1) ? [] : [[index + 1, daysAgo - 1 / 24]],
  )
  return { server, status, history }
}

/** Builds each version from the previous one. */
export function flowsOf({ versions }: Pick<DemoWorkflow, 'versions'>): Flow[] {
  const flows: Flow[] = []
  for (const { make } of versions) flows.push(make(flows.at(-1)?.copy() ?? new Flow()))
  return flows
}
