/** `flowkeep setup` and `flowkeep doctor`: what they find, and what they store where. */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAdaptorServer } from '@hono/node-server'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type CheckResult, runChecks } from '../../src/cli/doctor/checks.ts'
import { checkInstallation } from '../../src/cli/doctor/doctor.ts'
import { remoteFacts } from '../../src/cli/doctor/facts.ts'
import { setup, type SetupOptions } from '../../src/cli/doctor/setup.ts'
import { parseRing } from '../../src/config.ts'
import { verifyKeys } from '../../src/db/key-check.ts'
import { createTestApp, testEnvironment } from '../harness/app.ts'
import { createTestDatabase } from '../harness/database.ts'

let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flowkeep-setup-'))
  file = join(folder, 'settings.env')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const outcomes = (checks: readonly CheckResult[]) =>
  Object.fromEntries(checks.map(({ id, outcome }) => [id, outcome]))
const neon = { DATABASE_URL: 'postgresql://u:p@ep-x.neon.tech/d', PUBLIC_URL: 'https://f.example.com' }
const options = (more: Partial<SetupOptions> = {}): SetupOptions => ({
  file,
  environment: null,
  confirm: async () => true,
  report: () => undefined,
  check: async () => [],
  ...more,
})

describe('setup', () => {
  test('writes missing keys to a file for its owner only, and changes nothing the second time', async () => {
    const first = await setup(neon, options())
    expect(first.generated).toHaveLength(5)
    const text = await readFile(file, 'utf8')
    expect((await stat(file)).mode & 0o777).toBe(process.platform === 'win32' ? 0o666 : 0o600)
    const second = await setup({}, options())
    expect([second.generated, second.file]).toEqual([[], null])
    expect(await readFile(file, 'utf8')).toBe(text)
  })

  test('keeps the lines of an existing file, including an invalid key', async () => {
    await writeFile(file, '# mine\nFINGERPRINT_KEY=short', { mode: 0o600 })
    const result = await setup(neon, options({ check: checkOffline }))
    expect(await readFile(file, 'utf8')).toMatch(/^# mine\nFINGERPRINT_KEY=short\nDATABASE_URL=/)
    expect(outcomes(result.checks)['keys-present']).toBe('failure')
    expect(result.ok).toBe(false)
  })

  test('stores nothing without confirmation, or if the keys do not fit the database', async () => {
    expect((await setup(neon, options({ confirm: async () => false }))).ok).toBe(false)
    const wrong = { id: 'keys-stored', outcome: 'failure', found: '', fix: '' } as const
    await setup(neon, options({ check: async () => [wrong] }))
    await expect(stat(file)).rejects.toThrow('ENOENT')
  })

  test('sends secrets to wrangler through stdin only', async () => {
    const calls: { args: string[]; input: string | undefined }[] = []
    const wrangler: SetupOptions['wrangler'] = async (args, input) => {
      calls.push({ args, input })
      return { code: 0, stdout: '[]', stderr: '' }
    }
    const { cloudflare } = await setup(neon, options({ environment: 'production', wrangler }))
    expect(calls.map(({ args }) => args)).toEqual([
      ['secret', 'list', '--env', 'production', '--format', 'json'],
      ['secret', 'bulk', '--env', 'production'],
    ])
    const sent = JSON.parse(calls[1]?.input ?? '{}')
    expect(Object.keys(sent)).toEqual(cloudflare?.secrets)
    expect(sent).toMatchObject({ ...neon, CREDENTIAL_KEYS: expect.stringContaining('"k1"') })
    expect(await readFile(file, 'utf8')).toContain(sent.CREDENTIAL_KEYS)
  })

  test('does not replace a key that the worker has', async () => {
    const wrangler: SetupOptions['wrangler'] = async () => ({
      code: 0,
      stdout: '[{"name":"CREDENTIAL_KEYS"}]',
      stderr: '',
    })
    await expect(setup(neon, options({ environment: 'staging', wrangler }))).rejects.toThrow(
      'The worker already has CREDENTIAL_KEYS',
    )
  })

  test("does not repeat a secret from wrangler's error", async () => {
    const wrangler: SetupOptions['wrangler'] = async (args, input = '{}') => ({
      code: args[1] === 'list' ? 0 : 1,
      stdout: '[]',
      stderr: `rejected ${JSON.parse(input).FINGERPRINT_KEY}`,
    })
    const failing = setup(neon, options({ environment: 'staging', wrangler }))
    await expect(failing).rejects.toThrow('rejected [redacted]')
  })
})

const checkOffline: typeof checkInstallation = (env, given) =>
  checkInstallation({ ...env, DATABASE_URL: undefined, PUBLIC_URL: undefined }, given)

describe('the checks of an installation', () => {
  test('find a superuser, a wrong key, shared keys and open networks', async () => {
    const database = await createTestDatabase()
    try {
      const env = testEnvironment({ DATABASE_URL: database.postgresUrl })
      const check = async (more: Record<string, string> = {}) =>
        outcomes(
          await checkInstallation(
            { ...env, ...more },
            { stage: 'running', file, clockUrl: 'http://127.0.0.1:1' },
          ),
        )
      expect(await check()).toMatchObject({
        configuration: 'ok',
        'keys-present': 'ok',
        'database-version': 'ok',
        'database-role': 'failure',
        'database-schema': 'ok',
        'keys-stored': 'ok',
        'clock-http': 'warning',
      })
      const other = parseRing('CREDENTIAL_KEYS', testEnvironment())
      if (!other) throw new Error('The test environment has no keys')
      await verifyKeys(database.db, other)
      expect(
        await check({
          REFRESH_TOKEN_KEYS: env['ACCESS_TOKEN_KEYS'] ?? '',
          ALLOW_PRIVATE_NETWORKS: '10.0.0.0/8',
          ALLOW_LOOPBACK_INSTANCES: 'true',
        }),
      ).toMatchObject({
        'keys-stored': 'failure',
        configuration: 'failure',
        'keys-present': 'failure',
        'private-networks': 'warning',
        'loopback-instances': 'failure',
      })
    } finally {
      await database.close()
    }
  })
})

describe('the checks of a server from outside', () => {
  const listen = async (server: ReturnType<typeof createAdaptorServer> | ReturnType<typeof createServer>) => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  }

  test('pass for Flowkeep, whose certificate and job they cannot see here', async () => {
    const app = await createTestApp()
    const server = createAdaptorServer({ fetch: app.app.fetch })
    try {
      const checks = runChecks({
        stage: 'running',
        remote: await remoteFacts(await listen(server), undefined),
      })
      expect(checks.filter(({ outcome }) => outcome === 'failure')).toEqual([])
      expect(outcomes(checks)).toMatchObject({
        'server-ready': 'ok',
        'server-version': 'ok',
        'server-assets': 'ok',
        'server-cors': 'ok',
        'server-body-limit': 'ok',
        'server-job': 'warning',
      })
    } finally {
      server.close()
      await app.close()
    }
  })

  test('fail for a proxy that changes everything', async () => {
    const server = createServer((request, response) => {
      request.resume()
      response.writeHead(200, { 'Access-Control-Allow-Origin': '*' }).end('<html></html>')
    })
    try {
      const remote = await remoteFacts(await listen(server), undefined)
      expect(outcomes(runChecks({ stage: 'running', remote }))).toMatchObject({
        'server-live': 'failure',
        'server-headers': 'failure',
        'server-request-id': 'failure',
        'server-assets': 'failure',
        'server-cors': 'failure',
        'server-body-limit': 'failure',
      })
    } finally {
      server.close()
    }
  })
})
