/** @module Parses the environment variables at startup. */
import * as z from 'zod'
import {
  type KeyRing,
  KeyRingText,
  KeyText,
  openKey,
  openRing,
  type RingName,
  ringNames,
} from './crypto/key-ring.ts'
import { type KmsSettings, KmsUrl, missingKmsVariable, type WrappedKey } from './crypto/kms/wrapped-key.ts'
import { isLoopback } from './instances/url-guard.ts'

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
/** `name=value` pairs, separated by commas, with percent-encoded values. Source: OpenTelemetry, OTLP exporter configuration. */
const HeaderList = z.string().transform((text, ctx) => {
  const headers: Record<string, string> = {}
  for (const pair of text.split(',').filter((each) => each.trim() !== '')) {
    const [, name, value] = /^\s*([\w!#$%&'*+.^`|~-]+)\s*=(.*)$/.exec(pair) ?? []
    try {
      if (name !== undefined) headers[name] = decodeURIComponent(value ?? '').trim()
    } catch {
      headers[''] = ''
    }
    if (name === undefined || '' in headers || !/^[\x20-\x7e]*$/.test(headers[name] ?? '')) {
      ctx.addIssue({ code: 'custom', message: 'must look like name=value,name2=value2, percent-encoded' })
      return z.NEVER
    }
  }
  return headers
})

const isHttps = (url: string): boolean => new URL(url).protocol === 'https:'

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

/** An empty value counts as not set. */
const optionalText = (description: string) =>
  z
    .string()
    .optional()
    .transform((text) => text || undefined)
    .meta(about(description))
const optionalUrl = (description: string) =>
  z
    .union([z.literal('').transform(() => undefined), KmsUrl])
    .optional()
    .meta(about(description))

/** Of Have I Been Pwned, without an account: https://haveibeenpwned.com/API/v3#PwnedPasswords */
const publicRangeApi = 'https://api.pwnedpasswords.com/range'

/** FINGERPRINT_KEY has no ID of its own. A KMS authenticates this one. */
export const fingerprintKeyId = 'key'

/** Access to the services that unwrap keys. */
const kmsVariables = {
  AWS_ACCESS_KEY_ID: optionalText(
    'AWS access key, for wrapped keys (docs/keys.md) and for backups in an S3-compatible bucket',
  ),
  AWS_SECRET_ACCESS_KEY: optionalText('Secret access key that belongs to AWS_ACCESS_KEY_ID'),
  AWS_SESSION_TOKEN: optionalText('Session token for temporary AWS credentials'),
  AWS_REGION: optionalText(
    'Region of the KMS key if its ID is not an ARN, and of the bucket (default us-east-1)',
  ),
  AWS_ENDPOINT_URL_KMS: optionalUrl(
    'Endpoint of AWS KMS, such as a VPC endpoint; default: the endpoint of the region',
  ),
  GCP_SERVICE_ACCOUNT: optionalText('JSON key of a Google service account that may use the KMS keys'),
  GCP_KMS_URL: optionalUrl('Endpoint of Google Cloud KMS; default https://cloudkms.googleapis.com'),
  VAULT_TOKEN: optionalText('Vault token that may use the transit keys'),
  VAULT_ROLE_ID: optionalText('Role ID of a Vault AppRole, instead of VAULT_TOKEN'),
  VAULT_SECRET_ID: optionalText('Secret ID that belongs to VAULT_ROLE_ID'),
  VAULT_NAMESPACE: optionalText('Vault namespace'),
}

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
        'Node only: path to a PEM file with the certificate authorities that sign the certificate of Postgres',
      ),
    ),
  PUBLIC_URL: z
    .url({ protocol: /^https?$/ })
    .refine(
      (url) => !URL.canParse(url) || isHttps(url) || isLoopback(new URL(url).hostname),
      'must start with https://. Browsers and n8n would send passwords and tokens unencrypted. Put a proxy with a certificate in front of the server; http is allowed on loopback only',
    )
    .transform((url) => url.replace(/\/+$/, ''))
    .meta(
      about(
        'URL at which clients and n8n reach this server; used for webhook URLs. https, or http on loopback for development',
      ),
    ),
  CREDENTIAL_KEYS: KeyRingText.meta(ring('Wraps every stored secret')),
  ACCESS_TOKEN_KEYS: KeyRingText.meta(ring('Signs session tokens')),
  REFRESH_TOKEN_KEYS: KeyRingText.meta(ring('Authenticates refresh tokens')),
  PASSWORD_PEPPERS: KeyRingText.meta(ring('Mixed into every password hash')),
  FINGERPRINT_KEY: KeyText.meta(about('Compares secrets without storing them: base64 of 32 bytes')),
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
    .meta(
      about(
        'Development only: allows n8n servers over http on loopback. Rejected if PUBLIC_URL starts with https://',
      ),
    ),
  ALLOW_PRIVATE_NETWORKS: List.meta(
    about(
      'Node only: hosts, host:port pairs and CIDR blocks of your own network where users may connect n8n servers, over http too; separated by commas, such as n8n.internal,10.0.0.0/8',
    ),
  ),
  TRUSTED_PROXY_HOPS: count(0).meta(
    about('Node only: number of trusted proxies that set the client address in X-Forwarded-For'),
  ),
  METRICS_TOKEN: z
    .string()
    .regex(/^[\w.~+/-]{16,}=*$/, 'must be at least 16 characters, each one of A-Z a-z 0-9 - . _ ~ + /')
    .optional()
    .meta(
      about(
        'Bearer token for /metrics. Without it, only requests from the same machine can read the metrics; Workers then have ' +
          'no /metrics',
      ),
    ),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .transform((url) => url.replace(/\/+$/, ''))
    .optional()
    .meta(about('OpenTelemetry collector that metrics and traces are sent to, over OTLP/HTTP with JSON')),
  OTEL_EXPORTER_OTLP_HEADERS: HeaderList.default({}).meta(
    about('Headers for the collector: name=value,name2=value2, percent-encoded'),
  ),
  OTEL_TRACES_SAMPLER_ARG: z.coerce
    .number()
    .min(0)
    .max(1)
    .default(1)
    .meta(about('Fraction of requests that are traced, 0 to 1. A traceparent header overrides it')),
  QUOTA_WORKFLOWS: count(10_000).meta(about('Workflows per user')),
  QUOTA_CREDENTIALS: count(1_000).meta(about('Credentials per user')),
  QUOTA_INSTANCES: count(20).meta(about('n8n instances per user')),
  QUOTA_DEPLOYMENTS: count(10_000).meta(about('Deployments per user')),
  QUOTA_ALERT_RULES: count(200).meta(about('Alert rules per user')),
  QUOTA_ALERT_CHANNELS: count(20).meta(about('Alert channels per user')),
  QUOTA_ACCESS_TOKENS: count(100).meta(about('Access tokens per user')),
  QUOTA_VERSIONS_PER_WORKFLOW: count(20_000).meta(about('Versions per workflow')),
  QUOTA_STORED_MIB: count(4_096).meta(
    about('MiB that the workflow versions and credentials of a user may take up in the database'),
  ),
  RATE_READS_PER_MINUTE: count(120_000).meta(
    about(
      'Read-only requests per minute per user (docs/limits.md). Counted by each isolate or process. 0: unlimited',
    ),
  ),
  RATE_WRITES_PER_MINUTE: count(30_000).meta(
    about(
      'Requests that change something, per minute per user. Counted by each isolate or process. 0: unlimited',
    ),
  ),
  RATE_HEAVY_PER_MINUTE: count(6_000).meta(
    about(
      'Analytics, searches, exports and checks, per minute per user. Counted by each isolate or process. 0: unlimited',
    ),
  ),
  RATE_OUTGOING_PER_MINUTE: count(600).meta(
    about('Requests that call n8n or send a message, per minute per user. Counted exactly. 0: unlimited'),
  ),
  ANONYMOUS_CHECKS_PER_MINUTE: count(0).meta(
    about(
      'Requests to POST /v1/workflows/check without an account, per minute per client address; 0 requires an account',
    ),
  ),
  PASSWORD_BREACH_CHECK: z
    .union(
      [z.stringbool({ falsy: ['', 'false'], truthy: ['true'] }), KmsUrl],
      'must be true, false or an HTTPS URL',
    )
    .default(false)
    .transform((value) => (value === true ? publicRangeApi : value || undefined))
    .meta(
      about(
        `Rejects new passwords that appear in known data breaches: true asks ${publicRangeApi}, and a URL asks another server with the same range API. Only the first five digits of the SHA-1 are sent; off by default`,
      ),
    ),
  SMTP_URL: z
    .url({ protocol: /^smtps?$/ })
    .optional()
    .meta(about('Node only: mail server, such as smtps://user:password@smtp.example.com')),
  MAIL_API_URL: z
    .url({ protocol: /^https$/ })
    .optional()
    .meta(about('Resend-compatible HTTP mail API, such as https://api.resend.com/emails')),
  MAIL_API_TOKEN: z.string().min(1).optional().meta(about('Bearer token for the mail API')),
  MAIL_FROM: z
    .string()
    .regex(/^[^\r\n]*[^\s@<]+@[^\s@>]+>?$/, 'must be an address, such as Flowkeep <alerts@example.com>')
    .optional()
    .meta(about('Sender of email: Flowkeep <alerts@example.com>. Without it, no email is sent')),
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
  AUDIT_RETENTION_DAYS: z.coerce
    .number()
    .int()
    .min(0)
    .max(3650)
    .default(365)
    .meta(
      about(
        'How long the audit trail of a deleted account is stored, without personal data; 0 deletes it with the account',
      ),
    ),
  ...kmsVariables,
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
    QUOTA_ALERT_RULES: alertRules,
    QUOTA_ALERT_CHANNELS: alertChannels,
    QUOTA_ACCESS_TOKENS: apiTokens,
    QUOTA_VERSIONS_PER_WORKFLOW: versions,
    QUOTA_STORED_MIB: storedMiB,
    ...rest
  } = result.data
  const issues = [...sharedKeys(rest), ...loopbackInstances(rest), ...missingKmsVariables(rest)]
  if (issues.length > 0) throw new ConfigError(issues)
  const ring = (name: RingName) => openRing(name, rest[name], rest)
  return {
    databaseUrl: rest.DATABASE_URL,
    databaseReplicaUrl: rest.DATABASE_REPLICA_URL,
    databaseGatewayUrl: rest.DATABASE_GATEWAY_URL,
    publicUrl: rest.PUBLIC_URL,
    credentialKeys: ring('CREDENTIAL_KEYS'),
    accessTokenKeys: ring('ACCESS_TOKEN_KEYS'),
    refreshTokenKeys: ring('REFRESH_TOKEN_KEYS'),
    passwordPeppers: ring('PASSWORD_PEPPERS'),
    fingerprintKey: openKey({ ring: 'FINGERPRINT_KEY', id: fingerprintKeyId }, rest.FINGERPRINT_KEY, rest),
    corsOrigins: rest.CORS_ORIGINS,
    logLevel: rest.LOG_LEVEL,
    allowLoopbackInstances: rest.ALLOW_LOOPBACK_INSTANCES,
    allowPrivateNetworks: rest.ALLOW_PRIVATE_NETWORKS,
    trustedProxyHops: rest.TRUSTED_PROXY_HOPS,
    quotas: {
      workflows,
      credentials,
      instances,
      deployments,
      alertRules,
      alertChannels,
      apiTokens,
      versions,
      storedBytes: storedMiB * 1024 * 1024,
    },
    rates: {
      read: rest.RATE_READS_PER_MINUTE,
      write: rest.RATE_WRITES_PER_MINUTE,
      heavy: rest.RATE_HEAVY_PER_MINUTE,
      outgoing: rest.RATE_OUTGOING_PER_MINUTE,
    },
    anonymousChecksPerMinute: rest.ANONYMOUS_CHECKS_PER_MINUTE,
    passwordBreachCheck: rest.PASSWORD_BREACH_CHECK,
    mail:
      rest.MAIL_FROM === undefined
        ? null
        : {
            from: rest.MAIL_FROM,
            smtpUrl: rest.SMTP_URL,
            apiUrl: rest.MAIL_API_URL,
            apiToken: rest.MAIL_API_TOKEN,
          },
    monitoring: {
      metricsToken: rest.METRICS_TOKEN,
      otlp:
        rest.OTEL_EXPORTER_OTLP_ENDPOINT === undefined
          ? undefined
          : { endpoint: rest.OTEL_EXPORTER_OTLP_ENDPOINT, headers: rest.OTEL_EXPORTER_OTLP_HEADERS },
      traceRatio: rest.OTEL_TRACES_SAMPLER_ARG,
    },
    executionRetention: {
      dataDays: rest.EXECUTION_DATA_RETENTION_DAYS,
      months: rest.EXECUTION_RETENTION_MONTHS,
    },
    auditRetentionDays: rest.AUDIT_RETENTION_DAYS,
  }
}

export const parseKms = (env: Record<string, unknown>): KmsSettings => z.object(kmsVariables).parse(env)

/** One ring of the environment. Undefined if it is missing or invalid. */
export function parseRing(name: RingName, env: Record<string, unknown>): KeyRing | undefined {
  const ring = Environment.shape[name].safeParse(env[name]).data
  return ring && openRing(name, ring, parseKms(env))
}

type Keys = Pick<z.infer<typeof Environment>, RingName | 'FINGERPRINT_KEY'>

/** Entries that hold the same key. A person who has it for one use has it for all. */
function sharedKeys(env: Keys): ConfigIssue[] {
  const holders = new Map<string, string>()
  const issues: ConfigIssue[] = []
  const add = (name: string, holder: string, key: Uint8Array | WrappedKey) => {
    const text = key instanceof Uint8Array ? key.join() : JSON.stringify(key)
    const other = holders.get(text)
    if (other === undefined) holders.set(text, holder)
    else {
      const message = `contains the same key as ${other}. Replace one of them: openssl rand -base64 32`
      issues.push({ path: [name], message })
    }
  }
  for (const name of ringNames) {
    for (const [id, key] of env[name].keys) add(name, `${name} (${id})`, key)
  }
  add('FINGERPRINT_KEY', 'FINGERPRINT_KEY', env.FINGERPRINT_KEY)
  return issues
}

/** A setting for development at a public URL. */
function loopbackInstances(
  env: Pick<z.infer<typeof Environment>, 'PUBLIC_URL' | 'ALLOW_LOOPBACK_INSTANCES'>,
): ConfigIssue[] {
  if (!env.ALLOW_LOOPBACK_INSTANCES || !isHttps(env.PUBLIC_URL)) return []
  const message =
    'is for development only: at a public URL, every user could reach the services of this machine. Remove it. For an n8n server in your own network, set ALLOW_PRIVATE_NETWORKS'
  return [{ path: ['ALLOW_LOOPBACK_INSTANCES'], message }]
}

/** The missing credentials of each KMS that wraps a key. */
function missingKmsVariables(env: Keys & KmsSettings): ConfigIssue[] {
  const keys = [env.FINGERPRINT_KEY, ...ringNames.flatMap((name) => Array.from(env[name].keys.values()))]
  const services = new Set(keys.flatMap((key) => (key instanceof Uint8Array ? [] : [key.kms])))
  return [...services].flatMap((kms) => {
    const name = missingKmsVariable(kms, env)
    return name === undefined ? [] : [{ path: [name], message: `is required: ${kms} wraps a key` }]
  })
}

export type Config = ReturnType<typeof parseConfig>

interface ConfigIssue {
  code?: string | undefined
  input?: unknown
  path: readonly PropertyKey[]
  message: string
}

export class ConfigError extends Error {
  /** Every missing or invalid variable, without its value. */
  readonly faults: { name: string; message: string }[]

  constructor(issues: readonly ConfigIssue[]) {
    const faults = issues.map((issue) => {
      const isMissing = issue.code === 'invalid_type' && issue.input === undefined
      return { name: issue.path.join('.'), message: isMissing ? 'is required' : issue.message }
    })
    super(`Invalid configuration:\n${faults.map(({ name, message }) => `  ${name} ${message}`).join('\n')}`)
    this.name = 'ConfigError'
    this.faults = faults
  }
}
