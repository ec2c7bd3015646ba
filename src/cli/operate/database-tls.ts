/**
 * @module TLS to Postgres. Stricter than `pg` and libpq: a server on the public internet is verified by default, and
 * `sslmode=require` verifies too. Only `sslmode=no-verify` skips the verification.
 */
import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import { isLoopback, isPublicHost } from '../../instances/url-guard.ts'

/** `authority`: a trusted authority signed the certificate, for any host name. */
export type TlsLevel = 'verified' | 'authority' | 'unverified' | 'none'

export interface DatabaseTls {
  /** Without the parameters of TLS, which would override `ssl` in `pg`. */
  connectionString: string
  ssl: false | ConnectionOptions
  level: TlsLevel
  /** Where the connection goes: `public` unless the host is in this machine or a private network. */
  reach: 'local' | 'private' | 'public'
  /** The file of the authorities that are trusted instead of the system's. */
  caFile: string | undefined
}

/** Neon supports SQL over HTTP itself. Any other Postgres needs the gateway. */
export const isNeon = (hostname: string): boolean => /\.neon\.(tech|build)$/.test(hostname)

const levels: Readonly<Record<string, TlsLevel>> = {
  disable: 'none',
  allow: 'verified',
  prefer: 'verified',
  require: 'verified',
  'verify-ca': 'authority',
  'verify-full': 'verified',
  'no-verify': 'unverified',
}

const tlsParameters = ['ssl', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'uselibpqcompat']

/** @throws {Error} for an unknown `sslmode`, or a file that cannot be read or is not PEM */
export function tlsOf(databaseUrl: string, env: NodeJS.ProcessEnv = process.env): DatabaseTls {
  const url = new URL(databaseUrl)
  const given = (name: string) => url.searchParams.get(name) ?? undefined
  const file = given('sslrootcert') ?? (isNeon(url.hostname) ? undefined : env.DATABASE_CA_FILE)
  const caFile = file === 'system' || file === '' ? undefined : file
  const reach = reachOf(given('host') ?? url.hostname)
  const mode = given('sslmode') ?? ofSslParameter(given('ssl')) ?? env.PGSSLMODE
  const isExpected = reach === 'public' || caFile !== undefined
  const wanted = mode === undefined || mode === '' ? (isExpected ? 'verified' : 'none') : levels[mode]
  if (wanted === undefined) {
    const known = Object.keys(levels).join(', ')
    throw new Error(`DATABASE_URL: sslmode must be one of ${known}, not "${mode}"`)
  }
  // Any server of a public authority would pass without the check of the host name.
  const level = wanted === 'authority' && caFile === undefined ? 'verified' : wanted
  const [certFile, keyFile] = [given('sslcert'), given('sslkey')]
  for (const name of tlsParameters) url.searchParams.delete(name)
  const ssl = level !== 'none' && {
    rejectUnauthorized: level !== 'unverified',
    ...(caFile !== undefined && { ca: pem(caFile) }),
    ...(certFile !== undefined && { cert: pem(certFile) }),
    ...(keyFile !== undefined && { key: pem(keyFile) }),
    ...(level === 'authority' && { checkServerIdentity: () => undefined }),
  }
  return { connectionString: url.href, ssl, level, reach, caFile }
}

function reachOf(host: string): DatabaseTls['reach'] {
  if (isLoopback(host) || host === '' || host.startsWith('/') || /^%2f/i.test(host)) return 'local'
  return isPublicHost(host) ? 'public' : 'private'
}

/** The parameter `ssl` of `pg`, as an `sslmode`. */
function ofSslParameter(value: string | undefined): string | undefined {
  if (value === undefined) return undefined
  return value === 'no-verify' ? value : ['0', 'false'].includes(value) ? 'disable' : 'verify-full'
}

function pem(path: string): string {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : ''
    throw new Error(`The file ${path} cannot be read${reason}. Check DATABASE_CA_FILE and DATABASE_URL.`, {
      cause: error,
    })
  }
  if (/-----BEGIN [A-Z ]+-----[\s\S]+-----END /.test(text)) return text
  throw new Error(`The file ${path} is not in PEM format. It must contain "-----BEGIN CERTIFICATE-----".`)
}

/** The same verification for `pg_dump`, as far as libpq 15 supports it. */
export function libpqTls({ level, caFile }: DatabaseTls): Record<string, string> {
  if (caFile === undefined || (level !== 'verified' && level !== 'authority')) return {}
  return { PGSSLROOTCERT: caFile, PGSSLMODE: level === 'verified' ? 'verify-full' : 'verify-ca' }
}
