/**
 * The dashboard's only script. `npm run assets` compiles it to `client.generated.ts`. Pages work without it: it adds
 * the time zone, live updates, keyboard shortcuts, copy buttons and confirmations of irreversible actions.
 */

export const pollEveryMs = 5000
const root = document.documentElement

/** Stores the browser's time zone in a cookie. Reloads the page once if the server used another zone. */
function storeTimeZone(): void {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
  if (!zone || root.dataset.timeZone === zone) return
  const isStored = document.cookie.split('; ').includes(`tz=${zone}`)
  const secure = location.protocol === 'https:' ? '; Secure' : ''
  document.cookie = `tz=${zone}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`
  // Stops if the server does not know the zone or the browser blocks cookies.
  if (isStored || root.dataset.timeZone === undefined || !document.cookie.includes(`tz=${zone}`)) return
  try {
    if (sessionStorage.getItem('tz') === zone) return
    sessionStorage.setItem('tz', zone)
    location.reload()
  } catch {
    // Without session storage, reloading could loop.
  }
}

/** Sets the status text in the top bar, announced to screen readers. Does not move the layout. */
function setLive(state: 'on' | 'lost' | 'off', text: string): void {
  const live = document.querySelector('.live')
  const label = live?.querySelector('.live-text')
  live?.classList.toggle('on', state === 'on')
  live?.classList.toggle('lost', state === 'lost')
  if (label) label.textContent = text
}

interface News {
  /** Such as "6 new runs"; null when there are none. */
  notice: string | null
  /** Time of the response, in the viewer's zone. */
  at: string
}

/** Polls the page's `data-live` URL and links to the updated page if there is news. */
async function pollNews(url: string): Promise<void> {
  const response = await fetch(url, { headers: { Accept: 'application/json' } })
  if (response.status === 401) return location.reload()
  if (!response.ok) throw new Error('Polling failed')
  const news = (await response.json()) as News
  setLive('on', `Live · updated ${news.at}`)
  const place = document.querySelector('[data-live-news]')
  if (!(place instanceof HTMLAnchorElement) || !news.notice || place.textContent === news.notice) return
  place.textContent = news.notice
  place.hidden = false
}

const pages = globalThis.trustedTypes?.createPolicy('page', { createHTML: (html) => html })
const parsePage = (html: string) =>
  new DOMParser().parseFromString(pages?.createHTML(html) ?? html, 'text/html')

/** Replaces each `data-refresh` element by the server's current version, unless the user is interacting with it. */
async function refresh(parts: HTMLElement[]): Promise<void> {
  const response = await fetch(location.href, { headers: { Accept: 'text/html' } })
  if (response.redirected) return location.reload()
  if (!response.ok) throw new Error('Refresh failed')
  const next = parsePage(await response.text())
  adaptToScript(next)
  for (const part of parts) {
    const newer = next.getElementById(part.id)
    if (!newer) continue
    for (const opened of part.querySelectorAll<HTMLDetailsElement>('details[open][id]')) {
      next.getElementById(opened.id)?.setAttribute('open', '')
    }
    const isSame = newer.innerHTML === part.innerHTML && 'refresh' in newer.dataset
    if (isSame || part.contains(document.activeElement)) continue
    part.replaceWith(document.adoptNode(newer))
  }
  const text = next.querySelector('.live-text')?.textContent
  if (text) setLive('on', text.replace('As of', 'Live · updated'))
}

/** Shows elements that need the script and hides their fallbacks. */
function adaptToScript(within: ParentNode): void {
  for (const element of within.querySelectorAll<HTMLElement>('[data-script-hides]')) element.hidden = true
  if (!navigator.clipboard) return
  for (const button of within.querySelectorAll<HTMLElement>('[data-copy],[data-copy-from]'))
    button.hidden = false
}

function stopPolling(timer: ReturnType<typeof setInterval>): void {
  clearInterval(timer)
  const text = document.querySelector('.live-text')?.textContent ?? ''
  setLive('off', text.replace('Live · updated', 'As of'))
}

function startPolling(): void {
  const url = document.querySelector<HTMLElement>('[data-live]')?.dataset.live
  const parts = () => [...document.querySelectorAll<HTMLElement>('[data-refresh][id]')]
  if (!url && parts().length === 0) return
  setLive('on', 'Live')
  let isPolling = false
  const timer = setInterval(() => {
    if (document.hidden || isPolling) return
    isPolling = true
    const refreshed = parts()
    Promise.all([url ? pollNews(url) : null, refreshed.length > 0 ? refresh(refreshed) : null])
      .then(() => url || parts().length > 0 || stopPolling(timer))
      .catch(() => setLive('lost', 'Connection lost. Retrying…'))
      .finally(() => (isPolling = false))
  }, pollEveryMs)
}

const rows = () => [...document.querySelectorAll<HTMLElement>('[data-row]')].filter((row) => row.offsetParent)

function moveRow(step: 1 | -1): void {
  const all = rows()
  const at = all.indexOf(document.activeElement as HTMLElement)
  const next = all[at === -1 ? (step === 1 ? 0 : all.length - 1) : at + step]
  next?.focus()
  next?.scrollIntoView({ block: 'nearest' })
}

const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement &&
  (target.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName))

let palette: Promise<unknown> | undefined

/** Loads the script of suggestions and the palette on first use. */
function loadPalette(): Promise<unknown> {
  const url = document.querySelector<HTMLElement>('[data-palette]')?.dataset.palette
  return (palette ??= url ? import(url) : Promise.reject(new Error('The page has no search')))
}

const searchField = () =>
  [...document.querySelectorAll<HTMLInputElement>('[data-search]')].find((each) => each.offsetParent)

function focusSearch(): void {
  const field = searchField()
  field?.focus()
  field?.select()
}

function openPalette(): void {
  loadPalette().then(() => document.dispatchEvent(new Event('palette')), focusSearch)
}

function listenForKeys(): void {
  let goUntil = 0
  document.addEventListener('focusin', ({ target }) => {
    if (target instanceof HTMLInputElement && target.dataset.search !== undefined)
      loadPalette().catch(() => {})
  })
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented) return
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key === 'k') {
      event.preventDefault()
      if (!document.querySelector('dialog[open]')) openPalette()
      return
    }
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return
    if (isTyping(event.target)) {
      if (event.key === 'Escape') (event.target as HTMLElement).blur()
      return
    }
    const goes = event.timeStamp < goUntil
    goUntil = 0
    if (goes) {
      const link = document.querySelector<HTMLAnchorElement>(`[data-key="${CSS.escape(event.key)}"]`)
      if (link) location.assign(link.href)
    } else if (event.key === 'g') goUntil = event.timeStamp + 1500
    else if (event.key === 'j') moveRow(1)
    else if (event.key === 'k') moveRow(-1)
    else if (event.key === '?') location.assign('/help')
    else if (event.key === '/' && searchField()) {
      event.preventDefault()
      focusSearch()
    }
  })
}

function enableCopying(): void {
  if (!navigator.clipboard) return
  document.addEventListener('click', (event) => {
    const button =
      event.target instanceof Element
        ? event.target.closest<HTMLElement>('[data-copy],[data-copy-from]')
        : null
    if (!button) return
    const { copy, copyFrom } = button.dataset
    void copyText(button, copy ?? document.querySelector(copyFrom ?? '')?.textContent ?? '')
  })
}

async function copyText(button: HTMLElement, text: string): Promise<void> {
  await navigator.clipboard.writeText(text)
  const label = button.querySelector('span')
  const before = label?.textContent ?? ''
  if (!label || before === 'Copied') return
  label.textContent = 'Copied'
  setTimeout(() => (label.textContent = before), 2000)
}

/** Asks for confirmation in a dialog before a form with `data-confirm` is submitted. */
function ask(form: HTMLFormElement, submitter: HTMLElement | null): void {
  const dialog = document.createElement('dialog')
  const question = document.createElement('p')
  question.textContent = form.dataset.confirm ?? ''
  question.id = 'question'
  dialog.setAttribute('aria-labelledby', 'question')
  const actions = document.createElement('div')
  actions.className = 'actions'
  const button = (text: string, kind: string, pressed: () => void) => {
    const element = document.createElement('button')
    element.type = 'button'
    element.className = `button ${kind}`
    element.textContent = text
    element.addEventListener('click', pressed)
    actions.append(element)
  }
  button('Cancel', '', () => dialog.close())
  button(submitter?.textContent?.trim() || 'Continue', 'primary', () => {
    delete form.dataset.confirm
    dialog.close()
    form.requestSubmit(submitter)
  })
  dialog.append(question, actions)
  dialog.addEventListener('close', () => dialog.remove())
  document.body.append(dialog)
  dialog.showModal()
}

function listenToForms(): void {
  document.addEventListener('submit', (event) => {
    const form = event.target
    if (!(form instanceof HTMLFormElement)) return
    if (form.dataset.confirm) {
      event.preventDefault()
      ask(form, event.submitter)
      return
    }
    if (form.method === 'get') dropEmptyFields(form)
  })
  document.addEventListener('change', (event) => {
    const field = event.target
    if (field instanceof HTMLSelectElement && field.dataset.submits !== undefined) field.form?.requestSubmit()
  })
}

/** Omits empty filters from the URL. */
function dropEmptyFields(form: HTMLFormElement): void {
  const empty = [...form.elements].filter(
    (field): field is HTMLInputElement | HTMLSelectElement =>
      (field instanceof HTMLInputElement || field instanceof HTMLSelectElement) && field.value === '',
  )
  for (const field of empty) field.disabled = true
  // Restores the fields, because the browser may show the page again from its cache.
  setTimeout(() => {
    for (const field of empty) field.disabled = false
  })
}

/**
 * Updates the fields of a form when a choice changes: requests them from `data-fields` with the values of the controls
 * in `data-controls`. Typed values, including secrets, are copied to the new fields in the browser and are not sent.
 */
function listenToChoices(): void {
  document.addEventListener('change', (event) => {
    const control = event.target
    const part = control instanceof Element ? control.closest<HTMLElement>('[data-fields][id]') : null
    const names = part?.dataset.controls?.split(' ') ?? []
    if (!part || !isField(control) || !names.includes(control.name)) return
    const query = new URLSearchParams()
    for (const field of fieldsOf(part)) {
      if (names.includes(field.name)) query.set(field.name, valueOf(field))
    }
    void showFields(part.id, `${part.dataset.fields}?${query}`)
  })
}

type Field = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement

const isField = (target: EventTarget | null): target is Field =>
  target instanceof HTMLInputElement ||
  target instanceof HTMLSelectElement ||
  target instanceof HTMLTextAreaElement
const isBox = (field: Field): field is HTMLInputElement => field.type === 'checkbox'
const valueOf = (field: Field) => (isBox(field) ? String(field.checked) : field.value)
const fieldsOf = (part: HTMLElement) =>
  [...part.querySelectorAll<Field>('input,select,textarea')].filter(({ type }) => type !== 'hidden')

/** Element ID → pending request. A later choice aborts it. */
const pendingRequests = new Map<string, AbortController>()

async function showFields(id: string, url: string): Promise<void> {
  pendingRequests.get(id)?.abort()
  const asked = new AbortController()
  pendingRequests.set(id, asked)
  try {
    const response = await fetch(url, { headers: { Accept: 'text/html' }, signal: asked.signal })
    if (response.redirected) return location.reload()
    if (!response.ok) throw new Error('Request failed')
    const next = parsePage(await response.text()).getElementById(id)
    if (!next) throw new Error('Element not found')
    const part = document.getElementById(id)
    if (part && !asked.signal.aborted) replaceFields(part, next)
  } catch {
    if (asked.signal.aborted) return
    for (const button of document.querySelectorAll<HTMLElement>(`#${id} [data-script-hides]`))
      button.hidden = false
  }
}

/** Replaces the fields and copies the values typed so far. */
function replaceFields(part: HTMLElement, next: HTMLElement): void {
  const typed = new Map(fieldsOf(part).map((field) => [field.name, field]))
  for (const field of fieldsOf(next)) {
    const before = typed.get(field.name)
    if (before && isBox(field) && isBox(before)) field.checked = before.checked
    else if (before) field.value = before.value
  }
  adaptToScript(next)
  for (const { id } of part.querySelectorAll('details[open][id]'))
    next.querySelector(`#${id}`)?.setAttribute('open', '')
  const focused = part.contains(document.activeElement) ? document.activeElement?.id : undefined
  part.replaceWith(document.adoptNode(next))
  if (focused) document.getElementById(focused)?.focus()
}

/** Zooms a graph without loading the page, around the middle of what it shows. */
function listenToZoom(): void {
  document.addEventListener('click', (event) => {
    const link = event.target instanceof Element ? event.target.closest('a') : null
    const card = link?.closest('.graph-zoom')?.closest('.graph-card')
    const box = card?.querySelector<HTMLElement>('.graph-scroll')
    if (!link || !card || !box || event.ctrlKey || event.metaKey || event.shiftKey) return
    event.preventDefault()
    const zoom = new URL(link.href).searchParams.get('zoom')
    const share = (at: number, size: number, all: number) => (at + size / 2) / all
    const x = share(box.scrollLeft, box.clientWidth, box.scrollWidth)
    const y = share(box.scrollTop, box.clientHeight, box.scrollHeight)
    box.dataset.zoom = zoom ?? 'auto'
    box.scrollTo(x * box.scrollWidth - box.clientWidth / 2, y * box.scrollHeight - box.clientHeight / 2)
    history.replaceState(null, '', link.href)
    for (const each of link.parentElement?.children ?? []) each.removeAttribute('aria-current')
    link.setAttribute('aria-current', 'true')
    for (const other of card.querySelectorAll<HTMLAnchorElement | SVGAElement>('a[href*="node="]')) {
      const next = new URL(other.getAttribute('href') ?? '', location.href)
      if (zoom) next.searchParams.set('zoom', zoom)
      else next.searchParams.delete('zoom')
      if (next.pathname === location.pathname) other.setAttribute('href', next.search + next.hash)
    }
  })
}

/** Puts a chosen or dropped text file into its text area, where it can be checked before it is sent. */
function listenToFiles(): void {
  const fill = async (area: Element | null, file: File | undefined) => {
    if (!file || !(area instanceof HTMLTextAreaElement)) return false
    area.value = await file.text()
    area.focus()
    area.setSelectionRange(0, 0)
    return true
  }
  const fillFrom = async (input: HTMLInputElement) => {
    const area = document.getElementById(input.dataset.fills ?? '')
    if (await fill(area, input.files?.[0])) input.value = ''
  }
  document.addEventListener('change', (event) => {
    const input = event.target
    if (!(input instanceof HTMLInputElement) || input.dataset.fills === undefined) return
    void fillFrom(input)
  })
  const areaOf = (event: DragEvent) =>
    event.target instanceof Element && event.dataTransfer?.types.includes('Files')
      ? event.target.closest('[data-drop]')
      : null
  document.addEventListener('dragover', (event) => {
    if (areaOf(event)) event.preventDefault()
  })
  document.addEventListener('drop', (event) => {
    const area = areaOf(event)
    if (!area) return
    event.preventDefault()
    void fill(area, event.dataTransfer?.files[0])
  })
}

interface PasskeyTypes {
  parseRequestOptionsFromJSON: (options: unknown) => PublicKeyCredentialRequestOptions
  parseCreationOptionsFromJSON: (options: unknown) => PublicKeyCredentialCreationOptions
}
/** Older browsers have no such type, or one without these methods. */
const passkeyTypes = globalThis.PublicKeyCredential as unknown as PasskeyTypes | undefined

/** Creates or uses a passkey, and submits the form of the button with it. */
function enablePasskeys(): void {
  if (!passkeyTypes || !('parseRequestOptionsFromJSON' in passkeyTypes)) return
  for (const button of document.querySelectorAll<HTMLButtonElement>('[data-passkey]')) {
    button.hidden = false
    button.addEventListener('click', () => {
      if (!button.form?.reportValidity()) return
      const error = button.form.querySelector<HTMLElement>('[data-passkey-error]')
      if (error) error.hidden = true
      button.disabled = true
      usePasskey(button, passkeyTypes)
        .catch(() => error && (error.hidden = false))
        .finally(() => (button.disabled = false))
    })
  }
}

async function usePasskey(button: HTMLButtonElement, types: PasskeyTypes): Promise<void> {
  const { passkey = '', passkeyCreates } = button.dataset
  const options: unknown = passkey.startsWith('/')
    ? await (await fetch(passkey, { method: 'POST' })).json()
    : JSON.parse(passkey)
  const credential =
    passkeyCreates === undefined
      ? await navigator.credentials.get({ publicKey: types.parseRequestOptionsFromJSON(options) })
      : await navigator.credentials.create({
          publicKey: types.parseCreationOptionsFromJSON(options),
        })
  const field = button.form?.elements.namedItem('passkey')
  if (!(field instanceof HTMLInputElement) || !credential) return
  field.value = JSON.stringify(credential)
  button.form?.requestSubmit()
}

/** Moves the code of an emailed link from the URL to its field, so that it does not stay in the history. */
function takeCode(): void {
  const field = document.querySelector('[data-takes-code]')
  if (!(field instanceof HTMLInputElement) || location.hash.length < 2) return
  field.value = location.hash.slice(1)
  history.replaceState(null, '', location.pathname + location.search)
}

takeCode()
storeTimeZone()
adaptToScript(document)
enablePasskeys()
startPolling()
listenForKeys()
enableCopying()
listenToForms()
listenToChoices()
listenToFiles()
listenToZoom()
