/** @module The HTTP shapes of credentials. `data` is write-only. */
import { isObject } from '../lib/json-object.ts'
import { text, Uuid } from '../lib/scalars.ts'
import * as z from 'zod'
import { asBoolean } from '../http/openapi.ts'
import { deploymentStatuses } from '../db/schema/deployments.ts'
import { pageQuery, sliceOf } from '../http/page.ts'

export const maximumFields = 200
const fieldName = /^[A-Za-z_$][\w$.-]{0,127}$/

/** Rejects names that every object inherits: n8n cannot load them either. */
const Type = z
  .string()
  .regex(/^[A-Za-z][\w.-]{0,127}$/, 'Must be an n8n credential type, such as slackApi')
  .refine((type) => !(type in Object.prototype), 'Not a credential type')

const Name = z.string().trim().min(1, 'Must not be empty').max(128, 'At most 128 characters')
const Service = z.string().trim().min(1, 'Must not be empty').max(128, 'At most 128 characters')

const Data = z
  .unknown()
  .superRefine((value, ctx) => {
    if (!isObject(value)) {
      ctx.addIssue({ code: 'custom', message: 'Must be an object' })
      return
    }
    const names = Object.keys(value)
    if (names.length > maximumFields) {
      ctx.addIssue({ code: 'custom', message: `At most ${maximumFields} fields` })
      return
    }
    for (const name of names) {
      if (fieldName.test(name) && !(name in Object.prototype)) continue
      ctx.addIssue({ code: 'custom', path: [name], message: 'Not a valid field name' })
    }
  })
  .meta({
    type: 'object',
    additionalProperties: true,
    description: 'Values by field name, as the credential type defines them. Write-only',
  }) as unknown as z.ZodType<Record<string, unknown>>

export const NewCredential = z
  .strictObject({
    type: Type,
    name: Name,
    data: Data,
    service: Service.optional().meta({
      description: 'Default: derived from the type, such as `slack` for `slackApi`',
    }),
  })
  .meta({
    ref: 'NewCredential',
    'x-example': { type: 'slackApi', name: 'Slack bot', data: { accessToken: 'xoxb-0000-example' } },
  })
export type NewCredential = z.output<typeof NewCredential>

/** Omitted properties stay unchanged, including inside `data`. */
export const CredentialChange = z
  .strictObject({
    name: Name.optional(),
    data: Data.optional().meta({
      description: 'Merged into the stored data (RFC 7396): null removes a field. Write-only',
    }),
  })
  .meta({ ref: 'CredentialChange', 'x-example': { data: { accessToken: 'xoxb-0001-example' } } })
export type CredentialChange = z.output<typeof CredentialChange>

export const Credential = z
  .object({
    id: z.uuid(),
    service: z.string(),
    type: z.string(),
    name: z.string(),
    fields: z.array(z.string()).meta({ description: 'Names of the fields that are set, sorted' }),
    known: z.boolean().meta({ description: 'Whether the type is built into n8n' }),
    status: z.enum(['untested', 'valid', 'invalid']),
    lastValidatedAt: z.iso.datetime().nullable(),
    validationError: z.string().nullable(),
    version: z.number().int(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ ref: 'Credential' })
export type Credential = z.output<typeof Credential>

export const PendingDeployment = z
  .object({
    deploymentId: z.uuid(),
    workflowId: z.uuid(),
    workflowName: z.string(),
    instanceId: z.uuid(),
    instanceName: z.string(),
    status: z.enum(deploymentStatuses),
    n8nCredentialId: z.string(),
    sentAt: z.iso.datetime().nullable().meta({ description: 'When the current value was sent to n8n' }),
  })
  .meta({ ref: 'PendingDeployment' })
export type PendingDeployment = z.output<typeof PendingDeployment>

export const UpdatedCredential = Credential.extend({
  pendingDeployments: z.array(PendingDeployment).meta({
    description:
      'Deployments that still use an earlier value in n8n. `POST /v1/credentials/{id}/push` updates ' +
      'them',
  }),
}).meta({ ref: 'UpdatedCredential' })

export const CredentialList = sliceOf(Credential)

const filter = text(128)

export const CredentialQuery = z.strictObject({
  ...pageQuery,
  service: filter.optional(),
  type: filter.optional(),
})
export type CredentialFilter = Omit<z.output<typeof CredentialQuery>, keyof typeof pageQuery>

export const CredentialDeletion = z.strictObject({
  force: z
    .enum(['true', 'false'])
    .optional()
    .meta({ ...asBoolean, description: 'Delete it even if deployments are bound to it' }),
})

export const CredentialUsage = z
  .object({
    workflows: z
      .array(
        z.object({
          id: z.uuid(),
          name: z.string(),
          nodes: z.array(z.string()).meta({ description: 'Names of the nodes that require the type' }),
        }),
      )
      .meta({ description: 'Workflows that require its type, newest first, at most 500' }),
    deployments: z
      .array(
        z.object({
          id: z.uuid(),
          workflowId: z.uuid(),
          instanceId: z.uuid(),
          status: z.enum(deploymentStatuses),
          nodes: z.array(z.string()).meta({ description: 'Names of the nodes bound to it' }),
        }),
      )
      .meta({ description: 'Deployments bound to it, newest first, at most 500' }),
    lastUsedAt: z.iso
      .datetime()
      .nullable()
      .meta({ description: 'End of the newest execution of a deployment bound to it, or its start' }),
  })
  .meta({ ref: 'CredentialUsage' })
export type CredentialUsage = z.output<typeof CredentialUsage>

export const CredentialTest = z
  .strictObject({
    instanceId: Uuid.optional().meta({
      description: 'The instance that runs the test. Default: the one the credential was last sent to',
    }),
  })
  .meta({ ref: 'CredentialTest', 'x-example': {} })

export const CredentialTestResult = z
  .object({
    status: z
      .enum(['untested', 'valid', 'invalid'])
      .meta({ description: '`untested`: n8n has no test for the type, and nothing was stored' }),
    message: z.string().meta({ description: "n8n's message, with credential values redacted" }),
    testedAt: z.iso.datetime(),
    instanceId: z.uuid(),
  })
  .meta({ ref: 'CredentialTestResult' })
export type CredentialTestResult = z.output<typeof CredentialTestResult>
