import { describe, expect, test } from 'vitest'
import { mergePatch, patchTo } from '../../src/lib/merge-patch.ts'

type JsonObject = Record<string, unknown>

/** Examples from RFC 7396, appendix A, with objects as target and patch. */
const examples: [JsonObject, JsonObject, JsonObject][] = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
]

describe('a merge patch', () => {
  test.each(examples)('merges into %j the patch %j: %j', (target, patch, merged) => {
    const before = structuredClone([target, patch])
    expect(mergePatch(target, patch)).toEqual(merged)
    expect([target, patch]).toEqual(before)
  })

  test('treats inherited property names as plain names', () => {
    const patch = JSON.parse('{"__proto__":{"polluted":1},"constructor":{"a":1},"toString":null}')
    const merged = mergePatch({ x: 1 }, patch)
    expect(Object.keys(merged).toSorted()).toEqual(['__proto__', 'constructor', 'x'])
    expect(Object.getPrototypeOf(merged)).toBe(Object.prototype)
    expect(({} as JsonObject)['polluted']).toBeUndefined()
  })
})

describe('the patch between two objects', () => {
  test.each<[JsonObject, JsonObject, JsonObject]>([
    [{ a: 1 }, { a: 1 }, {}],
    [{ a: 1, b: 2 }, { b: 3 }, { a: null, b: 3 }],
    [{ a: { b: 1, c: 2 } }, { a: { c: 2 } }, { a: { b: null } }],
    [{ a: { b: { c: 1 } } }, { a: { b: { c: 1 } } }, {}],
    [{ a: 1 }, { a: { b: 1 } }, { a: { b: 1 } }],
  ])('from %j to %j is %j', (from, to, patch) => {
    expect(patchTo(from, to)).toEqual(patch)
    expect(mergePatch(from, patch)).toEqual(to)
  })
})
