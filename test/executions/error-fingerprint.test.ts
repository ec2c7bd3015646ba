import { describe, expect, test } from 'vitest'
import { fingerprintOf, messagePattern } from '../../src/executions/record/error-fingerprint.ts'
import { polledExecution, readPayload } from '../../src/executions/reports/payload.ts'

describe('a message', () => {
  test.each([
    ['Request failed with status code 404', 'Request failed with status code <number>'],
    ['timeout of 300000ms exceeded', 'timeout of <number>ms exceeded'],
    ['Row 1,234.5 of -7 at 12:30', 'Row <number> of <number> at <number>'],
    ['connect ECONNREFUSED 10.0.0.12:5432', 'connect ECONNREFUSED <address>'],
    ['GET https://api.example.com/v1/users/5?x=1 failed', 'GET <url> failed'],
    ['amqp+ssl://host:5671 is gone', '<url> is gone'],
    ['No such user: ada.l+x@mail.example.co.uk!', 'No such user: <email>!'],
    ['Job 550e8400-e29b-41d4-a716-446655440000 died', 'Job <id> died'],
    ['commit 9fceb02d0ae598e95dc970b74767f19372d61af8', 'commit <hex>'],
    ['address 0xDEADBEEF', 'address <hex>'],
    ['No record rec8hT3kd9xKq2Lm in it', 'No record <id> in it'],
    ['msg_01XFDUDYJgAACzvnptvVoYEL was refused', '<id> was refused'],
    ['Column "price" is not `text` but “number”', 'Column <text> is not <text> but <text>'],
    [
      "Cannot read properties of undefined (reading 'id')",
      'Cannot read properties of undefined (reading <text>)',
    ],
    ["It can't be done, we don't know", "It can't be done, we don't know"],
    ['at 2026-11-22T10:52:29.027Z and 2026-11-22 10:52', 'at <time> and <time>'],
    ['  many\n\n lines\tand  spaces ', 'many lines and spaces'],
    ['OAuth2 and sha256 and n8n stay', 'OAuth2 and sha256 and n8n stay'],
    ['item_5 of page-7', 'item_<number> of page-<number>'],
    ['The service refused the connection', 'The service refused the connection'],
    ['', ''],
  ])('%j becomes %j', (message, pattern) => {
    expect(messagePattern(message)).toBe(pattern)
    expect(messagePattern(pattern)).toBe(pattern)
  })

  test('is at most 300 characters and well-formed', () => {
    expect(messagePattern('ab '.repeat(700))).toHaveLength(300)
    expect(messagePattern(`${'x'.repeat(299)}😀`).isWellFormed()).toBe(true)
  })

  test.each(['a', '"', "'", '.', '@', 'a@', '0', '0-', 'a.', '://', 'f0', '_1', '1.'])(
    'of only %j is processed quickly',
    (part) => {
      expect(messagePattern(part.repeat(2000)).length).toBeLessThanOrEqual(300)
    },
  )
})

const error = { message: 'Request 5 failed', node: 'Call', errorClass: 'NodeApiError', httpStatus: 500 }

test('failures that differ only in values of the run share a fingerprint', async () => {
  const first = await fingerprintOf(error)
  expect(first).toEqual({
    fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
    message: 'Request <number> failed',
  })
  expect(await fingerprintOf({ ...error, message: 'Request 77  failed' })).toEqual(first)
})

test.each([
  [{ node: 'Store' }],
  [{ node: null }],
  [{ errorClass: 'NodeOperationError' }],
  [{ httpStatus: 404 }],
  [{ httpStatus: null }],
  [{ message: 'Request 5 was refused' }],
])('a failure with %j has another fingerprint', async (change) => {
  expect((await fingerprintOf({ ...error, ...change })).fingerprint).not.toBe(
    (await fingerprintOf(error)).fingerprint,
  )
})

test('a failure has the same fingerprint whether pushed by the error workflow, by a hook, or polled', async () => {
  const said = {
    name: 'NodeApiError',
    message: 'Authorization failed',
    httpCode: '401',
    timestamp: 1_795_344_752_624,
    node: { name: 'Call', type: 'n8n-nodes-base.httpRequest' },
  }
  const at = new Date('2026-11-22T10:00:00Z')
  const data = { resultData: { error: said, runData: {}, lastNodeExecuted: 'Call' } }
  const ended = { status: 'error', finished: false, mode: 'webhook', waitTill: null, data }
  const times = { startedAt: '2026-11-22T09:00:00.000Z', stoppedAt: '2026-11-22T09:00:01.000Z' }
  const told = [
    readPayload({ execution: { id: '1', error: said, lastNodeExecuted: 'Call' }, workflow: { id: 'w' } }, at),
    readPayload({ executionId: '1', run: { ...ended, ...times }, workflow: { id: 'w' } }, at),
  ].map((payload) => (payload.ok ? (payload.execution?.error ?? null) : null))
  const polled = polledExecution({ id: '1', workflowId: 'w', ...ended, ...times } as never, at)
  const fingerprints = await Promise.all(
    [...told, polled?.error ?? null].map(async (each) => each && (await fingerprintOf(each)).fingerprint),
  )
  expect(fingerprints[0]).toMatch(/^[0-9a-f]{16}$/)
  expect(new Set(fingerprints).size).toBe(1)
})

test('a report that was too large gets the same fingerprint when it is replayed', async () => {
  const report = { executionId: '1', workflowId: 'w', status: 'error', error }
  const payload = readPayload(report, new Date())
  expect(payload.ok && payload.execution?.error).toEqual(error)
})
