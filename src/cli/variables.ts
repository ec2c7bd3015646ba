/** @module The environment variables of commands: the server's settings and the command line's own. */
import { existsSync } from 'node:fs'
import { Environment, type SettingMeta } from '../config.ts'
import { UsageError } from './failure.ts'

type SettingName = keyof typeof Environment.shape

/** The variables of the server. */
export const settings = Object.entries(Environment.shape).map(([name, schema]) => {
  const { description, internal = false } = schema.meta() as SettingMeta
  return { name: name as SettingName, schema, description, internal }
})

export const commandVariables = {
  PORT: 'The port that the server listens on and commands connect to; default 8787',
  HOST: 'The address that `serve` listens on; default 0.0.0.0',
  FLOWKEEP_URL: 'The server that commands connect to; default http://127.0.0.1:<PORT>',
  FLOWKEEP_TOKEN: 'Access token (fk_…) to sign in with',
  FLOWKEEP_EMAIL: 'Email address to sign in with if FLOWKEEP_TOKEN is not set',
  FLOWKEEP_PASSWORD: 'Password to sign in with; prompted for on a terminal if not set',
  FLOWKEEP_STATE: 'Folder for the development keys and the embedded database; default .flowkeep',
  VAULT_ADDR: 'Vault server for `keys wrap`',
  TARGET_DATABASE_URL: 'The database to which `users move` moves an account',
  S3_ENDPOINT: 'S3-compatible server, such as https://<account>.r2.cloudflarestorage.com; default AWS',
  DEBUG: 'If set, errors are printed with their stack trace',
} as const

export type VariableName = keyof typeof commandVariables | SettingName

export const variables: Readonly<Record<VariableName, string>> = {
  ...(Object.fromEntries(settings.map(({ name, description }) => [name, description])) as Record<
    SettingName,
    string
  >),
  ...commandVariables,
}

export const settingNames: readonly SettingName[] = settings
  .filter((setting) => !setting.internal)
  .map(({ name }) => name)

/** Adds variables from `.env` in the current folder that the environment does not set. */
export function loadEnvFile(): void {
  if (existsSync('.env')) process.loadEnvFile('.env')
}

type Values = Readonly<Record<string, string | undefined>>

/** Default 8787. @throws {UsageError} when PORT is not a port number */
export function portOf(env: Values): number {
  const port = Number(env.PORT || 8787)
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port
  throw new UsageError('PORT must be a whole number from 1 to 65535.')
}

/** The server URL, without a trailing slash. @throws {UsageError} when FLOWKEEP_URL is not an HTTP URL */
export function serverUrlOf(env: Values): string {
  const url = env.FLOWKEEP_URL || `http://127.0.0.1:${portOf(env)}`
  if (/^https?:\/\//.test(url) && URL.canParse(url)) return url.replace(/\/+$/, '')
  throw new UsageError('FLOWKEEP_URL must be an HTTP or HTTPS URL, such as https://flowkeep.example.com.')
}
