/** @module The commands of `npm run flowkeep -- <command>`, loaded on demand. */
import type { Command } from './command.ts'
import { settingNames, type VariableName } from './variables.ts'

const json = { json: { type: 'boolean', summary: 'Print the result as JSON' } } as const
const clockUrl = {
  'clock-url': {
    type: 'string',
    value: '<url>',
    summary: 'Compare the clock with this HTTP server; default PUBLIC_URL',
  },
} as const
const keys = [
  'CREDENTIAL_KEYS',
  'ACCESS_TOKEN_KEYS',
  'REFRESH_TOKEN_KEYS',
  'PASSWORD_PEPPERS',
  'FINGERPRINT_KEY',
] as VariableName[]
const signIn = [
  'FLOWKEEP_URL',
  'PORT',
  'FLOWKEEP_TOKEN',
  'FLOWKEEP_EMAIL',
  'FLOWKEEP_PASSWORD',
] as const satisfies VariableName[]

const bucket = [
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_REGION',
  'S3_ENDPOINT',
] as const satisfies VariableName[]

const kms = [
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_REGION',
  'AWS_ENDPOINT_URL_KMS',
  'GCP_SERVICE_ACCOUNT',
  'GCP_KMS_URL',
  'VAULT_TOKEN',
  'VAULT_ROLE_ID',
  'VAULT_SECRET_ID',
  'VAULT_NAMESPACE',
] as const satisfies VariableName[]

const rotation = (name: string, summary: string): Command => ({
  name,
  summary,
  details:
    'Can run while servers are running, in several processes at the same time, and again after a crash.',
  options: json,
  environment: ['DATABASE_URL', ...keys, ...kms, 'FLOWKEEP_STATE'],
  partial: 'Some secrets could not be decrypted and were left unchanged',
  run: async (input) => (await import('./keys/rotate.ts')).rotateKeysCommand(input),
})

export const commands: readonly Command[] = [
  {
    name: 'dev',
    summary: 'Start a development server, with its own database and keys',
    details:
      'Uses the embedded database, or the one in DATABASE_URL, and migrates it. Keys and data are in .flowkeep.',
    options: { node: { type: 'boolean', summary: 'Run in Node instead of workerd' } },
    environment: ['PORT', 'DATABASE_URL', 'PUBLIC_URL', 'FLOWKEEP_STATE', 'LOG_LEVEL'],
    run: async ({ flags }) => (await import('./server/dev.ts')).dev({ onNode: flags.has('node') }),
  },
  {
    name: 'serve',
    summary: 'Start a production server on Node',
    details:
      'Configured only through environment variables. On SIGTERM or SIGINT, it finishes requests in progress, then stops.',
    environment: [...settingNames, 'PORT', 'HOST'],
    run: async () => (await import('./server/serve.ts')).serve(),
  },
  {
    name: 'import',
    summary: 'Import n8n workflow files, or an exported folder',
    details: [
      'Searches folders for .json files. A second run creates nothing, because workflows are matched by content.',
      'Restores all versions, instances, deployments and runs from an export; see docs/export.md.',
    ].join('\n'),
    positionals: { usage: '<file or folder>…', min: 1, max: Number.POSITIVE_INFINITY },
    options: {
      ...json,
      'renew-webhook-tokens': {
        type: 'boolean',
        summary:
          'Create new webhook tokens to import runs of existing instances (old tokens work for 24 hours)',
      },
    },
    environment: signIn,
    partial: 'Some items were imported; others were rejected or skipped',
    run: async (input) => (await import('./transfer/import.ts')).importCommand(input),
  },
  {
    name: 'check',
    summary: 'Check n8n workflow files for mistakes, including those that n8n accepts',
    details: [
      'Searches folders for .json files. Needs no server, account or network.',
      'Fails if a file has an error. docs/checks.md describes each code.',
    ].join('\n'),
    positionals: { usage: '<file or folder>…', min: 1, max: Number.POSITIVE_INFINITY },
    options: {
      fix: { type: 'boolean', summary: 'Apply every fix and save the files' },
      'n8n-version': {
        type: 'string',
        value: '<version>',
        summary: 'Check for this n8n version. Default: the latest known',
      },
      'fail-on': {
        type: 'string',
        value: '<level>',
        summary: 'Fail at this level or above: error (default), warning, hint or never',
      },
      ...json,
      sarif: { type: 'boolean', summary: 'Print the findings as SARIF 2.1.0' },
    },
    run: async (input) => (await import('./check/command.ts')).checkCommand(input),
  },
  {
    name: 'export',
    summary: 'Export workflows with all versions, deployments and runs to a new folder',
    details:
      'The import command restores it. Credentials are listed by name and type, without their values; see docs/export.md.',
    positionals: { usage: '<folder>', min: 1, max: 1 },
    options: json,
    environment: signIn,
    run: async (input) => (await import('./transfer/export.ts')).exportCommand(input),
  },
  {
    name: 'migrate',
    summary: 'Migrate the database to the schema of this release',
    details: [
      'Rejects a migration that removes something, or blocks writes, without a comment that says why.',
      'Around a deploy: `migrate --expand`, deploy, `migrate`; see docs/deploy-from-ci.md.',
    ].join('\n'),
    options: {
      plan: { type: 'boolean', summary: 'Print the SQL of the pending migrations and change nothing' },
      expand: {
        type: 'boolean',
        summary: 'Stop before migrations that remove what the running release uses',
      },
      ...json,
    },
    environment: ['DATABASE_URL', 'FLOWKEEP_STATE'],
    run: async (input) => (await import('./migrate/command.ts')).migrateCommand(input),
  },
  {
    name: 'jobs',
    summary: 'Show the last run of each part of the scheduled job, such as retention and purges',
    details: 'Exits with 1 if the last run of a part failed, or if no run started in the last 10 minutes.',
    options: json,
    environment: ['DATABASE_URL', 'FLOWKEEP_STATE'],
    run: async (input) => (await import('./operate/jobs.ts')).jobsCommand(input),
  },
  {
    name: 'backup',
    summary: 'Back up the database to a new folder in a folder or bucket',
    details: [
      'The target is a folder or s3://<bucket>/<prefix>. The backup contains no keys; store them separately.',
      'Without --method, pg_dump is used if it is installed and not older than the server. See docs/backup.md.',
    ].join('\n'),
    positionals: { usage: '<target>', min: 1, max: 1 },
    options: {
      method: { type: 'string', value: '<dump or driver>', summary: 'Use pg_dump, or the driver alone' },
      keep: { type: 'string', value: '<n>', summary: 'Afterwards, remove all but the newest n backups' },
      'keep-days': {
        type: 'string',
        value: '<n>',
        summary: 'Afterwards, remove backups older than n days; with --keep, never the newest n',
      },
      ...json,
    },
    environment: ['DATABASE_URL', 'FLOWKEEP_STATE', ...bucket],
    run: async (input) => (await import('./backup/operations.ts')).backupCommand(input),
  },
  {
    name: 'backup list',
    summary: 'List the backups in a folder or bucket',
    positionals: { usage: '<target>', min: 1, max: 1 },
    options: json,
    environment: bucket,
    run: async (input) => (await import('./backup/operations.ts')).listBackupsCommand(input),
  },
  {
    name: 'backup verify',
    summary: 'Check every file and table of a backup, or of the newest one in a folder or bucket',
    positionals: { usage: '<target>', min: 1, max: 1 },
    options: json,
    environment: bucket,
    run: async (input) => (await import('./backup/operations.ts')).verifyBackupCommand(input),
  },
  {
    name: 'restore',
    summary: 'Restore a backup, or the newest one in a folder or bucket, into an empty database',
    details: [
      'Restores everything or nothing. The keys that were in use when the backup was made must be configured.',
      'Prints each table with its row counts in the backup and in the database.',
    ].join('\n'),
    positionals: { usage: '<target>', min: 1, max: 1 },
    options: json,
    environment: ['DATABASE_URL', ...keys, 'FLOWKEEP_STATE', ...bucket],
    run: async (input) => (await import('./backup/operations.ts')).restoreCommand(input),
  },
  {
    name: 'health',
    summary: 'Check that the server is running, for container health checks',
    environment: ['FLOWKEEP_URL', 'PORT'],
    run: async () => (await import('./operate/health.ts')).healthCommand(),
  },
  {
    name: 'setup',
    summary: 'Generate missing keys, check the installation, and store its settings',
    details: [
      'Checks settings, database, keys and clock, and says how to fix each problem. Existing values are never changed.',
      'Stores new values in .env. With --cloudflare, in .env.<environment> and as Worker secrets.',
    ].join('\n'),
    options: {
      cloudflare: { type: 'boolean', summary: 'Also store the settings as Worker secrets' },
      env: { type: 'string', value: '<name>', summary: 'Environment of wrangler.toml; default production' },
      file: { type: 'string', value: '<path>', summary: 'Settings file; default .env or .env.<environment>' },
      ...clockUrl,
      yes: { type: 'boolean', summary: 'Store without prompting' },
      ...json,
    },
    environment: settingNames,
    run: async (input) => (await import('./doctor/setup.ts')).setupCommand(input),
  },
  {
    name: 'doctor',
    summary: 'Check an installation from its settings, or a running server over HTTP',
    details:
      'Changes nothing. Exits with 1 if a check failed; warnings do not count. See docs/production.md.',
    options: {
      url: { type: 'string', value: '<url>', summary: 'Check the server at this URL from outside' },
      token: { type: 'string', value: '<token>', summary: 'Its METRICS_TOKEN, to check the scheduled job' },
      ...clockUrl,
      ...json,
    },
    environment: settingNames,
    run: async (input) => (await import('./doctor/doctor.ts')).doctorCommand(input),
  },
  {
    name: 'generate-keys',
    summary: 'Print a new set of keys in env file format',
    options: json,
    run: async (input) => (await import('./keys/generate.ts')).generateKeysCommand(input),
  },
  {
    name: 'keys status',
    summary: 'Show the keys of every ring, what wraps them, and the rows that need them',
    details: 'Fails when rows need a key that a ring does not contain.',
    options: json,
    environment: ['DATABASE_URL', ...keys, ...kms, 'FLOWKEEP_STATE'],
    run: async (input) => (await import('./keys/status.ts')).keysStatusCommand(input),
  },
  {
    name: 'keys wrap',
    summary: 'Print the keys of the environment, wrapped by a KMS',
    details: 'Wraps all keys, or those of one ring. Prints no plain key. See docs/keys.md.',
    options: {
      kms: { type: 'string', value: '<service>', summary: 'aws, gcp or vault' },
      'key-id': {
        type: 'string',
        value: '<key>',
        summary: 'ARN, ID or alias (aws), resource name (gcp), or name of the transit key (vault)',
      },
      url: { type: 'string', value: '<url>', summary: 'Vault only: its URL, instead of VAULT_ADDR' },
      mount: {
        type: 'string',
        value: '<path>',
        summary: 'Vault only: path of the transit engine; default transit',
      },
      ring: {
        type: 'string',
        value: '<variable>',
        summary: 'Wrap only this variable, such as CREDENTIAL_KEYS',
      },
      ...json,
    },
    environment: [...keys, ...kms, 'VAULT_ADDR', 'FLOWKEEP_STATE'],
    run: async (input) => (await import('./keys/wrap.ts')).keysWrapCommand(input),
  },
  rotation('keys rotate', 'Rewrap every stored secret with the active key of CREDENTIAL_KEYS'),
  {
    name: 'keys drop',
    summary: 'Print a ring without a key that nothing stored needs',
    details: 'Refuses the active key, and keys that rows need. Prints the remaining keys of the ring.',
    positionals: { usage: '<ring> <key ID>', min: 2, max: 2 },
    options: json,
    environment: ['DATABASE_URL', ...keys, ...kms, 'FLOWKEEP_STATE'],
    run: async (input) => (await import('./keys/drop.ts')).keysDropCommand(input),
  },
  rotation('rotate-keys', 'Alias of `keys rotate`'),
  {
    name: 'users move',
    summary: 'Move an account with all its data to another database',
    details: [
      'The account is read-only while it is copied and compared. Then its rows are deleted from the source.',
      'After a crash, --resume continues. See docs/move-accounts.md.',
    ].join('\n'),
    positionals: { usage: '<email>', min: 1, max: 1 },
    options: {
      url: { type: 'string', value: '<url>', summary: 'URL of the server that uses the target database' },
      resume: { type: 'boolean', summary: 'Continue an interrupted move' },
      abort: {
        type: 'boolean',
        summary: 'Cancel the move, unless the source already forwards requests, and delete the copy',
      },
      ...json,
    },
    environment: ['DATABASE_URL', 'TARGET_DATABASE_URL', ...keys, 'FLOWKEEP_STATE'],
    run: async (input) => (await import('./move/command.ts')).moveUserCommand(input),
  },
  {
    name: 'audit verify',
    summary: 'Verify that no audit event was changed, removed, inserted or reordered',
    details: 'Names the first broken event of each account. Fails if a trail is broken. See docs/audit.md.',
    options: {
      user: { type: 'string', value: '<email>', summary: 'Only the trail of this account' },
      ...json,
    },
    environment: ['DATABASE_URL', ...keys, 'FLOWKEEP_STATE'],
    run: async (input) => (await import('./operate/audit-verify.ts')).auditVerifyCommand(input),
  },
  {
    name: 'users reset-password',
    summary: 'Set a new password for a user and end all sessions',
    positionals: { usage: '<email>', min: 1, max: 1 },
    options: {
      ask: { type: 'boolean', summary: 'Prompt for the password instead of generating one' },
      link: {
        type: 'boolean',
        summary: 'Print a link to set a password, valid for 30 minutes, and change nothing',
      },
      ...json,
    },
    environment: ['DATABASE_URL', ...keys, 'FLOWKEEP_STATE'],
    run: async (input) => (await import('./operate/reset-password.ts')).resetPasswordCommand(input),
  },
  {
    name: 'users reset-factors',
    summary: 'Remove the second factors of a user and end all sessions',
    positionals: { usage: '<email>', min: 1, max: 1 },
    options: json,
    environment: ['DATABASE_URL', ...keys, 'FLOWKEEP_STATE'],
    run: async (input) => (await import('./operate/reset-factors.ts')).resetFactorsCommand(input),
  },
]
