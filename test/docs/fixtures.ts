/** @module What the commands of a page need: a database, a server with an account, an n8n, a bucket, a KMS. */
import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { inject } from 'vitest'
import { startNode } from '../../src/node.ts'
import { startS3Stub } from '../cli/backup/s3-stub.ts'
import { testEnvironment } from '../harness/app.ts'
import { createTestDatabase, type PostgresTestDatabase } from '../harness/database.ts'
import { fakeKms } from '../harness/kms/services.ts'
import { createN8nStub } from '../harness/n8n-stub.ts'
import { freePort, runCommands, type Workplace } from './page-run.ts'

export interface Fixture {
  /** Variables of the shell. */
  env: Record<string, string>
  /** An example in the page → what it stands for. */
  examples: Record<string, string>
}
type Closing = (() => Promise<unknown>)[]
type Setup = (place: Workplace, closing: Closing) => Promise<Fixture>

const email = 'ada@example.com'
const password = 'a long enough password'
const urlOf = ({ port }: Workplace) => `http://127.0.0.1:${port}`

/** Owned by a role without further rights, as docs/postgres.md requires. */
async function emptyDatabase(closing: Closing): Promise<string> {
  const name = `flowkeep_docs_${randomBytes(6).toString('hex')}`
  const admin = new Client({ connectionString: inject('postgresUrl') })
  await admin.connect()
  closing.unshift(async () => {
    await admin.query(`drop database if exists ${name} with (force)`)
    await admin.query(`drop role if exists ${name}`)
    await admin.end()
  })
  await admin.query(`create role ${name} login password '${name}' nosuperuser nobypassrls`)
  await admin.query(`alter role ${name} set timezone = 'UTC'`)
  await admin.query(`create database ${name} owner ${name} encoding 'UTF8' template template0`)
  const url = new URL(inject('postgresUrl'))
  url.username = name
  url.password = name
  url.pathname = `/${name}`
  return url.href
}

const settings = (place: Workplace, databaseUrl: string): Record<string, string> =>
  testEnvironment({
    DATABASE_URL: databaseUrl,
    PUBLIC_URL: urlOf(place),
    LOG_LEVEL: 'error',
  })

/** @returns the URL of an n8n and its API key */
async function startN8n(closing: Closing): Promise<{ baseUrl: string; apiKey: string }> {
  const stub = await createN8nStub()
  const { baseUrl, close } = await stub.listen()
  closing.unshift(close)
  return { baseUrl, apiKey: stub.apiKey }
}

/** In this process. */
async function startServer(
  env: Record<string, string>,
  port: number,
  { url, gateway }: PostgresTestDatabase,
  closing: Closing,
): Promise<string> {
  const { close } = await startNode({
    env: { ...env, DATABASE_URL: url },
    port,
    host: '127.0.0.1',
    fetch: gateway.fetch,
  })
  closing.unshift(() => close())
  return `http://127.0.0.1:${port}`
}

const examplesOf = (place: Workplace) => ({ 'https://flowkeep.example.com': urlOf(place) })

/** A clone, and a new database that the page names. */
const clone: Setup = async (place, closing) => ({
  env: {},
  examples: {
    ...examplesOf(place),
    'postgresql://user:password@host/flowkeep': await emptyDatabase(closing),
  },
})

const unmigrated: Setup = async (place, closing) => ({
  env: settings(place, await emptyDatabase(closing)),
  examples: examplesOf(place),
})

const migrated: Setup = async (place, closing) => {
  const fixture = await unmigrated(place, closing)
  await runCommands(place, ['npm run flowkeep -- migrate'], fixture.env)
  return fixture
}

/** A running server with an account and an n8n instance. Another n8n can be connected. */
const server: Setup = async (place, closing) => {
  const database = await createTestDatabase()
  closing.unshift(database.close)
  const env = { ...settings(place, database.postgresUrl), ALLOW_LOOPBACK_INSTANCES: 'true' }
  const url = await startServer(env, place.port, database, closing)
  const connected = await startN8n(closing)
  const other = await startN8n(closing)
  const post = async (path: string, body: unknown, token = '') => {
    const response = await fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
      body: JSON.stringify(body),
    })
    if (!response.ok) throw new Error(`${path}: ${await response.text()}`)
    return (await response.json()) as Record<string, string>
  }
  const { accessToken = '' } = await post('/v1/auth/register', { email, password })
  const {
    id = '',
    webhookUrl = '',
    webhookToken = '',
  } = await post('/v1/instances', { name: 'Test', ...connected }, accessToken)
  const { workflowId, executionId } = await reportFailure({
    post,
    token: accessToken,
    instanceId: id,
    webhookToken,
  })
  return {
    env: {
      ...env,
      FLOWKEEP_EMAIL: email,
      FLOWKEEP_PASSWORD: password,
      TOKEN: accessToken,
      SESSION_TOKEN: accessToken,
      WORKFLOW_ID: workflowId,
      INSTANCE_ID: id,
      EXECUTION_ID: executionId,
      WEBHOOK_URL: webhookUrl,
      WEBHOOK_TOKEN: webhookToken,
      N8N_API_KEY: other.apiKey,
    },
    examples: { ...examplesOf(place), 'https://n8n.example.com': other.baseUrl },
  }
}

interface Reporting {
  post: (path: string, body: unknown, token?: string) => Promise<Record<string, string>>
  token: string
  instanceId: string
  webhookToken: string
}

/** Tracks a workflow on the instance and reports a run that failed. Returns the IDs of both. */
async function reportFailure({ post, token, instanceId, webhookToken }: Reporting) {
  const nodes = [
    {
      id: '1',
      name: 'Start',
      type: 'n8n-nodes-base.manualTrigger',
      typeVersion: 1,
      position: [0, 0],
      parameters: {},
    },
  ]
  const workflow = { name: 'Failing', nodes, connections: {} }
  const { id: workflowId = '' } = await post('/v1/workflows', { workflow }, token)
  await post('/v1/deployments', { workflowId, instanceId, n8nWorkflowId: 'failing' }, token)
  const startedAt = new Date().toISOString()
  const error = { message: 'No response', node: 'Start' }
  const report = { executionId: '1', workflowId: 'failing', status: 'error', startedAt, error }
  const { id = '' } = await post(`/hooks/n8n/${instanceId}`, report, webhookToken)
  return { workflowId, executionId: id }
}

const withBucket: Setup = async (place, closing) => {
  const { env, examples } = await server(place, closing)
  const bucket = await startS3Stub()
  closing.unshift(bucket.close)
  return {
    env: { ...env, ...bucket.environment },
    examples: {
      ...examples,
      'postgresql://user:password@host/empty': await emptyDatabase(closing),
    },
  }
}

/** The new key is active, as after step 2 of a rotation. */
const withTwoKeys: Setup = async (place, closing) => {
  const { env, examples } = await server(place, closing)
  const { keys } = JSON.parse(env['CREDENTIAL_KEYS'] ?? '') as { keys: Record<string, string> }
  const ring = { active: 'k2', keys: { ...keys, k2: randomBytes(32).toString('base64') } }
  const [aws, gcp, vault] = await Promise.all([fakeKms('aws'), fakeKms('gcp'), fakeKms('vault')])
  closing.unshift(...[aws, gcp, vault].map(({ close }) => close))
  return {
    env: {
      ...env,
      ...(aws.settings as Record<string, string>),
      ...(gcp.settings as Record<string, string>),
      ...(vault.settings as Record<string, string>),
      VAULT_ADDR: vault.url,
      CREDENTIAL_KEYS: JSON.stringify(ring),
    },
    examples: {
      ...examples,
      'arn:aws:kms:eu-central-1:111122223333:key/flowkeep': aws.keyId,
      'projects/example/locations/europe-west3/keyRings/flowkeep/cryptoKeys/rings': gcp.keyId,
    },
  }
}

const withTarget: Setup = async (place, closing) => {
  const { env, examples } = await server(place, closing)
  const target = await createTestDatabase()
  closing.unshift(target.close)
  // The target must have seen its keys.
  const url = await startServer(env, await freePort(), target, closing)
  await fetch(`${url}/health/ready`)
  return {
    env,
    examples: {
      ...examples,
      'postgresql://user:password@host/source': env['DATABASE_URL'] ?? '',
      'postgresql://user:password@host/target': target.postgresUrl,
    },
  }
}

/** Page → its fixture; the others need a clone only. */
const fixtures: Record<string, Setup> = {
  'docs/alerts.md': server,
  'docs/backup.md': withBucket,
  'docs/connect-n8n.md': server,
  'docs/costs.md': server,
  'docs/deploy-from-ci.md': unmigrated,
  'docs/environments.md': server,
  'docs/export.md': server,
  'docs/keys.md': withTwoKeys,
  'docs/monitoring.md': server,
  'docs/move-accounts.md': withTarget,
  'docs/runs.md': server,
  'docs/tokens.md': server,
  'docs/upgrade.md': migrated,
}

export const fixtureOf = (page: string): Setup => fixtures[page] ?? clone
