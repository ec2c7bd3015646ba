import { v7 as uuidv7 } from 'uuid'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { executionKeys, executions } from '../../src/db/schema/executions.ts'
import { purgeDeletedAccounts } from '../../src/users/delete-account.ts'
import { createTestDatabase, type TestDatabase } from '../harness/database.ts'
import { type Accounts, createAccounts } from './fixture.ts'

let database: TestDatabase
let accounts: Accounts

beforeEach(async () => {
  await database?.close()
  database = await createTestDatabase()
  accounts = createAccounts(database.db)
})
afterAll(() => database.close())

/** An account with executions and their keys. */
async function accountWithExecutions(count: number): Promise<string> {
  const { user } = await accounts.register()
  const instanceId = uuidv7()
  for (let number = 0; number < count; number += 1) {
    const common = {
      id: uuidv7(),
      recordedAt: new Date(),
      userId: user.id,
      instanceId,
      n8nExecutionId: String(number),
      status: 'success' as const,
    }
    const origin = { workflowId: uuidv7(), workflowVersion: 1, deploymentId: uuidv7() }
    await database.db.batch([
      database.db.insert(executions).values({ ...common, ...origin }),
      database.db.insert(executionKeys).values({ ...common, mergeKey: '' }),
    ])
  }
  return user.id
}

async function left(userId: string): Promise<Record<string, unknown> | undefined> {
  const [counts] = await database.sql`select
    (select count(*)::integer from users where id = ${userId}) as users,
    (select count(*)::integer from executions where user_id = ${userId}) as executions,
    (select count(*)::integer from execution_keys where user_id = ${userId}) as keys`
  return counts
}

describe('purging deleted accounts', () => {
  test('deletes executions in chunks, then the accounts, and leaves other accounts unchanged', async () => {
    const [gone, alsoGone, stays] = [
      await accountWithExecutions(25),
      await accountWithExecutions(10),
      await accountWithExecutions(5),
    ]
    await accounts.users.markDeleted(gone)
    await accounts.users.markDeleted(alsoGone)
    expect(await purgeDeletedAccounts(database.db, { chunkRows: 10 })).toEqual({ purged: 2 })
    expect(await left(gone)).toEqual({ users: 0, executions: 0, keys: 0 })
    expect(await left(alsoGone)).toEqual({ users: 0, executions: 0, keys: 0 })
    expect(await left(stays)).toEqual({ users: 1, executions: 5, keys: 5 })
  })

  test('stops at its limit and resumes in the next run', async () => {
    const id = await accountWithExecutions(25)
    await accounts.users.markDeleted(id)
    expect(await purgeDeletedAccounts(database.db, { chunkRows: 10, maxStatements: 2 })).toEqual({
      purged: 0,
    })
    expect(await left(id)).toEqual({ users: 1, executions: 5, keys: 25 })
    expect(await purgeDeletedAccounts(database.db, { chunkRows: 10 })).toEqual({ purged: 1 })
    expect(await left(id)).toEqual({ users: 0, executions: 0, keys: 0 })
  })

  test('ignores accounts that are not marked as deleted', async () => {
    const id = await accountWithExecutions(3)
    expect(await purgeDeletedAccounts(database.db, { userId: id })).toEqual({ purged: 0 })
    expect(await left(id)).toEqual({ users: 1, executions: 3, keys: 3 })
  })
})
