import { expect, test } from 'vitest'
import { etag, expectedVersion, isNoneMatch, preconditionOf } from '../../src/http/etag.ts'

test.each([
  ['"3"', 3],
  ['W/"3"', 3],
  [' "12" ', 12],
  ['*', null],
])('If-Match %s requires version %s', (header, version) => {
  expect(expectedVersion(header)).toBe(version)
})

test.each([undefined, '', ' '])('If-Match is required (%j)', (header) => {
  expect(() => expectedVersion(header)).toThrow(expect.objectContaining({ code: 'precondition-required' }))
})

test.each(['3', '"x"', '"3', 'w/"3"', '"1","2"', '"99999999999"'])(
  'If-Match %s matches no version',
  (header) => {
    expect(() => expectedVersion(header)).toThrow(expect.objectContaining({ code: 'version-conflict' }))
  },
)

test('an ETag round-trips to its version', () => {
  expect(expectedVersion(etag(7))).toBe(7)
})

test.each([
  ['"1", W/"3"', 3],
  ['"3","1"', 3],
  ['"1", "2"', 1],
  ['"x", "2"', 2],
])('the list %s, with current version 3, requires %s', async (header, version) => {
  expect(await preconditionOf(header, () => Promise.resolve({ version: 3 }))).toBe(version)
})

test('reads the current version for lists only', async () => {
  const unread = () => Promise.reject(new Error('was read'))
  expect(await preconditionOf('*', unread)).toBeNull()
  expect(await preconditionOf('W/"4"', unread)).toBe(4)
})

test.each([
  ['"3"', true],
  ['W/"3"', true],
  ['"1", W/"3"', true],
  ['*', true],
  ['"1"', false],
  ['', false],
  [undefined, false],
])('If-None-Match %s includes "3": %s', (header, matches) => {
  expect(isNoneMatch(header, '"3"')).toBe(matches)
})
