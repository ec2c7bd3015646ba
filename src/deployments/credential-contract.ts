/** @module The HTTP shapes of what is done with a credential in n8n: push its value, replace it by another one. */
import * as z from 'zod'
import { PendingDeployment } from '../credentials/contract.ts'

export const CredentialPush = z
  .strictObject({
    instanceId: z.uuid({ version: 'v7' }).optional().meta({
      description:
        'Only this instance, where it is created if n8n does not have it. Default: all that have it',
    }),
  })
  .meta({ ref: 'CredentialPush' })

export const CredentialPushResult = z
  .object({
    results: z.array(
      z.object({
        instanceId: z.uuid(),
        instanceName: z.string(),
        n8nCredentialId: z.string().nullable(),
        status: z.enum(['created', 'updated', 'unchanged', 'failed']),
        consentUrl: z.string().nullable().meta({
          description: 'Where to sign in inside n8n; null for a credential that asks nobody, or has tokens',
        }),
        code: z.string().nullable().meta({ description: 'Why it failed, such as instance-unreachable' }),
        reason: z.string().nullable().meta({ description: 'Why it failed, and what to do' }),
      }),
    ),
    pendingDeployments: z.array(PendingDeployment),
  })
  .meta({ ref: 'CredentialPushResult' })
export type CredentialPushResult = z.output<typeof CredentialPushResult>

export const CredentialReplacement = z
  .strictObject({
    with: z.uuid({ version: 'v7' }).meta({ description: 'Another credential of yours, of the same type' }),
    dryRun: z.boolean().optional().meta({ description: 'true: list what would change, and change nothing' }),
  })
  .meta({ ref: 'CredentialReplacement' })

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
            'planned: with dryRun; pending: n8n is still being changed; failed: retry the deployment when it has a ' +
            'new binding, else repeat the request; skipped: not changed, see `reason`',
        }),
        reason: z.string().nullable(),
      }),
    ),
  })
  .meta({ ref: 'CredentialReplacementResult' })
export type CredentialReplacementResult = z.output<typeof CredentialReplacementResult>
