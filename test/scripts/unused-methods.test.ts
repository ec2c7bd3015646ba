import { expect, test } from 'vitest'
import { withoutUnusedMethods } from '../../scripts/unused-methods.ts'

const pack = `export class A {
  constructor() { this.x = 1 }
  called() { return this.helper() }
  helper() { return 1 }
  unused() { return this.onlyForUnused() }
  onlyForUnused() {}
  get value() { return 1 }
  static of() {}
  [Symbol.iterator]() {}
}`

test('removes methods that nothing calls, and those that only they call', () => {
  const text = withoutUnusedMethods(pack, new Set(['called']))
  expect(text).not.toMatch(/unused|onlyForUnused|static/i)
  expect(text).toContain(
    'constructor() { this.x = 1 }\n  called() { return this.helper() }\n  helper() { return 1 }',
  )
  expect(text).toContain('get value() { return 1 }')
  expect(text).toContain('[Symbol.iterator]() {}')
})

test('leaves a package as it is when all is called', () => {
  expect(withoutUnusedMethods(pack, new Set(['called', 'unused', 'of']))).toBe(pack)
})
