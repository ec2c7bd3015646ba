import { NeonDbError } from '@neondatabase/serverless'
import { DrizzleQueryError } from 'drizzle-orm/errors'
import { describe, expect, test } from 'vitest'
import { databaseError } from '../../src/db/errors.ts'

const CANARY = 'canary-7f3a'

function neonError(members: Partial<NeonDbError>, message = `failed with ${CANARY}`): NeonDbError {
  return Object.assign(new NeonDbError(message), members)
}

describe('databaseError', () => {
  test.each([
    [
      { code: '23505', constraint: 'users_email_key' },
      { kind: 'unique', constraint: 'users_email_key' },
    ],
    [{ code: '23P01', constraint: 'x' }, { kind: 'unique' }],
    [{ code: '23503', constraint: 'x' }, { kind: 'foreign-key' }],
    [{ code: '23001', constraint: 'x' }, { kind: 'foreign-key' }],
    [{ code: '23514', constraint: 'x' }, { kind: 'check' }],
    [{ code: '23514' }, { kind: 'no-partition' }],
    [{ code: '23502' }, { kind: 'bug' }],
    [{ code: '22P02' }, { kind: 'invalid-input' }],
    [{ code: '22P05' }, { kind: 'invalid-input' }],
    [{ code: '54000' }, { kind: 'invalid-input' }],
    [{ code: '42703' }, { kind: 'bug' }],
    [{ code: '42501' }, { kind: 'bug' }],
    [{ code: 'P0001' }, { kind: 'bug' }],
    [{ code: 'FK403' }, { kind: 'bug' }],
    [{ code: '40001' }, { kind: 'unavailable', maybeApplied: false }],
    [{ code: '40P01' }, { kind: 'unavailable', maybeApplied: false }],
    [{ code: '55P03' }, { kind: 'unavailable', maybeApplied: false }],
    [{ code: '57014' }, { kind: 'unavailable', maybeApplied: false }],
    [{ code: '53300' }, { kind: 'unavailable', maybeApplied: false }],
    [{ code: '53100' }, { kind: 'unavailable', maybeApplied: false }],
    [{ code: '25006' }, { kind: 'unavailable', maybeApplied: false }],
    [{ code: '40003' }, { kind: 'unavailable', maybeApplied: true }],
    [{ code: '57P01' }, { kind: 'unavailable', maybeApplied: true }],
    [{ code: '57P02' }, { kind: 'unavailable', maybeApplied: true }],
    [{ code: '08006' }, { kind: 'unavailable', maybeApplied: true }],
    [{ code: '' }, { kind: 'unavailable', maybeApplied: true }],
  ] as const)('classifies %j as %j, wrapped by drizzle or not', (members, meaning) => {
    const bare = neonError(members)
    const wrapped = new DrizzleQueryError('insert …', [CANARY], bare)
    for (const error of [bare, wrapped, new Error('outer', { cause: wrapped })]) {
      expect(databaseError(error)).toMatchObject(meaning)
      expect(JSON.stringify(databaseError(error))).not.toContain(CANARY)
    }
  })

  test.each([
    ['Server error (HTTP status 429): slow down', { kind: 'unavailable', maybeApplied: false }],
    ['Server error (HTTP status 500): waking', { kind: 'unavailable', maybeApplied: true }],
    ['Server error (HTTP status 502): <html>', { kind: 'unavailable', maybeApplied: true }],
    ['Server error (HTTP status 413): large', { kind: 'bug', maybeApplied: false }],
    ['Server error (HTTP status 507): large', { kind: 'bug', maybeApplied: true }],
    ['Error connecting to database: TimeoutError', { kind: 'unavailable', maybeApplied: true }],
  ] as const)('classifies %s as %j', (message, meaning) => {
    expect(databaseError(neonError({}, message))).toEqual(meaning)
  })

  test('a refused connection was certainly not applied', () => {
    const sourceError = new TypeError('fetch failed', {
      cause: Object.assign(new Error(), { code: 'ECONNREFUSED' }),
    })
    const error = neonError({ sourceError }, 'Error connecting to database: TypeError: fetch failed')
    expect(databaseError(error)).toEqual({ kind: 'unavailable', maybeApplied: false })
  })

  test.each([[new TypeError('x is undefined')], ['text'], [null], [undefined]])(
    '%s is not a database error and not retriable',
    (error) => {
      expect(databaseError(error)).toEqual({ kind: 'bug', maybeApplied: false })
    },
  )
})
