import { beforeAll, describe, expect, test } from 'vitest'
import { demoWorkflows } from '../../demo/large/flows.ts'
import { credentialFor } from '../../demo/large/fixtures.ts'
import type { SeedSummary } from '../../demo/large/seed.ts'
import { flowsOf } from '../../demo/large/workflow.ts'
import { loadCatalogue } from '../../src/n8n/catalogue/catalogue.ts'
import { extractMetadata } from '../../src/n8n/reading/metadata.ts'
import { parseWorkflow } from '../../src/n8n/reading/workflow-json.ts'
import { useTestApp } from '../harness/app.ts'
import { demoAccount, seedDemoInto } from '../harness/large-demo.ts'

const dayMs = 24 * 60 * 60 * 1000
/** Asserts that no nodes overlap. Nodes in n8n are 96 pixels wide, with a label below. */
const leastApart = { x: 120, y: 130 }

interface Drawn {
  name: string
  position: [number, number]
}

describe('the workflows of the large demo', () => {
  test.each(demoWorkflows.map((workflow) => [workflow.name, workflow] as const))(
    '%s is valid n8n JSON of known types in every version, with a trigger and without overlaps',
    async (name, workflow) => {
      const catalogue = await loadCatalogue()
      for (const flow of flowsOf(workflow)) {
        const { workflow: json } = parseWorkflow(flow.json(name, (type) => type))
        const nodes = json['nodes'] as (Drawn & { type: string; typeVersion: number })[]
        for (const { type, typeVersion } of nodes) {
          expect(catalogue.nodeType(type)?.versions, type).toContain(typeVersion)
        }
        const { requiredCredentialTypes, triggerTypes } = extractMetadata(json, catalogue)
        const given = new Set(flow.nodes.flatMap(({ kind }) => kind.credential ?? []))
        expect(requiredCredentialTypes).toEqual([...given].toSorted())
        expect(triggerTypes).toHaveLength(1)
        const overlaps = nodes.flatMap((one) =>
          nodes.filter(
            (other) =>
              other.name > one.name &&
              Math.abs(one.position[0] - other.position[0]) < leastApart.x &&
              Math.abs(one.position[1] - other.position[1]) < leastApart.y,
          ),
        )
        expect(overlaps).toEqual([])
      }
    },
  )

  test('reference existing nodes, versions and credentials', () => {
    for (const workflow of demoWorkflows) {
      const flows = flowsOf(workflow)
      const names = new Set(flows.flatMap(({ nodes }) => nodes.map(({ name }) => name)))
      const named = [
        ...workflow.faults.map(({ node }) => node),
        ...Object.keys({ ...workflow.branches, ...workflow.items, ...workflow.loops }),
      ]
      expect(named.filter((name) => !names.has(name))).toEqual([])
      for (const { history, status } of workflow.deployments) {
        for (const [version] of history) {
          expect(flows[version - 1], `${workflow.name} v${version}`).toBeDefined()
          const types = flows[version - 1]?.nodes.flatMap(({ kind }) => kind.credential ?? []) ?? []
          const lacking = types.filter((type) => !credentialFor(workflow.name, type))
          if (status !== 'pending') expect(lacking).toEqual([])
        }
      }
    }
  })
})

describe('the large demo', () => {
  const app = useTestApp()
  const now = new Date()
  let summary: SeedSummary

  beforeAll(async () => {
    summary = await seedDemoInto(app, now)
  })

  const rows = (query: string) => app.database.sql.query(query)

  test('has 30 workflows and 20,000 runs over 60 days, and a user who can sign in', async () => {
    expect(summary).toMatchObject({ workflows: demoWorkflows.length, executions: 20_000 })
    expect(demoWorkflows).toHaveLength(30)
    const [found] =
      await rows(`select count(*)::integer as runs, min(started_at) as first, max(recorded_at) as last
      from executions where user_id = '${summary.userId}'`)
    expect(found?.['runs']).toBe(20_000)
    expect(now.getTime() - new Date(String(found?.['first'])).getTime()).toBeGreaterThan(58 * dayMs)
    expect(new Date(String(found?.['last'])).getTime()).toBeLessThanOrEqual(now.getTime())
    const { email, password } = demoAccount
    expect(await app.call('POST', '/v1/auth/login', { body: { email, password } })).toMatchObject({
      status: 200,
    })
  })

  test('has IDs that sort by the time of receipt', async () => {
    const [found] = await rows(`select count(*)::integer as wrong from executions
      where id::text not like substr(lpad(to_hex((extract(epoch from recorded_at) * 1000)::bigint), 12, '0'), 1, 8) || '-%'`)
    expect(found?.['wrong']).toBe(0)
  })

  test('has every state of deployments, credentials and instances, and every kind of run', async () => {
    const states = async (column: string, table: string) =>
      (await rows(`select distinct ${column} as state from ${table} order by 1`)).map(({ state }) => state)
    expect(await states('status', 'deployments')).toEqual(
      ['active', 'deploying', 'failed', 'inactive', 'pending', 'tracking', 'undeployed'].toSorted(),
    )
    expect(await states('drifted_since is not null', 'deployments')).toEqual([false, true])
    expect(await states('status', 'credentials')).toEqual(['invalid', 'untested', 'valid'])
    expect(await states('status', 'instances')).toEqual(['limited', 'ok', 'unreachable'])
    expect(await states('status', 'executions')).toEqual(
      ['canceled', 'crashed', 'error', 'new', 'running', 'success', 'waiting'].toSorted(),
    )
  })

  test('has rollups that equal a recount', async () => {
    const [found] = await rows(`select
      (select sum(success) from execution_stats_now where deployment_id = '00000000-0000-0000-0000-000000000000' and grain = 'day')::integer as told,
      (select count(*) from executions where status = 'success')::integer as counted`)
    expect(found?.['told']).toBe(found?.['counted'])
  })

  test('keeps the node data of the last month, like an installation', async () => {
    const [found] = await rows(`select count(*)::integer as without from executions
      where data is null and status in ('success', 'error') and recorded_at > now() - interval '29 days'`)
    expect(found?.['without']).toBe(0)
  })

  test('dates events in the past, not at the time of seeding', async () => {
    const [found] = await rows(`select
      (select count(*) from audit_events where created_at > now() - interval '20 hours')::integer as today,
      (select count(*) from audit_events)::integer as events,
      (select count(*) from workflow_versions where created_at > now() - interval '20 hours')::integer as versions`)
    expect(found?.['events']).toBeGreaterThan(150)
    expect(found?.['today']).toBeLessThan(10)
    expect(found?.['versions']).toBe(1)
  })

  test('has a workflow that fails on nearly every run since its newest version', async () => {
    const [found] = await rows(`select
        count(*) filter (where e.status = 'error')::integer as failed, count(*)::integer as runs
      from executions e join workflows w on w.id = e.workflow_id
      where w.name = 'Support triage' and e.workflow_version = w.version`)
    expect(found?.['runs']).toBeGreaterThan(35)
    expect(Number(found?.['failed']) / Number(found?.['runs'])).toBeGreaterThan(0.8)
  })

  test('rejects an email address in use before it creates anything', async () => {
    const before = await rows('select count(*)::integer as events from audit_events')
    await expect(seedDemoInto(app, now)).rejects.toMatchObject({ code: 'email-taken' })
    expect(await rows('select count(*)::integer as events from audit_events')).toEqual(before)
  })
})
