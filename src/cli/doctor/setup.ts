/**
 * @module `flowkeep setup`: generates the keys that are missing, checks the installation, and stores its settings in a
 * file or as Worker secrets. Existing values are never changed.
 */
import { settingNames } from '../variables.ts'
import { generateKeys } from '../server/state.ts'
import { type CommandInput, exitCode } from '../command.ts'
import { UsageError } from '../failure.ts'
import { ask, jsonResult, message } from '../terminal.ts'
import { type CheckResult, passed } from './checks.ts'
import { putSecrets, type RunWrangler, runWrangler, secretNames } from './cloudflare.ts'
import { checkInstallation } from './doctor.ts'
import { keyNames, type Settings } from './facts.ts'
import { printReport } from './report.ts'
import { addSettings, readSettings } from './settings-file.ts'

const defaultFile = '.env'
const required = ['DATABASE_URL', 'PUBLIC_URL'] as const

export interface SetupOptions {
  /** The settings file. */
  file: string
  /** The environment of wrangler.toml; null for Node. */
  environment: string | null
  clockUrl?: string | undefined
  /** Prompts for a value. Absent without a terminal. */
  prompt?: ((question: string, hidden: boolean) => Promise<string>) | undefined
  /** Asks before anything is stored. */
  confirm: (question: string) => Promise<boolean>
  /** Progress, for people. */
  report: (results: readonly CheckResult[]) => void
  wrangler?: RunWrangler
  check?: typeof checkInstallation
}

export interface SetupResult {
  ok: boolean
  checks: CheckResult[]
  /** The keys that were generated. */
  generated: string[]
  /** What was added to the settings file. */
  file: { path: string; added: string[] } | null
  /** What was stored as secrets. */
  cloudflare: { environment: string; secrets: string[] } | null
}

export async function setupCommand({ flags, values }: CommandInput): Promise<number> {
  const isCloudflare = flags.has('cloudflare')
  const environment = values['env'] ?? 'production'
  if (values['env'] !== undefined && !isCloudflare) throw new UsageError('--env needs --cloudflare')
  if (!/^[a-z][\w-]{0,62}$/i.test(environment))
    throw new UsageError('--env is not the name of an environment')
  const yes = flags.has('yes')
  const isJson = flags.has('json')
  const isTerminal = process.stdin.isTTY && !yes && !isJson
  const outcome = await setup(process.env, {
    file: values['file'] ?? (isCloudflare ? `.env.${environment}` : defaultFile),
    environment: isCloudflare ? environment : null,
    clockUrl: values['clock-url'],
    prompt: isTerminal ? ask : undefined,
    confirm: async (question) => {
      if (yes) return true
      if (!isTerminal) {
        message(`Not stored. Pass --yes to store: ${question}`)
        return false
      }
      return !/^n/i.test(await ask(`${question} [Y/n] `, false))
    },
    report: isJson ? () => undefined : printReport,
  })
  if (isJson) jsonResult(outcome)
  else printNextSteps(outcome)
  return outcome.ok ? exitCode.success : exitCode.failure
}

export async function setup(processEnv: Settings, options: SetupOptions): Promise<SetupResult> {
  const { file, environment, clockUrl, confirm, report, check = checkInstallation } = options
  const stored = readSettings(file)
  const given: Record<string, string | undefined> = { ...stored, ...ownSettings(processEnv, file) }
  const prompted = await promptFor(given, options)
  const known = { ...given, ...prompted }
  const newKeys = Object.entries(generateKeys()).filter(([name]) => !known[name])
  const generated = newKeys.map(([name]) => name)
  const env: Settings = { ...known, ...Object.fromEntries(newKeys) }

  const target = environment === null ? 'node' : 'workers'
  const checks = await check(env, { stage: 'setup', target, file, clockUrl })
  report(checks)
  const result: SetupResult = { ok: passed(checks), checks, generated, file: null, cloudflare: null }

  // Keys that do not match the database cannot decrypt its secrets.
  const isFatal = checks.some(({ id, outcome }) => id === 'keys-stored' && outcome === 'failure')
  const changed = { ...prompted, ...Object.fromEntries(newKeys) }
  if (isFatal) return result
  if (Object.keys(changed).length > 0) {
    const kept = Object.fromEntries(
      [...required, ...keyNames].flatMap((name) => {
        const value = env[name]
        return value && !stored[name] ? [[name, value] as const] : []
      }),
    )
    if (await confirm(`Add ${Object.keys(kept).join(', ')} to ${file}?`))
      result.file = { path: file, added: addSettings(file, kept) }
    else result.ok = false
  }
  if (environment === null || !result.ok) return result

  const run = options.wrangler ?? runWrangler
  const existing = new Set(await secretNames(environment, run))
  const lost = generated.filter((name) => existing.has(name))
  if (lost.length > 0) {
    throw new Error(
      `The worker already has ${lost.join(', ')}, which ${file} does not. A new key cannot decrypt what the old ` +
        `one encrypted: add the old one to ${file}, and remove the new one.`,
    )
  }
  const secrets = Object.fromEntries(
    settingNames.flatMap((name) => {
      const value = env[name]
      return value && !nodeOnly.has(name) ? [[name, value] as const] : []
    }),
  )
  const names = Object.keys(secrets)
  if (await confirm(`Store ${names.join(', ')} as Worker secrets in ${environment}?`)) {
    await putSecrets(environment, secrets, run)
    result.cloudflare = { environment, secrets: names }
  } else result.ok = false
  return result
}

/** Settings that have no effect on Workers, or that Workers reject. */
const nodeOnly = new Set<string>([
  'DATABASE_CA_FILE',
  'ALLOW_PRIVATE_NETWORKS',
  'ALLOW_LOOPBACK_INSTANCES',
  'TRUSTED_PROXY_HOPS',
])

/** Settings from the environment, excluding any that were loaded from another installation's `.env`. */
function ownSettings(processEnv: Settings, file: string): Record<string, string> {
  const others = file === defaultFile ? {} : readSettings(defaultFile)
  return Object.fromEntries(
    settingNames.flatMap((name) => {
      const value = processEnv[name]
      return value && value !== others[name] ? [[name, value] as const] : []
    }),
  )
}

async function promptFor(given: Settings, { prompt }: SetupOptions): Promise<Record<string, string>> {
  if (!prompt) return {}
  const answers: Record<string, string> = {}
  const questions = {
    DATABASE_URL: 'DATABASE_URL (postgresql://user:password@host/database): ',
    PUBLIC_URL: 'PUBLIC_URL (https://flowkeep.example.com): ',
  }
  for (const name of required) {
    if (given[name]) continue
    const answer = (await prompt(questions[name], name === 'DATABASE_URL')).trim()
    if (answer !== '') answers[name] = answer
  }
  return answers
}

function printNextSteps({ ok, checks, generated, file, cloudflare }: SetupResult): void {
  if (file) message(`Added to ${file.path}: ${file.added.join(', ')}.`)
  if (cloudflare) message(`Stored as secrets in ${cloudflare.environment}: ${cloudflare.secrets.join(', ')}.`)
  if (file && generated.length > 0)
    message('Also save the keys in a password manager: without them, stored secrets cannot be decrypted.')
  if (!ok) return message('Fix the failures, then run the command again.')
  if (checks.some(({ id, outcome }) => id === 'database-schema' && outcome !== 'ok'))
    message('Next: `npm run flowkeep -- migrate`.')
  else if (cloudflare) message(`Next: \`npx wrangler deploy --env ${cloudflare.environment}\`.`)
  else message('Next: `npm start`, then `npm run flowkeep -- doctor`.')
}
