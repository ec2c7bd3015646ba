/**
 * Suggestions below the search field, and the palette: a dialog with a search field that Ctrl-K opens. `client.ts` loads
 * this script on first use. Without it, the search field is a form.
 */

const waitMs = 120
let lists = 0

const fragments = globalThis.trustedTypes?.createPolicy('suggestions', { createHTML: (html) => html })
const parseSuggestions = (html: string) =>
  new DOMParser().parseFromString(fragments?.createHTML(html) ?? html, 'text/html')

/** Makes `input` a combobox with the suggestions of the server. @param isPalette selects the first suggestion */
function suggest(input: HTMLInputElement, isPalette: boolean): void {
  const list = document.createElement('div')
  const status = document.createElement('span')
  list.id = `suggestions-${(lists += 1)}`
  list.className = 'suggest'
  list.setAttribute('role', 'listbox')
  list.setAttribute('aria-label', 'Suggestions')
  list.hidden = true
  status.className = 'visually-hidden'
  status.setAttribute('role', 'status')
  input.form?.append(list, status)
  input.setAttribute('role', 'combobox')
  input.setAttribute('aria-autocomplete', 'list')
  input.setAttribute('aria-controls', list.id)

  let timer: ReturnType<typeof setTimeout> | undefined
  let request: AbortController | undefined
  /** The query of the shown suggestions. */
  let shown = ''
  const options = () => [...list.querySelectorAll<HTMLAnchorElement>('[role=option]')]
  const active = () => list.querySelector<HTMLAnchorElement>('[aria-selected=true]')
  const query = () => input.value.trim()

  function open(isOpen: boolean): void {
    list.hidden = !isOpen
    input.setAttribute('aria-expanded', String(isOpen))
    if (!isOpen) activate(undefined)
  }

  function activate(option: HTMLAnchorElement | undefined): void {
    active()?.setAttribute('aria-selected', 'false')
    option?.setAttribute('aria-selected', 'true')
    option?.scrollIntoView({ block: 'nearest' })
    if (option) input.setAttribute('aria-activedescendant', option.id)
    else input.removeAttribute('aria-activedescendant')
  }

  async function load(): Promise<void> {
    const sought = query()
    request?.abort()
    const current = (request = new AbortController())
    const url = `/search/suggestions?${new URLSearchParams({ q: sought })}`
    const response = await fetch(url, { headers: { Accept: 'text/html' }, signal: current.signal })
    if (response.redirected) return location.reload()
    if (!response.ok) return open(false)
    const next = parseSuggestions(await response.text())
    const found = next.querySelector<HTMLElement>('.suggestions')
    if (!found || current.signal.aborted) return
    list.replaceChildren(document.adoptNode(found))
    for (const [index, option] of options().entries()) {
      option.id = `${list.id}-${index}`
      option.setAttribute('aria-selected', 'false')
    }
    shown = sought
    status.textContent = found.dataset.status ?? ''
    open(document.activeElement === input)
    if (isPalette) activate(options()[0])
  }

  input.addEventListener('input', () => {
    clearTimeout(timer)
    if (query() === '') {
      request?.abort()
      status.textContent = ''
      shown = ''
      list.replaceChildren()
      open(false)
    } else timer = setTimeout(() => void load().catch(() => {}), waitMs)
  })
  input.addEventListener('keydown', (event) => {
    const all = options()
    if (event.key === 'Escape' && !list.hidden && !isPalette) {
      event.preventDefault()
      open(false)
    } else if ((event.key === 'ArrowDown' || event.key === 'ArrowUp') && all.length > 0) {
      event.preventDefault()
      open(true)
      const step = event.key === 'ArrowDown' ? 1 : -1
      const at = all.findIndex((option) => option === active())
      activate(all[at === -1 ? (step === 1 ? 0 : all.length - 1) : (at + step + all.length) % all.length])
    } else if (event.key === 'Enter' && !event.isComposing && shown === query()) {
      const chosen = active()
      if (!chosen) return
      event.preventDefault()
      if (event.ctrlKey || event.metaKey) window.open(chosen.href)
      else location.assign(chosen.href)
    }
  })
  list.addEventListener('mousedown', (event) => event.preventDefault())
  input.addEventListener('blur', () => !isPalette && open(false))
  open(false)
  if (document.activeElement === input && query() !== '' && !input.defaultValue) void load().catch(() => {})
}

function openPalette(): void {
  const opened = document.querySelector('dialog.palette')
  if (opened) return
  const dialog = document.createElement('dialog')
  dialog.className = 'palette'
  dialog.setAttribute('aria-label', 'Search')
  const form = document.createElement('form')
  form.action = '/search'
  form.setAttribute('role', 'search')
  const input = document.createElement('input')
  input.type = 'search'
  input.name = 'q'
  input.maxLength = 200
  input.autocomplete = 'off'
  input.placeholder = 'Search or jump to…'
  input.setAttribute('aria-label', 'Search or jump to')
  form.append(input)
  dialog.append(form)
  dialog.addEventListener('click', (event) => event.target === dialog && dialog.close())
  dialog.addEventListener('close', () => dialog.remove())
  // Otherwise, the first Escape would only clear the field.
  dialog.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return
    event.preventDefault()
    dialog.close()
  })
  document.body.append(dialog)
  dialog.showModal()
  suggest(input, true)
  input.focus()
}

for (const input of document.querySelectorAll<HTMLInputElement>('[data-search]')) suggest(input, false)
document.addEventListener('palette', openPalette)
