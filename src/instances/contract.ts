/** @module The HTTP shapes of instances, the n8n servers of a user. The API key is write-only. */
import * as z from 'zod'
import { asBoolean } from '../http/openapi.ts'
import { instanceStatuses } from '../db/schema/instances.ts'
import { ChosenCredentials, EnvironmentName, VariableChanges, Variables } from '../environments/contract.ts'
import { isExactVersion } from '../n8n/api/version.ts'
import { pageQuery, sliceOf } from '../http/page.ts'

const Name = z.string().trim().min(1, 'Must not be empty').max(128, 'At most 128 characters')
const BaseUrl = z
  .string()
  .min(1, 'Must not be empty')
  .max(2048, 'At most 2,048 characters')
  .meta({
    description:
      'URL of the n8n server, such as https://n8n.example.com. A path prefix is preserved; the path ' +
      'of a page or of the API (`/home/workflows`, `/api/v1`) is removed',
  })
const ApiKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,4096}$/, '1 to 4,096 printable ASCII characters without spaces')
  .meta({ description: 'Write-only. Only ever sent to the origin of `baseUrl`' })

const Environment = EnvironmentName.nullable().meta({
  description:
    'Name of its environment; null: none. `production` is created when it is first assigned. On instances of production environments, access ' +
    'tokens need the `deploy:production` scope to deploy',
})

/** Polls are 5 minutes apart. Three missed polls need attention. */
export const lateAfterSeconds = 15 * 60

export const NewInstance = z
  .strictObject({
    name: Name,
    baseUrl: BaseUrl,
    apiKey: ApiKey,
    environment: Environment.optional(),
    variables: VariableChanges.optional(),
    credentials: ChosenCredentials.optional(),
  })
  .meta({
    ref: 'NewInstance',
    'x-example': { name: 'Production', baseUrl: 'https://n8n.example.com', apiKey: 'n8n_api_0123456789' },
  })
export type NewInstance = z.output<typeof NewInstance>

const ExactN8nVersion = z.string().refine(isExactVersion, 'Must be a version such as 2.41 or 2.41.1')

/** Omitted properties stay unchanged. Another origin requires the API key again. */
export const InstanceChange = z
  .strictObject({
    name: Name.optional(),
    baseUrl: BaseUrl.optional(),
    apiKey: ApiKey.optional(),
    environment: Environment.optional(),
    variables: VariableChanges.optional(),
    credentials: ChosenCredentials.optional(),
    n8nVersion: ExactN8nVersion.nullable()
      .optional()
      .meta({
        description:
          'The n8n version, such as 2.41.1, for a server that hides it; null removes it. A connection test ' +
          'replaces it if n8n reports its version',
      }),
  })
  .meta({ ref: 'InstanceChange', 'x-example': { name: 'Production' } })
export type InstanceChange = z.output<typeof InstanceChange>

const Limitations = z.array(z.string()).meta({
  description: 'Limitations of this n8n version and this API key',
})
const Generation = z.enum(['current', 'legacy']).meta({
  description: '`legacy`: n8n 1.x and 2.0, whose public API is missing some endpoints',
})
const N8nVersion = z
  .string()
  .nullable()
  .meta({
    description:
      'The version that n8n reports or that you set, such as 2.41.1. Otherwise the range that its API implies, such as ' +
      '"2.1 or later": set the version then, so that checks use the right facts. Null before the first test',
  })

export const Instance = z
  .object({
    id: z.uuid(),
    name: z.string(),
    baseUrl: z.string(),
    environment: Environment,
    isProduction: z.boolean().meta({ description: 'Whether its environment is a production environment' }),
    variables: Variables,
    credentials: ChosenCredentials,
    webhookUrl: z.string().meta({ description: 'URL that n8n reports executions to' }),
    status: z.enum(instanceStatuses).meta({
      description:
        'Result of the last test. `limited`: reachable, with limitations; `refused`: n8n rejects the API ' +
        'key',
    }),
    statusDetail: z.string().nullable(),
    testedAt: z.iso.datetime().nullable(),
    n8nVersion: N8nVersion,
    capabilities: z.object({ generation: Generation, cannot: Limitations }).nullable(),
    polling: z.object({
      lastPolledAt: z.iso.datetime().nullable(),
      polledThrough: z.iso.datetime().nullable().meta({
        description: 'All finished executions that started before this time have been recorded',
      }),
      lagSeconds: z.number().int().nullable(),
      failures: z.number().int().meta({ description: 'Consecutive failures' }),
    }),
    reporter: z
      .object({ n8nWorkflowId: z.string() })
      .nullable()
      .meta({ description: 'The workflow in n8n that reports errors to Flowkeep; null until it is set up' }),
    otel: z
      .object({
        isCurrent: z.boolean().meta({
          description:
            'False after the webhook token was rotated while n8n was unreachable: set OpenTelemetry up again ' +
            'within 24 hours',
        }),
      })
      .nullable()
      .meta({ description: 'n8n sends its executions via OpenTelemetry; null unless set up' }),
    epoch: z.number().int().meta({
      description: 'Incremented when n8n is reset or restored and its execution IDs start over',
    }),
    epochStartedAt: z.iso
      .datetime()
      .nullable()
      .meta({ description: 'When the current epoch was detected; null if n8n was never reset' }),
    version: z.number().int(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
  })
  .meta({ ref: 'Instance' })
export type Instance = z.output<typeof Instance>

export const CreatedInstance = Instance.extend({
  webhookToken: z.string().nullable().meta({
    description: 'Returned only once; null when an `Idempotency-Key` repeats an earlier request',
  }),
}).meta({ ref: 'CreatedInstance' })
export type CreatedInstance = z.output<typeof CreatedInstance>

export const InstanceList = sliceOf(Instance)
export const InstanceQuery = z.strictObject({
  ...pageQuery,
  environment: EnvironmentName.optional().meta({
    description: 'Only instances of the environment with this name',
  }),
})
export type InstanceFilter = Omit<z.output<typeof InstanceQuery>, keyof typeof pageQuery>
export const InstanceDeletion = z.strictObject({
  force: z
    .enum(['true', 'false'])
    .optional()
    .meta({ ...asBoolean, description: 'Delete it even if deployed workflows remain in n8n' }),
})
export const InstanceTest = z
  .object({
    status: z.enum(['ok', 'limited', 'unreachable', 'refused']),
    detail: z.string().nullable(),
    n8nVersion: N8nVersion,
    generation: Generation.nullable(),
    cannot: Limitations,
    testedAt: z.iso.datetime(),
  })
  .meta({ ref: 'InstanceTest' })
export type InstanceTest = z.output<typeof InstanceTest>

export const Reporter = z
  .object({ n8nWorkflowId: z.string(), n8nCredentialId: z.string() })
  .meta({ ref: 'Reporter' })
export type Reporter = z.output<typeof Reporter>

export const NewOtelSetup = z
  .strictObject({
    replace: z.boolean().optional().meta({
      description:
        'Replace the collector that n8n currently sends traces to, until OpenTelemetry is removed again',
    }),
  })
  .meta({ ref: 'NewOtelSetup', 'x-example': { replace: false } })

const HeadersLost = z.array(z.string()).meta({
  description:
    "Names of headers of the earlier collector. n8n does not return their values, so enter them again in n8n's " +
    'settings when the collector is restored',
  'x-example': ['x-honeycomb-team'],
})

export const OtelSetup = z
  .object({
    endpoint: z.string().meta({
      description: 'URL that n8n sends traces to',
      'x-example':
        'https://flowkeep.example.com/hooks/n8n/01934f8e-7f00-7b21-8e4f-6a3b2c1d0e9f/otlp/v1/traces',
    }),
    replaced: z
      .string()
      .nullable()
      .meta({ description: 'Host of the collector that was replaced', 'x-example': null }),
    headersLost: HeadersLost,
  })
  .meta({ ref: 'OtelSetup' })
export type OtelSetup = z.output<typeof OtelSetup>

export const OtelRemoval = z
  .object({
    restored: z.string().nullable().meta({
      description: 'Host of the collector that n8n sends traces to again; null if none',
      'x-example': null,
    }),
    headersLost: HeadersLost,
  })
  .meta({ ref: 'OtelRemoval' })
export type OtelRemoval = z.output<typeof OtelRemoval>

export const WebhookTokenAnswer = z
  .object({
    webhookToken: z
      .string()
      .meta({ description: 'The new token. The previous one works for another 24 hours' }),
    reporter: z.enum(['none', 'updated', 'pending']).meta({
      description:
        '`pending`: the token of the reporter in n8n could not be updated yet; the next deployment ' +
        'retries',
    }),
    otel: z.enum(['none', 'updated', 'pending']).meta({
      description:
        "`pending`: the token in n8n's OpenTelemetry settings could not be updated; set it up again within 24 hours",
    }),
  })
  .meta({ ref: 'WebhookToken' })
