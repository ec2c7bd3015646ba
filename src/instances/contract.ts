/** @module The HTTP shapes of instances, the n8n servers of a user. The API key goes in and never comes out. */
import * as z from 'zod'
import { pageQuery, sliceOf } from '../http/page.ts'

const Name = z.string().trim().min(1, 'At least 1 character').max(128, 'At most 128 characters')
const BaseUrl = z.string().min(1, 'At least 1 character').max(2048, 'At most 2,048 characters').meta({
  description: 'Where n8n is reached, such as https://n8n.example.com; a path prefix is kept',
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

export const Instance = z
  .object({
    id: z.uuid(),
    name: z.string(),
    baseUrl: z.string(),
    webhookUrl: z.string().meta({ description: 'Where n8n posts how its runs went' }),
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
export const InstanceId = z.object({ id: z.uuid({ version: 'v7' }) })
export const WebhookTokenAnswer = z
  .object({ webhookToken: z.string().meta({ description: 'The earlier one works for another 24 hours' }) })
  .meta({ ref: 'WebhookToken' })
