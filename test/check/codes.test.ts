/** Every code is documented, and every documented code exists. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkCodes } from '../../src/check/codes.ts'

const text = readFileSync(join(import.meta.dirname, '../../docs/checks.md'), 'utf8')
const sections = text.split(/^### /m).slice(1)

test('has one section per code', () => {
  const documented = sections.map((section) => section.split('\n', 1)[0])
  expect(documented.toSorted()).toEqual([...checkCodes].toSorted())
})

test.each(sections.map((section) => [section.split('\n', 1)[0], section]))(
  '%s has a reason, an example and a fix',
  (_, section) => {
    for (const part of ['Level', 'Why', 'Example', 'Fix']) expect(section).toContain(`- **${part}:** `)
  },
)
