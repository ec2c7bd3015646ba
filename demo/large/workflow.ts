/** @module What the demo knows of a workflow: its versions, where they were deployed, how often it runs and how it fails. */
import type { DeploymentStatus } from '../../src/db/schema/deployments.ts'
import type { MakeError } from './faults.ts'
import { Flow } from './flow.ts'

export type Server = 'eu' | 'us' | 'staging'

export interface DemoVersion {
  daysAgo: number
  /** Null: made by hand. */
  prompt: string | null
  model: string | null
  make: (flow: Flow) => Flow
}

/** When runs begin. `office`: working hours; `shop`: evenings and weekends as well; `flat`: always alike. */
export type Traffic =
  | { mode: 'webhook' | 'trigger'; perDay: number; rhythm: 'office' | 'shop' | 'flat' }
  | { mode: 'schedule'; everyMinutes: number }
  /** Hours of the day (UTC). */
  | { mode: 'schedule'; atHours: number[]; days: 'all' | 'weekdays' | 'mondays' }

export interface Fault {
  node: string
  error: MakeError
  /** Of the runs in which it can occur. */
  share: number
  /** Only in these versions. */
  versions?: [from: number, to: number]
  /** Only in this time. */
  daysAgo?: [from: number, to: number]
}

export interface DemoDeployment {
  server: Server
  status: DeploymentStatus
  /** Oldest first; the last is what is live. */
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
  /** So many runs more on the first deployment, from then on. */
  burst?: { runs: number; daysAgo: number }
  /** Weights of a node's outputs. */
  branches?: Record<string, number[]>
  /** How many items a node gives. */
  items?: Record<string, [min: number, max: number]>
  /** How many batches a loop runs. */
  loops?: Record<string, [min: number, max: number]>
  /** How much longer than usual some runs take: 0.3 is steady, 0.8 has a long tail. */
  sigma?: number
  faults: Fault[]
  versions: DemoVersion[]
  deployments: DemoDeployment[]
}

/** Every version an hour after it was made, but for those in `without`. */
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

/** Each version made from the one before it. */
export function flowsOf({ versions }: Pick<DemoWorkflow, 'versions'>): Flow[] {
  const flows: Flow[] = []
  for (const { make } of versions) flows.push(make(flows.at(-1)?.copy() ?? new Flow()))
  return flows
}
