/** @module What is read of n8n's answers, as its public API gives them in 2.41.1; the rest is dropped. */
import * as z from 'zod'

export const N8nWorkflow = z.object({
  id: z.string(),
  name: z.string(),
  /** published; not yet a sign that it answers */
  active: z.boolean(),
  isArchived: z.boolean().default(false),
  /** the draft's */
  versionId: z.string().nullish().default(null),
  /** the published version's; null on 1.x and 2.0 */
  activeVersionId: z.string().nullish().default(null),
  /**
   * Triggers running. 0 after a first publish until n8n has started them (0.4–1.5 s, never for a bad cron); a later
   * publish and an unpublish leave the old count in place, so it proves the first publish only.
   */
  triggerCount: z.number().default(0),
  nodes: z.array(z.record(z.string(), z.unknown())),
  /** What runs, where the draft is another version; not on 1.x and 2.0. */
  activeVersion: z
    .object({ nodes: z.array(z.record(z.string(), z.unknown())) })
    .nullish()
    .default(null),
  connections: z.record(z.string(), z.unknown()),
  settings: z.record(z.string(), z.unknown()).nullish().default({}),
})
export type N8nWorkflow = z.output<typeof N8nWorkflow>

/** The nodes that run, else those of the draft. */
export const liveNodes = ({ activeVersion, nodes }: N8nWorkflow) => activeVersion?.nodes ?? nodes

/** Never with its data. */
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
/** 1.x gives numbers, later ones strings. */
const ExecutionId = z.union([z.string(), z.number()]).transform(String)
export const N8nExecution = z.object({
  id: ExecutionId,
  /** A string, for a later n8n may know more of them. 1.x has no status in lists. */
  status: z.string().nullish().default(null),
  finished: z.boolean().nullish().default(null),
  mode: z.string().nullish().default(null),
  retryOf: ExecutionId.nullish().default(null),
  startedAt: Instant,
  stoppedAt: Instant,
  waitTill: Instant,
  workflowId: z.union([z.string(), z.number()]).transform(String).nullish().default(null),
  /** Not in lists. Null: n8n has kept none, as of a retry of the workflow as it was. */
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

export const CredentialTest = z.object({ status: z.string(), message: z.string() })
export const JsonRecord = z.record(z.string(), z.unknown())
export const Anything = z.unknown()
export const pageOf = <T extends z.ZodType>(item: T) =>
  z.object({ data: z.array(item), nextCursor: z.string().nullish().default(null) })

export interface N8nPage<T> {
  items: T[]
  nextCursor: string | null
}

export interface ExecutionQuery {
  /** Without it n8n leaves out those that run. */
  status?: N8nExecutionStatus
  workflowId?: string
  /** ISO 8601 */
  startedAfter?: string
  startedBefore?: string
  includeData?: boolean
  /** 1 to 250, default 100 */
  limit?: number
  /** of the page before; the other conditions must be given again, n8n forgets them */
  cursor?: string
}
