/** @module Reads a page as a person or a browser does: by role, label and text, and the fields that a form submits. */
import { parseHTML } from 'linkedom'

type Name = string | RegExp

export interface Dom {
  document: Document
  /** Text of the main element, or of the body if the page has none. */
  text: string
  /** The only element with the role and name. Throws if there is none or more than one. */
  getByRole: (role: string, options?: { name?: Name }) => Element
  allByRole: (role: string, options?: { name?: Name }) => Element[]
  /** The only innermost element with the text. */
  getByText: (text: Name) => Element
  /** The only field with the label. */
  getByLabel: (label: Name) => Element
  /** Actions of the forms that post, in order. */
  forms: string[]
  /** Addresses of the links, in order. */
  links: string[]
  /** What a browser submits for the form that posts to the action, without a button. The last value of a name wins. */
  form: (action: string) => Record<string, string>
  /** What a browser sends for the search form with the action, in order. */
  search: (action: string) => [name: string, value: string][]
  /** Text of the cells of the table with the caption, label or heading, row by row, with the header. */
  table: (name: Name) => string[][]
  /** Texts of the rows that the keys j and k select. */
  rows: string[]
  /** Address of the list's next page; null on the last one. */
  next: string | null
  /** The first value of the only term with the name. */
  valueOf: (term: Name) => Element
  /** The error below the invalid field with the name. */
  errorOf: (field: string) => string
  /** What no page contains unless it fails to escape text: inline scripts and styles, images and event handlers. */
  injected: string[]
}

/** Text without scripts and styles, with a space between elements and none before punctuation. */
export const text = (element: Node): string =>
  spaced(element)
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/ (?=[.,;:])/g, '')
    .trim()

function spaced(node: Node): string {
  if (node.nodeType === 3) return node.nodeValue ?? ''
  if (/^(script|style|template)$/i.test(node.nodeName)) return ''
  return ` ${[...node.childNodes].map(spaced).join('')} `
}

const roles: [selector: string, role: string][] = [
  ['a[href], area[href]', 'link'],
  ['button, input[type=submit], input[type=button]', 'button'],
  ['h1, h2, h3, h4, h5, h6', 'heading'],
  ['input[type=checkbox]', 'checkbox'],
  ['input[type=radio]', 'radio'],
  ['input[type=search]', 'searchbox'],
  ['input:not([type]), input[type=text], input[type=email], input[type=url], textarea', 'textbox'],
  ['input[type=number]', 'spinbutton'],
  ['select', 'combobox'],
  ['option', 'option'],
  ['table', 'table'],
  ['tr', 'row'],
  ['td', 'cell'],
  ['th', 'columnheader'],
  ['ul, ol', 'list'],
  ['li', 'listitem'],
  ['main', 'main'],
  ['nav', 'navigation'],
  ['dialog', 'dialog'],
  ['section[aria-label], section[aria-labelledby]', 'region'],
  ['img', 'img'],
]

const roleOf = (element: Element): string | undefined =>
  element.getAttribute('role') ?? roles.find(([selector]) => element.matches(selector))?.[1]

const isMatch = (actual: string, wanted: Name): boolean =>
  typeof wanted === 'string' ? actual === wanted : wanted.test(actual)

function only(found: Element[], wanted: string): Element {
  const [first] = found
  if (first === undefined || found.length > 1) throw new Error(`${found.length} elements match ${wanted}`)
  return first
}

/** @param html a whole page */
export function parsePage(html: string): Dom {
  const { document } = parseHTML(html) as unknown as { document: Document }
  const all = (selector: string, root: ParentNode = document): Element[] => [
    ...root.querySelectorAll(selector),
  ]

  const labelOf = (field: Element): string => {
    const id = field.getAttribute('id')
    const label =
      field.closest('label') ?? all('label').find((each) => id !== null && each.getAttribute('for') === id)
    return label ? text(label) : ''
  }
  const nameOf = (element: Element): string => {
    const ids = element.getAttribute('aria-labelledby')?.split(/\s+/)
    const described = ids
      ?.map((id) => document.getElementById(id))
      .flatMap((each) => (each ? [text(each)] : []))
    return (
      element.getAttribute('aria-label') ??
      described?.join(' ') ??
      (element.matches('input:not([type=submit]):not([type=button]), select, textarea')
        ? labelOf(element)
        : (element.getAttribute('alt') ?? (text(element) || (element.getAttribute('title') ?? ''))))
    )
  }
  const allByRole: Dom['allByRole'] = (role, { name } = {}) =>
    all('*').filter(
      (element) => roleOf(element) === role && (name === undefined || isMatch(nameOf(element), name)),
    )

  /** The parser leaves character references in a text area as they are. */
  const textAreaValue = (element: Element): string => {
    const decoder = document.createElement('div')
    decoder.innerHTML = (element.textContent ?? '').replace(/^\n/, '').replaceAll('<', '&lt;')
    return decoder.textContent ?? ''
  }
  const postForms = () => all('form').filter((each) => each.getAttribute('method')?.toLowerCase() === 'post')
  const valuesOf = (field: Element): string[] => {
    if (field.localName === 'textarea') return [textAreaValue(field)]
    if (field.localName === 'select') {
      const options = all('option:not([disabled])', field)
      const chosen = options.filter((option) => option.hasAttribute('selected'))
      const sent = field.hasAttribute('multiple') ? chosen : [chosen.at(-1) ?? options[0]]
      return sent.flatMap((option) => (option ? [option.getAttribute('value') ?? text(option)] : []))
    }
    const isToggle = field.matches('input[type=checkbox], input[type=radio]')
    if (isToggle && !field.hasAttribute('checked')) return []
    return [field.getAttribute('value') ?? (isToggle ? 'on' : '')]
  }

  const entriesOf = (form: Element): [string, string][] => {
    const id = form.getAttribute('id')
    const fields = all('input, select, textarea').filter((field) => {
      const owner = field.getAttribute('form')
      return owner === null ? form.contains(field) : owner === id
    })
    return fields
      .filter(
        (field) =>
          field.getAttribute('name') &&
          !field.matches('[type=submit], [type=button], [type=reset], [type=image], [type=file]') &&
          !field.hasAttribute('disabled') &&
          field.closest('fieldset[disabled]') === null,
      )
      .flatMap((field) =>
        valuesOf(field).map((value) => [field.getAttribute('name') ?? '', value] as [string, string]),
      )
  }

  return {
    document,
    text: text(document.querySelector('main') ?? document.body),
    rows: all('[data-row]').map(text),
    next: document.querySelector('a[rel=next]')?.getAttribute('href') ?? null,
    valueOf: (term) => {
      const found = all('dt').filter((each) => isMatch(text(each), term))
      const value = only(found, `term ${String(term)}`).nextElementSibling
      if (value?.localName !== 'dd') throw new Error(`The term ${String(term)} has no value`)
      return value
    },
    errorOf: (name) => {
      const fields = all('[aria-invalid=true]').filter((each) => each.getAttribute('name') === name)
      const field = only(fields, `invalid field ${name}`)
      const ids = field.getAttribute('aria-describedby')?.split(' ') ?? []
      const error = document.getElementById(ids.find((id) => id.endsWith('-error')) ?? '')
      if (!error) throw new Error(`The field ${name} has no error`)
      return text(error)
    },
    injected: all('*').flatMap((each) => [
      ...(each.matches('script:not([src]), style, img') ? [each.localName] : []),
      ...each.getAttributeNames().filter((name) => /^(on|style$)/.test(name)),
    ]),
    allByRole,
    getByRole: (role, options = {}) =>
      only(allByRole(role, options), `${role} ${String(options.name ?? '')}`),
    getByText: (wanted) => {
      const found = all('body *').filter((element) => isMatch(text(element), wanted))
      return only(
        found.filter((element) => !found.some((other) => other !== element && element.contains(other))),
        String(wanted),
      )
    },
    getByLabel: (label) =>
      only(
        all('input, select, textarea').filter((field) => isMatch(nameOf(field), label)),
        `label ${String(label)}`,
      ),
    forms: postForms().map((each) => each.getAttribute('action') ?? ''),
    links: all('a[href]').map((each) => each.getAttribute('href') ?? ''),
    form: (action) => {
      const form = postForms().find((each) => each.getAttribute('action') === action)
      if (!form) throw new Error(`No form posts to ${action}`)
      return Object.fromEntries(entriesOf(form))
    },
    search: (action) => {
      const forms = allByRole('search').filter((each) => each.getAttribute('action') === action)
      return entriesOf(only(forms, `search ${action}`))
    },
    table: (name) => {
      const headed = (table: Element): string[] => {
        const heading = table.closest('section, article, main')?.querySelector('h1, h2, h3')
        const caption = table.querySelector('caption')
        return [nameOf(table), ...(caption ? [text(caption)] : []), ...(heading ? [text(heading)] : [])]
      }
      const found = all('table').filter((table) => headed(table).some((each) => isMatch(each, name)))
      return all('tr', only(found, `table ${String(name)}`)).map((row) => all('th, td', row).map(text))
    },
  }
}
