/** @module Renders a Markdown file of `docs/` to HTML, with its headings and the sections that the search finds. */
import { type Arrow, arrowsOf } from './diagram.ts'
import { Marked, type Token, type Tokens } from 'marked'

export interface Heading {
  depth: number
  id: string
  /** Plain text. */
  text: string
}

/** The text from a heading to the next one. */
export interface Section {
  /** The fragment of its heading; empty above the first one. */
  id: string
  heading: string
  text: string
}

export interface Rendered {
  /** From the first heading. */
  title: string
  /** The first paragraph, as plain text. */
  summary: string
  html: string
  headings: Heading[]
  sections: Section[]
}

/**
 * @param text Markdown
 * @param urlOf the URL for the target of a link; null for a file that the guide does not contain
 */
export function renderMarkdown(text: string, urlOf: (target: string) => string | null): Rendered {
  const headings: Heading[] = []
  const usedIds = new Map<string, number>()
  const marked = new Marked({
    renderer: {
      heading({ tokens, depth }) {
        const html = this.parser.parseInline(tokens)
        const heading = { depth, id: fragmentOf(plainText(html), usedIds), text: plainText(html) }
        headings.push(heading)
        if (depth === 1) return `<h1>${html}</h1>\n`
        return `<h${depth} id="${heading.id}">${html} <a class="guide-anchor" href="#${heading.id}" aria-label="Link to this section">#</a></h${depth}>\n`
      },
      link({ href, tokens, raw }) {
        const html = this.parser.parseInline(tokens)
        // Addresses in examples, such as smtps://user:password@smtp.example.com, are not links.
        const url = raw.startsWith('[') ? urlOf(href) : null
        return url === null ? html : `<a class="link" href="${escapeHtml(url)}">${html}</a>`
      },
      code({ text: code, lang = '' }) {
        const [language = ''] = lang.split(' ')
        if (language === 'mermaid') return tableOf(['From', 'To', 'What'], arrowsOf(code).map(cellsOf))
        const body = language === 'sh' ? shell(code) : escapeHtml(code)
        return `<div class="guide-code"><pre tabindex="0"><code>${body}\n</code></pre></div>\n`
      },
      table({ header, rows }) {
        const html = (cells: Tokens.TableCell[]) => cells.map(({ tokens }) => this.parser.parseInline(tokens))
        return tableOf(html(header), rows.map(html))
      },
      // Comments of generated files. The pages contain no other HTML.
      html: () => '',
    },
  })
  const parts = marked
    .lexer(text)
    .map((token) => ({ token, html: marked.parser([token]), heading: headings.length }))
  const title = headings.find(({ depth }) => depth === 1)?.text
  if (title === undefined) throw new Error('The page has no title. Start it with a heading: # Title')
  const summary = parts.find(({ token }) => token.type === 'paragraph')?.html ?? ''
  return {
    title,
    summary: plainText(summary),
    html: parts.map(({ html }) => html).join(''),
    headings,
    sections: sectionsOf(headings, parts),
  }
}

/** @param parts with the number of headings up to each */
function sectionsOf(
  headings: Heading[],
  parts: { token: Token; html: string; heading: number }[],
): Section[] {
  const texts = Map.groupBy(
    parts.filter(({ token }) => token.type !== 'heading'),
    ({ heading }) => heading,
  )
  return headings.map(({ id, text, depth }, index) => ({
    id: depth === 1 ? '' : id,
    heading: text,
    text: plainText((texts.get(index + 1) ?? []).map(({ html }) => html).join(' ')),
  }))
}

/** The fragment that GitHub gives a heading, so that links work in both places. */
function fragmentOf(heading: string, used: Map<string, number>): string {
  const id = heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-')
  const count = used.get(id) ?? 0
  used.set(id, count + 1)
  return count === 0 ? id : `${id}-${count}`
}

/** @param rows of HTML */
function tableOf(header: string[], rows: string[][]): string {
  const row = (cells: string[], tag: 'th' | 'td') =>
    `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>\n`
  const body = rows.map((cells) => row(cells, 'td')).join('')
  return `<div class="guide-table" tabindex="0"><table>\n<thead>${row(header, 'th')}</thead>\n<tbody>\n${body}</tbody></table></div>\n`
}

const cellsOf = ({ from, to, label }: Arrow): string[] => [from, to, label].map(escapeHtml)

/** Comments are dimmed: `npm run dev     # the server`. */
const shell = (code: string): string =>
  escapeHtml(code).replaceAll(/(^|\s)(#(?= ).*)$/gm, '$1<span class="guide-comment">$2</span>')

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const characters = new Map([
  ...Object.entries(entities).map(([character, entity]) => [entity, character] as const),
  ['&#39;', "'"],
])

export const escapeHtml = (text: string): string =>
  text.replaceAll(/[&<>"]/g, (character) => entities[character] ?? character)

const plainText = (html: string): string =>
  html
    .replaceAll(/<[^>]+>/g, (tag) => (/^<\/?(a|code|em|span|strong)\b/.test(tag) ? '' : ' '))
    .replaceAll(/&(?:amp|lt|gt|quot|#39);/g, (entity) => characters.get(entity) ?? entity)
    .replaceAll(/\s+/g, ' ')
    .trim()
