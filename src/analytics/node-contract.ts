/** @module The HTTP shapes of analytics by node type and by node. */
import * as z from 'zod'
import { inOrder, Instant } from '../executions/contract.ts'
import { chosen, Count, DurationMs, ErrorBound, limit, Percentage, Period, total } from './contract.ts'
import { type RunFilter } from '../runs/sources.ts'
import { text, Uuid } from '../executions/contract.ts'

export const nodeTypeSorts = ['used', 'executions', 'slowest', 'failures', 'failureRate'] as const
export const nodeSorts = ['executions', 'slowest', 'failures', 'failureRate'] as const

const nodePeriod = {
  from: Instant.optional().meta({
    description: 'Start of the period, rounded down to a whole UTC day. Default: 30 days before `to`',
  }),
  to: Instant.optional().meta({
    description: 'End of the period, rounded up to a whole UTC day. Default: now',
  }),
}

export const NodeTypeStatsQuery = z
  .strictObject({
    ...chosen,
    ...nodePeriod,
    nodeType: text(256).optional().meta({ description: 'Only this node type' }),
    limit,
    sort: z
      .enum(nodeTypeSorts)
      .optional()
      .meta({ description: 'Sort key, highest first; `slowest` sorts by p95. Default: `used`' }),
  })
  .superRefine(inOrder('from', 'to'))
export interface NodeTypeStatsFilter extends RunFilter {
  limit?: number | undefined
  sort?: (typeof nodeTypeSorts)[number] | undefined
}

export const NodeStatsQuery = z
  .strictObject({
    ...chosen,
    ...nodePeriod,
    workflowId: Uuid,
    nodeType: text(256).optional().meta({ description: 'Only nodes of this type' }),
    limit,
    sort: z
      .enum(nodeSorts)
      .optional()
      .meta({ description: 'Sort key, highest first; `slowest` sorts by p95. Default: `executions`' }),
  })
  .superRefine(inOrder('from', 'to'))
export interface NodeStatsFilter extends RunFilter {
  workflowId: string
  limit?: number | undefined
  sort?: (typeof nodeSorts)[number] | undefined
}

const nodeSums = {
  executions: Count.meta({ description: 'Executions with node data in which the node ran' }),
  runs: Count.meta({ description: 'Times that the node ran; in a loop several times per execution' }),
  failures: Count.meta({ description: 'Executions in which the node failed' }),
  failureRate: Percentage.meta({
    description: 'Percentage with two decimals: failures / executions; null when there are none',
  }),
  items: Count.meta({ description: 'Items that the node returned' }),
  totalMs: Count.meta({ description: 'Total duration' }),
  durationMs: z.object({ p50: DurationMs, p95: DurationMs, errorBound: ErrorBound }).meta({
    description: 'Estimated nearest-rank percentiles of one run of the node; a loop counts with its mean',
  }),
}

export const NodeTypeStats = z
  .object({
    period: Period,
    total,
    items: z.array(
      z.object({
        nodeType: z.string().nullable().meta({ description: 'Null: nodes whose type was not reported' }),
        workflows: Count.meta({ description: 'Workflows that contain the node type now' }),
        ...nodeSums,
      }),
    ),
  })
  .meta({ ref: 'NodeTypeStatistics' })
export type NodeTypeStats = z.output<typeof NodeTypeStats>

export const NodeStats = z
  .object({
    period: Period,
    total,
    items: z.array(z.object({ name: z.string(), nodeType: z.string().nullable(), ...nodeSums })),
  })
  .meta({ ref: 'NodeStatistics' })
export type NodeStats = z.output<typeof NodeStats>
