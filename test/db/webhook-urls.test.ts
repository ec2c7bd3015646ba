/** Migrates a database from before all names of a local server shared one key. */
import { v7 as uuidv7 } from 'uuid'
import { afterAll, expect, test } from 'vitest'
import { createDatabaseBefore } from '../harness/database.ts'

const database = await createDatabaseBefore('_webhook_urls')
afterAll(() => database.close())

test('loopback addresses get the key of localhost unless several instances would share it', async () => {
  const { sql } = database
  const [one, two] = [uuidv7(), uuidv7()]
  for (const [index, user] of [one, two].entries()) {
    await sql`insert into users (id, email, password_hash, pepper_id)
      values (${user}, ${`${index}@example.com`}, 'none', 'p1')`
  }
  const given: [user: string, key: string, after: string][] = [
    [one, 'http://127.0.0.1:5678', 'http://localhost:5678'],
    [one, 'http://[::1]:5679/team', 'http://localhost:5679/team'],
    [one, 'https://127.0.0.1', 'https://localhost'],
    [one, 'http://127.0.0.1.example.com', 'http://127.0.0.1.example.com'],
    [one, 'http://127.0.0.10:5678', 'http://127.0.0.10:5678'],
    // Two names of one server, both in use.
    [two, 'http://127.0.0.1:5678', 'http://127.0.0.1:5678'],
    [two, 'http://localhost:5678', 'http://localhost:5678'],
    [two, 'http://127.0.0.1:80', 'http://127.0.0.1:80'],
    [two, 'http://[::1]:80', 'http://[::1]:80'],
    [two, 'http://[::1]:81', 'http://localhost:81'],
  ]
  const ids = given.map(() => uuidv7())
  for (const [index, [user, key]] of given.entries()) {
    await sql`insert into instances (id, user_id, name, base_url, server_key, api_key)
      values (${ids[index]}, ${user}, ${key}, ${key}, ${key}, '{"header":{"kid":"k1"}}')`
  }
  const changed = await sql`select id, updated_at from instances order by id`

  await database.migrate()
  const keys = await sql`select id, base_url, server_key from instances order by id`
  expect(keys).toEqual(
    given
      .map(([, base_url, server_key], index) => ({ id: ids[index], base_url, server_key }))
      .toSorted((a, b) => (String(a.id) < String(b.id) ? -1 : 1)),
  )
  expect(await sql`select id, updated_at from instances order by id`).toEqual(changed)
  // The trigger works again.
  const [touched] = await sql`update instances set name = 'Other' where id = ${ids[0]}
    returning updated_at > ${changed.find(({ id }) => id === ids[0])?.updated_at} as later`
  expect(touched).toEqual({ later: true })
})
