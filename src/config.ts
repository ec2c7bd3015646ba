/** @module Parses the environment variables at startup. */
import { fromBase64 } from './lib/encoding.ts'
import * as z from 'zod'
import { KeyRingText } from './crypto/key-ring.ts'

const count = (fallback: number) => z.coerce.number().int().min(0).max(10_000_000).default(fallback)

const List = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((each) => each.trim())
      .filter(Boolean),
  )

const Origins = List.refine(
  (origins) => origins.every((origin) => URL.canParse(origin) && new URL(origin).origin === origin),
  'must be a comma-separated list of origins, such as https://app.example.com',
)

const Key = z.string().transform((text, ctx) => {
  const bytes = fromBase64(text)
  if (bytes?.length === 32) return bytes
  ctx.addIssue({ code: 'custom', message: 'must be the base64 encoding of 32 bytes' })
  return z.NEVER
})

const ConnectionString = z
  .string()
  .refine(
    (url) => /^postgres(ql)?:\/\/[^\s]+$/.test(url),
    'must look like postgresql://user:password@host/database',
  )

/** `internal`: set by `npm run dev`, not by people. */
export type SettingMeta = { description: string; internal?: true }

const about = (description: string, more: Omit<SettingMeta, 'description'> = {}): SettingMeta => ({
  description,
  ...more,
})

const ring = (use: string) =>
  about(`${use}: a key ring, {"active":"k1","keys":{"k1":"<base64 of 32 bytes>"}}`)

/** `docs/configuration.md` and the help of the commands are generated from these descriptions. */
export const Environment = z.object({
  DATABASE_URL: ConnectionString.meta(
    about('Neon, or any Postgres 15 or newer: postgresql://user:password@host/database'),
  ),
  DATABASE_REPLICA_URL: ConnectionString.optional().meta(
    about('A read replica for analytics and exports; they fall back to the primary when it is unavailable'),
  ),
  DATABASE_CA_FILE: z
    .string()
    .min(1)
    .optional()
    .meta(
      about(
        'Node only: path of a PEM file with the certificate authorities that sign the certificate of Postgres',
      ),
    ),
  PUBLIC_URL: z
    .url({ protocol: /^https?$/ })
    .transform((url) => url.replace(/\/+$/, ''))
    .meta(about('URL at which clients and n8n reach this server; used for webhook URLs')),
  CREDENTIAL_KEYS: KeyRingText.meta(ring('Wraps every stored secret')),
  ACCESS_TOKEN_KEYS: KeyRingText.meta(ring('Signs access tokens')),
  REFRESH_TOKEN_KEYS: KeyRingText.meta(ring('Authenticates refresh tokens')),
  PASSWORD_PEPPERS: KeyRingText.meta(ring('Hashed into every password')),
  FINGERPRINT_KEY: Key.meta(about('Compares secrets without storing them: base64 of 32 bytes')),
  CORS_ORIGINS: Origins.meta(
    about('Origins of frontends that may call the API, separated by commas; none by default'),
  ),
  LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error'])
    .default('info')
    .meta(about('Minimum log level: debug, info, warn or error')),
  DATABASE_GATEWAY_URL: z
    .url({ protocol: /^http$/ })
    .optional()
    .meta(about("The development gateway's endpoint on loopback", { internal: true })),
  ALLOW_LOOPBACK_INSTANCES: z
    .stringbool()
    .default(false)
    .meta(about('Development only: allows n8n servers over http on loopback')),
  ALLOW_PRIVATE_NETWORKS: List.meta(
    about(
      'Node only: hosts, host:port or CIDR blocks of your own network in which n8n servers may be connected, over http too, separated by commas: n8n.internal,10.0.0.0/8',
    ),
  ),
  TRUSTED_PROXY_HOPS: count(0).meta(
    about('Node only: number of trusted proxies that set the client address in X-Forwarded-For'),
  ),
  QUOTA_WORKFLOWS: count(10_000).meta(about('Workflows per user')),
  QUOTA_CREDENTIALS: count(1_000).meta(about('Credentials per user')),
  QUOTA_INSTANCES: count(20).meta(about('n8n instances per user')),
  QUOTA_DEPLOYMENTS: count(10_000).meta(about('Deployments per user')),
  EXECUTION_DATA_RETENTION_DAYS: z.coerce
    .number()
    .int()
    .min(0)
    .max(3650)
    .default(30)
    .meta(about('How long the node data of runs is stored, unless their workflow overrides it')),
  EXECUTION_RETENTION_MONTHS: z.coerce
    .number()
    .int()
    .min(1)
    .max(600)
    .default(13)
    .meta(about('How long runs are stored')),
})

/** @throws {ConfigError} names every missing or invalid variable, never its value */
export function parseConfig(env: Record<string, unknown>) {
  const result = Environment.safeParse(env)
  if (!result.success) throw new ConfigError(result.error.issues)
  const {
    QUOTA_WORKFLOWS: workflows,
    QUOTA_CREDENTIALS: credentials,
    QUOTA_INSTANCES: instances,
    QUOTA_DEPLOYMENTS: deployments,
    ...rest
  } = result.data
  return {
    databaseUrl: rest.DATABASE_URL,
    databaseReplicaUrl: rest.DATABASE_REPLICA_URL,
    databaseGatewayUrl: rest.DATABASE_GATEWAY_URL,
    publicUrl: rest.PUBLIC_URL,
    credentialKeys: rest.CREDENTIAL_KEYS,
    accessTokenKeys: rest.ACCESS_TOKEN_KEYS,
    refreshTokenKeys: rest.REFRESH_TOKEN_KEYS,
    passwordPeppers: rest.PASSWORD_PEPPERS,
    fingerprintKey: rest.FINGERPRINT_KEY,
    corsOrigins: rest.CORS_ORIGINS,
    logLevel: rest.LOG_LEVEL,
    allowLoopbackInstances: rest.ALLOW_LOOPBACK_INSTANCES,
    allowPrivateNetworks: rest.ALLOW_PRIVATE_NETWORKS,
    trustedProxyHops: rest.TRUSTED_PROXY_HOPS,
    quotas: { workflows, credentials, instances, deployments },
    executionRetention: {
      dataDays: rest.EXECUTION_DATA_RETENTION_DAYS,
      months: rest.EXECUTION_RETENTION_MONTHS,
    },
  }
}

export type Config = ReturnType<typeof parseConfig>

interface ConfigIssue {
  code?: string | undefined
  input?: unknown
  path: readonly PropertyKey[]
  message: string
}

export class ConfigError extends Error {
  constructor(issues: readonly ConfigIssue[]) {
    const lines = issues.map((issue) => {
      const isMissing = issue.code === 'invalid_type' && issue.input === undefined
      return `  ${issue.path.join('.')} ${isMissing ? 'is required' : issue.message}`
    })
    super(`Invalid configuration:\n${lines.join('\n')}`)
    this.name = 'ConfigError'
  }
}
