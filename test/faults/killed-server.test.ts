/** F7: the server is killed at random moments of requests. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createN8nStub } from '../harness/n8n-stub.ts'
import { expectInvariants } from '../harness/invariants.ts'
import { seeded } from '../harness/random.ts'
import {
  type SendOptions,
  startTarget,
  type Target,
  type TargetAnswer,
  type TargetUser,
} from '../harness/target.ts'
import { orders } from '../deployments/orders.ts'
import { scaled } from './world.ts'

const kills = scaled(200, 4)
const atOnce = 8
const longestMs = 250

const stub = await createN8nStub()
let n8n: Awaited<ReturnType<typeof stub.listen>>
let target: Target
let user: TargetUser
beforeAll(async () => {
  n8n = await stub.listen()
  target = await startTarget({ runtime: 'node' })
  user = await target.user()
})
afterAll(async () => {
  await target?.close()
  await n8n?.close()
})

/** Repeats a request until the server answers it, as a client with an idempotency key does. */
async function answered(method: string, path: string, options: SendOptions): Promise<TargetAnswer> {
  for (;;) {
    const { token = user.accessToken } = options
    const answer = await target.call(method, path, { ...options, token, isFinal: true }).catch(() => null)
    if (answer?.status === 401 && options.token === undefined) {
      await user.renew().catch(() => undefined)
      continue
    }
    if (answer !== null && answer.status !== 503 && answer.status !== 429) return answer
    await sleep(20)
  }
}

test(`F7: ${kills} kills of the server during ${kills * atOnce} repeated requests: each has one effect, and no half state is visible`, async () => {
  const random = seeded(20261130)
  const { sql } = target.database
  const instance = await answered('POST', '/v1/instances', {
    body: { name: 'n8n', baseUrl: n8n.baseUrl, apiKey: stub.apiKey },
  })
  expect(instance.status).toBe(201)
  await answered('POST', '/v1/credentials', {
    body: { type: 'slackApi', name: 'Slack', data: { accessToken: 'xoxb-1' } },
  })
  const tracked = await answered('POST', '/v1/workflows', { body: { workflow: orders({ name: 'Tracked' }) } })
  const created = await stub.fetch(`${n8n.baseUrl}/api/v1/workflows`, {
    method: 'POST',
    headers: { 'X-N8N-API-KEY': stub.apiKey, 'Content-Type': 'application/json' },
    body: JSON.stringify(orders({ name: 'Tracked' })),
  })
  const { id: n8nWorkflowId } = (await created.json()) as { id: string }
  await answered('POST', '/v1/deployments', {
    body: { workflowId: tracked.json.id, instanceId: instance.json.id, n8nWorkflowId },
  })
  const ids = { workflow: new Set<string>(), credential: new Set<string>(), deployment: new Set<string>() }
  const reported: string[] = []
  const startedAt = new Date().toISOString()

  const creation = async (kind: keyof typeof ids, path: string, body: object, key: string) => {
    const answer = await answered('POST', path, { body, headers: { 'Idempotency-Key': key } })
    expect(answer, key).toMatchObject({ status: 201 })
    ids[kind].add(answer.json.id)
    return answer.json.id as string
  }
  const operations = [
    async (key: string) => {
      const id = await creation(
        'workflow',
        '/v1/workflows',
        { workflow: orders({ name: key, path: key }) },
        key,
      )
      const edited = await answered('PATCH', `/v1/workflows/${id}`, {
        body: { name: `${key} again` },
        headers: { 'If-Match': '*' },
      })
      expect(edited, key).toMatchObject({ status: 200 })
    },
    (key: string) =>
      creation(
        'credential',
        '/v1/credentials',
        { type: 'httpHeaderAuth', name: key, data: { name: 'X-Key', value: key } },
        key,
      ),
    async (key: string) => {
      for (const status of ['running', 'success']) {
        const answer = await answered('POST', `/hooks/n8n/${instance.json.id}`, {
          body: { executionId: key, workflowId: n8nWorkflowId, status, startedAt },
          token: instance.json.webhookToken,
        })
        expect(answer.status, key).toBeLessThan(300)
      }
      reported.push(key)
    },
    async (key: string) => {
      const workflow = { workflow: orders({ name: `${key} deployed`, path: key }) }
      const workflowId = await creation('workflow', '/v1/workflows', workflow, key)
      const body = { workflowId, instanceId: instance.json.id }
      await creation('deployment', '/v1/deployments', body, `${key} deployed`)
    },
  ]

  let during = 0
  for (let kill = 0; kill < kills; kill += 1) {
    let open = atOnce
    const requests = Promise.all(
      Array.from({ length: atOnce }, async (_, index) => {
        await operations[index % operations.length]!(`${kill}-${index}`)
        open -= 1
      }),
    )
    await sleep(random() * longestMs)
    if (open > 0) during += 1
    await target.restart()
    await requests
    await expectInvariants(sql)
  }

  // As if the leases of killed processes had expired.
  await sql`update deployments set lease_until = now() - interval '1 second' where lease_until is not null`
  for (const id of ids.deployment) {
    const { json } = await answered('GET', `/v1/deployments/${id}`, {})
    if (json.status === 'active') continue
    const retried = await answered('POST', `/v1/deployments/${id}/retry`, {})
    expect(retried.json).toMatchObject({ status: 'active', step: null, error: null })
  }
  const names = [...stub.state.workflows.values()].map(({ name }) => name)
  const each = Math.floor(atOnce / operations.length) * kills
  expect(names.filter((name) => name.endsWith(' deployed'))).toHaveLength(each)
  expect(new Set(names).size).toBe(names.length)
  expect(names.filter((name) => name.startsWith('flowkeep-'))).toEqual([])
  for (const [kind, acknowledged] of Object.entries(ids)) {
    const stored = await sql.query(`select id from ${kind}s where user_id = $1`, [user.id])
    // The tracked workflow, its deployment and the first credential were created before.
    expect(stored, kind).toHaveLength(acknowledged.size + 1)
  }
  const executions =
    await sql`select n8n_execution_id as id, status from executions where user_id = ${user.id}`
  expect(executions.map(({ id }) => String(id)).toSorted()).toEqual(reported.toSorted())
  expect(executions.every(({ status }) => status === 'success')).toBe(true)
  await expectInvariants(sql)
  console.log(
    `F7: ${kills} kills, ${during} of them during requests: ${ids.workflow.size} workflows, ${ids.credential.size} credentials, ` +
      `${ids.deployment.size} deployments and ${executions.length} executions, each once`,
  )
})
