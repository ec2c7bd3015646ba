/** @module The environment, checked once before the first request is served. */
import * as z from 'zod'
import { decodeBase64, KeyRingText } from './crypto/key-ring.ts'

const count = (fallback: number) => z.coerce.number().int().min(0).max(10_000_000).default(fallback)

const Origins = z
  .string()
  .default('')
  .transform((text) =>
    text
      .split(',')
      .map((origin) => origin.trim())
      .filter(Boolean),
  )
  .refine(
    (origins) => origins.every((origin) => URL.canParse(origin) && new URL(origin).origin === origin),
    'is a list of origins such as https://app.example.com, separated by commas',
  )

const Key = z.string().transform((text, ctx) => {
  const bytes = decodeBase64(text)
  if (bytes?.length === 32) return bytes
  ctx.addIssue({ code: 'custom', message: 'is not base64 of 32 bytes' })
  return z.NEVER
})

const ConnectionString = z
  .string()
  .refine((url) => /^postgres(ql)?:\/\/[^\s]+$/.test(url), 'is not a postgres:// connection string')

const Environment = z.object({
  /** Postgres connection string: Neon, or what the gateway stands in front of. */
  DATABASE_URL: ConnectionString,
  /** Of a replica that follows it: analytics and exports read there. */
  DATABASE_REPLICA_URL: ConnectionString.optional(),
  /** Where clients and n8n reach this server; webhook URLs are built from it. */
  PUBLIC_URL: z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, '')),
  CREDENTIAL_KEYS: KeyRingText,
  ACCESS_TOKEN_KEYS: KeyRingText,
  REFRESH_TOKEN_KEYS: KeyRingText,
  PASSWORD_PEPPERS: KeyRingText,
  FINGERPRINT_KEY: Key,
  CORS_ORIGINS: Origins,
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  /** Loopback endpoint of the development gateway; absent in production. */
  DATABASE_GATEWAY_URL: z.url({ protocol: /^http$/ }).optional(),
  /** Development only: lets an instance's base URL be http and on loopback. */
  ALLOW_LOOPBACK_INSTANCES: z.stringbool().default(false),
  /** Node only: how many proxies in front are trusted to name the sender in X-Forwarded-For. */
  TRUSTED_PROXY_HOPS: count(0),
  QUOTA_WORKFLOWS: count(10_000),
  QUOTA_CREDENTIALS: count(1_000),
  QUOTA_INSTANCES: count(20),
  QUOTA_DEPLOYMENTS: count(10_000),
  /** How long executions keep their data, unless their workflow says otherwise; then how long they are kept at all. */
  EXECUTION_DATA_RETENTION_DAYS: z.coerce.number().int().min(0).max(3650).default(30),
  EXECUTION_RETENTION_MONTHS: z.coerce.number().int().min(1).max(600).default(13),
})

/** @throws {ConfigError} naming every variable that is missing or wrong, never a value */
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
    trustedProxyHops: rest.TRUSTED_PROXY_HOPS,
    quotas: { workflows, credentials, instances, deployments },
    executionRetention: {
      dataDays: rest.EXECUTION_DATA_RETENTION_DAYS,
      months: rest.EXECUTION_RETENTION_MONTHS,
    },
  }
}

export type Config = ReturnType<typeof parseConfig>

export class ConfigError extends Error {
  constructor(issues: readonly z.core.$ZodIssue[]) {
    const lines = issues.map((issue) => {
      const absent = issue.code === 'invalid_type' && issue.input === undefined
      return `  ${issue.path.join('.')} ${absent ? 'is missing' : issue.message}`
    })
    super(`The configuration is not usable:\n${lines.join('\n')}`)
    this.name = 'ConfigError'
  }
}
