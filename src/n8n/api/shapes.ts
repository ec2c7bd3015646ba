/** @module Schemas of n8n's API responses as of 2.41.1, limited to the fields that Flowkeep reads. */
import * as z from 'zod'

export const N8nWorkflow = z.object({
  id: z.string(),
  name: z.string(),
  /** published, but its triggers may not have started */
  active: z.boolean(),
  isArchived: z.boolean().default(false),
  /** version of the draft */
  versionId: z.string().nullish().default(null),
  /** published version; null on 1.x and 2.0 */
  activeVersionId: z.string().nullish().default(null),
  /**
   * Number of running triggers. 0 after the first publish until n8n has started them (0.4–1.5 s, never with an invalid
   * cron expression). Later publishes and unpublishes do not reset it, so it confirms only the first publish.
   */
  triggerCount: z.number().default(0),
  nodes: z.array(z.record(z.string(), z.unknown())),
  /** The published version if it differs from the draft; missing on 1.x and 2.0. */
  activeVersion: z
    .object({ nodes: z.array(z.record(z.string(), z.unknown())) })
    .nullish()
    .default(null),
  connections: z.record(z.string(), z.unknown()),
  settings: z.record(z.string(), z.unknown()).nullish().default({}),
})
export type N8nWorkflow = z.output<typeof N8nWorkflow>

/** The published nodes, or the draft nodes if none are published. */
export const liveNodes = ({ activeVersion, nodes }: N8nWorkflow) => activeVersion?.nodes ?? nodes

/** n8n never returns the data of a credential. */
export const N8nCredential = z.object({ id: z.string(), name: z.string(), type: z.string() })
export type N8nCredential = z.output<typeof N8nCredential>

export const N8nExecutionStatus = z.enum([
  'canceled',
  'crashed',
  'error',
  'new',
  'running',
  'success',
  'unknown',
  'waiting',
])
export type N8nExecutionStatus = z.output<typeof N8nExecutionStatus>

const Instant = z.string().nullish().default(null)
/** A number in 1.x, a string in later versions. */
const ExecutionId = z.union([z.string(), z.number()]).transform(String)
export const N8nExecution = z.object({
  id: ExecutionId,
  /** A string, because later n8n versions may add statuses. 1.x omits it in lists. */
  status: z.string().nullish().default(null),
  finished: z.boolean().nullish().default(null),
  mode: z.string().nullish().default(null),
  retryOf: ExecutionId.nullish().default(null),
  startedAt: Instant,
  stoppedAt: Instant,
  waitTill: Instant,
  workflowId: z.union([z.string(), z.number()]).transform(String).nullish().default(null),
  /** Missing in lists. Null if n8n stored none, as for a retry with the original workflow. */
  workflowVersionId: z.string().nullish(),
  /** Run data by node, with `includeData` only. */
  data: z.unknown().optional(),
  /** The workflow as it ran, with `includeData` only. */
  workflowData: z.unknown().optional(),
})
export type N8nExecution = z.output<typeof N8nExecution>

export const CommunityPackages = z.array(
  z.object({
    packageName: z.string(),
    installedNodes: z.array(z.object({ type: z.string() })),
    failedLoading: z.boolean().nullish(),
  }),
)
export type CommunityPackages = z.output<typeof CommunityPackages>

/** n8n 2.19 and later. Members that are not listed are sent back unchanged. */
export const OtelSettings = z.looseObject({
  enabled: z.boolean(),
  exporterProtocol: z.string().optional(),
  exporterEndpoint: z.string(),
  exporterTracingPath: z.string(),
  exporterServiceName: z.string(),
  /** `name=value` pairs, separated by commas. n8n replaces the values it returns. */
  exporterHeaders: z.string(),
  startupConnectivityTimeoutMs: z.number(),
  injectOutbound: z.boolean(),
})
export type OtelSettings = z.output<typeof OtelSettings>
export const OtelTest = z.object({ success: z.boolean(), error: z.string().optional() })

export const CredentialTest = z.object({ status: z.string(), message: z.string() })
export const N8nVariable = z.object({ key: z.string() })
export const JsonRecord = z.record(z.string(), z.unknown())
export const Anything = z.unknown()
export const pageOf = <T extends z.ZodType>(item: T) =>
  z.object({ data: z.array(item), nextCursor: z.string().nullish().default(null) })

export interface N8nPage<T> {
  items: T[]
  nextCursor: string | null
}

export interface ExecutionQuery {
  /** If omitted, n8n excludes running executions. */
  status?: N8nExecutionStatus
  workflowId?: string
  /** ISO 8601 */
  startedAfter?: string
  startedBefore?: string
  includeData?: boolean
  /** 1 to 250, default 100 */
  limit?: number
  /** from the previous page; repeat the other conditions, because n8n does not store them in the cursor */
  cursor?: string
}
