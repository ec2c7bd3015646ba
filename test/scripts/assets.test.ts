import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { sourceFolder, browserScript, generateAssets } from '../../scripts/generate-assets.ts'

describe('generated assets', () => {
  test.each(Object.entries(generateAssets()))('%s is up to date (`npm run assets`)', (name, text) => {
    expect(readFileSync(join(sourceFolder, name), 'utf8') === text).toBe(true)
  })
})

describe('browserScript', () => {
  const run = (typescript: string) => {
    const page: { result?: unknown } = {}
    runInNewContext(browserScript(typescript), { page })
    return page.result
  }

  test('keeps text that looks like comments, exports and indentation', () => {
    expect(run('export const text: string = `a\n  // b\n  export c\n/** d */`\npage.result = text')).toBe(
      'a\n  // b\n  export c\n/** d */',
    )
    expect(run("page.result = 'https://example.com/*' + '*/'")).toBe('https://example.com/**/')
  })

  test('adds no global names to the page', () => {
    const page = {}
    const globals = { page }
    runInNewContext(
      browserScript('export const mine = 1; function helper() {} helper(); page.result = mine'),
      globals,
    )
    expect(Object.keys(globals)).toEqual(['page'])
  })
})
