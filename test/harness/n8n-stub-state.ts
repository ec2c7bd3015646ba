/** @module The state of the n8n stub. Tests can read it, and change it like a user in n8n's editor. */
import type { Catalogue } from '../../src/n8n/catalogue/catalogue.ts'

export type Json = Record<string, unknown>
/** `2.41` as measured; the other two by their OpenAPI: no discovery, no publish, few credential routes. */
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
  /** live `METHOD path` pairs */
  webhooks: string[]
  /** has a live trigger, even if only an Error Trigger */
  isLive: boolean
  /** pending effects of a publish or unpublish */
  pending: { atMs: number; versionId: string | null } | null
}

export interface StubCredential {
  id: string
  name: string
  type: string
  /** in plain text, for comparison with the expected data */
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
  /** Null: the editor is disabled, so that nothing shows the version. */
  editorVersion: string | null
  workflows: Map<string, StubWorkflow>
  credentials: Map<string, StubCredential>
  /** oldest first */
  executions: StubExecution[]
  calls: StubCall[]
  /** credential IDs whose test says OK; all others have no test */
  workingCredentials: Set<string>
  /** installed packages; null if the community packages module is disabled */
  communityPackages: StubPackage[] | null
  /** n8n's own variables; null without a license for them */
  variables: Record<string, string> | null
  /** steps for which the API key lacks the scope: n8n does not list them and returns 403 */
  withheld: Set<string>
  otel: {
    /** with the values of headers */
    settings: Json
    /** fields that environment variables set */
    managed: Set<string>
    /** the error of a test trace; null if the collector accepts it */
    testError: string | null
  }
}

/** Shared by the parts of the stub. */
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

/** 16 letters and digits, like n8n's IDs. */
export function n8nId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => LETTERS[byte % LETTERS.length])
    .join('')
}

export function iso(ms: number): string {
  return new Date(ms).toISOString()
}
