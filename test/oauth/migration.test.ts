/** Migrates a database with access tokens from before apps could connect. */
import { v7 as uuidv7 } from 'uuid'
import { afterAll, expect, test } from 'vitest'
import { newApiToken } from '../../src/crypto/api-token.ts'
import { createDatabaseBefore } from '../harness/database.ts'
import { TokenAccess } from '../../src/users/token-access.ts'
import { TokenRepository } from '../../src/users/token-repository.ts'

const database = await createDatabaseBefore('_oauth')
afterAll(() => database.close())

test('an earlier access token keeps its kind and its scopes, and belongs to no app', async () => {
  const { db, sql } = database
  const [user, id] = [uuidv7(), uuidv7()]
  const { token, hash } = await newApiToken()
  await sql`insert into users (id, email, password_hash, pepper_id) values (${user}, 'a@example.com', 'none', 'p1')`
  await sql`insert into api_tokens (id, user_id, name, kind, scopes, hint, requests_per_minute)
    values (${id}, ${user}, 'Agent', 'service', '{deploy,workflows:read}', 'abcd', 600)`
  await sql`insert into api_token_secrets (hash, user_id, token_id) values (${hash}, ${user}, ${id})`
  await sql`insert into api_token_uses (token_id, user_id) values (${id}, ${user})`

  await database.migrate()
  const access = new TokenAccess(db, () => new Date())
  const actor = await access.authenticate(token)
  expect(actor).toMatchObject({ tokenId: id, isApp: false })
  expect([...(actor?.scopes ?? [])].toSorted()).toEqual(['deploy', 'workflows:read'])
  const tokens = new TokenRepository(db, () => new Date(), { access, quota: 1 })
  expect(await tokens.find(user, id)).toMatchObject({ kind: 'service', clientId: null })
  expect(await tokens.rotate(user, id, { overlapSeconds: 0 })).toMatchObject({ kind: 'service' })
})
