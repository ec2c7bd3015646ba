/** @module The HTTP shapes of environments, and of the variables and credentials that environments and instances have. */
import * as z from 'zod'
import { pageQuery, sliceOf } from '../http/page.ts'
import { trimmedText, Uuid } from '../lib/scalars.ts'
import { isStorable } from '../lib/storable-text.ts'

const maximumVariables = 100
const maximumChars = 16_384

export const EnvironmentName = trimmedText(64)

const VariableName = z
  .string()
  .regex(/^[A-Za-z_]\w{0,49}$/, 'Must be 1 to 50 letters, digits or _, and must not start with a digit')
const VariableValue = z
  .string()
  .max(1_000, 'At most 1,000 characters')
  .refine(isStorable, 'Contains characters that cannot be stored')

/** A merge patch. */
export const VariableChanges = z
  .record(VariableName, VariableValue.nullable())
  .refine(
    (given) => Object.keys(given).length <= 2 * maximumVariables,
    `At most ${2 * maximumVariables} entries`,
  )
  .meta({
    description:
      'Name → value, read as `$vars.NAME` in workflows. Null removes a variable; omitted variables stay unchanged. ' +
      'Values must not be secrets: use a credential instead',
    'x-example': { API_URL: 'https://api.example.com' },
  })
export type VariableChanges = z.output<typeof VariableChanges>

export const tooManyVariables = (variables: Record<string, string>): string | undefined => {
  const entries = Object.entries(variables)
  if (entries.length > maximumVariables) return `At most ${maximumVariables} variables`
  const chars = entries.reduce((sum, [name, value]) => sum + name.length + value.length, 0)
  return chars > maximumChars
    ? `At most ${maximumChars.toLocaleString('en')} characters in all names and values`
    : undefined
}

export const Variables = z.record(z.string(), z.string()).meta({
  description: 'Name → value, read as `$vars.NAME` in workflows',
  'x-example': { API_URL: 'https://api.example.com' },
})

const ChosenCredential = z.strictObject({
  type: z
    .string()
    .regex(/^[A-Za-z][\w.-]{0,127}$/, 'Must be an n8n credential type, such as slackApi')
    .meta({ description: 'Credential type of the slots that it fills' }),
  insteadOf: Uuid.optional().meta({
    description:
      'Fills only slots that this credential would fill otherwise, because their node names it or an earlier deployment ' +
      'used it. Default: every slot of the type without its own entry',
  }),
  credentialId: Uuid.meta({ description: 'The credential that fills them' }),
})

export const ChosenCredentials = z
  .array(ChosenCredential)
  .max(100, 'At most 100 entries')
  .refine(
    (entries) =>
      new Set(entries.map(({ type, insteadOf }) => `${type} ${insteadOf}`)).size === entries.length,
    'Has two entries for the same slots',
  )
  .meta({
    description:
      'Which credential fills the slots of a type. Entries of an instance take precedence over those of its environment, ' +
      'and `bindings` of a deployment over both',
    'x-example': [{ type: 'slackApi', credentialId: '01934f8e-80aa-7c32-9f5a-7b4c3d2e1f0a' }],
  })

const IsProduction = z.boolean().meta({
  description:
    'Whether access tokens need the `deploy:production` scope for its instances. Always true for the name `production`',
})

const example = {
  name: 'staging',
  isProduction: false,
  variables: { API_URL: 'https://staging.example.com' },
}

export const NewEnvironment = z
  .strictObject({
    name: EnvironmentName,
    isProduction: IsProduction.optional(),
    variables: VariableChanges.optional(),
    credentials: ChosenCredentials.optional(),
  })
  .meta({ ref: 'NewEnvironment', 'x-example': example })
export type NewEnvironment = z.output<typeof NewEnvironment>

/** Omitted properties stay unchanged. */
export const EnvironmentChange = NewEnvironment.partial().meta({
  ref: 'EnvironmentChange',
  'x-example': { variables: { API_URL: 'https://staging.example.com', OLD_NAME: null } },
})
export type EnvironmentChange = z.output<typeof EnvironmentChange>

export const Environment = z
  .object({
    id: z.uuid(),
    name: z.string(),
    isProduction: IsProduction,
    variables: Variables,
    credentials: ChosenCredentials,
    instanceCount: z.number().int(),
    version: z.number().int(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ ref: 'Environment' })
export type Environment = z.output<typeof Environment>

export const EnvironmentList = sliceOf(Environment)
export const EnvironmentQuery = z.strictObject({ ...pageQuery })
