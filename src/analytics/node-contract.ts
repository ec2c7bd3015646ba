/** @module The HTTP shapes of analytics by node type and by node. */
import * as z from 'zod'
import { inOrder, Instant } from '../executions/contract.ts'
import {
  chosen,
  Count,
  DurationMs,
  ErrorBound,
  limit,
  Percentage,
  Period,
  type RunFilter,
  total,
} from './contract.ts'
import { text, Uuid } from '../executions/contract.ts'

export const nodeTypeSorts = ['used', 'executions', 'slowest', 'failures', 'failureRate'] as const
export const nodeSorts = ['executions', 'slowest', 'failures', 'failureRate'] as const

const nodePeriod = {
  from: Instant.optional().meta({
    description: 'Its whole UTC day is counted. Default: 30 days before `to`',
  }),
  to: Instant.optional().meta({
    description: 'Its whole UTC day is counted, unless it is the start of one. Default: now',
  }),
}

export const NodeTypeStatsQuery = z
  .strictObject({
    ...chosen,
    ...nodePeriod,
    nodeType: text(256).optional().meta({ description: 'This node type only' }),
    limit,
    sort: z
      .enum(nodeTypeSorts)
      .optional()
      .meta({ description: 'Highest first; slowest: by p95. Default: used' }),
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
    nodeType: text(256).optional().meta({ description: 'Nodes of this type only' }),
    limit,
    sort: z
      .enum(nodeSorts)
      .optional()
      .meta({ description: 'Highest first; slowest: by p95. Default: executions' }),
  })
  .superRefine(inOrder('from', 'to'))
export interface NodeStatsFilter extends RunFilter {
  workflowId: string
  limit?: number | undefined
  sort?: (typeof nodeSorts)[number] | undefined
}

const nodeSums = {
  executions: Count.meta({ description: 'Executions in which it ran, of those that came with data' }),
  runs: Count.meta({ description: 'How often it ran, several times an execution in a loop' }),
  failures: Count.meta({ description: 'Executions in which it failed' }),
  failureRate: Percentage.meta({ description: 'failures / executions, with two decimals; null without any' }),
  items: Count.meta({ description: 'That it gave' }),
  totalMs: Count.meta({ description: 'That it took in all' }),
  durationMs: z.object({ p50: DurationMs, p95: DurationMs, errorBound: ErrorBound }).meta({
    description: 'Estimated nearest-rank percentiles of one run, those of a loop at their mean',
  }),
}

export const NodeTypeStats = z
  .object({
    period: Period,
    total,
    items: z.array(
      z.object({
        nodeType: z
          .string()
          .nullable()
          .meta({ description: 'Null: nodes whose type did not come with the run' }),
        workflows: Count.meta({ description: 'Workflows that contain it now' }),
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
