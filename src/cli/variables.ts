/** @module The environment variables that commands read: the server's settings, and those of the command line itself. */
import { existsSync } from 'node:fs'
import { type SettingName, settings } from '../config.ts'
import { UsageError } from './failure.ts'

export const commandVariables = {
  PORT: 'Where the server listens, and where commands look for it; default 8787',
  HOST: 'The address that `serve` listens on; default 0.0.0.0',
  FLOWKEEP_URL: 'The server that commands call; default http://127.0.0.1:<PORT>',
  FLOWKEEP_TOKEN: 'An access token to sign in with',
  FLOWKEEP_EMAIL: 'The email address to sign in with, when there is no FLOWKEEP_TOKEN',
  FLOWKEEP_PASSWORD: 'The password to sign in with; asked for on a terminal when it is not set',
  FLOWKEEP_STATE: 'The folder of the development keys and the embedded database; default .flowkeep',
  DEBUG: 'Set to anything: failures are printed with their stack',
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

/** Fills in what the environment leaves open from `.env` in the current folder. */
export function loadEnvFile(): void {
  if (existsSync('.env')) process.loadEnvFile('.env')
}

type Environment = Readonly<Record<string, string | undefined>>

/** @throws {UsageError} when PORT is not a port number; 8787 when it is not set */
export function portOf(env: Environment): number {
  const port = Number(env.PORT || 8787)
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port
  throw new UsageError('PORT is not a port number.')
}

/** The server to call, without a slash at its end. @throws {UsageError} when FLOWKEEP_URL is not an http URL */
export function serverUrlOf(env: Environment): string {
  const url = env.FLOWKEEP_URL || `http://127.0.0.1:${portOf(env)}`
  if (/^https?:\/\//.test(url) && URL.canParse(url)) return url.replace(/\/+$/, '')
  throw new UsageError('FLOWKEEP_URL is not an http or https URL.')
}
