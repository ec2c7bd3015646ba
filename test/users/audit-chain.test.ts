import { createHash } from 'node:crypto'
import { v7 as uuidv7 } from 'uuid'
import { describe, expect, test } from 'vitest'
import { maintainTrails, signAuditHeads, verifyTrail } from '../../src/users/audit-chain.ts'
import { purgeDeletedAccounts } from '../../src/users/delete-account.ts'
import { type TestUser, useTestApp } from '../harness/app.ts'

const app = useTestApp()

const verify = ({ id }: Pick<TestUser, 'id'>, now = new Date()) =>
  verifyTrail(app.deps.db.read, app.deps.fingerprint, id, now)
const sign = (now = new Date()) => signAuditHeads(app.deps.db, app.deps.fingerprint, now)

/** As someone who can write to the database and turn off triggers. */
const tamper = async (text: string, params: unknown[]) => {
  const { sql } = app.database
  await sql.transaction([sql`set local session_replication_role = replica`, sql.query(text, params)])
}

async function withEvents(): Promise<TestUser> {
  const user = await app.user()
  for (const name of ['a', 'b', 'c', 'd']) await user.call('PATCH', '/v1/me', { body: { name } })
  return user
}

describe('an audit event', () => {
  test('names the session, client, program and request', async () => {
    const user = await app.user()
    const answer = await user.call('PATCH', '/v1/me', {
      body: { name: 'Maya' },
      headers: { 'User-Agent': `planted-agent ${'x'.repeat(400)}` },
    })
    const [event] = (await user.call('GET', '/v1/audit-events?limit=1')).json.items
    expect(event).toMatchObject({
      action: 'user.updated',
      actor: 'user',
      clientAddress: '203.0.113.7',
      requestId: answer.headers.get('X-Request-Id'),
      token: null,
      seq: 2,
    })
    expect(event.userAgent).toMatch(/^planted-agent x{242}$/)
    expect(event.sessionId).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('names the token instead of a session', async () => {
    const user = await app.user()
    const made = await user.call('POST', '/v1/tokens', { body: { name: 'Agent', scopes: ['admin'] } })
    await app.call('PATCH', '/v1/me', { body: { name: 'Maya' }, token: made.json.token })
    const [event] = (await user.call('GET', '/v1/audit-events?limit=1')).json.items
    expect(event).toMatchObject({ actor: 'token', token: { name: 'Agent' }, sessionId: null })
  })

  test('names the scopes of a token before and after a change, but no secret in its name', async () => {
    const user = await app.user()
    const name = `ghp_${'aB3'.repeat(12)}`
    const { json } = await user.call('POST', '/v1/tokens', { body: { name, scopes: ['workflows:read'] } })
    await user.call('PATCH', `/v1/tokens/${json.id}`, { body: { scopes: ['deploy'] } })
    const [updated, created] = (await user.call('GET', '/v1/audit-events?limit=2')).json.items
    expect(updated).toMatchObject({
      action: 'token.updated',
      details: { from: ['workflows:read'], to: ['deploy'] },
    })
    expect(created).toMatchObject({ action: 'token.created', details: { name: '[redacted]' } })
  })

  test('describes the edit and the restore of a workflow, the sign-out and an export', async () => {
    const user = await app.user()
    const workflow = { name: 'W', nodes: [], connections: {} }
    const { json } = await user.call('POST', '/v1/workflows', { body: { workflow } })
    const path = `/v1/workflows/${json.id}`
    const change = { name: 'Renamed', dataRetentionDays: 3 }
    await user.call('PATCH', path, { body: change, headers: { 'If-Match': '*' } })
    await user.call('PATCH', path, { body: change, headers: { 'If-Match': '*' } })
    await user.call('PATCH', path, { body: { dataRetentionDays: 4 }, headers: { 'If-Match': '*' } })
    await user.call('POST', `${path}/versions/1/restore`, { headers: { 'If-Match': '*' } })
    await user.call('GET', '/v1/executions/export')
    await app.call('POST', '/v1/auth/logout', { body: { refreshToken: user.refreshToken } })
    const { email, password } = user
    const { accessToken } = (await app.call('POST', '/v1/auth/login', { body: { email, password } })).json
    const { items } = (await user.call('GET', '/v1/audit-events?limit=6', { token: accessToken })).json
    expect(items).toMatchObject([
      { action: 'session.started' },
      { action: 'session.ended', actor: 'user' },
      { action: 'execution.exported', details: { format: 'csv' } },
      { action: 'workflow.restored', details: { from: 2, version: 3, restored: 1 } },
      { action: 'workflow.updated', details: { from: 2, version: 2, fields: ['dataRetentionDays'] } },
      { action: 'workflow.updated', details: { from: 1, version: 2, fields: ['name', 'dataRetentionDays'] } },
    ])
  })
})

describe('the chain', () => {
  test('is verified, signed or not, even with events of concurrent requests', async () => {
    const user = await app.user()
    await Promise.all(
      Array.from({ length: 20 }, (_, i) => user.call('PATCH', '/v1/me', { body: { name: `n${i}` } })),
    )
    expect(await verify(user)).toMatchObject({ events: 21, signedSeq: 0, problem: null })
    await sign()
    expect(await verify(user)).toMatchObject({ events: 21, signedSeq: 21, problem: null })
  })

  test.each<[string, string, number]>([
    ['a changed action', `update audit_events set action = 'x.y' where user_id = $1 and seq = 3`, 3],
    ['changed details', `update audit_events set details = '{}' where user_id = $1 and seq = 3`, 3],
    ['a changed address', `update audit_events set client_address = '::1' where user_id = $1 and seq = 3`, 3],
    ['another time', `update audit_events set created_at = now() where user_id = $1 and seq = 3`, 3],
    ['a removed row', 'delete from audit_events where user_id = $1 and seq = 3', 3],
    ['a removed last row', 'delete from audit_events where user_id = $1 and seq = 5', 5],
    [
      'an inserted row',
      `insert into audit_events (id, user_id, action, seq, salt, hash)
        select gen_random_uuid(), user_id, 'x.y', 6, salt, hash from audit_events where user_id = $1 and seq = 5`,
      6,
    ],
    [
      'reordered rows',
      `update audit_events set seq = -seq where user_id = $1 and seq in (3, 4);
        update audit_events set seq = 7 + seq where user_id = $1 and seq < 0`,
      3,
    ],
    ['a removed head', 'delete from audit_heads where user_id = $1', 1],
    ['a changed head', `update audit_heads set hash = repeat('0', 64) where user_id = $1`, 5],
  ])('finds %s', async (_, text, seq) => {
    const user = await withEvents()
    for (const statement of text.split(';')) await tamper(statement, [user.id])
    expect((await verify(user)).problem).toMatchObject({ seq })
  })

  test('covers who made an event, and how', async () => {
    const user = await app.user()
    const columns = ['subject_id', 'token_id', 'approval_id', 'session_id', 'request_id']
    const other = uuidv7()
    await app.database.sql.query(
      `insert into audit_events (id, user_id, action, actor, details, client_address, user_agent, token_name,
        ${columns.join(', ')}) values ($1, $2, 'x.y', 'token', '{"a":1}', '::1', 'agent', 'Agent',
        ${columns.map(() => '$1::uuid').join(', ')})`,
      [uuidv7(), user.id],
    )
    expect(await verify(user)).toMatchObject({ events: 2, problem: null })
    for (const column of columns) {
      const set = (value: string) =>
        tamper(`update audit_events set ${column} = ${value} where user_id = $1 and seq = 2`, [user.id])
      await set(`'${other}'`)
      expect((await verify(user)).problem, column).toMatchObject({ seq: 2 })
      await set('id')
    }
    expect((await verify(user)).problem).toBeNull()
  })

  test('finds that signed events were cut off', async () => {
    const user = await withEvents()
    await sign()
    await tamper('delete from audit_events where user_id = $1 and seq = 5', [user.id])
    await tamper(
      `update audit_heads h set seq = e.seq, hash = e.hash from audit_events e
        where h.user_id = $1 and e.user_id = $1 and e.seq = 4`,
      [user.id],
    )
    expect((await verify(user)).problem).toMatchObject({
      seq: 5,
      message: 'Signed events 5 to 5 are missing',
    })
  })

  test('finds a trail whose hashes were all recomputed, and is not signed again', async () => {
    const user = await withEvents()
    await sign()
    await tamper(`update audit_events set action = 'x.y', seq = null, hash = null where user_id = $1`, [
      user.id,
    ])
    await app.database.sql`delete from audit_heads where user_id = ${user.id}`
    await app.database.sql`select start_audit_chain(${user.id})`
    await app.database.sql`update audit_heads set signed_seq = 4 where user_id = ${user.id}`
    await user.call('PATCH', '/v1/me', { body: { name: 'later' } })
    await app.database.sql`insert into audit_anchors (user_id, seq, hash, signed_at, signature)
      select user_id, 4, hash, now(), 'forged' from audit_anchors where user_id = ${user.id}`
    expect((await sign()).broken).toContain(user.id)
    expect(
      await app.database.sql`select seq from audit_anchors where user_id = ${user.id} order by seq`,
    ).toEqual([{ seq: 4 }, { seq: 5 }])
    expect((await verify(user)).problem?.message).toMatch(/^The signature is invalid/)
    await app.database.sql`delete from audit_anchors where user_id = ${user.id} and seq = 4`
    expect((await verify(user)).problem?.message).toMatch(/rewritten/)
  })

  test('is not verified when it has not been signed for a day', async () => {
    const user = await app.user()
    const tomorrow = new Date(Date.now() + 25 * 3_600_000)
    expect((await verify(user, tomorrow)).problem?.message).toMatch(/^Not signed for more than a day/)
    await sign()
    expect((await verify(user, tomorrow)).problem).toBeNull()
    await user.call('PATCH', '/v1/me', { body: { name: 'later' } })
    expect((await verify(user, tomorrow)).problem).toMatchObject({
      seq: 2,
      message: expect.stringMatching(/^Not signed for more than a day/),
    })
  })

  test('is verified by a program that has only a download', async () => {
    const user = await withEvents()
    const answer = await app.app.request('/v1/audit-events/export?format=ndjson', {
      headers: { Authorization: `Bearer ${user.accessToken}` },
    })
    const text = await answer.text()
    const sha256 = (value: string) => createHash('sha256').update(value).digest('hex')
    const events = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    let previous = ''
    for (const e of events.toReversed()) {
      const origin = [e.subjectId, e.actor, e.token?.id, e.approvalId, e.sessionId, e.requestId]
      const digest = sha256(`${e.salt}\n${e.sealed}`)
      const lines = [previous, user.id, e.seq, e.id, e.at, e.action, ...origin, digest]
      expect(sha256(lines.map((line) => line ?? '').join('\n'))).toBe(e.hash)
      previous = e.hash
    }
    expect(events).toHaveLength(6)
  })
})

describe('the database', () => {
  test('refuses to change, delete and truncate events', async () => {
    const { id } = await app.user()
    const { sql } = app.database
    const refused = /cannot be changed or deleted/
    await expect(sql`update audit_events set action = 'x' where user_id = ${id}`).rejects.toThrow(refused)
    await expect(sql`delete from audit_events where user_id = ${id}`).rejects.toThrow(refused)
    await expect(sql`truncate audit_events`).rejects.toThrow(refused)
  })

  test('remembers the hash of the last event that retention removed', async () => {
    const user = await app.user()
    await tamper(
      `update audit_events set created_at = now() - interval '401 days', hash = null, seq = null where user_id = $1`,
      [user.id],
    )
    await app.database.sql`delete from audit_heads where user_id = ${user.id}`
    await user.call('PATCH', '/v1/me', { body: { name: 'a' } })
    await user.call('PATCH', '/v1/me', { body: { name: 'b' } })
    await app.database
      .sql`delete from audit_events where user_id = ${user.id} and created_at < now() - interval '400 days'`
    expect(await verify(user)).toMatchObject({ events: 2, problem: null })
  })
})

describe('the trail of a deleted account', () => {
  test('is verified without details, addresses, programs and names of tokens, until its retention ends', async () => {
    const user = await withEvents()
    await sign()
    await user.call('POST', '/v1/me/delete', { body: { password: user.password } })
    await purgeDeletedAccounts(app.deps.db, { userId: user.id, chunkRows: 2 })
    const { sql } = app.database
    expect(await sql`select id from users where id = ${user.id}`).toEqual([])
    const rows = await sql`select * from erased_audit_events where user_id = ${user.id} order by seq`
    expect(rows.map(({ action }) => action)).toContain('user.deleted')
    expect(JSON.stringify(rows)).not.toMatch(/203\.0\.113\.7|@example\.com|fields/)
    expect(await verify(user)).toMatchObject({ events: rows.length, problem: null })
    await tamper(`update erased_audit_events set action = 'x.y' where user_id = $1 and seq = 2`, [user.id])
    expect((await verify(user)).problem).toMatchObject({ seq: 2 })
    // Stored from the deletion of the account on, not from the event on.
    await tamper(
      `update erased_audit_events set created_at = now() - interval '300 days' where user_id = $1`,
      [user.id],
    )
    await maintainTrails({ ...app.deps, config: { auditRetentionDays: 200 } })
    const kept = await sql`select 1 from erased_audit_events where user_id = ${user.id}`
    expect(kept).toHaveLength(rows.length)
    await maintainTrails({ ...app.deps, config: { auditRetentionDays: 0 } })
    expect(
      await sql`select 1 from erased_audit_events where user_id = ${user.id}
      union all select 1 from audit_heads where user_id = ${user.id}
      union all select 1 from audit_anchors where user_id = ${user.id}`,
    ).toEqual([])
  })
})

test('events of an earlier release are chained in the order in which they were made', async () => {
  const user = await withEvents()
  await tamper('update audit_events set seq = null, salt = null, hash = null where user_id = $1', [user.id])
  await app.database.sql`delete from audit_heads where user_id = ${user.id}`
  await user.call('PATCH', '/v1/me', { body: { name: 'e' } })
  expect(await verify(user)).toMatchObject({ events: 6, unchained: 0, problem: null })
  const rows = await app.database.sql`select id from audit_events where user_id = ${user.id} order by seq`
  const byTime = await app.database
    .sql`select id from audit_events where user_id = ${user.id} order by created_at, id`
  expect(rows).toEqual(byTime)
})
