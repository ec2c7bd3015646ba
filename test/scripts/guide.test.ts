import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseHTML } from 'linkedom'
import { describe, expect, test } from 'vitest'
import { root } from '../../scripts/generate-assets.ts'
import { generateGuide, guideFolder } from '../../scripts/guide/generate.ts'
import { renderMarkdown } from '../../scripts/guide/markdown.ts'
import type { SearchEntry } from '../../scripts/guide/search-index.ts'
import { errorCodes } from '../../src/http/problem.ts'

const generated = generateGuide()
/** URL → document. */
const pages = new Map(
  Object.entries(generated)
    .filter(([path]) => path.endsWith('.html'))
    .map(([path, html]) => [
      path
        .slice('public'.length)
        .replace(/\.html$/, '')
        .replace(/\/index$/, ''),
      parseHTML(html).document,
    ]),
)
const pageAt = (url: string) => {
  const page = pages.get(url)
  if (!page) throw new Error(`The guide has no page ${url}`)
  return page
}

describe('the guide', () => {
  test.each(Object.entries(generated))('%s is up to date (`npm run docs`)', (path, content) => {
    expect(readFileSync(join(root, path), 'utf8')).toBe(content)
  })

  test('has no other files in its folder', () => {
    const files = readdirSync(join(root, guideFolder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name).slice(root.length + 1))
    expect(files.filter((path) => !Object.hasOwn(generated, path))).toEqual([])
  })

  test('contains every file of docs/', () => {
    const files = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    const urls = files
      .filter((file) => file.endsWith('.md'))
      .map((file) => `/docs/guide/${file.replace(/\.md$/, '')}`.replace(/\/README$/, ''))
    expect([...pages.keys()].toSorted()).toEqual(urls.toSorted())
  })

  test('has no dead link, file or anchor', () => {
    const onServer = new Set(['/', '/docs'])
    const targets = [...pages].flatMap(([url, page]) =>
      [...page.querySelectorAll('[href],[src],[data-index]')].map((element) => ({
        url,
        target: ['href', 'src', 'data-index'].map((name) => element.getAttribute(name) ?? '').join(''),
      })),
    )
    const dead = targets.filter(({ url, target }) => {
      if (/^https?:/.test(target)) return false
      const [path = '', fragment] = target.split('#')
      const linked = pages.get(path === '' ? url : path)
      const exists = linked !== undefined || onServer.has(path) || Object.hasOwn(generated, `public${path}`)
      return !exists || (fragment !== undefined && !linked?.getElementById(fragment))
    })
    expect(dead).toEqual([])
    expect(targets.length).toBeGreaterThan(1000)
  })

  test('needs nothing that a strict Content Security Policy forbids', () => {
    for (const page of pages.values()) {
      expect(page.querySelectorAll('style,[style],script:not([src]),iframe,form')).toHaveLength(0)
      const handlers = [...page.querySelectorAll('*')].flatMap(({ attributes }) =>
        [...attributes].map(({ name }) => name).filter((name) => name.startsWith('on')),
      )
      expect(handlers).toEqual([])
    }
    expect(generated[`${guideFolder}/guide.css`]).not.toMatch(/https?:/)
  })

  test('gives every page a title, one h1 and unique ids', () => {
    for (const page of pages.values()) {
      expect(page.title).toMatch(/\S/)
      expect(page.querySelectorAll('h1')).toHaveLength(1)
      const ids = [...page.querySelectorAll('[id]')].map(({ id }) => id)
      expect(ids.length).toBe(new Set(ids).size)
    }
  })

  test('leads from the first page to the last one and back', () => {
    const follow = (from: string, rel: string): string[] => {
      const next = pageAt(from).querySelector(`[rel=${rel}]`)?.getAttribute('href')
      return next ? [from, ...follow(next, rel)] : [from]
    }
    const forward = follow('/docs/guide', 'next')
    expect(forward.toSorted()).toEqual([...pages.keys()].toSorted())
    expect(follow(forward.at(-1) ?? '', 'prev')).toEqual(forward.toReversed())
  })

  test('marks the current page in the navigation', () => {
    const current = (url: string) =>
      [...pageAt(url).querySelectorAll('#contents [aria-current]')].map((link) => link.getAttribute('href'))
    expect(current('/docs/guide/keys')).toEqual(['/docs/guide/keys'])
    expect(current('/docs/guide/decisions/0011-epochs')).toEqual(['/docs/guide/decisions'])
  })

  test('has a section for every error code', () => {
    const page = pageAt('/docs/guide/errors')
    expect(errorCodes.filter((code) => !page.getElementById(code))).toEqual([])
  })

  test('indexes every section with its text', () => {
    const entries: SearchEntry[] = JSON.parse(generated[`${guideFolder}/search.json`] ?? '')
    const sections = [...pages.values()].flatMap((page) => [
      ...page.querySelectorAll('article :is(h1,h2,h3,h4)'),
    ])
    expect(entries).toHaveLength(sections.length)
    expect(new Set(entries.map(({ url }) => url)).size).toBe(entries.length)
    expect(entries.find(({ url }) => url === '/docs/guide/errors#instance-refused')?.text).toContain(
      '502, n8n rejected the API key.',
    )
  })
})

describe('renderMarkdown', () => {
  const render = (text: string) => renderMarkdown(text, (target) => (target === 'lost.md' ? null : target))

  test('escapes markup in text, code and headings', () => {
    const { html, headings } = render(
      '# A <b> & `c<d>`\n\n`<script>` and\n\n```sh\necho "<script>" # <b>\n```\n\n<img src=x onerror=y>',
    )
    expect(html).not.toMatch(/<(script|img|b)\b/)
    expect(headings[0]?.text).toBe('A & c<d>')
  })

  test('names fragments like GitHub', () => {
    const { headings } = render("# T\n\n## What's `new`?\n\n## Same\n\n## Same\n")
    expect(headings.map(({ id }) => id)).toEqual(['t', 'whats-new', 'same', 'same-1'])
  })

  test('renders a link to a file that the guide does not contain as text', () => {
    expect(render('# T\n\n[there](lost.md) and [here](kept.md)').html).toContain(
      '<p>there and <a class="link" href="kept.md">here</a></p>',
    )
  })

  test('shows diagrams as a table of their arrows', () => {
    const diagram = [
      'flowchart LR',
      '  a["A person<br/>or agent"] -- "JSON, <token>" --> app',
      '  app["Flowkeep"] --> db[("Postgres")]',
    ]
    const shown = render(`# T\n\n\`\`\`mermaid\n${diagram.join('\n')}\n\`\`\`\n`).html
    expect(shown).toContain(
      '<tr><td>A person or agent</td><td>Flowkeep</td><td>JSON, &lt;token&gt;</td></tr>',
    )
    expect(shown).toContain('<tr><td>Flowkeep</td><td>Postgres</td><td></td></tr>')
    const sequence = 'sequenceDiagram\n  participant F as Frontend\n  F->>A: POST /v1\n  A-->>F: 201'
    expect(render(`# T\n\n\`\`\`mermaid\n${sequence}\n\`\`\`\n`).html).toContain(
      '<tr><td>A</td><td>Frontend</td><td>201</td></tr>',
    )
    expect(() => render('# T\n\n```mermaid\npie\n  "a": 1\n```\n')).toThrow('cannot show this line')
  })

  test('requires a title', () => {
    expect(() => render('No heading')).toThrow('The page has no title')
  })
})
