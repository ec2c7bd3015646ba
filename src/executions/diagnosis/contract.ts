/** @module HTTP schemas of the diagnosis of a failed execution. */
import * as z from 'zod'
import { executionStatuses } from '../../db/schema/executions.ts'
import { Finding, PatchOperation } from '../../n8n/checks/finding.ts'
import { NodeInput } from '../contract.ts'
import { NodeInputValues } from '../values/contract.ts'

export const DiagnosisQuery = z.strictObject({
  values: z
    .enum(['true', 'false'])
    .optional()
    .meta({
      description:
        '`true`: also return the text parameters of the failed node, with secrets redacted. By default, only their ' +
        'types and lengths are returned',
    }),
})

const Parameter = z.object({
  pointer: z.string().meta({ description: "JSON pointer into the node's `parameters`" }),
  type: z.string().meta({ examples: ['expression', 'string', 'object'] }),
  length: z
    .number()
    .int()
    .nullable()
    .meta({ description: 'Number of characters in a text, or of entries in an array' }),
  value: z
    .union([z.string(), z.number(), z.boolean(), z.null()])
    .optional()
    .meta({ description: 'Absent for text that the user wrote, and for objects and arrays' }),
})

const VersionOrigin = z.object({
  version: z.number().int(),
  prompt: z.string().nullable(),
  model: z.string().nullable(),
  createdAt: z.iso.datetime(),
})

export const Diagnosis = z
  .object({
    executionId: z.uuid(),
    workflowId: z.uuid(),
    workflowName: z.string().nullable(),
    workflowVersion: z.number().int(),
    prompt: z
      .string()
      .nullable()
      .meta({ description: 'Prompt of the version that ran, up to 2,000 characters' }),
    model: z.string().nullable(),
    status: z.enum(executionStatuses),
    cause: z.string().nullable().meta({ description: 'Why it failed; null when it did not fail' }),
    advice: z.string().nullable().meta({ description: 'What to do next' }),
    error: z
      .object({
        message: z.string(),
        class: z
          .string()
          .nullable()
          .meta({ examples: ['NodeApiError'] }),
        httpStatus: z
          .number()
          .int()
          .nullable()
          .meta({ description: 'From the service that the node called' }),
      })
      .nullable(),
    node: z
      .object({
        name: z.string(),
        type: z.string().nullable(),
        typeVersion: z.number().nullable(),
        parameters: z.array(Parameter),
        omittedParameters: z
          .number()
          .int()
          .meta({ description: 'Number of parameters that are not listed; if there are many, a minimum' }),
        credentials: z.array(
          z.object({
            id: z.uuid(),
            type: z.string(),
            name: z.string(),
            status: z.enum(['untested', 'valid', 'invalid']),
          }),
        ),
        input: z.array(NodeInput).meta({ description: 'What it received, as far as n8n reported it' }),
        inputValues: z
          .array(NodeInputValues)
          .nullable()
          .meta({
            description:
              'The items that it received, with secrets redacted. Null if no values are stored, or if the access token ' +
              'lacks the `executions:values` scope',
          }),
      })
      .nullable()
      .meta({ description: 'The node that failed the execution; null if unknown' }),
    ran: z
      .array(z.object({ name: z.string(), items: z.number().int() }))
      .meta({ description: 'Nodes that ran, in order, with the number of items that they returned' }),
    skipped: z
      .array(z.object({ name: z.string(), reason: z.string() }))
      .meta({ description: 'Nodes that did not run' }),
    introducedIn: VersionOrigin.extend({
      versionBefore: z
        .object({ version: z.number().int(), failures: z.number().int() })
        .nullable()
        .meta({ description: 'The previous version that ran, and how many times it failed with this error' }),
    })
      .nullable()
      .meta({ description: 'The first version of this workflow that failed with this error' }),
    findings: z
      .array(Finding)
      .meta({ description: 'What the check finds in this version: errors, and findings at the failed node' }),
    similar: z
      .object({
        fingerprint: z.string().meta({ description: 'ID of the error group' }),
        failures: z.number().int().meta({ description: 'Failed executions of the group' }),
        firstSeenAt: z.iso.datetime().nullable(),
        fixes: z
          .array(
            VersionOrigin.extend({
              workflowId: z.uuid(),
              workflowName: z.string(),
              node: z.string(),
              failedIn: z.number().int().meta({ description: 'The last version that failed' }),
              changes: z.array(PatchOperation).meta({
                description:
                  'How the node differs from that version. Text that the user wrote is replaced by null',
              }),
            }),
          )
          .meta({
            description:
              'Later versions that ran successfully and have not failed with this message since, newest first, at most 3',
          }),
      })
      .nullable(),
    text: z.string().meta({ description: 'The whole diagnosis as Markdown for an AI model' }),
  })
  .meta({ ref: 'Diagnosis' })
export type Diagnosis = z.output<typeof Diagnosis>
