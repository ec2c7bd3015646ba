import type { Context } from 'hono'
import { describe, expect, test } from 'vitest'
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

describe('never logs the text of a message', () => {
  // A location that a frame of this repository could have.
  const line = `    at canary (${import.meta.filename}:1:2)`
  const changed = (message: string, later: string) => {
    const error = new Error(message)
    expect(error.stack).toContain('canary')
    error.message = later
    return error
  }
  const named = (name: string, message: string) => {
    const error = new Error(message)
    Object.defineProperty(error, 'stack', { value: `${name}: ${message}\n${line.replace('canary', 'own')}` })
    return Object.assign(error, { name })
  }
  test.each<[string, Error]>([
    ['several lines', new Error(`failed\n${line}\n${line}`)],
    ['a message that is only a frame', new Error(line)],
    ['a frame first', new Error(`${line}\nfailed`)],
    ['blank lines between', new Error(`failed\n\n${line}\n\n`)],
    ['CRLF', new Error(`failed\r\n${line}\r\n`)],
    ['a message that occurs twice', new Error(`Error\n${line}\nError\n${line}`)],
    ['a message that equals the name', named(`x\n${line}`, 'x')],
    ['a name with lines', named(`Error\n${line}`, 'failed')],
    ['a cause', new Error('outer', { cause: new Error(`inner\n${line}`) })],
    ['the errors of an AggregateError', new AggregateError([new Error(`inner\n${line}`)], `outer\n${line}`)],
    ['a message that was prefixed later', changed(`failed\n${line}`, `context: failed\n${line}`)],
    ['a message that was replaced by its end', changed(`a: failed\n${line}`, 'failed')],
    ['a message that was shortened', changed(`failed\n    at canary (canary.ts:1:2)`, 'failed')],
    ['a message that was shortened within a line', changed(`failed: x\n${line}`, 'failed')],
    ['a message that was emptied', changed(`failed\n${line}`, '')],
    [
      'a cause that a library appends to the stack',
      Object.assign(new Error('outer'), {
        stack: `Error: outer\n    at own (${import.meta.filename}:3:4)\nCaused by: inner\n${line}`,
      }),
    ],
    [
      'a frame of other code',
      named('Error', `failed\n    at canary (eval at canary (canary.ts:1:2), <anonymous>:1:1)`),
    ],
  ])('%s', (_, cause) => {
    expect(framesOf(cause)).not.toContain('canary')
  })
})

test.each([
  ['a plain error', new Error('failed')],
  ['an empty message', new Error('')],
  ['a subclass', new TypeError('a\nb')],
  ['an AggregateError', new AggregateError([], 'failed')],
])('logs the frames of %s', (_, cause) => {
  expect(framesOf(cause)).toMatch(/failure-log\.test\.ts:\d+:\d+/)
})
