import { eq } from 'drizzle-orm'
import { v7 } from 'uuid'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { rotateKeys } from '../../src/cli/keys/rotate.ts'
import type { KeyRing } from '../../src/crypto/key-ring.ts'
import { createSecretBox } from '../../src/crypto/secret-box.ts'
import { createKeyCheck } from '../../src/db/key-check.ts'
import { rewrapPage, rowsLeft } from '../../src/db/key-rotation.ts'
import { alertChannels } from '../../src/db/schema/alerts.ts'
import { credentials } from '../../src/db/schema/credentials.ts'
import { channelContext, type SealedColumn, sealedColumns } from '../../src/db/sealed-columns.ts'
import { instances } from '../../src/db/schema/instances.ts'
import { communityCredential, type Fixture, fixture, newInstance } from '../credentials/fixture.ts'
import { randomRing } from '../crypto/rings.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'

const [credentialColumn] = sealedColumns as [SealedColumn]
let database: TestDatabase
let both: KeyRing
/** Seals with k1, like servers before the rotation, and opens boxes of both keys. */
let before: Fixture
let after: Fixture
let lines: string[]

beforeEach(async () => {
  database = await createTestDatabase()
  both = randomRing('k1', 'k2')
  before = fixture(database.db, { ring: { ...both, active: 'k1' } })
  after = fixture(database.db, { ring: both })
  lines = []
})
afterEach(() => database.close())

const rotate = (f: Fixture = after) =>
  rotateKeys({
    db: f.db,
    secretBox: f.secretBox,
    keysVerified: f.keys.verified,
    log: (line) => lines.push(line),
  })

async function stored(userId: string, rows: number): Promise<string[]> {
  const ids: string[] = []
  for (let i = 0; i < rows; i += 1) {
    const created = await before.credentials.create(
      userId,
      communityCredential(`c${i}`, { token: `of ${i}` }),
    )
    ids.push(created?.id ?? '')
  }
  return ids
}

/** A server whose ring no longer has k1. */
function withoutOldKey(): Fixture {
  return fixture(database.db, { ring: { active: 'k2', keys: new Map([...both.keys].slice(1)) } })
}

test('rewraps credentials, instances and alert channels, which then open with the new key alone; versions and times stay', async () => {
  const userId = await before.newUser()
  const ids = await stored(userId, 120)
  const instanceId = await newInstance(before, userId)
  const channelId = v7()
  const target = await before.secretBox.seal(channelContext(userId, channelId), { url: 'https://a.example' })
  await database.db
    .insert(alertChannels)
    .values({ id: channelId, userId, kind: 'slack', name: 'Slack', target })
  const listed = () => before.credentials.list(userId, {}, { limit: 100, after: null })
  const earlier = await listed()
  expect(await rotate()).toEqual({ rewrapped: 122, failed: 0, left: new Map() })
  expect(await listed()).toEqual(earlier)
  const alone = withoutOldKey()
  await alone.keys.ready()
  for (const [i, id] of ids.entries()) {
    expect((await alone.credentials.open(userId, id))?.data.reveal()).toEqual({ token: `of ${i}` })
  }
  const [instance] = await database.db.read.select().from(instances).where(eq(instances.id, instanceId))
  const context = {
    purpose: 'n8n-api-key',
    userId,
    rowId: instanceId,
    type: 'n8nApi',
    origin: 'https://n8n.example.test',
  } as const
  expect(await alone.secretBox.open(context, instance?.apiKey)).toBe(`key of ${instanceId}`)
  const [channel] = await database.db.read.select().from(alertChannels)
  expect(await alone.secretBox.open(channelContext(userId, channelId), channel?.target)).toEqual({
    url: 'https://a.example',
  })
})

test('continues after a killed sweep, and then does nothing', async () => {
  const userId = await before.newUser()
  await stored(userId, 130)
  const page = await rewrapPage(database.db, after.secretBox, credentialColumn, null)
  expect(page.rewrapped).toBeGreaterThan(0)
  expect(await rowsLeft(database.db, 'k2')).toEqual(new Map([['k1', 130 - page.rewrapped]]))
  expect((await rotate()).rewrapped).toBe(130 - page.rewrapped)
  expect(await rotate()).toEqual({ rewrapped: 0, failed: 0, left: new Map() })
})

test('leaves rows that do not open unchanged, lists them, and rewraps all others', async () => {
  const userId = await before.newUser()
  const ids = await stored(userId, 3)
  await database.db
    .update(credentials)
    .set({ type: 'tampered' })
    .where(eq(credentials.id, ids[1] as string))
  expect(await rotate()).toEqual({ rewrapped: 2, failed: 1, left: new Map([['k1', 1]]) })
  expect(lines.join('\n')).toContain(`credentials ${ids[1]} cannot be decrypted: credential-undecryptable`)
  await database.db
    .update(credentials)
    .set({ type: 'acmeCrmApi' })
    .where(eq(credentials.id, ids[1] as string))
  expect((await before.credentials.open(userId, ids[1] as string))?.data.reveal()).toEqual({ token: 'of 1' })
})

test('rewraps nothing while its active key differs from the one of the servers', async () => {
  const userId = await before.newUser()
  await stored(userId, 2)
  await after.keys.verified()
  const wrong = { active: 'k2', keys: new Map([...both.keys, ...randomRing('k2').keys]) }
  const secretBox = createSecretBox(wrong)
  const keysVerified = createKeyCheck(database.db, wrong).verified
  const rotation = rotateKeys({ db: database.db, secretBox, keysVerified, log: () => undefined })
  await expect(rotation).rejects.toMatchObject({ code: 'key-unavailable' })
  expect(await rowsLeft(database.db, 'k2')).toEqual(new Map([['k1', 2]]))
})

test('prints no secret and no sealed byte', async () => {
  const userId = await before.newUser()
  const ids = await stored(userId, 60)
  await database.db
    .update(credentials)
    .set({ type: 'tampered' })
    .where(eq(credentials.id, ids[7] ?? ''))
  await rotate()
  expect(lines.length).toBeGreaterThan(1)
  for (const line of lines) expect(line).toMatch(/^[\w ,:.-]{1,120}$/)
  expect(lines.join('\n')).not.toContain('of 1"')
})

describe('concurrent with users and other sweeps', () => {
  test('loses no update, fails no read, and leaves nothing under the old key', async () => {
    const userId = await before.newUser()
    const ids = await stored(userId, 120)
    /** The last acknowledged write of each row. */
    const expected = new Map(ids.map((id, i) => [id, `of ${i}`]))
    const crowding = new AbortController()
    let writes = 0
    let reads = 0
    /** Each writer has its own rows. Some writes come from a server that still seals with k1. */
    const write = async (writer: number) => {
      const own = ids.filter((_, i) => i % 4 === writer)
      for (let i = 0; !crowding.signal.aborted; i += 1) {
        const id = own[i % own.length] as string
        const token = `writer ${writer}, write ${i}`
        const server = i % 3 === 0 ? before : after
        const updated = await server.credentials.update(userId, id, null, { data: { token } })
        if (updated) {
          expected.set(id, token)
          writes += 1
        }
      }
    }
    const read = async () => {
      for (let i = 0; !crowding.signal.aborted; i += 1) {
        const opened = await after.credentials.open(userId, ids[i % ids.length] as string)
        expect(opened?.data.reveal()).toHaveProperty('token')
        reads += 1
      }
    }
    const crowd = [...[0, 1, 2, 3].map(write), read()]
    const pages = await Promise.all(
      Array.from({ length: 12 }, async (_, i) => {
        // A sweep that is killed after one page, and a concurrent one that is not.
        await rewrapPage(database.db, after.secretBox, credentialColumn, ids[i * 9] ?? null)
        return rewrapPage(database.db, after.secretBox, credentialColumn, null)
      }),
    )
    crowding.abort()
    await Promise.all(crowd)
    expect(pages.every(({ failed }) => failed.length === 0)).toBe(true)
    const [one, two] = await Promise.all([rotate(), rotate()])
    expect([one.failed, two.failed]).toEqual([0, 0])
    await rotate()
    expect(await rowsLeft(database.db, 'k2')).toEqual(new Map())
    const alone = withoutOldKey()
    for (const [id, token] of expected) {
      expect((await alone.credentials.open(userId, id))?.data.reveal()).toEqual({ token })
    }
    expect(writes).toBeGreaterThan(20)
    expect(reads).toBeGreaterThan(5)
  })

  test('a write between the read and the write of a sweep wins', async () => {
    const userId = await before.newUser()
    const [id = ''] = await stored(userId, 1)
    const racing = {
      ...after.secretBox,
      rewrap: async (...args: Parameters<typeof after.secretBox.rewrap>) => {
        const box = await after.secretBox.rewrap(...args)
        await before.credentials.update(userId, id, null, { data: { token: 'newer' } })
        return box
      },
    }
    const page = await rewrapPage(database.db, racing, credentialColumn, null)
    expect(page).toMatchObject({ rewrapped: 0, overtaken: 1, failed: [] })
    expect((await before.credentials.open(userId, id))?.data.reveal()).toEqual({ token: 'newer' })
    expect(await rotate()).toMatchObject({ rewrapped: 1, left: new Map() })
    expect((await withoutOldKey().credentials.open(userId, id))?.data.reveal()).toEqual({ token: 'newer' })
  })
})
