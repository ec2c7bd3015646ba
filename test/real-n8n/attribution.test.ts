/** Runs of a real n8n count for the version that ran, even if fetched after another was deployed. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { replying, waiting } from './workflows.ts'
import { createWorld, onRealN8n, n8nUrl, until, type World } from './world.ts'

interface Run {
  id: string
  n8nExecutionId: string
  status: string
  kind: string
  workflowVersion: number
  workflowVersionSource: string
  retryOf: string | null
  retriedBy: string | null
  durationMs: number
  waited: boolean
  activeMs: number | null
}

onRealN8n()('runs and their versions', () => {
  let world: World
  beforeAll(async () => {
    // Without pushes, so that only polling finds runs.
    world = await createWorld({ pushes: false })
  })
  afterAll(() => world?.close())

  const settled = (id: string) =>
    until(
      () => world.call('GET', `/v1/deployments/${id}`),
      ({ json }) => json.intent === null,
      90_000,
    )
  async function deploy(workflow: object) {
    const saved = await world.call('POST', '/v1/workflows', {
      workflow,
      prompt: 'PROMPT ONE',
      model: 'model-a',
    })
    expect(saved.status).toBe(201)
    const created = await world.call('POST', '/v1/deployments', {
      workflowId: saved.json.id,
      instanceId: world.instanceId,
    })
    expect(created.status).toBe(201)
    expect((await settled(created.json.id)).json).toMatchObject({ status: 'active', error: null })
    return { id: String(created.json.id), workflowId: String(saved.json.id) }
  }
  const runs = async (deploymentId: string) =>
    (await world.call('GET', `/v1/executions?deploymentId=${deploymentId}&limit=100`)).json.items as Run[]
  const poll = () =>
    until(
      () => world.call('POST', '/v1/executions/poll', { instanceId: world.instanceId }),
      ({ status }) => status === 200,
    )
  const countOf = (items: Run[], version: number) =>
    items.filter(({ workflowVersion }) => workflowVersion === version).length
  const callHook = async (path: string, times: number, text: string) => {
    for (let index = 0; index < times; index++) {
      const answer = await until(
        async () => (await fetch(`${n8nUrl}/webhook/${path}`, { method: 'POST' })).text(),
        (said) => said.includes(text),
      )
      expect(answer).toContain(text)
    }
  }

  test('counts ten runs of v1 and one of v2 correctly when fetched together after v2 was deployed, and after a rollback', async () => {
    const path = `ingest-${randomBytes(5).toString('hex')}`
    const { id, workflowId } = await deploy(replying(path, 'one'))
    await callHook(path, 10, 'one')
    const changed = { workflow: replying(path, 'two'), prompt: 'PROMPT TWO', model: 'model-b' }
    const saved = await world.call('PATCH', `/v1/workflows/${workflowId}`, changed, { 'If-Match': '*' })
    expect(saved.status).toBe(200)
    expect((await world.call('POST', `/v1/deployments/${id}/deploy`, {})).status).toBe(200)
    expect((await settled(id)).json).toMatchObject({ status: 'active', version: 2 })
    await callHook(path, 1, 'two')
    await poll()
    const first = await runs(id)
    expect([countOf(first, 1), countOf(first, 2)]).toEqual([10, 1])
    // Fetched with their data, they have the version that n8n reports.
    await until(
      async () => {
        await world.call('POST', '/v1/executions/poll', { instanceId: world.instanceId })
        return runs(id)
      },
      (items) => items.every(({ workflowVersionSource }) => workflowVersionSource === 'n8n'),
    )
    const prompts = await world.call('GET', '/v1/analytics/prompts')
    const runsOf = (prompt: string) =>
      prompts.json.items.find((each: { prompt: string }) => each.prompt === prompt)?.runs
    expect([runsOf('PROMPT ONE'), runsOf('PROMPT TWO')]).toEqual([10, 1])

    await callHook(path, 2, 'two')
    expect((await world.call('POST', `/v1/deployments/${id}/rollback`, { version: 1 })).status).toBe(200)
    expect((await settled(id)).json).toMatchObject({ status: 'active', version: 1 })
    await callHook(path, 1, 'one')
    await until(
      async () => {
        await world.call('POST', '/v1/executions/poll', { instanceId: world.instanceId })
        return runs(id)
      },
      (items) => items.length === 14,
    )
    const all = await runs(id)
    expect([countOf(all, 1), countOf(all, 2)]).toEqual([11, 3])
  })

  test('counts a failed run that waited and its retry once, without the time that they waited', async () => {
    const path = `ingest-${randomBytes(5).toString('hex')}`
    const { id } = await deploy(waiting(path))
    await until(
      async () => (await fetch(`${n8nUrl}/webhook/${path}`, { method: 'POST' })).status,
      (status) => status === 200,
    )
    const polled = (accept: (items: Run[]) => boolean) =>
      until(
        async () => {
          await world.call('POST', '/v1/executions/poll', { instanceId: world.instanceId })
          return runs(id)
        },
        accept,
        120_000,
      )
    const [failed] = await polled(([run]) => run?.status === 'error' && run.activeMs !== null)
    expect(failed).toMatchObject({ waited: true, kind: 'production' })
    expect(failed?.durationMs).toBeGreaterThan(2500)
    expect(failed?.activeMs).toBeLessThan(1500)
    const retried = await world.n8n('POST', `/executions/${failed?.n8nExecutionId}/retry`, {})
    expect(retried.status).toBe(200)
    const both = await polled(
      (items) => items.length === 2 && items.every(({ status }) => status === 'error'),
    )
    const [retry, original] = both
    expect(original).toMatchObject({ kind: 'superseded', retriedBy: retry?.id })
    expect(retry).toMatchObject({ kind: 'production', retryOf: original?.id })
  })
})
