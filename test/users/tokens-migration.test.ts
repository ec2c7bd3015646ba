/** Migrates a database with accounts, instances and audit events from before access tokens existed. */
import { v7 as uuidv7 } from 'uuid'
import { afterAll, expect, test } from 'vitest'
import { createDatabaseBefore } from '../harness/database.ts'
import { AuditEventRepository } from '../../src/users/audit-events.ts'
import { TokenAccess } from '../../src/users/token-access.ts'
import { TokenRepository } from '../../src/users/token-repository.ts'

const database = await createDatabaseBefore('_api_tokens')
afterAll(() => database.close())

test('instances stay outside production, earlier audit events name no token, and tokens can be created', async () => {
  const { db, sql } = database
  const [user, instance, event] = [uuidv7(), uuidv7(), uuidv7()]
  await sql`insert into users (id, email, password_hash, pepper_id) values (${user}, 'a@example.com', 'none', 'p1')`
  await sql`insert into instances (id, user_id, name, base_url, api_key)
    values (${instance}, ${user}, 'One', 'https://n8n.example.com', '{"header":{"kid":"k1"}}')`
  await sql`insert into audit_events (id, user_id, action, subject_id) values (${event}, ${user}, 'instance.created', ${instance})`

  await database.migrate()
  expect(await sql`select environment, version from instances`).toEqual([{ environment: null, version: 1 }])
  await expect(sql`update instances set environment = 'staging'`).rejects.toThrow(
    /instances_environment_fkey/,
  )
  const events = new AuditEventRepository(db.read)
  expect((await events.list(user, {}, { limit: 10, after: null })).items).toMatchObject([
    { id: event, token: null },
  ])
  const access = new TokenAccess(db, () => new Date())
  const tokens = new TokenRepository(db, () => new Date(), { access, quota: 1 })
  const body = { name: 'Agent', kind: 'personal', scopes: ['deploy'], requestsPerMinute: 10 } as const
  const { id, token } = await tokens.create(user, { ...body, scopes: [...body.scopes] })
  expect(await access.authenticate(String(token))).toMatchObject({ userId: user, tokenId: id })
  await expect(tokens.create(user, { ...body, scopes: [...body.scopes] })).rejects.toMatchObject({
    code: 'quota-exceeded',
  })
})
