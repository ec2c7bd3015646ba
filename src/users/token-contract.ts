/** @module Request and response schemas of access tokens. */
import * as z from 'zod'
import { apiTokenKinds } from '../db/schema/users.ts'
import { pageQuery, sliceOf } from '../http/page.ts'
import { descriptionOf, type Scope, scopes } from '../http/scopes.ts'
import { Instant, trimmedText } from '../lib/scalars.ts'
import { dayMs } from '../lib/time.ts'

export const defaultLifetimeMs = 90 * dayMs
/** One year, or a leap year. */
export const maximumLifetimeMs = 366 * dayMs
const defaultRequestsPerMinute = 600
const defaultOverlapSeconds = 86_400
const maximumOverlapSeconds = 7 * 86_400

const hiddenCharacters = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u
/** Shown to people who decide what the token may do, so that it can hide nothing. */
const Name = trimmedText(100).refine(
  (name) => !hiddenCharacters.test(name),
  'Must not contain control or invisible characters',
)
const Scopes = z
  .array(z.enum(scopes, 'Not a scope'))
  .min(1, 'At least one scope')
  .max(100, 'At most 100 scopes')
  .transform((given): Scope[] => scopes.filter((scope) => given.includes(scope)))
  .meta({
    description: scopes.map((scope) => `\`${scope}\`: ${descriptionOf(scope)}.`).join(' '),
  })
const RequestsPerMinute = z
  .number()
  .int()
  .min(1, 'At least 1')
  .max(6000, 'At most 6,000')
  .meta({ description: 'Requests allowed in a calendar minute' })
const ExpiresAt = Instant.nullable().meta({
  type: ['string', 'null'],
  description: 'Within a year. `null` (service tokens only): never',
})

export const NewToken = z
  .strictObject({
    name: Name,
    kind: z
      .enum(apiTokenKinds)
      .default('personal')
      .meta({ description: '`personal`: for a person. `service`: for a machine; may have no expiry' }),
    scopes: Scopes,
    expiresAt: ExpiresAt.optional().meta({ 'x-example': '2027-02-28T12:00:00Z' }),
    requestsPerMinute: RequestsPerMinute.default(defaultRequestsPerMinute),
  })
  .meta({
    ref: 'NewToken',
    'x-example': { name: 'Build agent', scopes: ['workflows:read', 'workflows:write', 'deployments:read'] },
  })
export type NewToken = z.output<typeof NewToken>

/** Omitted properties stay unchanged. */
export const TokenChange = z
  .strictObject({
    name: Name.optional(),
    scopes: Scopes.optional(),
    expiresAt: ExpiresAt.optional(),
    requestsPerMinute: RequestsPerMinute.optional(),
  })
  .meta({ ref: 'TokenChange', 'x-example': { scopes: ['workflows:read'] } })
export type TokenChange = z.output<typeof TokenChange>

export const TokenRotation = z
  .strictObject({
    overlapSeconds: z
      .number()
      .int()
      .min(0, 'At least 0')
      .max(maximumOverlapSeconds, 'At most 604,800: 7 days')
      .default(defaultOverlapSeconds)
      .meta({ description: 'How long the replaced secrets keep working. `0` after a leak' }),
    expiresAt: ExpiresAt.optional(),
  })
  .meta({ ref: 'TokenRotation', 'x-example': { overlapSeconds: 3600 } })
export type TokenRotation = z.output<typeof TokenRotation>

export const ApiToken = z
  .object({
    id: z.uuid(),
    name: z.string(),
    kind: z
      .enum([...apiTokenKinds, 'app'])
      .meta({ description: '`app`: of a connected app, which renews it' }),
    scopes: z.array(z.enum(scopes)),
    hint: z.string().meta({ description: 'The last characters of the token' }),
    requestsPerMinute: z.number().int(),
    expiresAt: z.iso.datetime().nullable().meta({ description: 'Null: never' }),
    lastUsedAt: z.iso.datetime().nullable().meta({ description: 'Precise to a minute. Null: never' }),
    rotatedAt: z.iso.datetime().nullable(),
    clientId: z.string().nullable().meta({
      description: 'Of a connected app: the URL of its metadata document, or the ID that it registered',
    }),
    createdAt: z.iso.datetime(),
  })
  .meta({ ref: 'ApiToken' })
export type ApiToken = z.output<typeof ApiToken>

export const CreatedToken = ApiToken.extend({
  token: z
    .string()
    .nullable()
    .meta({
      description:
        'Send it as `Authorization: Bearer <token>`. Returned only once; null when an `Idempotency-Key` repeats an ' +
        'earlier request',
    }),
}).meta({ ref: 'CreatedToken' })
export type CreatedToken = z.output<typeof CreatedToken>

export const RotatedToken = ApiToken.extend({
  token: z.string().meta({ description: 'The new token. Returned only once' }),
}).meta({ ref: 'RotatedToken' })
export type RotatedToken = z.output<typeof RotatedToken>

export const TokenList = sliceOf(ApiToken)
export const TokenQuery = z.strictObject({ ...pageQuery })
