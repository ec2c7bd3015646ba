import { expect, test } from 'vitest'
import { applyPatch } from '../../src/check/json-patch.ts'
import type { PatchOperation } from '../../src/n8n/checks/finding.ts'

const document = { a: { b: [1, 2] }, 'x/y': { '~': 1 } }

test.each<[string, PatchOperation[], unknown]>([
  ['adds a member', [{ op: 'add', path: '/a/c', value: 3 }], { a: { b: [1, 2], c: 3 }, 'x/y': { '~': 1 } }],
  ['inserts into a list', [{ op: 'add', path: '/a/b/0', value: 0 }], { ...document, a: { b: [0, 1, 2] } }],
  ['appends to a list', [{ op: 'add', path: '/a/b/-', value: 3 }], { ...document, a: { b: [1, 2, 3] } }],
  ['replaces an element', [{ op: 'replace', path: '/a/b/1', value: 9 }], { ...document, a: { b: [1, 9] } }],
  ['removes an element', [{ op: 'remove', path: '/a/b/0' }], { ...document, a: { b: [2] } }],
  ['moves a member', [{ op: 'move', from: '/a/b', path: '/c' }], { a: {}, 'x/y': { '~': 1 }, c: [1, 2] }],
  ['reads escapes', [{ op: 'replace', path: '/x~1y/~0', value: 2 }], { ...document, 'x/y': { '~': 2 } }],
  ['replaces the document', [{ op: 'replace', path: '', value: 1 }], undefined],
  ['rejects a missing member', [{ op: 'replace', path: '/a/z', value: 1 }], undefined],
  ['rejects an index beyond the end', [{ op: 'add', path: '/a/b/9', value: 1 }], undefined],
  ['rejects an inherited member', [{ op: 'add', path: '/constructor/x', value: 1 }], undefined],
])('%s', (_, operations, result) => {
  const before = structuredClone(document)
  expect(applyPatch(document, operations)).toEqual(result)
  expect(document).toEqual(before)
})

test('applies all operations or none', () => {
  const operations: PatchOperation[] = [
    { op: 'remove', path: '/a' },
    { op: 'remove', path: '/a' },
  ]
  expect(applyPatch(document, operations)).toBeUndefined()
})

test('does not change a prototype', () => {
  const changed = applyPatch<object>({}, [{ op: 'add', path: '/__proto__', value: { polluted: true } }])
  expect(Reflect.get({}, 'polluted')).toBeUndefined()
  expect(Object.getPrototypeOf(changed)).toBe(Object.prototype)
  expect(applyPatch({}, [{ op: 'add', path: '/__proto__/polluted', value: true }])).toBeUndefined()
})
