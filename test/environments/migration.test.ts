/** Migrates a database whose instances are marked as production, from before environments had names of their own. */
import { v7 as uuidv7 } from 'uuid'
import { afterAll, expect, test } from 'vitest'
import { createDatabaseBefore } from '../harness/database.ts'
import { EnvironmentRepository } from '../../src/environments/repository.ts'
import { isUuid } from '../../src/lib/scalars.ts'

const database = await createDatabaseBefore('_environments')
afterAll(() => database.close())

test('marked instances are in an environment of their user that stays protected, and the earlier release can mark more', async () => {
  const { db, sql } = database
  const users = [uuidv7(), uuidv7(), uuidv7()] as const
  for (const id of users)
    await sql`insert into users (id, email, password_hash, pepper_id) values (${id}, ${`${id}@example.com`}, 'none', 'p1')`
  const add = (user: string, environment: string | null) => {
    const id = uuidv7()
    return sql`insert into instances (id, user_id, name, base_url, api_key, environment)
      values (${id}, ${user}, ${id}, 'https://n8n.example.com', '{"header":{"kid":"k1"}}', ${environment})`
  }
  const [one, two, three] = users
  await add(one, 'production')
  await add(one, 'production')
  await add(one, null)
  await add(two, 'production')
  await add(three, null)

  await database.migrate()
  const environments = new EnvironmentRepository(db, () => new Date())
  const of = async (user: string) => (await environments.list(user, { limit: 10, after: null })).items
  expect(await of(one)).toMatchObject([{ name: 'production', isProduction: true, instanceCount: 2 }])
  expect(await of(two)).toMatchObject([{ name: 'production', instanceCount: 1 }])
  expect(await of(three)).toEqual([])
  expect(isUuid((await of(one))[0]?.id ?? '')).toBe(true)

  await add(three, 'production')
  expect(await of(three)).toMatchObject([{ name: 'production', isProduction: true, instanceCount: 1 }])
  await expect(add(three, 'staging')).rejects.toThrow(/instances_environment_fkey/)
  await sql`delete from users where id = ${one}`
  expect(await sql`select count(*)::integer as left from environments`).toEqual([{ left: 2 }])
})
