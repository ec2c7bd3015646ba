/** @module The HTTP shapes of errors grouped by fingerprint. */
import * as z from 'zod'
import { ExecutionSummary, Incident, inOrder } from '../executions/contract.ts'
import { chosen, Count, limit, Period, total, WorkflowName } from './contract.ts'
import { intervals } from '../runs/period.ts'
import { type RunFilter } from '../runs/sources.ts'

export const errorSorts = ['runs', 'lastSeen', 'newest'] as const

export const ErrorGroupsQuery = z
  .strictObject({
    ...chosen,
    limit,
    sort: z
      .enum(errorSorts)
      .optional()
      .meta({
        description:
          '`runs` (default): most executions and incidents first; `lastSeen`: last seen most recently; ' +
          '`newest`: first seen most recently',
      }),
  })
  .superRefine(inOrder('from', 'to'))
export interface ErrorGroupsFilter extends RunFilter {
  limit?: number | undefined
  sort?: (typeof errorSorts)[number] | undefined
}

const errorGroup = {
  fingerprint: z.string(),
  node: z.string().nullable(),
  errorClass: z.string().nullable().meta({ description: 'Class of the error, such as `NodeApiError`' }),
  httpStatus: z.number().int().nullable(),
  message: z
    .string()
    .meta({ description: 'The message, with the parts that differ from run to run replaced' }),
  runs: Count,
  incidents: Count.meta({ description: 'Failures with this error that have no execution' }),
  previousRuns: Count.meta({ description: 'Executions in the preceding period of equal length' }),
  previousIncidents: Count.meta({ description: 'Incidents in the preceding period of equal length' }),
  firstSeenAt: z.iso
    .datetime()
    .nullable()
    .meta({ description: 'Among all stored executions and incidents, regardless of the filters' }),
  lastSeenAt: z.iso
    .datetime()
    .nullable()
    .meta({ description: 'Among all stored executions and incidents, regardless of the filters' }),
  workflows: Count,
  versions: Count.meta({ description: 'Workflow versions' }),
  series: z.array(Count).meta({
    description:
      'Executions and incidents in each `seriesInterval` of the period (UTC), oldest first, including ' +
      'zeros',
  }),
}

export const ErrorGroups = z
  .object({
    period: Period,
    total,
    seriesInterval: z.enum(intervals),
    items: z.array(z.object(errorGroup)),
  })
  .meta({ ref: 'ErrorGroups' })
export type ErrorGroups = z.output<typeof ErrorGroups>
export type ErrorGroup = ErrorGroups['items'][number]

export const ErrorFingerprint = z.object({ fingerprint: z.string().regex(/^[0-9a-f]{16}$/) })
export const ErrorGroupQuery = z.strictObject(chosen).superRefine(inOrder('from', 'to'))

export const ErrorGroupDetail = z
  .object({
    period: Period,
    seriesInterval: z.enum(intervals),
    ...errorGroup,
    byWorkflow: z
      .array(z.object({ workflowId: z.uuid(), name: WorkflowName, runs: Count, incidents: Count }))
      .meta({ description: 'Most executions and incidents first, at most 100' }),
    byVersion: z
      .array(
        z.object({ workflowId: z.uuid(), name: WorkflowName, version: Count, runs: Count, incidents: Count }),
      )
      .meta({ description: 'Most executions and incidents first, at most 100' }),
    newestIncidents: z.array(Incident).meta({ description: 'The newest 20, regardless of the filters' }),
    executions: z
      .array(ExecutionSummary)
      .meta({ description: 'The newest 20 of the counted kinds, regardless of the other filters' }),
  })
  .meta({ ref: 'ErrorGroup' })
export type ErrorGroupDetail = z.output<typeof ErrorGroupDetail>
