import { expect, test } from 'vitest'
import { etag, expectedVersion } from '../../src/http/etag.ts'

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
