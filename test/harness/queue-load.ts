/** @module Reports executions to the bundled worker with a queue, and counts what its consumer recorded. */
import { sql } from 'drizzle-orm'
import type { Db } from '../../src/db/client.ts'
import { sleep } from '../../src/lib/retry.ts'
import { startQueueWorker } from './queue-worker.ts'

interface QueueLoad {
  db: Db
  env: Record<string, string>
  executions: number
  diesAt: number[]
}

const senders = 20
const user = { email: 'queue@example.com', password: 'a long enough password' }

export async function reportThroughQueue({ db, env, executions, diesAt }: QueueLoad) {
  const server = await startQueueWorker({ secrets: env, diesAt })
  try {
    const call = async (method: string, path: string, body: unknown, token?: string) => {
      const response = await server.fetch(path, {
        method,
        headers: { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      // biome-ignore lint/suspicious/noExplicitAny: answers of every shape
      return { status: response.status, json: (await response.json()) as any }
    }
    const account = await call('POST', '/v1/auth/register', user)
    const token = account.json.accessToken
    const workflow = { name: 'Queued', nodes: [], connections: {} }
    const saved = await call('POST', '/v1/workflows', { workflow }, token)
    const n8n = { name: 'n8n', baseUrl: 'https://n8n.example.com', apiKey: 'planted-api-key' }
    const instance = await call('POST', '/v1/instances', n8n, token)
    const deployment = { workflowId: saved.json.id, instanceId: instance.json.id, n8nWorkflowId: 'queued' }
    await call('POST', '/v1/deployments', deployment, token)

    const startedAt = performance.now()
    const statuses = new Set<number>()
    let queued = 0
    let next = 0
    const send = async () => {
      while (next < executions) {
        next += 1
        const report = {
          executionId: String(next),
          workflowId: 'queued',
          status: next % 10 === 0 ? 'error' : 'success',
          startedAt: new Date(Date.now() - 1000).toISOString(),
          finishedAt: new Date().toISOString(),
          ...(next % 10 === 0 && { error: { message: 'Failed' } }),
        }
        const path = `/hooks/n8n/${instance.json.id}`
        const answer = await call('POST', path, report, instance.json.webhookToken)
        statuses.add(answer.status)
        if (answer.json.queued) queued += 1
      }
    }
    await Promise.all(Array.from({ length: senders }, send))
    const sentMs = performance.now() - startedAt
    const consumed = () =>
      server.logs().reduce((sum, line) => sum + Number(/^Consumed (\d+)/.exec(line)?.[1] ?? 0), 0)
    while (consumed() < queued) await sleep(100)
    const storedMs = performance.now() - startedAt
    const { rows } = await db.execute<{ rows: number }>(sql`select count(*)::integer as rows from executions`)
    // The first session token has expired after a long run.
    const { json: session } = await call('POST', '/v1/auth/login', user)
    const summary = await call('GET', '/v1/analytics/summary', undefined, session.accessToken)
    return {
      statuses: [...statuses],
      queued,
      deaths: server.logs().filter((line) => line === 'The consumer died').length,
      rows: rows[0]?.rows,
      counted: Number(summary.json.total),
      sentMs,
      storedMs,
    }
  } finally {
    await server.close()
  }
}
