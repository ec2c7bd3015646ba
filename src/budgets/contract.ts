/** @module Response schema of an account's usage. */
import * as z from 'zod'
import { rateClasses, type RateClass } from '../http/rate-classes.ts'

const Quota = z.object({ used: z.number().int(), limit: z.number().int() })

export const Usage = z
  .object({
    workflows: Quota,
    credentials: Quota,
    instances: Quota,
    deployments: Quota,
    alertRules: Quota,
    alertChannels: Quota,
    accessTokens: Quota,
    storedBytes: Quota.meta({ description: 'Of workflow versions and credentials, as they are stored' }),
    versionsPerWorkflow: Quota.extend({
      workflowId: z.uuid().nullable().meta({ description: 'The workflow with the most versions' }),
    }),
    requestsPerMinute: z
      .record(z.enum(Object.keys(rateClasses) as [RateClass, ...RateClass[]]), z.number().int())
      .meta({ description: 'The limit of each class. 0: unlimited' }),
  })
  .meta({ ref: 'AccountUsage' })
export type Usage = z.output<typeof Usage>
