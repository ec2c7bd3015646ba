/** @module T1 to T5: what one user can read or change of another, and which fields a request may set. */
import { v7 } from 'uuid'
import { expect } from 'vitest'
import { faultsOf } from '../fuzz/faults.ts'
import { type Operation, operationsOf } from '../fuzz/operations.ts'
import { sampleWorkflow } from '../harness/target-resources.ts'
import type { TargetUser } from '../harness/target.ts'
import { withoutRequestCounts } from '../harness/database.ts'
import { comparable, range, threat, type World } from './suite.ts'

export function tenancy(world: World): void {
  const document = async () => (await world.target.call('GET', '/openapi.json')).json
  const collectionOf = (path: string) => path.slice('/v1/'.length, path.indexOf('/{id}'))

  threat('T1', async () => {
    const { owner, stranger, target } = world
    const { paths } = await document()
    const { operations } = operationsOf(await document())
    const dump = async () => withoutRequestCounts(await target.database.dump())
    const before = await dump()
    const calls = world.n8n.stub.calls().length
    const send = (user: TargetUser, { method, path }: Operation, id: string) => {
      const example = paths[path][method.toLowerCase()].requestBody?.content['application/json']?.example
      const concrete = path.replace('{id}', id).replace(/\{\w+\}/g, '1')
      return user.call(method, path.endsWith('/diff') ? `${concrete}?from=1&to=1` : concrete, {
        headers: { 'If-Match': '*' },
        ...(example !== undefined && { body: example }),
      })
    }
    const tried = new Set<string>()
    const notFound: string[] = []
    for (const operation of operations.filter(({ path }) => path.includes('/{id}'))) {
      const id = owner.resources.ids[collectionOf(operation.path)]
      if (id === undefined) continue
      tried.add(operation.id)
      const missing = v7()
      const answer = await send(stranger, operation, id)
      expect({ operation: operation.id, status: answer.status }).toEqual({
        operation: operation.id,
        status: expect.toSatisfy((status: number) => status === 404 || status === 422),
      })
      if (answer.status === 404) notFound.push(operation.id)
      expect(comparable(answer, id)).toEqual(comparable(await send(stranger, operation, missing), missing))
    }
    expect(tried.size).toBeGreaterThan(50)
    expect(notFound.length / tried.size).toBeGreaterThan(0.9)
    expect(await dump()).toBe(before)
    expect(world.n8n.stub.calls().length).toBe(calls)
  })

  threat(
    'T1',
    async () => {
      const { owner, stranger } = world
      const { workflows, instances, credentials, deployments } = owner.resources.ids
      const own = stranger.resources.ids
      const name = `Only ${v7()}`
      const created = await owner.call('POST', '/v1/workflows', { body: { workflow: sampleWorkflow(name) } })
      const found = async (user: TargetUser, path: string) =>
        JSON.stringify((await user.call('GET', path)).json.items)
      for (const q of [name, name.slice(5, 13), 'Only']) {
        const path = `/v1/workflows?q=${encodeURIComponent(q)}`
        expect(await found(owner, path)).toContain(created.json.id)
        expect(await found(stranger, path)).not.toContain(created.json.id)
      }
      const filters = [
        `/v1/executions?workflowId=${workflows}`,
        `/v1/executions?instanceId=${instances}`,
        `/v1/executions?deploymentId=${deployments}`,
        `/v1/deployments?workflowId=${workflows}`,
        `/v1/dead-letters?instanceId=${instances}`,
        `/v1/test-runs?workflowId=${workflows}`,
      ]
      for (const path of filters) {
        const answer = await stranger.call('GET', path)
        expect({ path, items: answer.json.items }).toEqual({ path, items: [] })
      }
      const summary = await stranger.call('GET', `/v1/analytics/summary?workflowId=${workflows}`)
      expect(summary.json.total).toBe(0)
      for (const [collection, id] of Object.entries(owner.resources.ids)) {
        expect(await found(stranger, `/v1/${collection}`)).not.toContain(id)
      }
      const bodies = [
        ['/v1/deployments', { workflowId: workflows, instanceId: own['instances'], n8nWorkflowId: 'x1' }],
        ['/v1/deployments', { workflowId: own['workflows'], instanceId: instances, n8nWorkflowId: 'x1' }],
        ['/v1/deployments/plan', { workflowId: workflows, instanceId: own['instances'] }],
        ['/v1/deployments/plan', { workflowId: own['workflows'], instanceId: instances }],
        [
          '/v1/deployments',
          {
            workflowId: own['workflows'],
            instanceId: own['instances'],
            bindings: [{ type: 'slackApi', credentialId: credentials }],
          },
        ],
        [`/v1/credentials/${own['credentials']}/replace`, { with: credentials, dryRun: true }],
        [`/v1/workflows/${own['workflows']}/test`, { instanceId: instances }],
        ['/v1/releases', { workflows: [{ workflowId: workflows }], instanceIds: [own['instances']] }],
        ['/v1/alerts/rules', { kind: 'drift', channelIds: [owner.resources.ids['alerts/channels']] }],
        ['/v1/alerts/rules', { kind: 'drift', channelIds: [], workflowId: workflows }],
      ] as const
      const before = await world.target.database.sql`select count(*) from deployments`
      for (const [path, body] of bodies) {
        const answer = await stranger.call('POST', path, { body })
        expect({ path, body, status: [404, 422].includes(answer.status) }).toEqual({
          path,
          body,
          status: true,
        })
        expect(answer.text).not.toContain('Orders')
      }
      expect(await world.target.database.sql`select count(*) from deployments`).toEqual(before)
    },
    { part: 'in searches, filters and bodies' },
  )

  threat('T2', async () => {
    const { sql } = world.target.database
    // Between two tables with an owner, every foreign key contains the owner.
    const loose = await sql`
      with owned as (select attrelid from pg_attribute where attname = 'user_id' and not attisdropped)
      select c.conname from pg_constraint c
      where c.contype = 'f' and c.connamespace = 'public'::regnamespace
        and c.conrelid in (select attrelid from owned) and c.confrelid in (select attrelid from owned)
        and not exists (select 1 from pg_attribute a
          where a.attrelid = c.conrelid and a.attnum = any (c.conkey) and a.attname = 'user_id')`
    expect(loose).toEqual([])
    const { owner, stranger } = world
    const other = owner.resources.ids
    await expect(
      sql`update deployments set workflow_id = ${other['workflows']} where user_id = ${stranger.id}`,
    ).rejects.toMatchObject({ code: '23503' })
    await expect(
      sql`update deployments set instance_id = ${other['instances']} where user_id = ${stranger.id}`,
    ).rejects.toMatchObject({ code: '23503' })
  })

  threat('T3', async () => {
    const { owner, stranger, target } = world
    const members = {
      userId: stranger.id,
      user_id: stranger.id,
      id: v7(),
      keyId: 'k2',
      createdAt: '2020-01-01T00:00:00Z',
      status: 'valid',
      isAdmin: true,
      version: 99,
    }
    const { credentials, workflows, instances } = owner.resources.ids
    const targets = [
      ['POST', '/v1/credentials', { type: 'slackApi', name: 'x', data: { accessToken: owner.secret } }],
      ['PATCH', `/v1/credentials/${credentials}`, { name: 'Renamed' }],
      ['POST', '/v1/workflows', { workflow: sampleWorkflow() }],
      ['PATCH', `/v1/workflows/${workflows}`, { name: 'Renamed' }],
      ['POST', '/v1/instances', { name: 'x', baseUrl: `${world.n8n.baseUrl}/x`, apiKey: 'key' }],
      ['PATCH', `/v1/instances/${instances}`, { name: 'Renamed' }],
      ['PATCH', '/v1/me', { name: 'Renamed' }],
      ['POST', '/v1/auth/register', { email: `${v7()}@example.com`, password: 'a long enough password' }],
    ] as const
    const before = await target.database.dump()
    for (const [method, path, body] of targets) {
      for (const [name, value] of Object.entries(members)) {
        const answer = await owner.call(method, path, {
          body: { ...body, [name]: value },
          headers: { 'If-Match': '*' },
        })
        expect({ method, path, name, status: answer.status }).toEqual({ method, path, name, status: 422 })
      }
    }
    expect(await target.database.dump()).toBe(before)
  })

  threat('T4', async () => {
    const { operations } = operationsOf(await document())
    const { owner } = world
    let checked = 0
    for (const operation of operations.filter(
      ({ method, path }) => method === 'GET' && path.startsWith('/v1/'),
    )) {
      const id = owner.resources.ids[collectionOf(operation.path)] ?? v7()
      const path = operation.path
        .replace('{id}', id)
        .replace('{type}', 'slackApi')
        .replace(/\{\w+\}/g, '1')
      const answer = await owner.call('GET', path.endsWith('/diff') ? `${path}?from=1&to=1` : path)
      expect({ path, faults: faultsOf(operation, answer) }).toEqual({ path, faults: [] })
      if (answer.status === 200) checked += 1
    }
    expect(checked).toBeGreaterThan(40)
  })

  threat('T5', async () => {
    const { owner, stranger } = world
    const { operations } = operationsOf(await document())
    const lists = operations.filter(
      ({ method, path, parameters }) =>
        method === 'GET' && !path.includes('{') && parameters.some(({ name }) => name === 'cursor'),
    )
    expect(lists.length).toBeGreaterThan(10)
    for (const { path } of lists) {
      for (const query of [
        'limit=0',
        'limit=-1',
        'limit=1e9',
        'limit=NaN',
        'limit=1%3Bdrop',
        'limit=1&limit=2',
      ]) {
        const { status } = await owner.call('GET', `${path}?${query}`)
        expect({ path, query, status }).toEqual({ path, query, status: 422 })
      }
      for (const cursor of ['x', '%00', "'%20or%201=1", btoa('{"id":1}'), 'null']) {
        const { status } = await owner.call('GET', `${path}?cursor=${encodeURIComponent(cursor)}`)
        expect({ path, cursor, status }).toEqual({ path, cursor, status: 422 })
      }
    }
    const add = (user: TargetUser, name: string) =>
      user.call('POST', '/v1/workflows', { body: { workflow: { nodes: [], connections: {} }, name } })
    for (const i of range(12)) await add(i % 2 ? owner : stranger, `Page ${i}`)
    const theirs = (await stranger.call('GET', '/v1/workflows?limit=2')).json
    const crossed = await owner.call(
      'GET',
      `/v1/workflows?limit=100&cursor=${encodeURIComponent(theirs.nextCursor)}`,
    )
    if (crossed.status === 200) {
      const strangers = (await stranger.call('GET', '/v1/workflows?limit=100')).json.items
      const ids = new Set(strangers.map(({ id }: { id: string }) => id))
      expect(crossed.json.items.filter(({ id }: { id: string }) => ids.has(id))).toEqual([])
    } else expect(crossed.status).toBe(422)
    const all = (await owner.call('GET', '/v1/workflows?limit=100')).json.items.map(
      ({ id }: { id: string }) => id,
    )
    const seen: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      await add(owner, 'Inserted meanwhile')
      const query: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
      const page = (await owner.call('GET', `/v1/workflows?limit=3${query}`)).json
      seen.push(...page.items.map(({ id }: { id: string }) => id))
      cursor = page.nextCursor
    }
    expect(new Set(seen).size).toBe(seen.length)
    expect(all.filter((id: string) => !seen.includes(id))).toEqual([])
  })
}
