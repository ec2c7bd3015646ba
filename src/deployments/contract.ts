/** @module The HTTP shapes of deployments: a version of a workflow on an instance. */
import { pointerTo } from '../lib/json-object.ts'
import { Uuid } from '../lib/scalars.ts'
import * as z from 'zod'
import { asBoolean } from '../http/openapi.ts'
import { deploymentStatuses } from '../db/schema/deployments.ts'
import { pageQuery, sliceOf } from '../http/page.ts'
import type { RequestedBinding } from '../workflows/slot-bindings.ts'

const Version = z
  .number('Must be a whole number')
  .int('Must be a whole number')
  .min(1, 'At least 1')
  .max(1_000_000_000)
const CredentialType = z
  .string()
  .regex(/^[A-Za-z][\w.-]{0,127}$/, 'Must be an n8n credential type, such as slackApi')

/** An id of n8n, safe in a path of its API. */
export const N8nId = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, '1 to 64 letters, digits, _ or -')

/** A stored credential, or one that already exists in n8n. */
export const Binding = z.union([Uuid, z.strictObject({ n8nCredentialId: N8nId })])

const BindingEntry = z
  .strictObject({
    node: z.string().min(1, 'Must not be empty').max(1000, 'At most 1,000 characters').optional().meta({
      description: 'Name of the node. Default: every slot of the type that no other entry names',
    }),
    type: CredentialType,
    credentialId: Uuid.optional().meta({ description: 'ID of one of your credentials' }),
    n8nCredentialId: N8nId.optional().meta({ description: 'n8n ID of a credential that exists in n8n' }),
  })
  .refine(
    ({ credentialId, n8nCredentialId }) => (credentialId === undefined) !== (n8nCredentialId === undefined),
    'Send either credentialId or n8nCredentialId',
  )

const maximumBindings = 2_000

export const Bindings = z
  .union([
    z.array(BindingEntry).max(maximumBindings, `At most ${maximumBindings} entries`),
    z
      .record(CredentialType, Binding)
      .refine((bindings) => Object.keys(bindings).length <= 200, 'At most 200 bindings'),
  ])
  .meta({
    description:
      'Which credential fills which slot: a node and a credential type. A slot needs an entry when ' +
      'nothing else determines its credential; see the `slots` of a plan. A map of credential type to ID is accepted ' +
      'too',
  })
export type Bindings = z.output<typeof Bindings>

/** @param bindings the value at `/bindings` of a request body */
export function requestedBindings(bindings: Bindings | undefined): RequestedBinding[] {
  if (bindings === undefined) return []
  if (!Array.isArray(bindings)) {
    return Object.entries(bindings).map(([type, binding]) => ({
      type,
      credential: typeof binding === 'string' ? { credentialId: binding } : binding,
      pointer: pointerTo('/bindings', type),
    }))
  }
  return bindings.map(({ node, type, credentialId, n8nCredentialId = '' }, index) => ({
    ...(node !== undefined && { node }),
    type,
    credential: credentialId === undefined ? { n8nCredentialId } : { credentialId },
    pointer: `/bindings/${index}`,
  }))
}

/** The credential of one slot of a deployment. */
export const SlotBinding = z.union([
  z.object({ node: z.string(), type: z.string(), credentialId: z.string() }),
  z.object({ node: z.string(), type: z.string(), n8nCredentialId: z.string() }),
])

export const Fixes = z
  .array(z.string().regex(/^[a-z0-9-]{1,64}$/, 'Must be the code of a finding'))
  .max(50, 'At most 50 codes')
  .meta({
    description: 'Codes of findings with a `fix`. The fixed workflow is saved as a new version and deployed',
  })

export const Force = z
  .string()
  .trim()
  .min(1, 'Must not be empty')
  .max(500, 'At most 500 characters')
  .optional()
  .meta({
    description:
      'Why to deploy although n8n would refuse to publish the workflow. Overrides the problems of a plan that are ' +
      '`forceable`. The reason is saved in the audit trail',
  })

const PlanHash = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'Must be the planHash of a plan')
  .optional()
  .meta({
    description: 'Deploys only if the plan has not changed; otherwise the request fails with `conflict`',
  })

export const exampleDeployment = {
  workflowId: '01934f8e-6b7c-7a10-9c3d-5e2f1a0b4c6d',
  instanceId: '01934f8e-7f00-7b21-8e4f-6a3b2c1d0e9f',
  bindings: [{ node: 'Slack', type: 'slackApi', credentialId: '01934f8e-80aa-7c32-9f5a-7b4c3d2e1f0a' }],
}

const liveSince = z.iso
  .datetime({
    offset: true,
    message: 'Must be an ISO 8601 time with an offset, such as 2026-01-31T12:00:00Z',
  })
  .refine((text) => Date.parse(text) >= Date.UTC(2000), 'Must not be before the year 2000')
  .optional()

export const NewDeployment = z
  .strictObject({
    workflowId: Uuid,
    instanceId: Uuid,
    version: Version.optional().meta({ description: 'Default: the current version of the workflow' }),
    bindings: Bindings.optional(),
    n8nWorkflowId: N8nId.optional().meta({
      description: 'Track this workflow in n8n instead of deploying',
    }),
    liveSince: liveSince.meta({
      description:
        'With `n8nWorkflowId`: when the version went live. Executions since then are attributed to it. Default: now',
    }),
    publish: z.boolean().optional().meta({ description: 'Whether to publish the workflow. Default: true' }),
    reportSuccess: z
      .boolean()
      .optional()
      .meta({
        description:
          'Adds a node that reports successful executions immediately, unless it could affect the workflow. ' +
          'Without the node, polling fetches them',
      }),
    withDependencies: z
      .boolean()
      .optional()
      .meta({
        description:
          'Deploys the workflows that it calls first, unless they are live on the instance. With false, ' +
          'they block the deployment. Default: true',
      }),
    fixes: Fixes.optional(),
    force: Force,
    planHash: PlanHash,
  })
  .meta({ ref: 'NewDeployment', 'x-example': exampleDeployment })
export type NewDeployment = z.output<typeof NewDeployment>

/** Tracks a workflow that already exists on the instance. */
export type Tracking = NewDeployment & { n8nWorkflowId: string }

export const DeploymentChange = z
  .strictObject({
    version: Version.meta({ description: 'The version that is live in n8n now' }),
    liveSince: liveSince.meta({
      description:
        'When it went live, later than the previous change. Determines the version of later executions. Default: now',
    }),
  })
  .meta({ ref: 'DeploymentChange', 'x-example': { version: 3 } })

/** Deploys a version. Omitted properties stay unchanged. */
export const Redeployment = z
  .strictObject({
    version: Version.optional().meta({ description: 'Default: the current version of the workflow' }),
    bindings: Bindings.optional(),
    publish: z
      .boolean()
      .optional()
      .meta({ description: 'Whether to publish the workflow; false unpublishes it. Default: unchanged' }),
    withDependencies: z.boolean().optional().meta({ description: 'As in `POST /v1/deployments`' }),
    fixes: Fixes.optional(),
    force: Force,
    reportSuccess: z.boolean().optional().meta({ description: 'As in `POST /v1/deployments`' }),
    planHash: PlanHash,
  })
  .meta({ ref: 'Redeployment', 'x-example': { version: 3 } })
export type Redeployment = z.output<typeof Redeployment>

export const ActivationQuery = z.strictObject({ force: Force })

export const Rollback = z
  .strictObject({
    version: Version.meta({ description: 'A version that this deployment has deployed before' }),
    force: Force,
    planHash: PlanHash,
  })
  .meta({ ref: 'Rollback', 'x-example': { version: 2 } })

export const Deployment = z
  .object({
    id: z.uuid(),
    workflowId: z.uuid(),
    instanceId: z.uuid(),
    version: z.number().int(),
    n8nWorkflowId: z.string().nullable(),
    status: z.enum(deploymentStatuses),
    step: z.string().nullable().meta({ description: 'The step in progress, or the step that failed' }),
    error: z.string().nullable().meta({ description: 'Why it failed, is waiting, or was not published' }),
    bindings: z.array(SlotBinding).meta({ description: 'Which credential fills which slot' }),
    managed: z.boolean().meta({ description: 'True if Flowkeep created the workflow in n8n' }),
    reportSuccess: z.boolean(),
    intent: z
      .object({
        action: z.enum(['deploy', 'activate', 'deactivate', 'undeploy']),
        version: z.number().int().optional(),
      })
      .nullable()
      .meta({ description: 'The operation in progress; null when there is none' }),
    liveSince: z.iso.datetime().nullable().meta({ description: 'When the version went live' }),
    needsRedeploy: z.boolean().meta({
      description:
        'A variable that the version reads has changed since it was sent to n8n. Deploy again to send the new value',
    }),
    webhookUrls: z.array(z.string()).meta({
      description: 'Where n8n serves its webhook, form, chat and MCP triggers; empty when it is undeployed',
    }),
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

export const DeploymentDeletion = z.strictObject({
  force: z
    .enum(['true', 'false'])
    .optional()
    .meta({ ...asBoolean, description: 'Delete it even if n8n is unreachable' }),
})

export const DeploymentVersion = z
  .object({
    sequence: z.number().int().meta({ description: 'Sequence number of the change, starting at 1' }),
    version: z.number().int(),
    bindings: z
      .array(SlotBinding)
      .nullable()
      .meta({ description: 'Its bindings; null when they were not recorded' }),
    createdAt: z.iso.datetime().meta({ description: 'When it went live' }),
  })
  .meta({ ref: 'DeploymentVersion' })
export type DeploymentVersion = z.output<typeof DeploymentVersion>

export const DeploymentVersionList = sliceOf(DeploymentVersion)

/** The cursor is the last sequence of the previous page. */
export const DeploymentVersionQuery = z.strictObject({
  limit: pageQuery.limit,
  cursor: z
    .string()
    .regex(/^[1-9]\d{0,8}$/, 'Not a cursor from this list. Use the nextCursor of a page')
    .transform(Number)
    .optional(),
})
