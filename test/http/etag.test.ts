import { expect, test } from 'vitest'
import { etag, expectedVersion, isNoneMatch, preconditionOf } from '../../src/http/etag.ts'

test.each([
  ['"3"', 3],
  ['W/"3"', 3],
  [' "12" ', 12],
  ['*', null],
])('If-Match %s means version %s', (header, version) => {
  expect(expectedVersion(header)).toBe(version)
})

test.each([undefined, '', ' '])('without If-Match (%j) the precondition is asked for', (header) => {
  expect(() => expectedVersion(header)).toThrow(expect.objectContaining({ code: 'precondition-required' }))
})

test.each(['3', '"x"', '"3', 'w/"3"', '"1","2"', '"99999999999"'])(
  'If-Match %s matches no version',
  (header) => {
    expect(() => expectedVersion(header)).toThrow(expect.objectContaining({ code: 'version-conflict' }))
  },
)

test('an ETag reads back as its version', () => {
  expect(expectedVersion(etag(7))).toBe(7)
})

test.each([
  ['"1", W/"3"', 3],
  ['"3","1"', 3],
  ['"1", "2"', 1],
  ['"x", "2"', 2],
])('of the list %s, version 3 being the current one, %s is expected', async (header, version) => {
  expect(await preconditionOf(header, () => Promise.resolve({ version: 3 }))).toBe(version)
})

test('the current version is read for lists only', async () => {
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
])('If-None-Match %s names "3": %s', (header, matches) => {
  expect(isNoneMatch(header, '"3"')).toBe(matches)
})
