import { describe, expect, test } from 'vitest'
import { useTestApp } from '../harness/app.ts'

const app = useTestApp()

const credential = (name: string) => ({
  body: { type: 'slackApi', name, data: { accessToken: 'planted-secret' } },
})

describe('audit events', () => {
  test('lists actions with their entity and time, newest first, in pages', async () => {
    const user = await app.user()
    const made = await user.call('POST', '/v1/credentials', credential('One'))
    await user.call('PATCH', '/v1/me', { body: { name: 'Maya' } })
    const { items } = (await user.call('GET', '/v1/audit-events')).json
    expect(items).toMatchObject([
      { action: 'user.updated', subjectId: user.id, details: { fields: ['name'] } },
      { action: 'credential.created', subjectId: made.json.id, details: { type: 'slackApi' } },
      { action: 'user.registered', subjectId: user.id, details: null },
    ])
    for (const { at } of items) expect(Math.abs(Date.now() - Date.parse(at))).toBeLessThan(600_000)
    const first = (await user.call('GET', '/v1/audit-events?limit=2')).json
    const second = (await user.call('GET', `/v1/audit-events?limit=2&cursor=${first.nextCursor}`)).json
    expect([...first.items, ...second.items]).toEqual(items)
    expect(second.nextCursor).toBeNull()
  })

  test('filters by action, entity type and entity', async () => {
    const user = await app.user()
    const made = await user.call('POST', '/v1/credentials', credential('One'))
    await user.call('POST', '/v1/credentials', credential('Two'))
    const count = async (query: string) =>
      (await user.call('GET', `/v1/audit-events?${query}`)).json.items.length
    expect(await count('action=credential.created')).toBe(2)
    expect(await count('action=credential')).toBe(2)
    expect(await count('action=cred')).toBe(0)
    expect(await count(`subjectId=${made.json.id}`)).toBe(1)
  })

  test('contains only the user’s own events and no secrets', async () => {
    const user = await app.user()
    await user.call('POST', '/v1/credentials', credential('Mine'))
    const stranger = await app.user()
    const { text, json } = await stranger.call('GET', '/v1/audit-events')
    expect(json.items).toHaveLength(1)
    expect(text).not.toContain(user.id)
    expect((await user.call('GET', '/v1/audit-events')).text).not.toContain('planted-secret')
    expect((await app.call('GET', '/v1/audit-events')).status).toBe(401)
    expect((await app.call('GET', '/v1/audit-events/export')).status).toBe(401)
  })

  test('exports all events as CSV and JSON', async () => {
    const user = await app.user()
    for (let each = 0; each < 5; each++)
      await user.call('POST', '/v1/credentials', credential(`Number ${each}`))
    const { items } = (await user.call('GET', '/v1/audit-events')).json
    const csv = await user.call('GET', '/v1/audit-events/export?action=credential')
    const lines = csv.text.split('\r\n')
    expect(lines[0]).toBe(
      'at,action,subjectId,details,id,subjectName,workflowName,instanceName,version,tokenId,tokenName,actor,clientAddress,userAgent,sessionId,requestId,seq',
    )
    expect(lines[1]).toMatch(/,Number 4,,,,,,user,/)
    expect(lines).toHaveLength(7)
    expect(lines[1]).toContain('credential.created')
    expect(csv.headers.get('Content-Disposition')).toContain('audit-events.csv')
    const [exported, ...before] = (await user.call('GET', '/v1/audit-events/export?format=json')).json
    expect(exported).toMatchObject({ action: 'audit.exported', details: { format: 'json' } })
    expect(before.slice(1)).toMatchObject(items)
  })

  test.each(['action=A', 'action=a.b.c', 'subjectId=1', 'limit=0', 'unknown=1'])(
    'returns 422 for ?%s',
    async (query) => {
      expect((await (await app.user()).call('GET', `/v1/audit-events?${query}`)).status).toBe(422)
    },
  )
})
