/** @module The HTTP shapes for pushing a credential to n8n and for replacing it. */
import { Uuid } from '../../lib/scalars.ts'
import * as z from 'zod'
import { PendingDeployment } from '../../credentials/contract.ts'

export const CredentialPush = z
  .strictObject({
    instanceId: Uuid.optional().meta({
      description:
        'Only this instance; the credential is created if n8n does not have it. Default: all instances ' +
        'that have it',
    }),
  })
  .meta({ ref: 'CredentialPush', 'x-example': {} })

export const CredentialPushResult = z
  .object({
    results: z.array(
      z.object({
        instanceId: z.uuid(),
        instanceName: z.string(),
        n8nCredentialId: z.string().nullable(),
        status: z.enum(['created', 'updated', 'unchanged', 'failed']),
        consentUrl: z.string().nullable().meta({
          description: 'Where to sign in inside n8n; null when no sign-in is needed',
        }),
        code: z.string().nullable().meta({ description: 'Error code, such as `instance-unreachable`' }),
        reason: z.string().nullable().meta({ description: 'Why it failed and how to fix it' }),
      }),
    ),
    pendingDeployments: z.array(PendingDeployment),
  })
  .meta({ ref: 'CredentialPushResult' })
export type CredentialPushResult = z.output<typeof CredentialPushResult>

export const CredentialReplacement = z
  .strictObject({
    with: Uuid.meta({ description: 'ID of another of your credentials, of the same type' }),
    dryRun: z.boolean().optional().meta({ description: 'List the changes without making them' }),
  })
  .meta({
    ref: 'CredentialReplacement',
    'x-example': { with: '01934f8e-80aa-7c32-9f5a-7b4c3d2e1f0a', dryRun: true },
  })

export const replacementStatuses = ['planned', 'replaced', 'pending', 'failed', 'skipped'] as const

export const CredentialReplacementResult = z
  .object({
    dryRun: z.boolean(),
    deployments: z.array(
      z.object({
        deploymentId: z.uuid(),
        workflowId: z.uuid(),
        workflowName: z.string(),
        instanceId: z.uuid(),
        instanceName: z.string(),
        slots: z.array(z.object({ node: z.string(), type: z.string() })),
        status: z.enum(replacementStatuses).meta({
          description:
            '`planned`: with `dryRun`; `pending`: n8n is still being updated; `failed`: retry the deployment ' +
            'if it has the new binding, otherwise repeat the request; `skipped`: not changed, see `reason`',
        }),
        reason: z.string().nullable(),
      }),
    ),
  })
  .meta({ ref: 'CredentialReplacementResult' })
export type CredentialReplacementResult = z.output<typeof CredentialReplacementResult>
