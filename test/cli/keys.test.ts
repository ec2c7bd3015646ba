/** `keys status`, `keys wrap` and `keys drop`, as the program runs them. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { v7 as uuidv7 } from 'uuid'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { runProgram } from '../../src/cli/command.ts'
import { commands } from '../../src/cli/commands.ts'
import { parseRing } from '../../src/config.ts'
import type { KeyRing } from '../../src/crypto/key-ring.ts'
import { kmsNames } from '../../src/crypto/kms/wrapped-key.ts'
import { createSecretBox } from '../../src/crypto/secret-box.ts'
import { users } from '../../src/db/schema/users.ts'
import { sealedTables } from '../../src/db/sealed-columns.ts'
import { communityCredential, type Fixture, fixture, newInstance } from '../credentials/fixture.ts'
import { keyOf, randomRing } from '../crypto/rings.ts'
import { testEnvironment } from '../harness/app.ts'
import { createTestDatabase, type PostgresTestDatabase } from '../harness/database.ts'
import { type FakeKms, fakeKms } from '../harness/kms/services.ts'

let folder: string
let database: PostgresTestDatabase
/** Active: k2. */
let both: KeyRing
/** Sealed with k1. */
let before: Fixture
let env: Record<string, string>

const base64 = (ring: KeyRing, id: string) => Buffer.from(keyOf(ring, id)).toString('base64')
const textOf = (ring: KeyRing) =>
  JSON.stringify({
    active: ring.active,
    keys: Object.fromEntries(Array.from(ring.keys.keys(), (id) => [id, base64(ring, id)])),
  })

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flowkeep-keys-'))
  database = await createTestDatabase()
  both = randomRing('k1', 'k2')
  before = fixture(database.db, { ring: { ...both, active: 'k1' } })
  env = testEnvironment({
    DATABASE_URL: database.postgresUrl,
    FLOWKEEP_STATE: join(folder, 'state'),
    CREDENTIAL_KEYS: textOf(both),
  })
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await database.close()
  await rm(folder, { recursive: true, force: true })
})

async function run(...args: string[]) {
  const written = { stdout: '', stderr: '' }
  const spies = (['stdout', 'stderr'] as const).map((stream) =>
    vi.spyOn(process[stream], 'write').mockImplementation((chunk) => {
      written[stream] += String(chunk)
      return true
    }),
  )
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
  try {
    const status = await runProgram({ invocation: 'flowkeep', version: '0', commands }, args)
    return { status, ...written }
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}

const settingsOf = (fake: FakeKms): Record<string, string> =>
  Object.fromEntries(Object.entries(fake.settings).filter(([, value]) => value !== undefined))

async function withKms(kms: (typeof kmsNames)[number], use: (fake: FakeKms) => Promise<void>) {
  const fake = await fakeKms(kms)
  env = { ...env, ...settingsOf(fake), ...(kms === 'vault' && { VAULT_ADDR: fake.url }) }
  try {
    await use(fake)
  } finally {
    await fake.close()
  }
}

/** Variables of env lines such as `NAME='value'`. */
const variablesOf = (stdout: string): Record<string, string> =>
  Object.fromEntries(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => {
        const [, name = '', value = ''] = /^(\w+)='([^']*)'$/.exec(line) ?? []
        return [name, value]
      }),
  )

async function newSession(userId: string, keyIds: { refresh?: string; access?: string }, days = 1) {
  await database.sql`insert into sessions (id, user_id, expires_at, refresh_key_id, access_key_id)
    values (${uuidv7()}, ${userId}, now() + make_interval(days => ${days}), ${keyIds.refresh ?? null}, ${keyIds.access ?? null})`
}

test('the list of sealed columns covers every table with a key ID', async () => {
  const rows = await database.sql`select table_name from information_schema.columns
    where table_schema = 'public' and column_name = 'key_id' and is_generated = 'ALWAYS' order by 1`
  expect(rows.map((row) => row['table_name'])).toEqual([...sealedTables].toSorted())
})

describe('keys status', () => {
  test('counts the rows that need each key, and exits with failure when a key is missing', async () => {
    const userId = await before.newUser()
    await before.credentials.create(userId, communityCredential('a'))
    await before.credentials.create(userId, communityCredential('b'))
    await newInstance(before, userId)
    await newSession(userId, { refresh: 'k1', access: 'k1' })
    await newSession(userId, {})
    await newSession(userId, { refresh: 'k9', access: 'k9' }, -1)
    const { status, stdout, stderr } = await run('keys', 'status', '--json')
    const { rings } = JSON.parse(stdout) as { rings: { name: string; keys: object[]; unknownKey: object }[] }
    const [credentialKeys, accessKeys, , peppers] = rings
    expect(credentialKeys).toMatchObject({
      name: 'CREDENTIAL_KEYS',
      active: 'k2',
      keys: [
        { id: 'k1', active: false, wrappedBy: null, rows: { credentials: 2, instances: 1 }, until: null },
        { id: 'k2', active: true, rows: {} },
      ],
    })
    expect(accessKeys).toMatchObject({
      keys: [{ id: 'k1', rows: { sessions: 1 }, until: expect.stringMatching(/^\d{4}-/) }],
      unknownKey: { rows: { sessions: 1 } },
    })
    expect(peppers?.keys).toMatchObject([{ id: 'k1' }, { id: 'p1', missing: true, rows: { users: 1 } }])
    expect(status).toBe(1)
    expect(stderr).toContain('PASSWORD_PEPPERS does not contain p1')
    await database.db.update(users).set({ pepperId: 'k1' })
    const text = await run('keys', 'status')
    expect(text.status).toBe(0)
    expect(text.stdout).toMatch(
      /k1 +not wrapped +2 credentials, 1 instance\n +k2 +active +not wrapped +not in use/,
    )
  })

  test('shows what wraps each key, without asking the KMS', () =>
    withKms('aws', async (fake) => {
      const { stdout } = await run('keys', 'wrap', '--kms', 'aws', '--key-id', fake.keyId)
      env = { ...env, ...variablesOf(stdout) }
      fake.requests.length = 0
      const { status, stdout: shown } = await run('keys', 'status')
      expect(status).toBe(0)
      expect(shown.match(/AWS KMS/g)).toHaveLength(6)
      expect(fake.requests).toEqual([])
    }))
})

describe.each(kmsNames)('keys wrap with %s', (kms) => {
  test('prints wrapped keys that open the same secrets, and no plain key or secret of the KMS', () =>
    withKms(kms, async (fake) => {
      const context = { purpose: 'n8n-credential', userId: 'u', rowId: 'r', type: 't' } as const
      const sealed = await before.secretBox.seal(context, 'secret')
      const { status, stdout, stderr } = await run('keys', 'wrap', '--kms', kms, '--key-id', fake.keyId)
      expect({ status, stderr }).toMatchObject({
        status: 0,
        stderr: expect.stringContaining('2 keys wrapped'),
      })
      const wrapped = variablesOf(stdout)
      expect(Object.keys(wrapped).toSorted()).toEqual(
        Object.keys(env)
          .filter((name) => /_KEYS?$|_PEPPERS$/.test(name) && name !== 'AWS_SECRET_ACCESS_KEY')
          .toSorted(),
      )
      const kept = [...both.keys.keys()].map((id) => base64(both, id))
      const hidden = [...kept, env['FINGERPRINT_KEY'] ?? '', ...Object.values(settingsOf(fake))]
      for (const secret of hidden.filter((value) => !value.startsWith('http'))) {
        expect(stdout + stderr).not.toContain(secret)
      }
      const ring = parseRing('CREDENTIAL_KEYS', { ...env, ...wrapped })
      expect(await createSecretBox(ring as KeyRing).open(context, sealed)).toBe('secret')

      fake.requests.length = 0
      env = { ...env, ...wrapped }
      const again = await run('keys', 'wrap', '--kms', kms, '--key-id', fake.keyId)
      expect(variablesOf(again.stdout)).toEqual(wrapped)
      expect(fake.requests).toEqual([])

      const other = await run(
        'keys',
        'wrap',
        '--kms',
        kms,
        '--key-id',
        fake.otherKeyId,
        '--ring',
        'credential_keys',
      )
      const rewrapped = variablesOf(other.stdout)
      expect(Object.keys(rewrapped)).toEqual(['CREDENTIAL_KEYS'])
      expect(rewrapped['CREDENTIAL_KEYS']).not.toContain(
        fake.keyId === 'flowkeep' ? '"key":"flowkeep"' : fake.keyId,
      )
      const moved = parseRing('CREDENTIAL_KEYS', { ...env, ...rewrapped })
      expect(await createSecretBox(moved as KeyRing).open(context, sealed)).toBe('secret')
    }))

  test('reports a refusal of the KMS without its secrets', () =>
    withKms(kms, async (fake) => {
      const { status, stdout, stderr } = await run('keys', 'wrap', '--kms', kms, '--key-id', `${fake.keyId}x`)
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
      expect(stderr).toMatch(/responded with status 4\d\d/)
    }))
})

test.each([
  [[], /Choose a KMS with --kms/],
  [['--kms', 'azure'], /Choose a KMS with --kms/],
  [['--kms', 'aws'], /--key-id/],
  [['--kms', 'aws', '--key-id', 'alias/a'], /Set AWS_ACCESS_KEY_ID/],
])('keys wrap %j is a usage error', async (args, message) => {
  const { status, stdout, stderr } = await run('keys', 'wrap', ...args)
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
  expect(stderr).toMatch(message)
})

describe('keys drop', () => {
  test('refuses a key while rows need it, says which, and prints the ring without it after a rotation', async () => {
    const userId = await before.newUser()
    await before.credentials.create(userId, communityCredential('a'))
    await newInstance(before, userId)
    const refused = await run('keys', 'drop', 'CREDENTIAL_KEYS', 'k1')
    expect(refused).toMatchObject({ status: 1, stdout: '' })
    expect(refused.stderr).toContain('k1 of CREDENTIAL_KEYS is in use: 1 credential, 1 instance')
    expect(refused.stderr).toContain('Backups may need it')
    const rotated = await run('keys', 'rotate', '--json')
    expect(JSON.parse(rotated.stdout)).toMatchObject({
      rewrapped: 2,
      left: {},
      waiting: [{ ring: 'PASSWORD_PEPPERS', keyId: 'p1', rows: 1 }],
    })
    const { status, stdout, stderr } = await run('keys', 'drop', 'CREDENTIAL_KEYS', 'k1')
    expect(status).toBe(0)
    expect(JSON.parse(variablesOf(stdout)['CREDENTIAL_KEYS'] ?? '')).toEqual({
      active: 'k2',
      keys: { k2: base64(both, 'k2') },
    })
    expect(stderr).toContain('backups made while it was in use cannot be restored')
    expect(stderr).not.toContain(base64(both, 'k2'))
  })

  test('refuses the active key, unknown keys and unknown rings', async () => {
    expect((await run('keys', 'drop', 'CREDENTIAL_KEYS', 'k2')).stderr).toContain('is the active key')
    expect(await run('keys', 'drop', 'CREDENTIAL_KEYS', 'k3')).toMatchObject({ status: 2, stdout: '' })
    expect(await run('keys', 'drop', 'OTHER_KEYS', 'k1')).toMatchObject({ status: 2, stdout: '' })
  })

  test.each(['REFRESH_TOKEN_KEYS', 'ACCESS_TOKEN_KEYS'])(
    '%s: refuses while a live session needs the key, or may need it',
    async (name) => {
      env[name] = textOf(randomRing('k1', 'k2'))
      const userId = await before.newUser()
      await newSession(userId, { refresh: 'k1', access: 'k1' })
      await newSession(userId, {})
      const refused = await run('keys', 'drop', name, 'k1')
      expect(refused).toMatchObject({ status: 1, stdout: '' })
      expect(refused.stderr).toMatch(/is in use: 2 sessions until \d{4}-/)
      await database.sql`update sessions set refresh_key_id = 'k2', access_key_id = 'k2' where refresh_key_id = 'k1'`
      expect((await run('keys', 'drop', name, 'k1')).status).toBe(1)
      await database.sql`update sessions set revoked_at = now() where refresh_key_id is null`
      expect((await run('keys', 'drop', name, 'k1')).status).toBe(0)
    },
  )

  test('PASSWORD_PEPPERS: refuses while a password needs the key', async () => {
    env['PASSWORD_PEPPERS'] = textOf(randomRing('p1', 'p2'))
    await before.newUser()
    const { status, stderr } = await run('keys', 'drop', 'PASSWORD_PEPPERS', 'p1')
    expect(status).toBe(1)
    expect(stderr).toContain('p1 of PASSWORD_PEPPERS is in use: 1 password')
  })
})
