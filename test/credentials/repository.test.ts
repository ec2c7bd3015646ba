import { eq, sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createSecretBox } from '../../src/crypto/secret-box.ts'
import { CredentialRepository, type OpenCredential } from '../../src/credentials/repository.ts'
import { credentials } from '../../src/db/schema/credentials.ts'
import { auditEvents } from '../../src/db/schema/users.ts'
import { AppError } from '../../src/errors.ts'
import { type CredentialType, loadCatalogue } from '../../src/n8n/catalogue/catalogue.ts'
import { randomRing } from '../crypto/rings.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { sampleCredentialData } from '../n8n/sample-data.ts'
import { canary } from './canaries.ts'
import { communityCredential, type Fixture, fixture } from './fixture.ts'
import { permitAll } from '../harness/permit-all.ts'

let database: TestDatabase
let f: Fixture

beforeAll(async () => {
  database = await createTestDatabase()
  f = fixture(database.db)
})
afterAll(() => database.close())

async function stored(userId: string, name = uuidv7(), data?: Record<string, unknown>) {
  const created = await f.credentials.create(userId, communityCredential(name, data))
  if (!created) throw new Error('Not created')
  return created
}

async function sealedOf(id: string) {
  const [row] = await f.db.read
    .select({ data: credentials.data })
    .from(credentials)
    .where(eq(credentials.id, id))
  if (!row) throw new Error('No such row')
  return row.data
}

const codeOf = (promise: Promise<unknown>): Promise<string | undefined> =>
  promise.then(
    () => undefined,
    (error: unknown) => (error instanceof AppError ? error.code : `unexpected ${String(error)}`),
  )

describe('every credential type of n8n', async () => {
  const catalogue = await loadCatalogue()
  const types = catalogue.searchCredentialTypes('').map(({ type }) => type)

  test('can be stored, opened with the same data, and deleted', async () => {
    const userId = await f.newUser()
    expect(types.length).toBeGreaterThanOrEqual(447)
    for (const type of types) {
      const data = sampleCredentialData(catalogue.credentialType(type) as CredentialType)
      const created = await f.credentials.create(userId, { type, name: 'sample', data })
      if (!created) throw new Error(`${type} was not created`)
      expect(created).toMatchObject({ type, known: true, fields: Object.keys(data).toSorted(), version: 1 })
      const opened = await f.credentials.open(userId, created.id)
      expect(opened?.data.reveal(), type).toEqual(data)
      expect(await f.credentials.delete(userId, created.id), type).toBe(true)
      expect(await f.credentials.open(userId, created.id)).toBeNull()
    }
  })
})

describe('a stored credential', () => {
  test('is a flattened JWE without the authenticated data, different each time', async () => {
    const userId = await f.newUser()
    const data = { token: canary() }
    const [a, b] = [await stored(userId, 'a', data), await stored(userId, 'b', data)]
    const boxes = [await sealedOf(a.id), await sealedOf(b.id)]
    for (const box of boxes) {
      expect(Object.keys(box).toSorted()).toEqual(
        ['protected', 'header', 'encrypted_key', 'iv', 'ciphertext', 'tag'].toSorted(),
      )
    }
    for (const member of ['encrypted_key', 'iv', 'ciphertext', 'tag'] as const) {
      expect(boxes[0]?.[member]).not.toBe(boxes[1]?.[member])
    }
  })

  test('is unchanged after an update with the same data, and keeps its test result', async () => {
    const userId = await f.newUser()
    const data = { token: canary() }
    const created = await stored(userId, 'same', data)
    const opened = (await f.credentials.open(userId, created.id)) as OpenCredential
    await f.credentials.recordValidation(userId, opened, { status: 'invalid', error: 'refused' })
    const before = await sealedOf(created.id)
    const same = await f.credentials.update(userId, created.id, 1, { data, name: 'same' })
    expect(same).toMatchObject({ version: 1, status: 'invalid', validationError: 'refused' })
    expect(await sealedOf(created.id)).toEqual(before)
    const updated = await f.credentials.update(userId, created.id, 1, { data: { token: canary() } })
    expect(updated).toMatchObject({
      version: 2,
      status: 'untested',
      lastValidatedAt: null,
      validationError: null,
    })
    expect((await sealedOf(created.id)).ciphertext).not.toBe(before.ciphertext)
  })

  test.each([
    ['another row of the same owner', async (userId: string) => (await stored(userId)).id],
    ["another owner's row", async () => (await stored(await f.newUser())).id],
  ])('does not open when copied to %s', async (_, target) => {
    const userId = await f.newUser()
    const source = await stored(userId)
    const targetId = await target(userId)
    await f.db
      .update(credentials)
      .set({ data: await sealedOf(source.id) })
      .where(eq(credentials.id, targetId))
    const [row] = await f.db.read.select().from(credentials).where(eq(credentials.id, targetId))
    expect(await codeOf(f.credentials.open(row?.userId ?? '', targetId))).toBe('credential-undecryptable')
    expect(await f.credentials.open(userId, source.id)).not.toBeNull()
  })

  test('does not open when its row gets another type or owner', async () => {
    const [userId, other] = [await f.newUser(), await f.newUser()]
    const [retyped, moved] = [await stored(userId), await stored(userId)]
    await f.db.update(credentials).set({ type: 'slackApi' }).where(eq(credentials.id, retyped.id))
    await f.db.update(credentials).set({ userId: other }).where(eq(credentials.id, moved.id))
    expect(await codeOf(f.credentials.open(userId, retyped.id))).toBe('credential-undecryptable')
    expect(await codeOf(f.credentials.open(other, moved.id))).toBe('credential-undecryptable')
  })

  test('does not open after a flip of one bit (tries every eleventh), always with the same error', async () => {
    const userId = await f.newUser()
    const { id } = await stored(userId)
    const box = await sealedOf(id)
    const messages = new Set<string>()
    for (const member of ['encrypted_key', 'iv', 'ciphertext', 'tag'] as const) {
      const bytes = Buffer.from(box[member], 'base64url')
      for (let bit = 0; bit < bytes.length * 8; bit += 11) {
        const flipped = Buffer.from(bytes)
        flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
        const data = { ...box, [member]: flipped.toString('base64url') }
        await f.db.update(credentials).set({ data }).where(eq(credentials.id, id))
        const error = await f.credentials.open(userId, id).then(
          () => new Error(`${member} bit ${bit} opened`),
          (reason: Error) => reason,
        )
        messages.add(error.message)
      }
    }
    expect([...messages]).toEqual([expect.stringContaining('cannot be decrypted')])
  })
})

async function withOneBroken(service: string) {
  const userId = await f.newUser()
  const names = ['first', 'broken', 'last']
  const ids: string[] = []
  for (const name of names) {
    const created = await f.credentials.create(userId, { ...communityCredential(name), service })
    ids.push(created?.id ?? '')
  }
  const broken = ids[1] as string
  const box = await sealedOf(broken)
  await f.db
    .update(credentials)
    .set({ data: { ...box, tag: box.iv } })
    .where(eq(credentials.id, broken))
  return { userId, broken }
}

describe('an unreadable row', () => {
  test('does not hide the others of its service, which are returned newest first', async () => {
    const { userId, broken } = await withOneBroken('acme')
    const found = await f.credentials.findByUserAndService(userId, 'acme')
    expect(found.map(({ credential }) => credential.name)).toEqual(['last', 'broken', 'first'])
    const readable = found.filter((each): each is OpenCredential => 'data' in each)
    expect(readable.map(({ data }) => data.reveal())).toEqual([
      { token: 'x'.repeat(20) },
      { token: 'x'.repeat(20) },
    ])
    const marker = found.find((each) => 'error' in each)
    expect(marker).toMatchObject({ credential: { id: broken }, error: { code: 'credential-undecryptable' } })
    expect(JSON.stringify(marker)).not.toContain((await sealedOf(broken)).ciphertext)
  })

  test('can be listed, read, renamed and replaced like any other', async () => {
    const { userId, broken } = await withOneBroken('acme')
    expect((await f.credentials.list(userId, {}, { limit: 50, after: null })).items).toHaveLength(3)
    expect(await f.credentials.update(userId, broken, 1, { name: 'renamed' })).toMatchObject({ version: 2 })
    expect(await f.credentials.update(userId, broken, 2, { data: { token: 'fresh' } })).not.toBeNull()
    expect((await f.credentials.open(userId, broken))?.data.reveal()).toEqual({ token: 'fresh' })
  })

  test('reports a key that is missing in the ring, instead of an undecryptable credential', async () => {
    const userId = await f.newUser()
    const { id } = await stored(userId)
    const elsewhere = fixture(f.db, { ring: randomRing('k9'), keysVerified: async () => undefined })
    expect(await codeOf(elsewhere.credentials.open(userId, id))).toBe('key-unavailable')
  })

  test('does not open with a wrong key under the right ID', async () => {
    const userId = await f.newUser()
    const { id } = await stored(userId)
    const wrong = fixture(f.db, { ring: randomRing('k1'), keysVerified: async () => undefined })
    expect(await codeOf(wrong.credentials.open(userId, id))).toBe('credential-undecryptable')
  })
})

describe('while the server has a wrong key', () => {
  test('encrypts nothing, neither a new credential nor new data, but allows a rename', async () => {
    const userId = await f.newUser()
    const { id } = await stored(userId, 'before')
    const wrong = fixture(f.db, { ring: randomRing('k1') })
    expect(await codeOf(wrong.credentials.create(userId, communityCredential('new')))).toBe('key-unavailable')
    expect(await codeOf(wrong.credentials.update(userId, id, 1, { data: { token: 'n' } }))).toBe(
      'key-unavailable',
    )
    expect(await wrong.credentials.update(userId, id, 1, { name: 'after' })).toMatchObject({ name: 'after' })
    expect((await f.credentials.open(userId, id))?.data.reveal()).toEqual({ token: 'x'.repeat(20) })
  })
})

describe('the result of a test', () => {
  test('is stored with its time, without values of the data, in at most 500 characters', async () => {
    const userId = await f.newUser()
    const secret = canary()
    const { id } = await stored(userId, 'tested', { token: secret })
    const opened = (await f.credentials.open(userId, id)) as OpenCredential
    const error = `401 for ${secret} with Bearer abc.def: ${'long '.repeat(500)}`
    const kept = await f.credentials.recordValidation(userId, opened, { status: 'invalid', error })
    expect(kept).toMatchObject({ status: 'invalid', version: 1 })
    expect(Date.parse(kept?.lastValidatedAt ?? '')).not.toBeNaN()
    expect(kept?.validationError).toHaveLength(500)
    expect(kept?.validationError).toMatch(/^401 for \[redacted\] with \[redacted\]/)
    const valid = await f.credentials.recordValidation(userId, opened, { status: 'valid' })
    expect(valid).toMatchObject({ status: 'valid', validationError: null })
  })

  test('is discarded when the credential has changed since or belongs to another user', async () => {
    const userId = await f.newUser()
    const { id } = await stored(userId)
    const opened = (await f.credentials.open(userId, id)) as OpenCredential
    await f.credentials.update(userId, id, 1, { data: { token: 'other' } })
    expect(await f.credentials.recordValidation(userId, opened, { status: 'valid' })).toBeNull()
    const fresh = (await f.credentials.open(userId, id)) as OpenCredential
    expect(await f.credentials.recordValidation(await f.newUser(), fresh, { status: 'valid' })).toBeNull()
    expect(await f.credentials.find(userId, id)).toMatchObject({ status: 'untested' })
  })
})

describe('a change', () => {
  test('without effect creates no version and no audit event', async () => {
    const userId = await f.newUser()
    const created = await stored(userId, 'same')
    for (const change of [{}, { name: 'same' }]) {
      expect(await f.credentials.update(userId, created.id, 1, change)).toEqual(created)
    }
    expect(await actionsOf(userId)).toEqual(['credential.created'])
  })

  test('based on the same version as another one fails if it comes second', async () => {
    const userId = await f.newUser()
    const { id } = await stored(userId)
    const outcomes = await Promise.all(
      ['one', 'two'].map((name) => codeOf(f.credentials.update(userId, id, 1, { name }))),
    )
    expect(outcomes.toSorted()).toEqual(['version-conflict', undefined])
    expect(await f.credentials.find(userId, id)).toMatchObject({ version: 2 })
  })

  test('writes one audit event without data, like creation and deletion', async () => {
    const userId = await f.newUser()
    const { id } = await stored(userId, 'audited', { token: 'first-secret' })
    await f.credentials.update(userId, id, 1, { name: 'renamed', data: { token: 'second-secret' } })
    expect(await f.credentials.delete(await f.newUser(), id)).toBe(false)
    expect(await f.credentials.delete(userId, id)).toBe(true)
    expect(await f.credentials.delete(userId, id)).toBe(false)
    const events = await f.db.read
      .select()
      .from(auditEvents)
      .where(eq(auditEvents.userId, userId))
      .orderBy(auditEvents.id)
    expect(events.map(({ action, subjectId, details }) => ({ action, subjectId, details }))).toEqual([
      { action: 'credential.created', subjectId: id, details: { type: 'acmeCrmApi' } },
      { action: 'credential.updated', subjectId: id, details: { changed: ['data', 'name'] } },
      { action: 'credential.deleted', subjectId: id, details: { type: 'acmeCrmApi' } },
    ])
  })

  test('to a name that another one of the type has is rejected and changes nothing', async () => {
    const userId = await f.newUser()
    await stored(userId, 'taken')
    const { id } = await stored(userId, 'mine')
    expect(await codeOf(f.credentials.update(userId, id, null, { name: 'taken' }))).toBe('name-taken')
    expect(await f.credentials.find(userId, id)).toMatchObject({ name: 'mine', version: 1 })
    expect(await actionsOf(userId)).toEqual(['credential.created', 'credential.created'])
  })
})

async function actionsOf(userId: string): Promise<string[]> {
  const { rows } = await f.db.execute<{ action: string }>(
    sql`select action from audit_events where user_id = ${userId} order by id`,
  )
  return rows.map(({ action }) => action)
}

test('fails the creation and stores nothing when the catalogue cannot be loaded', async () => {
  const userId = await f.newUser()
  const broken = new CredentialRepository(f.db, () => new Date(), {
    secretBox: createSecretBox(f.ring),
    keysVerified: async () => undefined,
    loadCatalogue: () => Promise.reject(new Error('no catalogue')),
    quota: 10,
    permit: permitAll,
  })
  await expect(broken.create(userId, communityCredential('x'))).rejects.toThrow('no catalogue')
  expect((await f.credentials.list(userId, {}, { limit: 1, after: null })).items).toEqual([])
})
