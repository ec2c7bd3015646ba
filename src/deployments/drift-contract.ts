/** @module The HTTP shapes of what differs in n8n, and of workflows that are there already. */
import * as z from 'zod'
import { sliceOf } from '../http/page.ts'
import { Deployment, N8nId } from './contract.ts'

const Connection = z.object({
  from: z.string(),
  output: z.number().int(),
  to: z.string(),
  input: z.number().int(),
  type: z.string(),
})

export const Drift = z
  .object({
    drifted: z
      .boolean()
      .meta({ description: 'Something that decides how it runs is not as it was deployed' }),
    missing: z.boolean().meta({ description: 'n8n does not have the workflow any more' }),
    archived: z.boolean().meta({
      description: 'Archived in n8n, which neither changes nor publishes it until it is unarchived',
    }),
    published: z.object({
      expected: z.boolean().nullable().meta({ description: 'null: it is only tracked' }),
      actual: z.boolean(),
    }),
    draft: z
      .boolean()
      .meta({ description: 'What differs is a draft that n8n has not published: it does not run' }),
    diff: z
      .object({
        name: z.string().nullable().meta({ description: 'The name in n8n, where it is another one' }),
        added: z.array(z.string()).meta({ description: 'Nodes that only n8n has' }),
        removed: z.array(z.string()).meta({ description: 'Nodes that n8n has no more' }),
        changed: z.array(z.object({ node: z.string(), paths: z.array(z.string()) })),
        connections: z.object({ added: z.array(Connection), removed: z.array(Connection) }),
        settings: z.array(z.string()),
        cosmetic: z
          .array(z.string())
          .meta({ description: 'Nodes that were only moved or annotated, which is no drift' }),
      })
      .nullable()
      .meta({ description: 'null when it is missing' }),
    credentials: z.array(z.object({ node: z.string(), type: z.string(), n8nCredentialId: z.string() })).meta({
      description: 'Credentials that nodes name and n8n no longer has; deploying creates them again',
    }),
    remoteVersionId: z.string().nullable().meta({ description: "n8n's id of the version compared with" }),
  })
  .meta({ ref: 'Drift' })
export type Drift = z.output<typeof Drift>

export const Adoption = z
  .object({
    version: z.number().int().meta({ description: 'The version of the workflow that is as n8n has it' }),
    live: z.boolean().meta({
      description:
        'Recorded as deployed; false for a draft that n8n has not published: deploy it to publish it',
    }),
    ambiguousTypes: z.array(z.string()).meta({
      description: 'Credential types of which nodes in n8n use several credentials: each node keeps its own',
    }),
  })
  .meta({ ref: 'Adoption' })
export type Adoption = z.output<typeof Adoption>

export const RemoteWorkflow = z
  .object({
    id: z.string().meta({ description: "n8n's id" }),
    name: z.string(),
    active: z.boolean(),
    archived: z.boolean(),
    nodeCount: z.number().int(),
    deploymentId: z.uuid().nullable().meta({ description: 'The deployment that it belongs to' }),
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
      description: 'Default 10: n8n sends whole workflows. With a cursor, the limit of the first page counts',
    }),
  cursor: z
    .string()
    .regex(/^[\w+/=-]{1,500}$/, 'Not a cursor that this list gave out')
    .optional(),
  name: z
    .string()
    .trim()
    .min(1, 'At least 1 character')
    .max(128, 'At most 128 characters')
    .optional()
    .meta({ description: 'Part of the name' }),
})
export type RemoteWorkflowQuery = z.output<typeof RemoteWorkflowQuery>

export const InstanceId = z.object({ id: z.uuid({ version: 'v7' }) })
export const RemoteWorkflowId = InstanceId.extend({ n8nWorkflowId: N8nId })

export const ImportedWorkflow = z
  .object({
    workflowId: z.uuid(),
    deployment: Deployment,
    ambiguousTypes: z.array(z.string()),
  })
  .meta({ ref: 'ImportedWorkflow' })
export type ImportedWorkflow = z.output<typeof ImportedWorkflow>
