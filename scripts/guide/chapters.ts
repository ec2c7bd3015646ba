/** @module The pages of the guide in order, as `docs/README.md` lists them. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { root } from '../generate-assets.ts'
import { type Rendered, renderMarkdown } from './markdown.ts'

export const guideUrl = '/docs/guide'

export interface GuidePage extends Rendered {
  /** Path below `docs/`. */
  file: string
  url: string
  /** The chapter that lists it; null for the first page and for decisions. */
  chapter: string | null
}

/** `keys.md` → `/docs/guide/keys`. A README is the page of its folder. */
function urlOfFile(file: string): string {
  const name = file.replace(/\.md$/, '').replace(/(^|\/)README$/, '')
  return name === '' ? guideUrl : `${guideUrl}/${name}`
}

/**
 * Every file of `docs/`: the first page, the pages that it lists by chapter, and decisions.
 * @throws {Error} for a page that the first one does not list, and for a link to a missing page or section
 */
export function readGuide(): GuidePage[] {
  const files = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.md'))
    .toSorted()
  const chapters = readChapters(readFileSync(join(root, 'docs/README.md'), 'utf8'))
  const listed = [...chapters.keys()]
  const unlisted = files.filter((file) => !chapters.has(file) && !/^(README\.md|decisions\/\d)/.test(file))
  if (unlisted.length > 0) throw new Error(`docs/README.md does not list ${unlisted.join(', ')}`)
  const others = files.filter((file) => !chapters.has(file) && file !== 'README.md')
  const pages = ['README.md', ...listed, ...others].map((file): GuidePage => {
    const text = readFileSync(join(root, 'docs', file), 'utf8')
    const rendered = renderMarkdown(text, (target) => urlOfLink(file, target, files))
    return Object.assign(rendered, { file, url: urlOfFile(file), chapter: chapters.get(file) ?? null })
  })
  const dead = deadLinks(pages)
  if (dead.length > 0) throw new Error(`Dead links in docs/:\n${dead.join('\n')}`)
  return pages
}

/** `- [Keys](keys.md)` below `## Operate` → `keys.md`: `Operate`. */
function readChapters(index: string): Map<string, string> {
  const pages = new Map<string, string>()
  let chapter = ''
  for (const line of index.split('\n')) {
    chapter = /^## (.+)/.exec(line)?.[1] ?? chapter
    const file = /^- \[[^\]]+\]\(([\w./-]+\.md)\)/.exec(line)?.[1]
    if (file) pages.set(file, chapter)
  }
  return pages
}

function urlOfLink(file: string, target: string, files: readonly string[]): string | null {
  if (/^([a-z]+:|#|\/)/.test(target)) return target
  const [path = '', fragment] = target.split('#')
  const linked = posix.join(posix.dirname(file), path)
  if (!files.includes(linked)) return null
  return urlOfFile(linked) + (fragment === undefined ? '' : `#${fragment}`)
}

function deadLinks(pages: GuidePage[]): string[] {
  const ids = new Map(pages.map(({ url, headings }) => [url, new Set(headings.map(({ id }) => id))]))
  return pages.flatMap(({ file, url, html }) =>
    Array.from(html.matchAll(/ href="([^"]*)"/g), ([, href = '']) => href)
      .filter((href) => href.startsWith('#') || href.startsWith(guideUrl))
      .filter((href) => {
        const [path = '', fragment] = href.split('#')
        const known = ids.get(path || url)
        return !known || (fragment !== undefined && !known.has(fragment))
      })
      .map((href) => `${file}: ${href}`),
  )
}
