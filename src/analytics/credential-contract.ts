/** @module The HTTP shape of analytics by credential. */
import * as z from 'zod'
import { inOrder } from '../executions/contract.ts'
import { chosen, Count, failed, limit, Period, total } from './contract.ts'
import { type RunFilter } from '../runs/sources.ts'

export const credentialSorts = ['authenticationFailures', 'failures', 'runs'] as const

export const CredentialStatsQuery = z
  .strictObject({
    ...chosen,
    limit,
    sort: z
      .enum(credentialSorts)
      .optional()
      .meta({ description: 'Sort key, highest first. Default: `authenticationFailures`' }),
  })
  .superRefine(inOrder('from', 'to'))
export interface CredentialStatsFilter extends RunFilter {
  limit?: number | undefined
  sort?: (typeof credentialSorts)[number] | undefined
}

export const CredentialStats = z
  .object({
    period: Period,
    total,
    items: z.array(
      z.object({
        credentialId: z.uuid(),
        name: z.string(),
        type: z.string(),
        status: z.enum(['untested', 'valid', 'invalid']),
        workflows: z
          .array(z.object({ id: z.uuid(), name: z.string() }))
          .meta({ description: 'Workflows of the deployments bound to it, by name, at most 20' }),
        workflowCount: Count,
        deployments: Count.meta({ description: 'Deployments bound to the credential' }),
        runs: Count.meta({ description: 'Executions of these deployments' }),
        failures: failed,
        authenticationFailures: Count.meta({
          description:
            'Executions that failed at a node that uses it because the service returned 401 or 403',
        }),
        lastUsedAt: z.iso
          .datetime()
          .nullable()
          .meta({
            description:
              'UTC hour of the newest execution of a deployment bound to it in the period; UTC day if it is ' +
              'more than two days before `to`',
          }),
      }),
    ),
  })
  .meta({ ref: 'CredentialStatistics' })
export type CredentialStats = z.output<typeof CredentialStats>
