/**
 * @module Renders JSX to HTML. The compiler imports it as `#jsx/jsx-runtime` (`jsxImportSource` in tsconfig.json). Components
 * are synchronous, and run when the markup around them is rendered. Types are those of `hono/jsx`.
 */
import type { Child } from 'hono/jsx'
import type { HtmlEscapedString } from 'hono/utils/html'

export type { JSX } from 'hono/jsx/jsx-runtime'

type Props = Record<string, unknown>
type Tag = string | ((props: Props) => unknown)

const voidTags = new Set('area base br col embed hr img input link meta source track wbr'.split(' '))

/** Present if true and absent if false. Every other attribute is set to `true` or `false`. */
const booleanAttributes = new Set(
  (
    'allowfullscreen async autofocus autoplay checked controls default defer disabled download formnovalidate hidden inert ' +
    'ismap itemscope loop multiple muted nomodule novalidate open playsinline readonly required reversed selected'
  ).split(' '),
)

const special = /[&<>"']/
const entities = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&#39;'],
])

const escaped = (text: string): string =>
  special.test(text) ? text.replaceAll(/[&<>"']/g, (character) => entities.get(character) ?? '') : text

/** Names that were found to be valid. */
const attributeNames = new Set<string>()

function attribute(name: string, value: unknown): string {
  if (value === null || value === undefined) return ''
  if (!attributeNames.has(name)) {
    if (/[\s"'<>/=]/.test(name)) throw new TypeError(`Not an attribute: ${name}`)
    attributeNames.add(name)
  }
  if (typeof value !== 'boolean') return ` ${name}="${escaped(`${value as string | number}`)}"`
  if (!booleanAttributes.has(name)) return ` ${name}="${value}"`
  return value ? ` ${name}=""` : ''
}

/** HTML, or what becomes HTML. `isEscaped` tells hono that it is no text. */
abstract class Markup {
  readonly isEscaped = true
  abstract toString(): string
}

class Html extends Markup {
  readonly #html: string

  constructor(html: string) {
    super()
    this.#html = html
  }

  override toString(): string {
    return this.#html
  }
}

class Element extends Markup {
  readonly #tag: Tag
  readonly #props: Props

  constructor(tag: Tag, props: Props) {
    super()
    this.#tag = tag
    this.#props = props
  }

  override toString(): string {
    const [tag, props] = [this.#tag, this.#props]
    if (typeof tag === 'function') return toHtml(tag(props))
    let html = `<${tag}`
    for (const name in props) if (name !== 'children') html += attribute(name, props[name])
    return voidTags.has(tag) ? `${html}/>` : `${html}>${toHtml(props.children)}</${tag}>`
  }
}

/** @param child text, markup, or lists of both */
export function toHtml(child: unknown): string {
  if (typeof child === 'string') return escaped(child)
  if (child instanceof Markup) return child.toString()
  if (Array.isArray(child)) {
    let html = ''
    for (const each of child) html += toHtml(each)
    return html
  }
  if (typeof child === 'number') return String(child)
  if (child === null || child === undefined || typeof child === 'boolean') return ''
  if (typeof child !== 'object') throw new TypeError(`Not markup: ${typeof child}`)
  // A string object from hono's `raw` or `html`.
  const text: unknown = child.valueOf()
  if (typeof text === 'string' && 'isEscaped' in child) return text
  throw new TypeError(`Not markup: ${typeof child}`)
}

export const jsx = (tag: Tag, props: Props): Markup => new Element(tag, props)
export { jsx as jsxDEV, jsx as jsxs }

export const Fragment = ({ children }: { children?: unknown }): unknown => children

/** HTML that is rendered once, also if it occurs more often. */
export const rendered = (child: Child): HtmlEscapedString =>
  new Html(toHtml(child)) as unknown as HtmlEscapedString

export interface Context<T> {
  Provider: (props: { value: T; children?: Child }) => HtmlEscapedString
  /** Of the innermost provider that is being rendered. */
  current: T
}

export function createContext<T>(initial: T): Context<T> {
  const context: Context<T> = {
    current: initial,
    Provider: ({ value, children }) => {
      const outer = context.current
      context.current = value
      try {
        return rendered(children ?? null)
      } finally {
        context.current = outer
      }
    },
  }
  return context
}

export const useContext = <T>({ current }: Context<T>): T => current
