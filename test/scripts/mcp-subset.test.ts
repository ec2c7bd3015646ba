import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { mcpModules, mcpSubset } from '../../scripts/mcp-subset.ts'

const folder = join(import.meta.dirname, '../../node_modules/@modelcontextprotocol/server/dist')
const paths = readdirSync(folder)
  .map((name) => join(folder, name))
  .filter((path) => mcpModules.test(path))

test('changes three modules and keeps what they export', () => {
  expect(paths).toHaveLength(3)
  for (const path of paths) {
    const source = readFileSync(path, 'utf8')
    const exported = /^export \{.*\}/m.exec(source)?.[0] ?? ''
    const reduced = mcpSubset(path, source)
    expect(reduced.length).toBeLessThan(source.length)
    if (!path.includes('shims')) expect(reduced).toContain(exported)
  }
})

test('rejects a package that has changed', () => {
  for (const path of paths.filter((each) => !each.includes('shims')))
    expect(() => mcpSubset(path, '')).toThrow('has no')
})
