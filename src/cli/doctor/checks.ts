/** @module The checks of `setup` and `doctor`: what each looks at, what it found, and how to fix it. */
import { minuteMs } from '../../lib/time.ts'
import { assets } from '../../lib/assets.generated.ts'
import { isLoopback } from '../../instances/url-guard.ts'
import { parsePrivateNetworks } from '../../instances/net/private-networks.ts'
import { packageVersion } from '../package-root.ts'
import {
  type DatabaseFacts,
  type HttpClock,
  keyNames,
  type RemoteFacts,
  type Reply,
  type SettingFacts,
} from './facts.ts'

export type Outcome = 'ok' | 'warning' | 'failure'

export interface Finding {
  outcome: Outcome
  found: string
  /** Null if there is nothing to fix. */
  fix: string | null
}

export interface CheckResult extends Finding {
  id: string
}

/** What was collected. A check is skipped if what it looks at is absent. */
export interface Facts {
  /** `setup`: the installation may be incomplete, such as a database without a schema. */
  stage: 'setup' | 'running'
  /** Where the server is to run; default Node. */
  target?: 'node' | 'workers'
  settings?: SettingFacts
  database?: DatabaseFacts
  clock?: HttpClock
  remote?: RemoteFacts
}

/** Null if the check does not apply. */
type Check = (facts: Facts) => Finding | null

const ok = (found: string): Finding => ({ outcome: 'ok', found, fix: null })
const warning = (found: string, fix: string): Finding => ({ outcome: 'warning', found, fix })
const failure = (found: string, fix: string): Finding => ({ outcome: 'failure', found, fix })

const migrateCommand = '`npm run flowkeep -- migrate`'
const list = (texts: readonly string[]) => texts.join(', ')
const isKey = (name: string) => (keyNames as readonly string[]).includes(name)

/** Session tokens tolerate 5 seconds. */
const skewWarningMs = 2_000
const skewFailureMs = 5_000

function skewFinding(skewMs: number, uncertaintyMs: number, other: string): Finding {
  const ms = Math.abs(skewMs)
  const seconds = (ms / 1000).toFixed(1)
  const found = `This machine's clock is ${seconds} s ${skewMs > 0 ? 'behind' : 'ahead of'} ${other}`
  const fix = 'Synchronize the clocks with NTP, for example with chrony or systemd-timesyncd.'
  if (ms - uncertaintyMs > skewFailureMs) return failure(found, fix)
  if (ms - uncertaintyMs > skewWarningMs) return warning(found, fix)
  return ok(`Within ${((ms + uncertaintyMs) / 1000).toFixed(1)} s of ${other}`)
}

const settingChecks: Record<string, Check> = {
  configuration: ({ settings }) => {
    if (!settings) return null
    const faults = settings.faults.filter(({ name }) => !isKey(name))
    if (faults.length === 0) return ok('All settings are valid')
    const [first] = faults
    return failure(
      list(faults.map(({ name, message }) => `${name} ${message}`)),
      `Set ${first?.name ?? ''} in the environment or in .env. docs/configuration.md describes every setting.`,
    )
  },
  'public-url': ({ settings }) => {
    const text = settings?.env['PUBLIC_URL']
    if (!text || !URL.canParse(text)) return null
    const { protocol, hostname } = new URL(text)
    if (isLoopback(hostname))
      return warning(
        `${text} is on this machine only`,
        'Set PUBLIC_URL to the URL at which clients and n8n reach this server.',
      )
    return protocol === 'https:' ? ok(text) : null
  },
  'settings-file': ({ settings }) => {
    if (!settings?.file) return null
    const { path, mode } = settings.file
    return (mode & 0o077) === 0
      ? ok(`Only its owner can read ${path}`)
      : failure(`Other users of this machine can read ${path}`, `Run \`chmod 600 ${path}\`.`)
  },
  'keys-present': ({ settings }) => {
    if (!settings) return null
    const faults = settings.faults.filter(({ name }) => isKey(name))
    if (faults.length === 0) return ok(`${keyNames.length} keys of 32 bytes, each used once`)
    const isMissing = faults.every(({ message }) => message === 'is required')
    return failure(
      list(faults.map(({ name, message }) => `${name} ${message}`)),
      isMissing
        ? 'Run `npm run flowkeep -- setup`, which generates missing keys. If this installation has data, restore its keys instead.'
        : 'Replace the key that is used twice, or restore the key from your secret store. `npm run flowkeep -- generate-keys` prints keys for a new installation.',
    )
  },
  'private-networks': ({ settings }) => {
    const text = settings?.env['ALLOW_PRIVATE_NETWORKS']
    if (settings === undefined) return null
    if (!text) return ok('Users can connect only instances on the public internet')
    const entries = text
      .split(',')
      .map((entry) => entry.trim())
      .filter(Boolean)
    try {
      const { ignored } = parsePrivateNetworks(entries)
      const open = entries.filter((entry) => !ignored.includes(entry))
      return warning(
        [
          ...(open.length > 0 ? [`Every user can connect instances in ${list(open)}`] : []),
          ...(ignored.length > 0 ? [`ALLOW_PRIVATE_NETWORKS has no effect for ${list(ignored)}`] : []),
        ].join('. '),
        'Keep ALLOW_PRIVATE_NETWORKS as short as possible, such as n8n.internal:5678. Loopback, link-local and metadata addresses cannot be opened.',
      )
    } catch (error) {
      return failure(error instanceof Error ? error.message : String(error), 'Correct or remove the entry.')
    }
  },
  'loopback-instances': ({ settings }) => {
    if (!['true', '1', 'yes', 'on', 'y', 'enabled'].includes(settings?.env['ALLOW_LOOPBACK_INSTANCES'] ?? ''))
      return null
    return failure(
      'ALLOW_LOOPBACK_INSTANCES opens services on this machine to every user',
      'Remove it. For an n8n server in the same network, set ALLOW_PRIVATE_NETWORKS.',
    )
  },
}

/** A check of what the database says about itself. */
const ofServer =
  (
    check: (
      server: NonNullable<DatabaseFacts['server']>,
      facts: Facts & { database: DatabaseFacts },
    ) => Finding,
  ): Check =>
  (facts) =>
    facts.database?.server ? check(facts.database.server, { ...facts, database: facts.database }) : null

const oldestVersion = 150_000

const databaseChecks: Record<string, Check> = {
  'database-connection': ({ database }) => {
    if (!database) return null
    return database.error === null
      ? ok('Connected')
      : failure(database.error, 'Correct DATABASE_URL, or start the database. docs/postgres.md has examples.')
  },
  'database-driver': ({ database, target }) => {
    if (!database || target !== 'workers') return null
    return database.isNeon
      ? ok('Neon, which accepts SQL over HTTP')
      : failure(
          "Workers can reach Postgres only through Neon's HTTP protocol",
          'Use a Neon database, or deploy on Node. See docs/deploy-cloudflare.md.',
        )
  },
  'database-version': ofServer(({ versionNumber, version }) =>
    versionNumber >= oldestVersion
      ? ok(`Postgres ${version}`)
      : failure(`Postgres ${version}`, 'Upgrade the server to Postgres 15 or newer.'),
  ),
  'database-role': ofServer(({ role, isSuperuser, bypassesRls }) => {
    if (!isSuperuser && !bypassesRls) return ok(`Role "${role}" has neither SUPERUSER nor BYPASSRLS`)
    const rights = [...(isSuperuser ? ['SUPERUSER'] : []), ...(bypassesRls ? ['BYPASSRLS'] : [])]
    return failure(
      `Role "${role}" has ${rights.join(' and ')}`,
      "Create a role for Flowkeep with `create role flowkeep login password '…' nosuperuser nobypassrls`, make it the owner of the database, and use it in DATABASE_URL. See docs/postgres.md.",
    )
  }),
  'database-privileges': ofServer(({ role, schema, mayCreate }) =>
    schema !== null && mayCreate
      ? ok(`Role "${role}" may create tables in schema "${schema}"`)
      : failure(
          schema === null
            ? `Role "${role}" has no schema in its search_path`
            : `Role "${role}" may not create tables in schema "${schema}"`,
          `Make it the owner: \`alter database <name> owner to ${role}\`.`,
        ),
  ),
  'database-encoding': ofServer(({ encoding }) =>
    encoding === 'UTF8'
      ? ok('UTF8')
      : failure(encoding, "Create the database with `encoding 'UTF8' template template0`."),
  ),
  'database-time-zone': ofServer(({ role, timeZone, dateStyle }) => {
    if (!dateStyle.startsWith('ISO'))
      return failure(
        `DateStyle is "${dateStyle}", which makes times ambiguous`,
        `Run \`alter role ${role} set datestyle = 'ISO'\`.`,
      )
    return /^(etc\/)?(utc|uct|gmt|zulu|universal)$/i.test(timeZone)
      ? ok(timeZone)
      : warning(
          `The time zone is ${timeZone}. Stored times are correct, but your own queries show local time`,
          `Run \`alter role ${role} set timezone = 'UTC'\`.`,
        )
  }),
  'database-extensions': ofServer(({ extensions }) =>
    extensions.includes('plpgsql')
      ? ok('plpgsql is installed; no other extension is needed')
      : failure('plpgsql is not installed', 'Run `create extension plpgsql` as a superuser.'),
  ),
  'database-tls': ({ database }) => {
    if (!database?.tls || database.error !== null) return null
    if (database.isNeon) return ok('Neon, over HTTPS')
    const { level, reach, caFile } = database.tls
    const setUp =
      'Set sslmode=verify-full in DATABASE_URL, and DATABASE_CA_FILE if the authority is not public. See docs/postgres.md.'
    if (level === 'verified')
      return ok(`Certificate and host name are verified${caFile === undefined ? '' : ` with ${caFile}`}`)
    if (level === 'authority')
      return warning(
        `The certificate is verified with ${caFile ?? ''}, but not the host name`,
        "This is safe only if that authority signs no other server's certificate, as on Cloud SQL. Otherwise use sslmode=verify-full.",
      )
    if (reach === 'local') return ok('Not needed: the database is on this machine')
    if (level === 'unverified') return failure('The certificate of the server is not verified', setUp)
    return reach === 'private'
      ? warning('The connection is not encrypted, but stays in a private network', setUp)
      : failure('The connection crosses the internet without encryption', setUp)
  },
  'database-statement-timeout': ofServer(({ role, statementTimeoutMs }) =>
    statementTimeoutMs > 0
      ? ok(`${statementTimeoutMs / 1000} s`)
      : warning(
          'Statements have no time limit',
          `Run \`alter role ${role} set statement_timeout = '8s'\` and \`alter role ${role} set lock_timeout = '2s'\`.`,
        ),
  ),
  'database-schema': ({ database, stage }) => {
    if (!database?.server) return null
    if (database.schemaFault === null) return ok('The schema is current')
    const found = 'The database is not migrated to this release'
    return (stage === 'setup' ? warning : failure)(found, `Run ${migrateCommand}.`)
  },
  'keys-stored': ({ database, stage }) => {
    if (!database?.server) return null
    if (!database.keys) return stage === 'setup' ? ok('The database has no keys yet') : null
    const { wrong, missing } = database.keys
    if (wrong.length > 0)
      return failure(
        `CREDENTIAL_KEYS ${list(wrong)} differs from the key that the database was used with`,
        'Restore the key from your secret store. Add a new key under a new ID instead of replacing one.',
      )
    if (missing.length > 0)
      return failure(
        `CREDENTIAL_KEYS is missing ${list(missing)}, which stored secrets need`,
        'Add the key from your secret store to the ring. Remove it only after `keys rotate`.',
      )
    return ok('The keys decrypt the stored secrets')
  },
  'scheduled-job': ({ database, stage }) => {
    if (!database?.jobs || stage === 'setup') return null
    const { jobs } = database
    if (jobs.length === 0)
      return warning(
        'The scheduled job has not run yet',
        'Start a server, or deploy the worker with its cron trigger.',
      )
    const faults = jobs.filter(({ state }) => state !== 'ok')
    if (faults.length === 0)
      return ok(
        `Last run ${jobs
          .map((job) => job.lastStartedAt)
          .toSorted()
          .at(-1)}`,
      )
    return failure(
      list(faults.map(({ part, state, lastStartedAt }) => `${part} ${state}, last run ${lastStartedAt}`)),
      "Start a server, or check the worker's cron trigger. `npm run flowkeep -- jobs` shows every part, and the log names the error.",
    )
  },
}

const clockChecks: Record<string, Check> = {
  'clock-database': ofServer(({ clock, roundTripMs }, { database }) => {
    const now = database.readAt - roundTripMs / 2
    return skewFinding(clock.getTime() - now, roundTripMs / 2, 'the clock of the database')
  }),
  'clock-http': ({ clock }) => {
    if (!clock) return null
    return clock.skewMs === null
      ? warning(
          `Not compared: ${clock.url} did not return a Date header`,
          'Pass --clock-url with any HTTPS server whose clock you trust.',
        )
      : skewFinding(clock.skewMs, 1000, clock.url)
  },
}

/** A check of a server that responded. */
const ofRemote =
  (check: (remote: RemoteFacts & { live: Reply }) => Finding | null): Check =>
  ({ remote }) =>
    remote?.live ? check({ ...remote, live: remote.live }) : null

/** Header → what its value must contain. */
const requiredHeaders: Readonly<Record<string, RegExp>> = {
  'strict-transport-security': /max-age=\d{8,}/,
  'x-content-type-options': /^nosniff$/,
  'x-frame-options': /^DENY$/,
  'content-security-policy': /frame-ancestors 'none'/,
  'referrer-policy': /no-referrer/,
  'cache-control': /no-store/,
}

const readyFixes: Readonly<Record<string, string>> = {
  'database-unavailable': `Check that the database is running and that DATABASE_URL is correct, or run ${migrateCommand}.`,
  'key-unavailable': 'Give the server the keys that the database was used with. Its log names the key.',
  'not-configured': 'The log of the server names each invalid setting.',
}

const remoteChecks: Record<string, Check> = {
  'server-tls': ({ remote }) => {
    if (!remote) return null
    const { url, error, certificateDays } = remote
    if (error !== null)
      return failure(
        `${url.origin} cannot be reached: ${error}`,
        'Check the URL, that the server is running, and that its certificate is valid for the host.',
      )
    if (url.protocol !== 'https:')
      return isLoopback(url.hostname)
        ? warning('Not encrypted; loopback', 'Check the public https URL too.')
        : failure('Not encrypted', 'Put a proxy with a certificate in front of the server and use https.')
    if (certificateDays === null) return ok('The certificate is trusted')
    const days = Math.floor(certificateDays)
    return days >= 14
      ? ok(`The certificate is trusted for ${days} more days`)
      : warning(`The certificate expires in ${days} days`, 'Renew it, and check its automatic renewal.')
  },
  'server-live': ofRemote(({ live }) => {
    const runtime = member(live, 'runtime')
    if (live.status === 200 && runtime !== null) return ok(`Runs on ${runtime === 'node' ? 'Node' : runtime}`)
    const place = live.headers.get('location')
    return failure(
      `/health/live returned ${live.status}${place === null ? '' : `, a redirect to ${printableUrl(place)}`}`,
      'Use the URL of Flowkeep itself, without a path.',
    )
  }),
  'server-ready': ofRemote(({ ready }) => {
    if (ready?.status === 200) return ok('Database, schema and keys are usable')
    const code = ready && member(ready, 'code')
    return failure(
      ready
        ? `/health/ready returned ${ready.status}: ${code ?? 'no code'}, ${member(ready, 'detail') ?? 'no reason'}`
        : '/health/ready did not respond',
      readyFixes[code ?? ''] ?? 'Run `npm run flowkeep -- doctor` on the server for the cause.',
    )
  }),
  'server-headers': ofRemote(({ live }) => {
    const missing = Object.entries(requiredHeaders)
      .filter(([name, value]) => !value.test(live.headers.get(name) ?? ''))
      .map(([name]) => name)
    return missing.length === 0
      ? ok('All security headers are set')
      : failure(
          `Missing or changed: ${list(missing)}`,
          "A proxy changes the headers. Configure it to pass Flowkeep's headers through unchanged.",
        )
  }),
  'server-request-id': ofRemote(({ live, ready }) => {
    const [first, second] = [live, ready].map((reply) => reply?.headers.get('x-request-id') ?? null)
    if (!first) return failure('No X-Request-Id header', 'Configure the proxy to pass the header through.')
    return first === second
      ? failure('Two responses have the same X-Request-Id', 'Turn off caching in the proxy.')
      : ok('Every response has its own')
  }),
  'server-clock': ofRemote(({ skewMs, url }) =>
    skewMs === null
      ? warning(
          'The response has no current Date header',
          'Configure the proxy to pass the header through, without caching.',
        )
      : skewFinding(skewMs, 1000, url.host),
  ),
  'server-version': ofRemote(({ assetPaths }) => {
    if (assetPaths.length === 0) return null
    const own = new Set<string>(Object.values(assets).map(({ path }) => path))
    const release = packageVersion()
    return assetPaths.every((path) => own.has(path))
      ? ok(`The pages belong to this release, ${release}`)
      : warning(
          `The pages do not belong to this release, ${release}`,
          'Deploy this release, or run this command from the deployed release.',
        )
  }),
  'server-public-url': ofRemote(({ publicUrl, url }) => {
    if (publicUrl === null) return null
    const own = url.href.replace(/\/+$/, '')
    return publicUrl === own
      ? ok(publicUrl)
      : warning(
          `PUBLIC_URL is ${publicUrl}, not ${own}`,
          'n8n reports to PUBLIC_URL. Set it to the public URL.',
        )
  }),
  'server-assets': ofRemote(({ asset, assetPath }) => {
    if (assetPath === null)
      return failure(
        '/sign-in does not reference any assets',
        'Check that the proxy passes /sign-in through unchanged.',
      )
    return asset?.status === 200 && /immutable/.test(asset.headers.get('cache-control') ?? '')
      ? ok(`${assetPath} is served and cached`)
      : failure(
          `${assetPath} returned ${asset?.status ?? 'nothing'}`,
          'Deploy public/ with the server: assets and code belong to the same release.',
        )
  }),
  'server-cors': ofRemote(({ crossOrigin }) => {
    const allowed = crossOrigin?.headers.get('access-control-allow-origin') ?? null
    return allowed === null
      ? ok('Other origins are not allowed')
      : failure(
          `Another origin is allowed: ${printableUrl(allowed)}`,
          'Remove the header in the proxy. CORS_ORIGINS lists allowed origins.',
        )
  }),
  'server-body-limit': ofRemote(({ largeBody }) => {
    if (largeBody === null)
      return warning(
        'The connection was closed while a 128 KB body was sent',
        'Configure the proxy to pass the 413 response through.',
      )
    return largeBody.status === 413
      ? ok('A sign-in with a 128 KB body is rejected with 413')
      : failure(
          `A sign-in with a 128 KB body returned ${largeBody.status}`,
          'Configure the proxy to pass bodies through unchanged.',
        )
  }),
  'server-job': ofRemote(({ metrics }) => {
    if (metrics === null)
      return warning(
        'Not checked: reading the last run of the scheduled job requires a token',
        'Set METRICS_TOKEN on the server, and pass it as METRICS_TOKEN or --token.',
      )
    if (metrics.status !== 200)
      return failure(`/metrics returned ${metrics.status}`, 'Pass the METRICS_TOKEN of the server.')
    const times = [
      ...metrics.text.matchAll(/^flowkeep_job_last_success_timestamp_seconds(?:\{[^}]*\})? ([\d.e+]+)/gm),
    ].map(([, seconds]) => Number(seconds) * 1000)
    const last = Math.max(0, ...times)
    const minutes = Math.floor((metrics.receivedAt - last) / minuteMs)
    if (last > 0 && minutes <= 10) return ok(`Last run ${new Date(last).toISOString()}`)
    return (last === 0 ? warning : failure)(
      last === 0 ? 'The scheduled job has not run yet' : `The scheduled job last ran ${minutes} minutes ago`,
      'On Workers, check the cron trigger of this environment. On Node, check the log for housekeeping-failed.',
    )
  }),
}

function member({ text }: Reply, name: string): string | null {
  try {
    const value = (JSON.parse(text) as Record<string, unknown>)[name]
    return typeof value === 'string' ? value : null
  } catch {
    return null
  }
}

const printableUrl = (text: string): string => text.slice(0, 200)

/** In the order of the report. */
export const checks: readonly { id: string; run: Check }[] = Object.entries({
  ...settingChecks,
  ...databaseChecks,
  ...clockChecks,
  ...remoteChecks,
}).map(([id, run]) => ({ id, run }))

/** Runs every check for which there are facts. */
export const runChecks = (facts: Facts): CheckResult[] =>
  checks.flatMap(({ id, run }) => {
    const finding = run(facts)
    return finding ? [{ id, ...finding }] : []
  })

export const passed = (results: readonly CheckResult[]): boolean =>
  results.every(({ outcome }) => outcome !== 'failure')
