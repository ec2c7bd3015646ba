/** Every change of a representation changes its ETag, so that 304 never hides a change. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestApp, type TestApp, type TestUser } from '../harness/app.ts'

let app: TestApp
beforeAll(async () => {
  app = await createTestApp()
})
afterAll(() => app.close())

/** ETag → body of one resource across all its changes. */
async function watch(user: TestUser, path: string, changes: (() => Promise<unknown>)[]) {
  const bodies = new Map<string, string>()
  const tags = []
  for (const change of [() => Promise.resolve(), ...changes]) {
    await change()
    const { headers, text, json } = await user.call('GET', path)
    const tag = String(headers.get('ETag'))
    tags.push(tag)
    expect(tag).toMatch(new RegExp(`^"${json.version}(-[\\w.]+)?"$`))
    const before = bodies.get(tag) ?? text
    expect([path, tag, text]).toEqual([path, tag, before])
    bodies.set(tag, text)
    const known = await user.call('GET', path, { headers: { 'If-None-Match': tag } })
    expect(known.status).toBe(304)
    for (const other of bodies.keys()) {
      if (other === tag) continue
      expect((await user.call('GET', path, { headers: { 'If-None-Match': other } })).status).toBe(200)
    }
  }
  return tags
}

test('ETags of a credential, a workflow and an instance change with every change', async () => {
  const user = await app.user()
  const made = async (path: string, body: object) => String((await user.call('POST', path, { body })).json.id)
  const { sql } = app.database
  const change = (path: string, body: object) => () =>
    user.call('PATCH', path, { body, headers: { 'If-Match': '*' } })

  const credential = await made('/v1/credentials', {
    type: 'slackApi',
    name: 'S',
    data: { accessToken: 'xoxb-1' },
  })
  const credentialPath = `/v1/credentials/${credential}`
  const credentialTags = await watch(user, credentialPath, [
    () =>
      sql`update credentials set status = 'valid', last_validated_at = '2026-01-01Z' where id = ${credential}`,
    () => sql`update credentials set last_validated_at = '2026-01-02Z' where id = ${credential}`,
    () => sql`update credentials set status = 'invalid', validation_error = 'no' where id = ${credential}`,
    change(credentialPath, { name: 'T' }),
    change(credentialPath, { data: { accessToken: 'xoxb-2' } }),
  ])
  expect([credentialTags[0], credentialTags.at(-1)]).toEqual(['"1"', '"3"'])

  const workflow = await made('/v1/workflows', { workflow: { name: 'W', nodes: [], connections: {} } })
  const workflowPath = `/v1/workflows/${workflow}`
  await watch(user, workflowPath, [
    change(workflowPath, { dataRetentionDays: 7 }),
    change(workflowPath, { dataRetentionDays: 8 }),
    change(workflowPath, { name: 'X' }),
    change(workflowPath, { dataRetentionDays: null, prompt: 'P' }),
  ])

  const instance = await made('/v1/instances', {
    name: 'I',
    baseUrl: 'https://n8n.example.com',
    apiKey: 'key',
  })
  const instancePath = `/v1/instances/${instance}`
  const set = (text: string) => () => sql.query(`update instances set ${text} where id = '${instance}'`)
  const instanceTags = await watch(user, instancePath, [
    set(`status = 'unreachable', status_detail = 'away', tested_at = '2026-01-01Z'`),
    set(`status = 'ok', status_detail = null`),
    set(`n8n_version = '2.41'`),
    set(`poll_failures = 1`),
    set(`reporter_workflow_id = 'r'`),
    set(`epoch = 2, epoch_started_at = '2026-01-01Z'`),
    change(instancePath, { name: 'J' }),
  ])
  expect(instanceTags[0]).toBe('"1"')
  expect(new Set(instanceTags).size).toBe(8)
})

test('If-Match ignores the state digest of an ETag', async () => {
  const user = await app.user()
  const body = { type: 'slackApi', name: 'S', data: { accessToken: 'xoxb-1' } }
  const { id } = (await user.call('POST', '/v1/credentials', { body })).json
  await app.database.sql`update credentials set status = 'valid', last_validated_at = now() where id = ${id}`
  const path = `/v1/credentials/${id}`
  const tag = String((await user.call('GET', path)).headers.get('ETag'))
  const rename = (name: string) => user.call('PATCH', path, { body: { name }, headers: { 'If-Match': tag } })
  expect((await rename('T')).status).toBe(200)
  expect((await rename('U')).status).toBe(412)
})
