/**
 * A real n8n whose database is restored, so that its execution IDs start over. `N8N_BACKUP` and `N8N_RESTORE` are shell
 * commands that save and restore the database of the n8n at `N8N_URL` and return once it responds again.
 */
import { exec } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { replying } from './workflows.ts'
import { createWorld, onRealN8n, n8nUrl, until, type World } from './world.ts'

const { N8N_BACKUP: backup = '', N8N_RESTORE: restore = '' } = process.env

const run = (command: string) => promisify(exec)(command, { timeout: 120_000 })

/** Empty while n8n starts. */
const reply = (path: string): Promise<string> =>
  fetch(`${n8nUrl}/webhook/${path}`, { method: 'POST' })
    .then((answer) => answer.text())
    .catch(() => '')

onRealN8n('N8N_BACKUP', 'N8N_RESTORE')('a real n8n that was restored', () => {
  let world: World
  beforeAll(async () => {
    world = await createWorld({ pushes: false })
  })
  afterAll(() => world?.close())

  test('records all six runs, three before and three after with the same IDs, and detects the reset', async () => {
    const path = `ingest-${randomBytes(5).toString('hex')}`
    const saved = await world.call('POST', '/v1/workflows', { workflow: replying(path, 'one') })
    const created = await world.call('POST', '/v1/deployments', {
      workflowId: saved.json.id,
      instanceId: world.instanceId,
    })
    const deployment = `/v1/deployments/${created.json.id}`
    await until(
      () => world.call('GET', deployment),
      ({ json }) => json.status === 'active',
      90_000,
    )
    await run(backup)
    const callHook = async () => {
      for (let index = 0; index < 3; index++) {
        await until(
          () => reply(path),
          (said) => said.includes('one'),
        )
      }
    }
    const polled = (count: number) =>
      until(
        async () => {
          await world.call('POST', '/v1/executions/poll', { instanceId: world.instanceId })
          const { json } = await world.call('GET', `/v1/executions?deploymentId=${created.json.id}`)
          return json.items as { n8nExecutionId: string; status: string; startedAt: string }[]
        },
        (items) => items.length >= count,
      )
    await callHook()
    const before = await polled(3)
    await run(restore)
    await callHook()
    const all = await polled(6)
    expect(all).toHaveLength(6)
    const ids = (items: typeof all) => items.map(({ n8nExecutionId }) => n8nExecutionId).toSorted()
    expect(ids(all)).toEqual([...ids(before), ...ids(before)].toSorted())
    expect(new Set(all.map(({ startedAt }) => startedAt)).size).toBe(6)
    const audit = await world.call('GET', '/v1/audit-events')
    const resets = audit.json.items.filter(
      ({ action }: { action: string }) => action === 'instance.reset-detected',
    )
    expect(resets).toHaveLength(1)
    const instance = await world.call('GET', `/v1/instances/${world.instanceId}`)
    expect(instance.json).toMatchObject({ epoch: 2 })
    expect(Date.parse(instance.json.epochStartedAt)).toBeGreaterThan(Date.now() - 10 * 60_000)
    expect((await world.call('POST', `${deployment}/undeploy`)).status).toBe(200)
  }, 300_000)
})
