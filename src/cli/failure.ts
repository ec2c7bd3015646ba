/** @module Messages of failed commands: the problem and the fix, without secrets or bound parameters. */
import { AppError } from '../errors.ts'
import { databaseError, isStatementFailure } from '../db/errors.ts'

/** An invalid argument, option or environment variable: exit code 2. */
export class UsageError extends Error {}

/** Removes control characters except line breaks, because server responses are untrusted. */
export const describeFailure = (error: unknown): string =>
  failureText(error).replaceAll(/[^\P{Cc}\n]+/gu, ' ')

function failureText(error: unknown): string {
  if (isStatementFailure(error)) return describeStatement(error)
  if (!(error instanceof Error)) return String(error)
  // Only operators run commands: they need to know which key it is and why.
  if (error instanceof AppError && error.code === 'key-unavailable' && error.cause instanceof Error) {
    return error.cause.message
  }
  return process.env.DEBUG === undefined || process.env.DEBUG === ''
    ? error.message
    : (error.stack ?? error.message)
}

function describeStatement(error: unknown): string {
  const { kind, sqlState } = databaseError(error)
  return (
    describeConnection(sqlState ?? '') ??
    (kind === 'unavailable'
      ? 'The database is not responding. Check that it is running and that DATABASE_URL is correct.'
      : `The database rejected a statement${sqlState ? ` (SQLSTATE ${sqlState})` : ''}. ` +
        'Check that it is migrated: `npm run flowkeep -- migrate`.')
  )
}

/** The server answered that it has no TLS, for which there is no code. */
export const noTls = 'NO_TLS'

/** Codes of Node for a certificate without a trusted authority. */
const untrusted = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
])

/**
 * Explains a failed connection. Null if the code is not about the connection.
 * @param code a SQLSTATE, or Node's code for a failed connection
 */
interface ConnectionPlace {
  user?: string
  database?: string
  host?: string
  port?: string
  caFile?: string | undefined
}

export function describeConnection(
  code: string,
  { user = '', database = '', host = '', port = '', caFile }: ConnectionPlace = {},
): string | null {
  const server = host ? `${host}:${port}` : 'the host in DATABASE_URL'
  if (untrusted.has(code)) {
    return caFile === undefined
      ? `The certificate of ${server} is not signed by a trusted certificate authority. Set DATABASE_CA_FILE to a PEM file with the authority of the server; see docs/postgres.md.`
      : `The certificate of ${server} is not signed by a certificate authority in ${caFile}. Get the current file from the provider or the server's administrator.`
  }
  switch (code) {
    case '28P01':
      return `The database rejected the password${user && ` of user "${user}"`}. Check the user and password in DATABASE_URL.`
    case '28000':
      return `The database does not allow user "${user}" to connect. Check the user in DATABASE_URL and the server's pg_hba.conf, and whether the server requires TLS (sslmode=verify-full).`
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `The certificate of ${server} is for another host name. Use the name in the certificate in DATABASE_URL. If the authority in DATABASE_CA_FILE signs only this server, add sslmode=verify-ca.`
    case 'CERT_HAS_EXPIRED':
    case 'CERT_NOT_YET_VALID':
      return `The certificate of ${server} has expired or is not valid yet. Renew it, and check the clock of this machine.`
    case noTls:
      return `${server} does not support TLS. Turn it on (ssl = on), or add sslmode=disable to DATABASE_URL if the network between them is private.`
    case '3D000':
      return `The server has no database${database && ` "${database}"`}. Check the name at the end of DATABASE_URL, or create the database.`
    case '42501':
      return `User "${user}" lacks a required permission. Grant it, or use the owner of the database in DATABASE_URL.`
    case '42P01':
      return 'The database is not migrated. Run `npm run flowkeep -- migrate`.'
    case '53300':
      return 'The database has too many connections. Close some, or increase max_connections.'
    case '57P03':
      return 'The database is starting up or shutting down. Try again in a moment.'
    case 'ECONNREFUSED':
      return `Nothing is listening on ${server}. Check that the database is running, and the port in DATABASE_URL.`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `The host name ${host ? `"${host}"` : 'in DATABASE_URL'} cannot be resolved. Check the host in DATABASE_URL.`
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `${server} is not responding. Check the host and port in DATABASE_URL, and the firewall.`
    case 'ECONNRESET':
    case 'EPIPE':
      return `${server} closed the connection. Check that the port in DATABASE_URL belongs to Postgres, and whether it requires TLS (sslmode).`
    default:
      return null
  }
}

/** Explains a failure to listen on a port. Returns other errors unchanged. */
export function describePort(error: unknown, port: number): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'EADDRINUSE') {
    return new Error(
      `Port ${port} is in use. Stop the other process, or choose another port, such as PORT=8788.`,
    )
  }
  if (code === 'EACCES')
    return new Error(`No permission to listen on port ${port}. Set PORT to a port above 1023.`)
  return error
}
