/** @module The HTTP shapes of drift, and of workflows that already exist in n8n. */
import { nodeDiff } from '../../workflows/contract.ts'
import { IdParam } from '../../lib/scalars.ts'
import * as z from 'zod'
import { asInteger } from '../../http/openapi.ts'
import { sliceOf } from '../../http/page.ts'
import { CheckSummary } from '../../workflows/check-contract.ts'
import { Deployment, N8nId } from '../contract.ts'

export const Drift = z
  .object({
    drifted: z
      .boolean()
      .meta({ description: 'True if the workflow in n8n runs differently from the deployed version' }),
    missing: z.boolean().meta({ description: 'True if the workflow was deleted in n8n' }),
    archived: z.boolean().meta({
      description: 'Archived in n8n. It cannot be changed or published until it is unarchived',
    }),
    published: z.object({
      expected: z.boolean().nullable().meta({ description: 'Null when the workflow is only tracked' }),
      actual: z.boolean(),
    }),
    draft: z
      .boolean()
      .meta({ description: 'The differences are a draft that n8n has not published. It does not run' }),
    diff: z
      .object({
        name: z.string().nullable().meta({ description: 'The name in n8n, if it differs' }),
        ...nodeDiff,
        added: nodeDiff.added.meta({ description: 'Nodes that exist only in n8n' }),
        removed: nodeDiff.removed.meta({ description: 'Nodes that exist only in the deployed version' }),
        settings: z.array(z.string()),
        cosmetic: z
          .array(z.string())
          .meta({ description: 'Nodes that were only moved or annotated. This is not drift' }),
      })
      .nullable()
      .meta({ description: 'Differences; null when the workflow is missing' }),
    credentials: z.array(z.object({ node: z.string(), type: z.string(), n8nCredentialId: z.string() })).meta({
      description: 'Credentials that nodes refer to but n8n no longer has. Deploying creates them again',
    }),
    remoteVersionId: z.string().nullable().meta({ description: 'n8n ID of the compared version' }),
  })
  .meta({ ref: 'Drift' })
export type Drift = z.output<typeof Drift>

export const Adoption = z
  .object({
    version: z.number().int().meta({ description: 'The version with the content of the workflow in n8n' }),
    live: z.boolean().meta({
      description:
        'True if the version is recorded as deployed; false for a draft that n8n has not published. ' +
        'Deploy it to publish it',
    }),
    ambiguousTypes: z.array(z.string()).meta({
      description: 'Credential types for which nodes in n8n use several credentials. Each node keeps its own',
    }),
    lostVariables: z.array(z.object({ node: z.string(), name: z.string() })).meta({
      description:
        'References to variables that the version no longer has, because their text was changed in n8n. The new text may contain ' +
        'the value of the variable instead',
    }),
  })
  .meta({ ref: 'Adoption' })
export type Adoption = z.output<typeof Adoption>

export const RemoteWorkflow = z
  .object({
    id: z.string().meta({ description: 'n8n ID' }),
    name: z.string(),
    active: z.boolean(),
    archived: z.boolean(),
    nodeCount: z.number().int(),
    deploymentId: z.uuid().nullable().meta({ description: 'The deployment that tracks it' }),
    workflowId: z.uuid().nullable(),
  })
  .meta({ ref: 'RemoteWorkflow' })
export type RemoteWorkflow = z.output<typeof RemoteWorkflow>

export const RemoteWorkflowList = sliceOf(RemoteWorkflow)

export const RemoteWorkflowQuery = z.strictObject({
  limit: z
    .string()
    .regex(/^([1-9]|[1-4]\d|50)$/, '1 to 50')
    .transform(Number)
    .optional()
    .meta({
      ...asInteger({ minimum: 1, maximum: 50, default: 10 }),
      description: 'Items per page. With a `cursor`, the limit of the first page applies',
    }),
  cursor: z
    .string()
    .regex(/^[\w+/=-]{1,500}$/, 'Not a cursor from this list. Use the nextCursor of a page')
    .optional(),
  name: z
    .string()
    .trim()
    .min(1, 'Must not be empty')
    .max(128, 'At most 128 characters')
    .optional()
    .meta({ description: 'Only workflows whose name contains this text' }),
})
export type RemoteWorkflowQuery = z.output<typeof RemoteWorkflowQuery>

export const RemoteWorkflowId = IdParam.extend({ n8nWorkflowId: N8nId })

export const ImportedWorkflow = z
  .object({
    workflowId: z.uuid(),
    deployment: Deployment,
    ambiguousTypes: z.array(z.string()),
    check: CheckSummary.meta({
      description: 'Findings in the workflow, for the n8n version of the instance',
    }),
  })
  .meta({ ref: 'ImportedWorkflow' })
export type ImportedWorkflow = z.output<typeof ImportedWorkflow>
