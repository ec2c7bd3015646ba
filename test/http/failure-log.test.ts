import type { Context } from 'hono'
import { expect, test } from 'vitest'
import { AppError } from '../../src/errors.ts'
import type { BaseEnv } from '../../src/http/env.ts'
import { requestFailed } from '../../src/http/failure-log.ts'
import type { LogFields } from '../../src/http/log.ts'

const framesOf = (cause: Error): unknown => {
  const logged: LogFields[] = []
  const context = { var: { requestId: 'r' } } as unknown as Context<BaseEnv>
  requestFailed(
    (_level, _event, fields) => logged.push(fields ?? {}),
    context,
    new AppError('internal', 'x', { cause }),
  )
  return logged[0]?.['frames']
}

test('frames exclude lines of the message', () => {
  const frames = framesOf(new Error('failed\n    at canary (canary.ts:1:2)\n    at canary,{"a":1}'))
  expect(frames).not.toContain('canary')
  expect(frames).toContain('failure-log.test.ts')
})

test('logs no frames when the message changed after the stack was captured', () => {
  const error = new Error('failed\n    at canary (canary.ts:1:2)')
  // V8 formats the stack when it is first read.
  expect(error.stack).toContain('canary')
  error.message = 'other'
  expect(framesOf(error)).toBe('')
})
