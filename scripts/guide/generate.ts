/** @module The files of the guide: every page of `docs/` as HTML, with its stylesheet, script and search index. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildSync } from 'esbuild'
import { assets } from '../../src/lib/assets.generated.ts'
import { root } from '../generate-assets.ts'
import { readGuide } from './chapters.ts'
import { document } from './layout.tsx'
import { searchIndex } from './search-index.ts'
import { guideStyle } from './style.ts'

/** Contains generated files only. */
export const guideFolder = 'public/docs/guide'

/** Path relative to `root` → content. */
export function generateGuide(): Record<string, string> {
  const pages = readGuide()
  return {
    ...Object.fromEntries(pages.map((page) => [pathOf(page.url), document({ page, pages })])),
    [`${guideFolder}/guide.css`]: guideStyle(assets.font.path),
    [`${guideFolder}/guide.js`]: browserBundle(),
    [`${guideFolder}/icon.svg`]: readFileSync(join(root, 'src/web/assets/icon.svg'), 'utf8'),
    [`${guideFolder}/search.json`]: searchIndex(pages),
  }
}

/** `/docs/guide` → `index.html` in the folder, because Workers then serve it at the path of the folder. */
function pathOf(url: string): string {
  const name = url.slice('/docs/guide'.length)
  return `${guideFolder}${name === '' ? '/index' : name}.html`
}

function browserBundle(): string {
  const { outputFiles } = buildSync({
    absWorkingDir: root,
    entryPoints: ['scripts/guide/browser.ts'],
    bundle: true,
    write: false,
    format: 'iife',
    target: 'es2022',
    charset: 'utf8',
    minify: true,
    legalComments: 'none',
    banner: { js: '/* Search: MiniSearch, © Luca Ongaro, MIT license. */' },
  })
  return outputFiles[0]?.text ?? ''
}
