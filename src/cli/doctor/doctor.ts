/** @module `flowkeep doctor`: checks an installation from its settings, or a running server over HTTP. */
import { parseRing } from '../../config.ts'
import { type CommandInput, exitCode } from '../command.ts'
import { UsageError } from '../failure.ts'
import { jsonResult } from '../terminal.ts'
import { type CheckResult, type Facts, passed, runChecks } from './checks.ts'
import { databaseFacts, httpClock, remoteFacts, settingFacts, type Settings } from './facts.ts'
import { printReport } from './report.ts'

export async function doctorCommand({ flags, values }: CommandInput): Promise<number> {
  const url = values['url']
  const token = values['token'] ?? process.env['METRICS_TOKEN']
  const results =
    url === undefined
      ? await checkInstallation(process.env, {
          stage: 'running',
          file: '.env',
          clockUrl: values['clock-url'],
        })
      : await checkServer(serverUrl(url), token === '' ? undefined : token)
  if (flags.has('json')) jsonResult({ ok: passed(results), checks: results })
  else printReport(results)
  return passed(results) ? exitCode.success : exitCode.failure
}

interface InstallationOptions {
  stage: Facts['stage']
  target?: Facts['target']
  /** The file with the settings, whose mode is checked. */
  file: string
  /** Default: `PUBLIC_URL`. */
  clockUrl: string | undefined
}

/** Checks the settings, the database, the keys and the clock. Changes nothing. */
export async function checkInstallation(
  env: Settings,
  { stage, target = 'node', file, clockUrl }: InstallationOptions,
): Promise<CheckResult[]> {
  const databaseUrl = env['DATABASE_URL']
  const clock = clockUrl ?? env['PUBLIC_URL']
  const settings = settingFacts(env, file)
  const isUsable = !settings.faults.some(({ name }) => name === 'DATABASE_URL')
  const [database, compared] = await Promise.all([
    databaseUrl && isUsable
      ? databaseFacts(databaseUrl, parseRing('CREDENTIAL_KEYS', env) ?? null)
      : undefined,
    clock && URL.canParse(clock) ? httpClock(clock) : undefined,
  ])
  return runChecks({
    stage,
    target,
    settings,
    ...(database && { database }),
    ...(compared && { clock: compared }),
  })
}

/** Checks what can be seen from outside. The token is never sent without encryption. */
async function checkServer(url: URL, token: string | undefined): Promise<CheckResult[]> {
  const isSafe = url.protocol === 'https:' || ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  return runChecks({ stage: 'running', remote: await remoteFacts(url, isSafe ? token : undefined) })
}

function serverUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url && /^https?:$/.test(url.protocol) && !url.username && !url.search && !url.hash) return url
  throw new UsageError('--url must be an HTTP or HTTPS URL, such as https://flowkeep.example.com')
}
