/** The rendering of JSX, compared with hono's. */
import { html, raw } from 'hono/html'
import { jsxDEV as honoJsx } from 'hono/jsx/jsx-dev-runtime'
import { describe, expect, test } from 'vitest'
import { createContext, jsx, rendered, toHtml, useContext } from '../../src/lib/jsx-runtime.ts'

const hostile = `<script>alert("x")</script> & 'quoted'`

const elements: [tag: string, props: Record<string, unknown>][] = [
  ['p', {}],
  ['p', { children: hostile }],
  ['p', { children: ['a', 1, 0, null, undefined, true, false, '', ['b', [hostile]]] }],
  ['a', { href: `/?q="${hostile}`, class: 'x', title: '', children: 'link' }],
  ['input', { type: 'text', name: 'a', value: hostile, required: true, disabled: false, maxlength: 100 }],
  ['input', { checked: true, hidden: undefined, readonly: null }],
  [
    'div',
    { 'aria-hidden': true, 'aria-expanded': false, 'data-x': true, draggable: false, spellcheck: false },
  ],
  ['option', { value: 0, selected: true, children: 0 }],
  ['details', { open: true, children: 'x' }],
  ['form', { method: 'post', action: '/a?b&c', novalidate: true, children: '' }],
  ['button', { type: 'submit', formnovalidate: true, autofocus: true, children: 'Save' }],
  ['td', { children: raw('<b>bold</b>') }],
  ['img', { src: '/a.png', alt: '' }],
  ['br', {}],
  ['svg', { viewBox: '0 0 1 1', 'aria-hidden': 'true', children: raw('<path d="M0"/>') }],
  ['pattern', { patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)', width: 5 }],
  ['script', { type: 'module', src: '/a.js' }],
  ['meta', { name: 'viewport', content: 'width=device-width' }],
  ['time', { datetime: '2026-11-29T00:00:00Z', children: 'today' }],
  ['select', { multiple: true, name: 'n', children: [] }],
]

test.each(elements)('renders <%s %j> as hono does', (tag, props) => {
  expect(toHtml(jsx(tag, { ...props }))).toBe(honoJsx(tag, { ...props }).toString())
})

test('renders components, fragments and lists in their order', () => {
  const Item = ({ name, children }: { name: string; children?: unknown }) => (
    <li>
      {name}: <>{children as string}</>
    </li>
  )
  const list = ['a', 'b']
  const items = (
    <ul>
      {list.map((name) => (
        <Item name={name}>{name.toUpperCase()}</Item>
      ))}
      {list.length > 9 && <li>never</li>}
    </ul>
  )
  expect(toHtml(items)).toBe('<ul><li>a: A</li><li>b: B</li></ul>')
})

test('is markup to hono, which does not escape it again', async () => {
  expect(String(await html`<main>${<b>{hostile}</b>}</main>`)).toBe(
    '<main><b>&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &#39;quoted&#39;</b></main>',
  )
})

describe('context', () => {
  const theme = createContext('light')
  const Show = () => <i>{useContext(theme)}</i>

  test('comes from the innermost provider, and ends with it', () => {
    const page = (
      <p>
        <Show />
        <theme.Provider value="dark">
          <Show />
          <theme.Provider value="high">
            <Show />
          </theme.Provider>
          <Show />
        </theme.Provider>
        <Show />
      </p>
    )
    expect(toHtml(page)).toBe('<p><i>light</i><i>dark</i><i>high</i><i>dark</i><i>light</i></p>')
  })

  test('ends when a component throws', () => {
    const Broken = (): null => {
      throw new Error('broken')
    }
    const page = (
      <theme.Provider value="dark">
        <Broken />
      </theme.Provider>
    )
    expect(() => toHtml(page)).toThrow('broken')
    expect(toHtml(<Show />)).toBe('<i>light</i>')
  })
})

test('renders the same markup once', () => {
  let renderings = 0
  const Counted = () => {
    renderings += 1
    return <b>x</b>
  }
  const once = rendered(<Counted />)
  expect(
    toHtml(
      <p>
        {once}
        {once}
      </p>,
    ),
  ).toBe('<p><b>x</b><b>x</b></p>')
  expect(renderings).toBe(1)
})

test.each(['a b', 'onclick=', 'x"', '<', 'a/b'])('rejects the attribute name %j', (name) => {
  expect(() => toHtml(jsx('p', { [name]: 'x' }))).toThrow('Not an attribute')
})

test.each([[{ isEscaped: true, toString: (): string => '<b>' }], [Promise.resolve('x')], [new Date(0)]])(
  'rejects a child that is no markup',
  (child) => {
    expect(() => toHtml(jsx('p', { children: child }))).toThrow('Not markup')
  },
)
