import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { fractionOfPi } from '../../src/worker/pi.ts'

const bcryptjs = readFileSync(fileURLToPath(import.meta.resolve('bcryptjs')), 'utf8')

test('computes the tables that bcryptjs contains', () => {
  const table = (name: string) => {
    const [, list = ''] = new RegExp(`var ${name} = \\[([^\\]]*)\\]`).exec(bcryptjs) ?? []
    return list.split(',').filter((text) => text.trim() !== '')
  }
  const expected = Int32Array.from([...table('P_ORIG'), ...table('S_ORIG')].map(Number))
  expect(expected).toHaveLength(18 + 1024)
  expect(fractionOfPi(expected.length)).toEqual(expected)
})
