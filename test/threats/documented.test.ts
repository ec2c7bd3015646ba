import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { threats } from './rows.ts'

test('the threat model lists each threat with the name of its test', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/threat-model.md'), 'utf8')
  const rows = [...page.matchAll(/^\| ([A-Z]\d+) \| (.+) \|$/gm)].map(([, id, title = '']) => [
    id,
    title.toLowerCase(),
  ])
  expect(rows).toEqual(Object.entries(threats).map(([id, title]) => [id, title.toLowerCase()]))
})
