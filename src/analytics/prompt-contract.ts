/** @module The HTTP shapes of analytics by prompt and by model. */
import * as z from 'zod'
import { inOrder } from '../executions/contract.ts'
import { chosen, Count, Durations, failed, limit, Percentage, Period, total } from './contract.ts'
import { type RunFilter } from '../runs/sources.ts'

export const promptSorts = ['runs', 'newest', 'failureRate', 'p95'] as const

export const PromptStatsQuery = z
  .strictObject({
    ...chosen,
    limit,
    sort: z.enum(promptSorts).optional().meta({ description: 'Sort key, highest first. Default: `runs`' }),
  })
  .superRefine(inOrder('from', 'to'))
export interface PromptStatsFilter extends RunFilter {
  limit?: number | undefined
  sort?: (typeof promptSorts)[number] | undefined
}

export const ModelStatsQuery = z.strictObject({ ...chosen, limit }).superRefine(inOrder('from', 'to'))
export interface ModelStatsFilter extends RunFilter {
  limit?: number | undefined
}

export const promptExcerptChars = 500

export const PromptStats = z
  .object({
    period: Period,
    total,
    items: z
      .array(
        z.object({
          workflowId: z.uuid(),
          name: z.string(),
          version: Count,
          prompt: z.string().meta({ description: `The first ${promptExcerptChars} characters` }),
          model: z.string().nullable(),
          createdAt: z.iso.datetime(),
          runs: Count,
          failed,
          successRate: Percentage,
          durationMs: Durations,
        }),
      )
      .meta({ description: 'Workflow versions that have a prompt and ran in the period' }),
  })
  .meta({ ref: 'PromptStatistics' })
export type PromptStats = z.output<typeof PromptStats>

export const ModelStats = z
  .object({
    period: Period,
    total,
    items: z
      .array(
        z.object({
          model: z
            .string()
            .nullable()
            .meta({ description: 'Null: versions without a model, and those of deleted workflows' }),
          workflows: Count,
          versions: Count,
          runs: Count,
          failed,
          successRate: Percentage,
          durationMs: Durations,
        }),
      )
      .meta({ description: 'Models of the versions that ran in the period, most executions first' }),
  })
  .meta({ ref: 'ModelStatistics' })
export type ModelStats = z.output<typeof ModelStats>
