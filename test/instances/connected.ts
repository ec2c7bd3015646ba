/** An application with one user, one instance and its n8n stub, with a controlled clock. */
import { expect } from 'vitest'
import { InstanceConnections } from '../../src/instances/connections.ts'
import { ErrorReporter } from '../../src/instances/reporter.ts'
import { createTestApp, type TestAppOptions } from '../harness/app.ts'
import { restoredAfterTest } from '../harness/clock.ts'
import { createN8nStub, type N8nStubOptions } from '../harness/n8n-stub.ts'

export type Connected = Awaited<ReturnType<typeof createConnected>>

export async function createConnected(options: Pick<TestAppOptions, 'database'> = {}) {
  const aheadMs = restoredAfterTest(0)
  const now = () => new Date(Date.now() + aheadMs.value)
  const n8n: { fetch: typeof fetch } = { fetch: () => Promise.reject(new TypeError('fetch failed')) }
  const instanceFetch: typeof fetch = (input, init) => n8n.fetch(input, init)
  const app = await createTestApp({ ...options, runtime: { instanceFetch, now } })
  const { db, secretBox, config } = app.deps

  /** A new user with a new n8n. */
  async function world(stubOptions: N8nStubOptions = {}) {
    const stub = await createN8nStub(stubOptions)
    n8n.fetch = stub.fetch
    const user = await app.user()
    const body = { name: 'n8n', baseUrl: 'https://n8n.example.com', apiKey: stub.apiKey }
    const made = await user.call('POST', '/v1/instances', { body })
    expect(made.status).toBe(201)
    const id: string = made.json.id
    const path = `/v1/instances/${id}`

    /** A separate client and reporter, like in another process. Requests time out after 3 s. */
    const connect = async (own: typeof fetch = stub.fetch) => {
      const settings = { ...config, fetch: own, timeoutMs: 3_000 }
      const connection = await new InstanceConnections(db, now, secretBox, settings).open(user.id, id)
      if (!connection) throw new Error('The instance is gone')
      const wait = () => new Promise<void>((resolve) => setTimeout(resolve, 2))
      const reporter = new ErrorReporter(db, now, { ...config, wait })
      return {
        ...connection,
        ensure: () => reporter.ensureReporter(connection),
        remove: () => reporter.removeReporter(connection),
      }
    }

    /** The status of the webhook for the token in the reporter's credential. */
    const hookAnswers = async () => {
      const [credential] = stub.state.credentials.values()
      const headers = { Authorization: String(credential?.data['value']) }
      const report = { execution: { id: '1', error: { message: 'x' } }, workflow: { id: 'w' } }
      return (await app.call('POST', `/hooks/n8n/${id}`, { body: report, headers })).status
    }

    /** Asserts the invariants after a successful setup. */
    const expectOneReporter = async () => {
      const [workflow, ...otherWorkflows] = stub.state.workflows.values()
      const [credential, ...otherCredentials] = stub.state.credentials.values()
      expect([otherWorkflows, otherCredentials]).toEqual([[], []])
      expect(workflow?.activeVersionId).toBe(workflow?.versionId)
      const post = workflow?.nodes.find((node) => node['type'] === 'n8n-nodes-base.httpRequest')
      expect(post).toMatchObject({
        parameters: { url: `${config.publicUrl}/hooks/n8n/${id}` },
        credentials: { httpHeaderAuth: { id: credential?.id } },
      })
      const [row] = await app.database.sql`
        select reporter_workflow_id, reporter_credential_id from instances where id = ${id}`
      expect(row).toEqual({ reporter_workflow_id: workflow?.id, reporter_credential_id: credential?.id })
      const lasting = await app.database.sql`
        select 1 from webhook_tokens where instance_id = ${id} and label = 'reporter' and expires_at is null`
      expect(lasting).toHaveLength(1)
      expect(await hookAnswers()).toBe(202)
    }
    return { stub, user, id, path, connect, hookAnswers, expectOneReporter }
  }
  return { app, aheadMs, n8n, world, close: () => app.close() }
}
