/** @module What a command prints when it fails: what is wrong and what to do, without secrets or bound parameters. */
import { databaseError, isStatementFailure } from '../db/errors.ts'

/** The command line, or a variable that it reads, is wrong: exit code 2. */
export class UsageError extends Error {}

/** Answers of servers come from outside: no control characters but line breaks reach the terminal. */
export const describeFailure = (error: unknown): string =>
  failureText(error).replaceAll(/[^\P{Cc}\n]+/gu, ' ')

function failureText(error: unknown): string {
  if (isStatementFailure(error)) return describeStatement(error)
  if (!(error instanceof Error)) return String(error)
  return process.env.DEBUG === undefined || process.env.DEBUG === ''
    ? error.message
    : (error.stack ?? error.message)
}

function describeStatement(error: unknown): string {
  const { kind, sqlState } = databaseError(error)
  return (
    describeConnection(sqlState ?? '') ??
    (kind === 'unavailable'
      ? 'The database does not answer. Check that it is running and that DATABASE_URL names it.'
      : `The database refused a statement${sqlState ? ` (SQLSTATE ${sqlState})` : ''}. ` +
        'Check that it is migrated: `npm run flowkeep -- migrate`.')
  )
}

/**
 * Why no connection is made, or null when the code says nothing of it.
 * @param code a SQLSTATE, or Node's code of a failed connection
 */
export function describeConnection(
  code: string,
  { user = '', database = '', host = '', port = '' } = {},
): string | null {
  const server = host ? `${host}:${port}` : 'the host in DATABASE_URL'
  switch (code) {
    case '28P01':
      return `The database refused the password${user && ` of user "${user}"`}. Check user and password in DATABASE_URL.`
    case '28000':
      return `The database does not let user "${user}" in from here. Check the user in DATABASE_URL and the server's pg_hba.conf.`
    case '3D000':
      return `The server has no database${database && ` "${database}"`}. Check the name at the end of DATABASE_URL, or create the database.`
    case '42501':
      return `User "${user}" lacks a permission that this needs. Grant it, or name the owner of the database in DATABASE_URL.`
    case '42P01':
      return 'The database is not migrated. Run `npm run flowkeep -- migrate`.'
    case '53300':
      return 'The database accepts no more connections. Close some, or raise its max_connections.'
    case '57P03':
      return 'The database is starting up or shutting down. Try again in a moment.'
    case 'ECONNREFUSED':
      return `Nothing listens on ${server}. Check that the database is running, and the port in DATABASE_URL.`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `The host name ${host ? `"${host}"` : 'in DATABASE_URL'} cannot be resolved. Check the host in DATABASE_URL.`
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `${server} does not answer. Check host and port in DATABASE_URL, and that a firewall lets you through.`
    case 'ECONNRESET':
    case 'EPIPE':
      return `${server} closed the connection. Check that the port in DATABASE_URL is Postgres's, and whether it requires TLS (sslmode).`
    default:
      return null
  }
}

/** The failure of listening on a port, for people; any other failure as it is. */
export function describePort(error: unknown, port: number): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'EADDRINUSE') {
    return new Error(`Port ${port} is in use. Stop what listens there, or choose another with PORT=8788.`)
  }
  if (code === 'EACCES')
    return new Error(`Port ${port} needs more permissions. Choose one above 1023 with PORT.`)
  return error
}
