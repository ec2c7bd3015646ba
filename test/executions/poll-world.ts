/** Instances with one n8n stub each, on a real database, polled by a clock that the test moves. */
import { v7 as uuidv7 } from 'uuid'
import type { SealedBox } from '../../src/crypto/secret-box.ts'
import { deployments } from '../../src/db/schema/deployments.ts'
import { instances } from '../../src/db/schema/instances.ts'
import { users } from '../../src/db/schema/users.ts'
import { workflows } from '../../src/db/schema/workflows.ts'
import { DeadLetterRepository } from '../../src/executions/reports/dead-letters.ts'
import { ReportReceiver } from '../../src/executions/reports/receive.ts'
import {
  type PollDeps,
  pollNow,
  reconcile,
  type ReconcileOptions,
} from '../../src/executions/poll/reconcile.ts'
import type { LogFields } from '../../src/http/log.ts'
import { createN8nClient } from '../../src/n8n/api/client.ts'
import type { TestDatabase } from '../harness/database.ts'
import { createN8nStub, type N8nStub, type N8nStubOptions } from '../harness/n8n-stub.ts'
import type { StubExecution } from '../harness/n8n-stub-state.ts'
import { createClock } from '../harness/clock.ts'

export const minuteMs = 60_000
export const hourMs = 60 * minuteMs

const webhookWorkflow = (name: string) => ({
  name,
  nodes: [
    {
      id: '1',
      name: 'Webhook',
      type: 'n8n-nodes-base.webhook',
      typeVersion: 2,
      position: [0, 0],
      parameters: { path: name },
    },
  ],
  connections: {},
  settings: {},
})

export function createPollWorld({ db, sql }: Pick<TestDatabase, 'db' | 'sql'>) {
  const clock = createClock(new Date('2026-11-22T12:00:00Z'))
  const now = () => new Date(clock.now)
  const logs: { level: string; event: string; fields: LogFields }[] = []
  const fetches = new Map<string, { stub: N8nStub; fetch: typeof fetch }>()
  const deps: PollDeps = {
    db,
    now,
    random: () => 0,
    log: (level, event, fields = {}) => logs.push({ level, event, fields }),
    connections: {
      open: (_, instanceId) => {
        const server = fetches.get(instanceId)
        if (!server) return Promise.resolve(null)
        const { baseUrl, apiKey } = server.stub
        return Promise.resolve({
          client: createN8nClient({ baseUrl, apiKey, fetch: server.fetch, timeoutMs: 5_000 }),
        })
      },
    },
  }
  const reports = new ReportReceiver(db, new DeadLetterRepository(db, now), now)
  const advance = (ms: number) => {
    clock.now = new Date(clock.now.getTime() + ms)
  }

  /** With one deployment of one workflow, and an n8n whose clock is `skewMs` ahead. */
  async function instance({ skewMs = 0, reportSuccess = false, ...options }: InstanceOptions = {}) {
    const stub = await createN8nStub({ now: () => new Date(clock.now.getTime() + skewMs), ...options })
    const server = { stub, fetch: stub.fetch }
    const { baseUrl, apiKey } = stub
    const client = createN8nClient({ baseUrl, apiKey, fetch: stub.fetch })
    const [tracked, other] = await Promise.all(
      ['tracked', 'other'].map((name) => client.createWorkflow(webhookWorkflow(name))),
    )
    if (!tracked || !other) throw new Error('The stub made no workflows')
    const [userId, id, workflowId, deploymentId] = [uuidv7(), uuidv7(), uuidv7(), uuidv7()]
    const content = {
      name: 'w',
      tags: [],
      nodeCount: 0,
      nodeTypes: [],
      requiredCredentialTypes: [],
      triggerTypes: [],
      webhookPaths: [],
      data: { nodes: [], connections: {} },
      contentHash: workflowId,
    }
    const createdAt = now()
    const sealed = { header: { kid: 'k1' } } as unknown as SealedBox
    await db.batch([
      db
        .insert(users)
        .values({ id: userId, email: `${userId}@example.com`, passwordHash: 'none', pepperId: 'p1' }),
      db
        .insert(instances)
        .values({ id, userId, name: 'n8n', baseUrl, apiKey: sealed, nextPollAt: createdAt, createdAt }),
      db.insert(workflows).values({ id: workflowId, userId, ...content, warnings: [] }),
      db.insert(deployments).values({
        id: deploymentId,
        userId,
        workflowId,
        instanceId: id,
        version: 1,
        status: 'active' as const,
        n8nWorkflowId: tracked.id,
        reportSuccess,
        createdAt,
      }),
    ])
    fetches.set(id, server)
    const add = (more: Partial<StubExecution> = {}) => stub.addExecution({ workflowId: tracked.id, ...more })
    const push = (execution: Partial<StubExecution> & { id: string }) =>
      reports.receive({ id, userId }, [{ ...execution, workflowId: tracked.id }])
    const rows = () =>
      sql`select n8n_execution_id as id, status, error_message, error_node, data, data_stamp,
          started_at, finished_at
        from executions where instance_id = ${id} order by n8n_execution_id ~ '^[0-9]+$' desc, length(n8n_execution_id), n8n_execution_id, started_at`
    const schedule = async () => {
      const [row] = await sql`select status, status_detail, next_poll_at, poll_lease_until, poll_failures,
        last_polled_at, polled_through, poll_cursor from instances where id = ${id}`
      return row ?? {}
    }
    const statuses = async () =>
      Object.fromEntries((await rows()).map((row) => [String(row['id']), String(row['status'])]))
    return {
      id,
      userId,
      workflowId,
      deploymentId,
      stub,
      server,
      client,
      trackedId: tracked.id,
      otherId: other.id,
      add,
      push,
      rows,
      schedule,
      statuses,
      poll: () => pollNow(deps, userId, id),
    }
  }

  return {
    clock,
    now,
    advance,
    logs,
    deps,
    instance,
    run: (more: Partial<ReconcileOptions> = {}) => reconcile({ ...deps, budgetMs: 50_000, ...more }),
    /** Ensures that a test only polls its own instances. */
    forget: () => sql`update instances set next_poll_at = 'infinity'`,
  }
}

interface InstanceOptions extends N8nStubOptions {
  skewMs?: number
  reportSuccess?: boolean
}

export type PollWorld = ReturnType<typeof createPollWorld>
export type PolledInstance = Awaited<ReturnType<PollWorld['instance']>>
