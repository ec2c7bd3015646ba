import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { assetsFolder, browserScript, generateAssets, root } from '../../scripts/generate-assets.ts'

describe('generated assets', () => {
  const generated = generateAssets()

  test.each(Object.entries(generated))('%s is up to date (`npm run assets`)', (path, content) => {
    expect(readFileSync(join(root, path)).equals(Buffer.from(content))).toBe(true)
  })

  test('are the only files in their folder', () => {
    const files = readdirSync(join(root, assetsFolder)).map((name) => `${assetsFolder}/${name}`)
    expect(files.filter((path) => !Object.hasOwn(generated, path))).toEqual([])
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
