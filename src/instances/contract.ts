/** @module The HTTP shapes of instances, the n8n servers of a user. The API key goes in and never comes out. */
import * as z from 'zod'
import { instanceStatuses } from '../db/schema/instances.ts'
import { pageQuery, sliceOf } from '../http/page.ts'

const Name = z.string().trim().min(1, 'At least 1 character').max(128, 'At most 128 characters')
const BaseUrl = z
  .string()
  .min(1, 'At least 1 character')
  .max(2048, 'At most 2,048 characters')
  .meta({
    description:
      'Where n8n is reached, such as https://n8n.example.com. A path prefix is kept; what follows it in the URL of a ' +
      'page or of the API (/home/workflows, /api/v1) is cut off',
  })
const ApiKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,4096}$/, '1 to 4,096 printable ASCII characters without spaces')
  .meta({ description: 'Write-only; it is only ever sent to the origin of baseUrl' })

export const NewInstance = z
  .strictObject({ name: Name, baseUrl: BaseUrl, apiKey: ApiKey })
  .meta({ ref: 'NewInstance' })
export type NewInstance = z.output<typeof NewInstance>

/** What is left out stays. Another origin needs the API key again. */
export const InstanceChange = z
  .strictObject({ name: Name.optional(), baseUrl: BaseUrl.optional(), apiKey: ApiKey.optional() })
  .meta({ ref: 'InstanceChange' })
export type InstanceChange = z.output<typeof InstanceChange>

const Cannot = z.array(z.string()).meta({
  description: 'What is not possible with this n8n and this API key, and why',
})
const Generation = z.enum(['current', 'legacy']).meta({
  description: 'legacy: n8n 1.x and 2.0, whose public API lacks calls',
})
const N8nVersion = z.string().nullable().meta({ description: "A range, as far as n8n's public API tells" })

export const Instance = z
  .object({
    id: z.uuid(),
    name: z.string(),
    baseUrl: z.string(),
    webhookUrl: z.string().meta({ description: 'Where n8n posts how its runs went' }),
    status: z.enum(instanceStatuses).meta({
      description:
        'What the last test found. limited: reachable, but not everything is possible; refused: the API key is not accepted',
    }),
    statusDetail: z.string().nullable(),
    testedAt: z.iso.datetime().nullable(),
    n8nVersion: N8nVersion,
    capabilities: z.object({ generation: Generation, cannot: Cannot }).nullable(),
    polling: z.object({
      lastPolledAt: z.iso.datetime().nullable(),
      polledThrough: z.iso.datetime().nullable().meta({
        description: 'Every finished run that n8n started before this has been seen',
      }),
      lagSeconds: z.number().int().nullable(),
      failures: z.number().int().meta({ description: 'In a row' }),
    }),
    reporter: z
      .object({ n8nWorkflowId: z.string() })
      .nullable()
      .meta({ description: 'The workflow in n8n that reports errors here; null until one is set up' }),
    epoch: z.number().int().meta({
      description:
        'Counts the databases that n8n has had: it grows when n8n was reset or restored, so that execution IDs started again',
    }),
    epochStartedAt: z.iso
      .datetime()
      .nullable()
      .meta({ description: 'When that was noticed last; null when never' }),
    version: z.number().int(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ ref: 'Instance' })
export type Instance = z.output<typeof Instance>

export const CreatedInstance = Instance.extend({
  webhookToken: z.string().nullable().meta({
    description: 'Shown this once; null when an Idempotency-Key repeats an earlier request',
  }),
}).meta({ ref: 'CreatedInstance' })
export type CreatedInstance = z.output<typeof CreatedInstance>

export const InstanceList = sliceOf(Instance)
export const InstanceQuery = z.strictObject({ ...pageQuery })
export const InstanceDeletion = z.strictObject({
  force: z
    .enum(['true', 'false'])
    .optional()
    .meta({ description: 'true: although workflows that were deployed there stay behind' }),
})
export const InstanceId = z.object({ id: z.uuid({ version: 'v7' }) })
export const InstanceTest = z
  .object({
    status: z.enum(['ok', 'limited', 'unreachable', 'refused']),
    detail: z.string().nullable(),
    n8nVersion: N8nVersion,
    generation: Generation.nullable(),
    cannot: Cannot,
    testedAt: z.iso.datetime(),
  })
  .meta({ ref: 'InstanceTest' })
export type InstanceTest = z.output<typeof InstanceTest>

export const Reporter = z
  .object({ n8nWorkflowId: z.string(), n8nCredentialId: z.string() })
  .meta({ ref: 'Reporter' })
export type Reporter = z.output<typeof Reporter>

export const WebhookTokenAnswer = z
  .object({
    webhookToken: z.string().meta({ description: 'The earlier one works for another 24 hours' }),
    reporter: z.enum(['none', 'updated', 'pending']).meta({
      description:
        'pending: n8n could not be told the new token of the reporter yet; the next deployment tries again',
    }),
  })
  .meta({ ref: 'WebhookToken' })
