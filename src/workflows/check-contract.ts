/** @module The HTTP shapes of workflow checks. */
import * as z from 'zod'
import { Uuid } from '../lib/scalars.ts'
import { Finding } from '../n8n/checks/finding.ts'
import { exampleWorkflow, N8nJson } from './contract.ts'

const N8nVersion = z
  .string()
  .regex(/^\d{1,3}\.\d{1,4}(\.\d{1,4})?$/, 'Must be a version such as 2.41 or 2.41.1')
  .meta({ description: 'Default: the version of the instance, or the latest known one', examples: ['2.41'] })

const target = {
  instanceId: Uuid.optional().meta({ description: 'Check for the n8n version of this instance' }),
  n8nVersion: N8nVersion.optional(),
}

export const CheckRequest = z
  .strictObject({
    workflow: N8nJson,
    ...target,
    fix: z.boolean().optional().meta({ description: 'Also return the workflow with every fix applied' }),
  })
  .meta({ ref: 'CheckRequest', 'x-example': { workflow: exampleWorkflow } })
export type CheckRequest = z.output<typeof CheckRequest>

export const CheckQuery = z.strictObject(target)

/** `strict`: a workflow with errors is not saved. */
export const SaveQuery = z.object({
  check: z.enum(['strict']).optional().meta({
    description: '`strict`: do not save a workflow with errors. The problem lists the findings as `problems`',
  }),
})

/** A fix of a finding of the current version. */
export const FixRequest = z
  .strictObject({
    fixes: z
      .union([
        z.literal('all'),
        z
          .array(z.strictObject({ code: z.string().max(100), pointer: z.string().max(1000) }))
          .min(1)
          .max(200),
      ])
      .meta({ description: '`all`, or the findings to fix, each by its code and pointer' }),
    ...target,
  })
  .meta({ ref: 'FixRequest', 'x-example': { fixes: 'all' } })
export type FixRequest = z.output<typeof FixRequest>

const Count = z.number().int()

/** Where other results mention the check. */
export const CheckSummary = z
  .object({
    n8nVersion: z
      .string()
      .meta({ description: 'The n8n version that the check assumes', examples: ['2.41'] }),
    publishable: z.boolean().meta({ description: 'Whether n8n creates and publishes the workflow' }),
    counts: z
      .object({ error: Count, warning: Count, hint: Count })
      .meta({ description: 'The number of findings by level' }),
    worst: z.array(Finding).meta({
      description: 'The worst findings: all errors, and at least 5 in total if there are that many',
    }),
  })
  .meta({ ref: 'CheckSummary' })

export const CheckResult = z
  .object({
    n8nVersion: z
      .string()
      .meta({ description: 'The n8n version that the workflow was checked against', examples: ['2.41'] }),
    publishable: z.boolean().meta({
      description: 'Whether n8n creates and publishes the workflow. It can still fail when it runs',
    }),
    findings: z.array(Finding).meta({
      description:
        'At most 200, in the order of the nodes. `error`: n8n refuses the workflow, or it cannot work',
    }),
    fixed: z
      .object({
        workflow: z.looseObject({}),
        applied: z.array(z.string()).meta({ description: 'Labels of the applied fixes' }),
        findings: z.array(Finding).meta({ description: 'The findings that remain' }),
      })
      .optional()
      .meta({ description: 'Only if the request sets `fix`' }),
  })
  .meta({ ref: 'CheckResult' })
export type CheckResult = z.output<typeof CheckResult>
