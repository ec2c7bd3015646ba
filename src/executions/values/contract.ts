/** @module HTTP schemas of the stored values of runs. */
import * as z from 'zod'

const maxRetentionDays = 30
const minBytes = 4096
/** A page of a key rotation stays below the response limit of the database. */
const maxBytesOfRun = 65_536

const RetentionDays = z
  .number()
  .int()
  .min(1, 'At least 1')
  .max(maxRetentionDays, `At most ${maxRetentionDays}`)
const MaxBytes = z.number().int().min(minBytes, 'At least 4,096').max(maxBytesOfRun, 'At most 65,536')

export const ValueStorageChange = z
  .strictObject({
    retentionDays: RetentionDays.default(7).meta({
      description: 'Days after which the values of a run are deleted',
    }),
    maxBytes: MaxBytes.default(maxBytesOfRun).meta({
      description: 'Maximum size of the values of one run. Larger values are truncated',
    }),
  })
  .meta({ ref: 'ValueStorageChange' })
export type ValueStorageChange = z.output<typeof ValueStorageChange>

export const ValueStorage = z
  .object({
    retentionDays: z.number().int().meta({ description: 'Days after which the values of a run are deleted' }),
    maxBytes: z.number().int().meta({ description: 'Maximum size of the values of one run' }),
    since: z.iso
      .datetime()
      .meta({ description: 'When it was turned on. Earlier executions have no stored values' }),
  })
  .meta({ ref: 'ValueStorage' })
export type ValueStorage = z.output<typeof ValueStorage>

const Items = z.array(z.looseObject({ json: z.record(z.string(), z.unknown()) })).meta({
  description: 'The first items, as n8n returned them: `json`, and `binary` without the content of files',
})
const Truncated = z.boolean().meta({ description: 'Items or parts of items are missing' })

export const NodeInputValues = z.object({
  node: z.string().nullable().meta({ description: 'The node that returned them; null if unknown' }),
  output: z.number().int().meta({ description: '0-based output of that node' }),
  total: z.number().int().meta({ description: 'Number of items, stored or not' }),
  truncated: Truncated,
  items: Items,
})
const NodeOutputValues = z.object({
  type: z.string().meta({ description: 'Connection type', examples: ['main', 'ai_languageModel'] }),
  index: z.number().int().meta({ description: '0-based' }),
  total: z.number().int().meta({ description: 'Number of items, stored or not' }),
  truncated: Truncated,
  items: Items,
})

export const ExecutionValues = z
  .object({
    executionId: z.uuid(),
    expiresAt: z.iso.datetime().meta({ description: 'When they are deleted' }),
    trigger: z
      .string()
      .nullable()
      .meta({ description: 'The node that started the execution; null if unknown' }),
    nodes: z
      .array(
        z.object({
          name: z.string(),
          totalRuns: z
            .number()
            .int()
            .meta({ description: 'How many times the node ran; more than once in a loop' }),
          runs: z
            .array(
              z.object({
                run: z.number().int().meta({ description: '0-based run of the node' }),
                inputs: z.array(NodeInputValues),
                outputs: z.array(NodeOutputValues),
              }),
            )
            .meta({
              description: 'The last run, and earlier runs that the last run of another node received from',
            }),
        }),
      )
      .meta({ description: 'In the order in which they first ran' }),
    omittedNodes: z.number().int().meta({ description: 'Number of nodes that did not fit' }),
  })
  .meta({ ref: 'ExecutionValues' })
export type ExecutionValues = z.output<typeof ExecutionValues>
