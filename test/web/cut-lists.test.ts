/** A list with a limit says that it is cut if there are more items than the limit, and not if there are exactly as many. */
import { beforeAll, describe, expect, test } from 'vitest'
import { cutList } from '../../src/lib/cut-list.ts'
import { useTestApp } from '../harness/app.ts'
import { parsePage, text as textOf } from '../harness/dom.ts'
import { executionsWorld, type ExecutionsWorld } from './executions/world.ts'

const app = useTestApp()
let world: ExecutionsWorld
beforeAll(async () => {
  world = await executionsWorld(app)
})

async function main(path: string) {
  const { status, text } = await world.get(path)
  expect({ path, status }).toEqual({ path, status: 200 })
  return parsePage(text).document.querySelector('main')!
}
const notesOn = async (path: string): Promise<string[]> =>
  textOf(await main(path)).match(/Only the first \d+ are listed/g) ?? []
const note = (limit: number) => `Only the first ${limit} are listed`

/** Adds instances until there are `total`. */
async function haveInstances(total: number) {
  await app.database.sql`insert into instances (id, user_id, name, base_url, api_key)
    select gen_random_uuid(), user_id, 'Copy ' || lpad(n::text, 4, '0'), 'https://n' || n || '.example.com', api_key
    from instances, generate_series((select count(*) from instances where user_id = ${world.userId}), ${total - 1}) n
    where id = ${world.instanceId}`
}

test('a list of one row more than its limit is cut', () => {
  expect(cutList([1, 2, 3], 3)).toEqual({ items: [1, 2, 3], isCut: false })
  expect(cutList([1, 2, 3, 4], 3)).toEqual({ items: [1, 2, 3], isCut: true })
  expect(cutList([], 3)).toEqual({ items: [], isCut: false })
})

describe('the filters of the workflow list', () => {
  test.each([
    ['node', 'node_types'],
    ['cred', 'required_credential_types'],
    ['tag', 'tags'],
  ])('list 200 values: %s', async (name, column) => {
    const set = (values: string) =>
      app.deps.db.execute(`update workflows set ${column} = ${values} where id = '${world.workflowId}'`)
    const valuesTo = (total: number) =>
      `array(select 'value' || lpad(n::text, 4, '0') from generate_series(1, ${total}) n)`
    const optionsAt = async (query: string) =>
      [...(await main(`/workflows${query}`)).querySelectorAll(`select[name=${name}] option`)].map((option) =>
        textOf(option),
      )
    await set(valuesTo(200))
    expect(await optionsAt('')).toHaveLength(201)
    expect(await notesOn('/workflows')).toEqual([])
    await set(valuesTo(201))
    expect((await optionsAt('')).at(-1)).toBe(note(200))
    expect(await optionsAt('')).toHaveLength(202)
    // The selected value is not among the first 200.
    expect((await optionsAt(`?${name}=value0201`)).at(-1)).toBe(note(200))
    await set("'{}'")
  })
})

test('the instance list has pages of 100, the worst instance first on the first page', async () => {
  const rowsAt = async (path: string) => (await main(path)).querySelectorAll('tbody tr').length
  await haveInstances(100)
  expect(await rowsAt('/instances')).toBe(100)
  expect((await main('/instances')).querySelector('.pagination')).toBeNull()
  await haveInstances(101)
  // The oldest instance.
  await app.database.sql`update instances set status = 'unreachable' where id = ${world.instanceId}`
  const first = await main('/instances')
  expect(first.querySelectorAll('tbody tr')).toHaveLength(100)
  expect(textOf(first.querySelector('.pagination')!)).toContain('Showing 100 of 101 instances.')
  expect(first.querySelector('tbody a')?.getAttribute('href')).toBe(`/instances/${world.instanceId}`)
  const second = await main(first.querySelector('.pagination a[rel=next]')!.getAttribute('href') ?? '')
  expect(second.querySelectorAll('tbody tr')).toHaveLength(1)
  expect(textOf(second.querySelector('.pagination')!)).toContain('Showing 1 of 101 instances.')
  expect(second.querySelector('.pagination a[rel=next]')).toBeNull()
  // The overview considers every instance.
  expect(textOf((await main('/')).querySelector('.attention')!)).toContain('unreachable')
  await app.database.sql`update instances set status = 'ok' where id = ${world.instanceId}`
})

test('selects of instances and workflows list 500', async () => {
  const paths = ['/deployments', '/executions', '/deployments/new', '/deployments/track']
  await haveInstances(500)
  for (const path of paths) expect({ path, notes: await notesOn(path) }).toEqual({ path, notes: [] })
  await haveInstances(501)
  for (const path of paths) expect({ path, notes: await notesOn(path) }).toEqual({ path, notes: [note(500)] })
  await app.database.sql`delete from instances where user_id = ${world.userId} and id <> ${world.instanceId}`
})

test('the replacement of a credential lists 500 others, and always the chosen one', async () => {
  const { sql } = app.database
  const { id } = await world.api('POST', '/v1/credentials', {
    type: 'slackApi',
    name: 'Replaced',
    data: { accessToken: 'xoxb-1' },
  })
  const copy = (from: number, to: number) =>
    sql`insert into credentials (id, user_id, name, n8n_credential_type, service, credential_data, field_names, known)
      select ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, user_id, 'Other ' || n, n8n_credential_type,
        service, credential_data, field_names, known
      from credentials, generate_series(${from}::integer, ${to}::integer) n where id = ${id ?? ''}`
  const [{ others } = { others: 0 }] =
    await sql`select count(*)::integer as others from credentials where user_id = ${world.userId} and n8n_credential_type = 'slackApi' and id <> ${id ?? ''}`
  await copy(1, 500 - Number(others))
  const path = `/credentials/${id}/replace`
  expect((await main(path)).querySelectorAll('option')).toHaveLength(500)
  expect(await notesOn(path)).toEqual([])
  await copy(501, 502)
  expect(await notesOn(path)).toEqual([note(500)])
  const oldest = '00000000-0000-7000-8000-000000000001'
  const chosen = await main(`${path}?with=${oldest}`)
  expect(chosen.querySelector('option[selected]')?.getAttribute('value')).toBe(oldest)
  expect(chosen.querySelectorAll('option')).toHaveLength(500)
  expect(textOf(chosen)).toContain('Affected deployments')
})

test('search lists 20 hits of a kind', async () => {
  const add = (from: number, to: number) =>
    app.database
      .sql`insert into workflows (id, user_id, name, tags, node_count, node_types, required_credential_types,
        trigger_types, webhook_paths, warnings, workflow_data, content_hash)
      select gen_random_uuid(), user_id, 'Findable ' || n, tags, node_count, node_types, required_credential_types,
        trigger_types, webhook_paths, warnings, workflow_data, content_hash
      from workflows, generate_series(${from}::integer, ${to}::integer) n where id = ${world.workflowId}`
  const status = async () => textOf((await main('/search?q=findable')).querySelector('.page-meta')!)
  await add(1, 20)
  expect(await notesOn('/search?q=findable')).toEqual([])
  expect(await status()).toBe('20 results')
  await add(21, 21)
  expect(await notesOn('/search?q=findable')).toEqual([note(20)])
  expect(await status()).toBe('20+ results')
  expect((await main('/search?q=findable')).querySelectorAll('.hit')).toHaveLength(20)
})

test('the versions of a deployment list 50', async () => {
  const add = (from: number, to: number) =>
    app.database.sql`insert into deployment_versions (deployment_id, sequence, user_id, version)
      select ${world.deploymentId}, n, ${world.userId}, 1 from generate_series(${from}::integer, ${to}::integer) n`
  const path = `/deployments/${world.deploymentId}`
  await app.database.sql`delete from deployment_versions where deployment_id = ${world.deploymentId}`
  await add(1, 50)
  expect(await notesOn(path)).toEqual([])
  expect((await main(path)).querySelectorAll('.deploy-history tbody tr')).toHaveLength(50)
  await add(51, 51)
  expect(await notesOn(path)).toEqual([note(50)])
  expect((await main(path)).querySelectorAll('.deploy-history tbody tr')).toHaveLength(50)
})

test('deployments of a workflow list 50, those of a credential 100', async () => {
  const { sql } = app.database
  const { credentialId, workflowId, userId, instanceId } = world
  const bindings = JSON.stringify([{ node: 'Tell team', type: 'slackApi', credentialId }])
  const ofWorkflow = `/workflows/${workflowId}/deployments`
  const ofCredential = `/credentials/${credentialId}`
  await sql`delete from deployments where user_id = ${userId}`
  const add = (
    count: number,
  ) => sql`insert into deployments (id, user_id, workflow_id, instance_id, version, status, bindings)
    select gen_random_uuid(), ${userId}, ${workflowId}, ${instanceId}, 1, 'tracking', ${bindings}::jsonb
    from generate_series(1, ${count}::integer) n`
  await add(50)
  expect(await notesOn(ofWorkflow)).toEqual([])
  await add(1)
  expect(await notesOn(ofWorkflow)).toEqual([note(50)])
  await add(49)
  expect(await notesOn(ofCredential)).toEqual([])
  expect(textOf(await main(ofCredential))).toContain('100 deployments use it')
  await add(1)
  expect(await notesOn(ofCredential)).toEqual([note(100)])
  expect(textOf(await main(ofCredential))).toContain('100+ deployments use it')
})

test('the problems of the overview name three and count the others', async () => {
  const { sql } = app.database
  const problems = async () =>
    [...(await main('/')).querySelectorAll('.attention li')].map((item) => textOf(item))
  const reject = (count: number) =>
    sql`update credentials set status = 'invalid' where id in (
      select id from credentials where user_id = ${world.userId} and status <> 'invalid' order by id limit ${count})`
  const before = (await problems()).length
  expect(before).toBeLessThan(3)
  await reject(3 - before)
  expect(await problems()).toHaveLength(3)
  await reject(1)
  expect((await problems()).slice(3)).toEqual(['1 more problem.'])
  await reject(1)
  expect((await problems()).slice(3)).toEqual(['2 more problems.'])
})
