/** What the servers of a source and a target answer while an account is moved, and afterwards. */
import { beforeAll, expect, test } from 'vitest'
import { inTransaction } from '../../src/cli/backup/transaction.ts'
import { deleteRowsOf } from '../../src/cli/move/copy.ts'
import { guard } from '../../src/cli/move/guard.ts'
import { readUserTables } from '../../src/cli/move/user-tables.ts'
import { PollSchedule } from '../../src/executions/poll/schedule.ts'
import { type TestUser, useTestApp } from '../harness/app.ts'

const app = useTestApp()
const url = 'https://second.example.com'

let user: TestUser
let instance: { id: string; webhookToken: string }
beforeAll(async () => {
  user = await app.user()
  const { json } = await user.call('POST', '/v1/instances', {
    body: { name: 'n8n', baseUrl: 'https://n8n.example.com', apiKey: 'key' },
  })
  instance = json
  const { json: workflow } = await user.call('POST', '/v1/workflows', {
    body: { workflow: { name: 'Moved', nodes: [], connections: {} } },
  })
  await user.call('POST', '/v1/deployments', {
    body: { workflowId: workflow.id, instanceId: instance.id, n8nWorkflowId: 'wf1' },
  })
})

const report = () =>
  app.call('POST', `/hooks/n8n/${instance.id}`, {
    token: instance.webhookToken,
    body: { executionId: '1', workflowId: 'wf1', status: 'success' },
  })
const signIn = (password = user.password) =>
  app.call('POST', '/v1/auth/login', { body: { email: user.email, password } })
const tables = () => inTransaction(app.database.backend, 'snapshot', readUserTables)
const claimed = () => new PollSchedule(app.database.db, () => new Date()).claimDue(10)

test('while it is moved, it can be read, and writes, sign-ins and reports return 503 with Retry-After', async () => {
  const { backend, sql } = app.database
  await guard(backend, await tables(), user.id)
  await sql`insert into user_routes (user_id, state, email, url) values (${user.id}, 'leaving', ${user.email}, ${url})`
  expect((await user.call('GET', '/v1/workflows')).json.items).toHaveLength(1)
  const writes = [
    await user.call('PATCH', '/v1/me', { body: { name: 'New' } }),
    await user.call('POST', '/v1/workflows', {
      body: { workflow: { name: 'New', nodes: [], connections: {} } },
    }),
    await user.call('DELETE', `/v1/instances/${instance.id}`),
    await app.call('POST', '/v1/auth/refresh', { body: { refreshToken: user.refreshToken } }),
    await signIn(),
    await report(),
  ]
  for (const { status, headers, json } of writes) {
    expect(json).toMatchObject({ code: 'account-moving' })
    expect([status, headers.get('Retry-After')]).toEqual([503, '30'])
  }
  expect(await claimed()).toEqual([])
})

test('afterwards, sign-ins, registrations and reports return 421 with the new server', async () => {
  const { backend, sql } = app.database
  await deleteRowsOf(backend, await tables(), user.id, () => undefined)
  await sql`update user_routes set state = 'moved', instance_ids = array[${instance.id}::uuid]`
  const answers = [
    await signIn(),
    await signIn('another password'),
    await app.call('POST', '/v1/auth/register', {
      body: { email: user.email.toUpperCase(), password: 'correct horse battery 9' },
    }),
    await report(),
  ]
  for (const { status, json } of answers) {
    expect(json).toMatchObject({ code: 'account-moved', url })
    expect(status).toBe(421)
  }
  const unknown = await app.call('POST', `/hooks/n8n/${user.id}`, { token: 'whk_x', body: {} })
  expect(unknown.json.code).toBe('unauthenticated')
  const page = await app.call('POST', '/sign-in', {
    headers: { 'Content-Type': 'application/x-www-form-urlencoded', Origin: 'https://flowkeep.example.com' },
  })
  expect(page.status).toBe(422)
  await app.user()
})
