/** @module What the n8n stub holds. Tests may read all of it, and change it to play a person in n8n's editor. */
import type { Catalogue } from '../../src/n8n/catalogue.ts'

export type Json = Record<string, unknown>
/** `2.41` as measured; the other two as their OpenAPI says: no discovery, no publish, few credential routes. */
export type Generation = '2.41' | '2.0' | '1.x'

export interface WorkflowContent {
  name: string
  nodes: Json[]
  connections: Json
  settings: Json
}

export interface StubVersion {
  nodes: Json[]
  connections: Json
}

export interface StubWorkflow extends WorkflowContent {
  id: string
  versionId: string
  versionCounter: number
  activeVersionId: string | null
  isArchived: boolean
  triggerCount: number
  versions: Map<string, StubVersion>
  createdAt: string
  updatedAt: string
  /** `METHOD path` that answer now */
  webhooks: string[]
  /** answers to anything now, be it an error trigger only */
  isLive: boolean
  /** what a publish or unpublish has still to bring about */
  pending: { atMs: number; versionId: string | null } | null
}

export interface StubCredential {
  id: string
  name: string
  type: string
  /** in clear, to compare with what was meant to be sent */
  data: Json
  createdAt: string
  updatedAt: string
}

export type StubExecutionStatus =
  | 'canceled'
  | 'crashed'
  | 'error'
  | 'new'
  | 'running'
  | 'success'
  | 'unknown'
  | 'waiting'

export interface StubExecution {
  id: string
  workflowId: string
  workflowVersionId: string | null
  status: StubExecutionStatus
  finished: boolean
  mode: string
  retryOf: string | null
  retrySuccessId: string | null
  createdAt: string
  startedAt: string | null
  stoppedAt: string | null
  waitTill: string | null
  data: Json
}

/** One request that reached the stub. */
export interface StubCall {
  step: string
  method: string
  /** with the query */
  path: string
  body: unknown
  apiKey: string | null
  status: number | null
}

export interface StubPackage {
  packageName: string
  /** whole types, such as `n8n-nodes-acme.widget` */
  types: string[]
  failedLoading?: boolean
}

export interface StubState {
  generation: Generation
  workflows: Map<string, StubWorkflow>
  credentials: Map<string, StubCredential>
  /** oldest first */
  executions: StubExecution[]
  calls: StubCall[]
  /** credential ids whose test says OK; all others have no test */
  workingCredentials: Set<string>
  /** those installed; null: n8n's module of community packages is off */
  communityPackages: StubPackage[] | null
  /** steps that the API key lacks the scope for: n8n does not list them, and answers 403 */
  withheld: Set<string>
}

/** What the parts of the stub share. */
export interface StubContext {
  state: StubState
  catalogue: Catalogue
  baseUrl: string
  nowMs: () => number
  publishDelayMs: number
  unpublishDelayMs: number
  outcome: (workflow: StubWorkflow, nodes: Json[]) => StubOutcome
  push: (report: Json, errorWorkflow: StubWorkflow) => void | Promise<void>
}

export interface StubOutcome {
  status: 'success' | 'error' | 'waiting' | 'running'
  /** for `error` */
  message?: string
  node?: string
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** 16 letters and digits, as n8n's own. */
export function n8nId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => LETTERS[byte % LETTERS.length])
    .join('')
}

export function iso(ms: number): string {
  return new Date(ms).toISOString()
}
