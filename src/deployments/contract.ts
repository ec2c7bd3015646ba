/** @module The HTTP shapes of deployments: which version of a workflow runs on which instance. */
import * as z from 'zod'
import { deploymentStatuses } from '../db/schema/deployments.ts'
import { pageQuery, sliceOf } from '../http/page.ts'

const Uuid = z.uuid({ version: 'v7', message: 'An id such as this API gives out' })
const Version = z.number().int('A whole number').min(1, 'At least 1').max(1_000_000_000)
const CredentialType = z
  .string()
  .regex(/^[A-Za-z][\w.-]{0,127}$/, 'A credential type of n8n, such as slackApi')

/** n8n's ids go into paths of its API. */
export const N8nId = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, '1 to 64 letters, digits, _ or -')

/** A credential of the user's, or one that is in n8n already. */
export const Binding = z.union([Uuid, z.strictObject({ n8nCredentialId: N8nId })])

export const NewDeployment = z
  .strictObject({
    workflowId: Uuid,
    instanceId: Uuid,
    version: Version.optional().meta({ description: 'Default: the current version of the workflow' }),
    bindings: z
      .record(CredentialType, Binding)
      .refine((bindings) => Object.keys(bindings).length <= 200, 'At most 200 bindings')
      .optional()
      .meta({
        description:
          'Credential type → id of a credential of that type, or { n8nCredentialId } for one in n8n',
      }),
    n8nWorkflowId: N8nId.optional().meta({
      description: 'Tracks a workflow that is on the instance already',
    }),
  })
  .meta({ ref: 'NewDeployment' })
export type NewDeployment = z.output<typeof NewDeployment>

export const DeploymentChange = z
  .strictObject({ version: Version.meta({ description: 'The version that is live on the instance now' }) })
  .meta({ ref: 'DeploymentChange' })

export const Deployment = z
  .object({
    id: z.uuid(),
    workflowId: z.uuid(),
    instanceId: z.uuid(),
    version: z.number().int(),
    n8nWorkflowId: z.string().nullable(),
    status: z.enum(deploymentStatuses),
    step: z.string().nullable(),
    error: z.string().nullable(),
    bindings: z.record(z.string(), Binding),
    webhookUrls: z
      .array(z.string())
      .meta({ description: 'Where the webhook triggers of the version are reached' }),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ ref: 'Deployment' })
export type Deployment = z.output<typeof Deployment>

export const DeploymentList = sliceOf(Deployment)

export const DeploymentQuery = z.strictObject({
  ...pageQuery,
  workflowId: Uuid.optional(),
  instanceId: Uuid.optional(),
  status: z.enum(deploymentStatuses).optional(),
})
export type DeploymentFilter = Omit<z.output<typeof DeploymentQuery>, keyof typeof pageQuery>

export const DeploymentId = z.object({ id: z.uuid({ version: 'v7' }) })

export const DeploymentVersion = z
  .object({
    sequence: z.number().int().meta({ description: 'Counts the changes of this deployment, from 1' }),
    version: z.number().int(),
    createdAt: z.iso.datetime().meta({ description: 'From when it was live' }),
  })
  .meta({ ref: 'DeploymentVersion' })
export type DeploymentVersion = z.output<typeof DeploymentVersion>

export const DeploymentVersionList = sliceOf(DeploymentVersion)

/** The cursor is the last sequence of the page before. */
export const DeploymentVersionQuery = z.strictObject({
  limit: pageQuery.limit,
  cursor: z
    .string()
    .regex(/^[1-9]\d{0,8}$/, 'Not a cursor that this list gave out')
    .transform(Number)
    .optional(),
})
