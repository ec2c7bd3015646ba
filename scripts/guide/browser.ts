/** The only script of the guide: search, and buttons that copy code. Pages work without it. */
import MiniSearch from 'minisearch'
import type { SearchEntry } from './search-index.ts'

const maxResults = 12
const excerptChars = 150
const anyLetter = /[\p{L}\p{N}_]/u

const box = document.querySelector<HTMLElement>('[data-index]')
const input = box?.querySelector('input')
const list = box?.querySelector('ul')
const status = box?.querySelector('[role=status]')

type Index = MiniSearch<SearchEntry>
let loading: Promise<Index> | undefined

/** Loads the sections on first use. */
function load(): Promise<Index> {
  return (loading ??= fetch(box?.dataset['index'] ?? '')
    .then((response) => {
      if (!response.ok) throw new Error(`HTTP ${response.status}`)
      return response.json()
    })
    .then((entries: SearchEntry[]) => {
      const index = new MiniSearch<SearchEntry>({
        idField: 'url',
        fields: ['heading', 'page', 'text'],
        storeFields: ['url', 'heading', 'page', 'text'],
        searchOptions: {
          boost: { heading: 4, page: 2 },
          prefix: true,
          fuzzy: (term) => (term.length > 4 ? 0.2 : false),
          combineWith: 'AND',
        },
      })
      index.addAll(entries)
      return index
    })
    .catch((error: unknown) => {
      loading = undefined
      throw error
    }))
}

async function search(): Promise<void> {
  if (!input || !list || !status) return
  const query = input.value.trim()
  if (query === '') return close()
  let results: (SearchEntry & { terms: string[] })[]
  try {
    const index = await load()
    if (input.value.trim() !== query) return
    results = index.search(query).slice(0, maxResults) as unknown as typeof results
  } catch {
    status.textContent = 'Search is not available. Reload the page.'
    return show([message(status.textContent)])
  }
  status.textContent = results.length === 1 ? '1 result' : `${results.length} results`
  show(results.length === 0 ? [message('No section contains these words.')] : results.map(resultItem))
}

function show(items: HTMLElement[]): void {
  if (!list) return
  list.replaceChildren(...items)
  list.hidden = false
}

function close(): void {
  if (list) list.hidden = true
  if (status) status.textContent = ''
}

function element(tag: string, className: string, ...children: (Node | string)[]): HTMLElement {
  const created = document.createElement(tag)
  created.className = className
  created.append(...children)
  return created
}

const message = (text: string) => element('li', '', element('p', '', text))

function resultItem({ url, page, heading, text, terms }: SearchEntry & { terms: string[] }): HTMLElement {
  const place = heading === page ? '' : `${page} · `
  const link = element(
    'a',
    'hit',
    element(
      'span',
      'hit-text',
      element('span', '', ...marked(heading, terms)),
      element('small', '', place, ...marked(excerpt(text, terms), terms)),
    ),
  ) as HTMLAnchorElement
  link.href = url
  return element('li', '', link)
}

/** The part of the text around the first match that begins a word. */
function excerpt(text: string, terms: string[]): string {
  const lower = text.toLowerCase()
  const places = terms.map((term) => lower.indexOf(term)).filter((place) => place >= 0)
  const found = places.length > 0 ? Math.min(...places) : 0
  const start = found < 50 ? 0 : text.lastIndexOf(' ', found - 30) + 1
  return `${start > 0 ? '…' : ''}${text.slice(start, start + excerptChars)}`
}

/** The text with each word that begins with a term in a `mark`. */
function marked(text: string, terms: string[]): (Node | string)[] {
  const words = text.split(/([\p{L}\p{N}_]+)/u)
  return words.map((word) => {
    const isMatch = anyLetter.test(word) && terms.some((term) => word.toLowerCase().startsWith(term))
    return isMatch ? element('mark', '', word) : word
  })
}

function listen(): void {
  if (!box || !input || !list) return
  box.hidden = false
  input.addEventListener('focus', () => void load().catch(() => {}))
  input.addEventListener('input', () => void search())
  input.addEventListener('focus', () => void search())
  document.addEventListener('click', ({ target }) => {
    if (target instanceof Node && !box.contains(target)) close()
  })
  const links = () => [...list.querySelectorAll('a')]
  box.addEventListener('keydown', (event) => {
    const at = links().findIndex((link) => link === document.activeElement)
    if (event.key === 'Escape') {
      if (at >= 0) input.focus()
      close()
    } else if (event.key === 'Enter' && event.target === input) void search().then(() => links()[0]?.click())
    else if (event.key === 'ArrowDown') links()[at + 1]?.focus()
    else if (event.key === 'ArrowUp' && at >= 0) (links()[at - 1] ?? input).focus()
    else return
    event.preventDefault()
  })
  // Following a link to a section of this page leaves the page open.
  list.addEventListener('click', () => close())
  document.addEventListener('keydown', (event) => {
    if (
      event.key !== '/' ||
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      document.activeElement === input
    )
      return
    event.preventDefault()
    input.focus()
    input.select()
  })
}

function addCopyButtons(): void {
  if (!navigator.clipboard) return
  for (const code of document.querySelectorAll('.guide-code')) {
    const button = element('button', 'guide-copy', 'Copy') as HTMLButtonElement
    button.type = 'button'
    button.addEventListener('click', () => void copy(button, code.querySelector('code')?.textContent ?? ''))
    code.append(button)
  }
}

async function copy(button: HTMLElement, text: string): Promise<void> {
  await navigator.clipboard.writeText(text.trimEnd())
  button.textContent = 'Copied'
  setTimeout(() => (button.textContent = 'Copy'), 2000)
}

listen()
addCopyButtons()
