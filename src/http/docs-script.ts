/**
 * The script of `/docs` (`npm run assets` writes it to `public/assets`): search and requests from the page.
 * The reference is complete without it.
 */

interface Parameter {
  $ref?: string
  name: string
  in: 'path' | 'query' | 'header'
  required?: boolean
  description?: string
  schema?: { type?: string; enum?: string[]; default?: string | number }
}
interface Operation {
  operationId: string
  parameters?: Parameter[]
  security?: Record<string, unknown>[]
  requestBody?: { content: Record<string, { example?: unknown }> }
}
interface Described {
  paths: Record<string, Record<string, Operation>>
  components: { parameters: Record<string, Parameter> }
}

let described: Promise<Described> | undefined
const load = () =>
  (described ??= fetch('/openapi.json').then((response) => response.json() as Promise<Described>))

/** The session token or access token for every request on the page; never stored. */
let accessToken = ''

function create<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = Object.assign(document.createElement(tag), properties)
  element.append(...children)
  return element
}

function addSearch(): void {
  const search = document.querySelector<HTMLInputElement>('#search')
  const empty = document.querySelector<HTMLElement>('#no-match')
  if (!search || !empty) return
  const sections = [...document.querySelectorAll<HTMLElement>('main section')].map((section) => ({
    section,
    link: document.querySelector<HTMLElement>(`nav a[href="#${section.id}"]`)?.closest('li'),
    text: (section.dataset['search'] ?? '').toLowerCase(),
  }))
  const groups = [...document.querySelectorAll<HTMLElement>('[data-group]')]
  search.hidden = false
  search.addEventListener('input', () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean)
    let found = 0
    for (const { section, link, text } of sections) {
      const isFound = words.every((word) => text.includes(word))
      section.hidden = !isFound
      if (link) link.hidden = !isFound
      found += Number(isFound)
    }
    for (const group of groups) group.hidden = !group.querySelector('section:not([hidden]), li:not([hidden])')
    empty.hidden = found > 0
  })
  document.addEventListener('keydown', (event) => {
    if (
      event.key !== '/' ||
      event.target instanceof HTMLInputElement ||
      event.target instanceof HTMLTextAreaElement
    )
      return
    event.preventDefault()
    search.focus()
  })
}

function field(label: string, input: HTMLElement, hint = ''): HTMLElement {
  const text = create('span', {}, create('code', { textContent: label }), hint && ` ${hint}`)
  return create('label', {}, text, input)
}

function inputFor({ schema = {}, required = false, name }: Parameter): HTMLInputElement | HTMLSelectElement {
  const choices = schema.type === 'boolean' ? ['true', 'false'] : schema.enum
  if (choices) return create('select', { name }, ...['', ...choices].map((value) => new Option(value, value)))
  const placeholder = schema.default === undefined ? '' : String(schema.default)
  return create('input', { name, required, placeholder, autocomplete: 'off', spellcheck: false })
}

async function open(button: HTMLButtonElement): Promise<void> {
  const { method = '', path = '' } = button.dataset
  const { paths, components } = await load()
  const operation = paths[path]?.[method.toLowerCase()]
  if (!operation) return
  const parameters = (operation.parameters ?? []).map((parameter) =>
    parameter.$ref ? (components.parameters[parameter.$ref.split('/').at(-1) ?? ''] ?? parameter) : parameter,
  )
  const inputs = parameters.map((parameter) => ({ parameter, input: inputFor(parameter) }))
  const media = operation.requestBody?.content['application/json']
  const body = create('textarea', {
    rows: 10,
    spellcheck: false,
    value: JSON.stringify(media?.example ?? {}, null, 2),
  })
  const needsToken = operation.security?.length !== 0
  const isWebhook = operation.security?.some((each) => 'webhookToken' in each) === true
  const token = create('input', {
    type: 'password',
    autocomplete: 'off',
    value: isWebhook ? '' : accessToken,
  })
  const output = create('pre', { tabIndex: 0, hidden: true })
  output.setAttribute('aria-live', 'polite')
  const request = () =>
    toRequest(
      method,
      path,
      inputs,
      media ? body.value : undefined,
      needsToken ? token.value || (isWebhook ? '' : accessToken) : '',
    )
  const copy = create('button', { type: 'button', textContent: 'Copy as curl' })
  copy.addEventListener('click', () => {
    void navigator.clipboard.writeText(toCurl(request())).then(() => (copy.textContent = 'Copied'))
  })
  const form = create(
    'form',
    { className: 'try' },
    ...(needsToken ? [field(isWebhook ? 'webhook token' : 'session or access token', token)] : []),
    ...inputs.map(({ parameter, input }) => field(parameter.name, input, parameter.description)),
    ...(media ? [field('body', body)] : []),
    create('p', {}, create('button', { textContent: 'Send' }), copy),
    output,
  )
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    if (needsToken && !isWebhook) accessToken = token.value || accessToken
    void send(request(), output)
  })
  button.replaceWith(form)
  form.querySelector<HTMLElement>('input, select, textarea, button')?.focus()
}

export interface Prepared {
  method: string
  url: string
  headers: Record<string, string>
  body: string | undefined
}

function toRequest(
  method: string,
  path: string,
  inputs: { parameter: Parameter; input: HTMLInputElement | HTMLSelectElement }[],
  body: string | undefined,
  token: string,
): Prepared {
  const headers: Record<string, string> = {}
  const query = new URLSearchParams()
  let filled = path
  for (const { parameter, input } of inputs) {
    const value = input.value.trim()
    if (parameter.in === 'path') filled = filled.replace(`{${parameter.name}}`, encodeURIComponent(value))
    else if (value === '') continue
    else if (parameter.in === 'query') query.append(parameter.name, value)
    else headers[parameter.name] = value
  }
  if (token !== '') headers['Authorization'] = `Bearer ${token.trim()}`
  if (body !== undefined) headers['Content-Type'] = 'application/json'
  return { method, url: `${filled}${query.size > 0 ? `?${query}` : ''}`, headers, body }
}

/** POSIX quoting: a quote ends the string, is escaped, and begins it again. */
const quoted = (text: string) => `'${text.replaceAll("'", String.raw`'\''`)}'`

export const toCurl = ({ method, url, headers, body }: Prepared): string =>
  [
    `curl -X ${method} ${quoted(location.origin + url)}`,
    ...Object.entries(headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    ...(body === undefined ? [] : [`-d ${quoted(body)}`]),
  ].join(' \\\n  ')

const shownHeaders = ['ETag', 'Location', 'Retry-After', 'X-Request-Id']

async function send({ method, url, headers, body }: Prepared, output: HTMLElement): Promise<void> {
  output.hidden = false
  output.textContent = 'Sending…'
  try {
    // The page does not use the dashboard's session, only the token.
    const response = await fetch(url, {
      method,
      headers,
      credentials: 'omit',
      ...(body !== undefined && { body }),
    })
    const text = await response.text()
    const lines = shownHeaders.flatMap((name) => {
      const value = response.headers.get(name)
      return value === null ? [] : [`${name}: ${value}`]
    })
    const isJson = /json$|json;/.test(response.headers.get('Content-Type') ?? '')
    const shown = isJson && text !== '' ? JSON.stringify(keepToken(JSON.parse(text)), null, 2) : text
    output.textContent = [`${response.status} ${response.statusText}`, ...lines, '', shown].join('\n')
  } catch (error) {
    output.textContent = `The request failed: ${String(error)}`
  }
}

/** Signing in on the page is enough: its token goes with the requests that follow. */
function keepToken(value: unknown): unknown {
  const token = (value as { accessToken?: unknown } | null)?.accessToken
  if (typeof token === 'string') accessToken = token
  return value
}

addSearch()
for (const button of document.querySelectorAll<HTMLButtonElement>('button[data-method]')) {
  button.hidden = false
  button.addEventListener('click', () => void open(button))
}
