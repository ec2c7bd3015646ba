/** Tests the client script in a fake browser with only the APIs that it uses. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { assets } from '../../src/lib/assets.generated.ts'

const clientScript = readFileSync(join(import.meta.dirname, '../../public', assets.script.path), 'utf8')

class FakeElement {
  hidden = true
  dataset: Record<string, string> = {}
  innerHTML = ''
  textContent = ''
  children: FakeElement[] = []
  replaced: FakeElement | null = null
  id: string
  constructor(id = '') {
    this.id = id
  }
  classList = { toggle: () => {} }
  querySelector = (): FakeElement | null => null
  querySelectorAll = (selector: string) => (/data-copy|data-script/.test(selector) ? this.children : [])
  contains = () => false
  closest = (): FakeElement => this
  replaceWith = (newer: FakeElement) => (this.replaced = newer)
}

class FakeField extends FakeElement {
  type = 'text'
  name = ''
  value = ''
}

class OtherField extends FakeElement {}

type Listener = (event: { target: unknown }) => void

function open(options: { cookie?: string; zone?: string; parts?: FakeElement[]; live?: FakeElement } = {}) {
  const { cookie = '', zone = 'Asia/Calcutta', parts = [], live } = options
  const page = {
    reloads: 0,
    ticks: [] as (() => void)[],
    cleared: 0,
    listeners: [] as [string, Listener][],
    /** The next documents, in request order. */
    answers: [] as {
      respond: (parts: FakeElement[], buttons?: FakeElement[]) => void
      signal: AbortSignal
    }[],
  }
  let cookies = cookie === '' ? [] : cookie.split('; ')
  const shown = () => parts.map((part) => part.replaced ?? part)
  const document = {
    documentElement: { dataset: { timeZone: 'UTC' } },
    get cookie() {
      return cookies.join('; ')
    },
    set cookie(text: string) {
      const [pair = ''] = text.split(';')
      const name = pair.slice(0, pair.indexOf('=') + 1)
      cookies = [...cookies.filter((each) => !each.startsWith(name)), pair]
    },
    hidden: false,
    activeElement: null,
    querySelector: (selector: string) => (selector === '.live' || selector === '.live-text' ? live : null),
    querySelectorAll: (selector: string) =>
      selector.startsWith('[data-refresh]') ? shown().filter(({ dataset }) => 'refresh' in dataset) : [],
    getElementById: (id: string) => shown().find((part) => part.id === id) ?? null,
    adoptNode: (node: FakeElement) => node,
    addEventListener: (type: string, listener: Listener) => page.listeners.push([type, listener]),
  }
  const storage = new Map<string, string>()
  runInNewContext(clientScript, {
    document,
    location: { protocol: 'https:', href: '/', reload: () => (page.reloads += 1) },
    sessionStorage: { getItem: (key: string) => storage.get(key), setItem: storage.set.bind(storage) },
    navigator: { clipboard: {} },
    Intl: { DateTimeFormat: () => ({ resolvedOptions: () => ({ timeZone: zone }) }) },
    setInterval: (tick: () => void) => page.ticks.push(tick),
    clearInterval: () => (page.cleared += 1),
    AbortController,
    URLSearchParams,
    Element: FakeElement,
    HTMLElement: FakeElement,
    HTMLInputElement: FakeField,
    HTMLSelectElement: OtherField,
    HTMLTextAreaElement: OtherField,
    DOMParser: class {
      parseFromString = (text: unknown) => text
    },
    fetch: (_url: string, { signal }: { signal: AbortSignal }) =>
      new Promise((resolve) => {
        const respond = (newer: FakeElement[], buttons: FakeElement[] = []) =>
          resolve({
            ok: true,
            text: async () => ({
              getElementById: (id: string) => newer.find((part) => part.id === id) ?? null,
              querySelector: () => ({ textContent: 'As of 12:00:05' }),
              querySelectorAll: () => buttons,
            }),
          })
        page.answers.push({ respond, signal })
      }),
  })
  return page
}

const settled = () => new Promise((resolve) => setTimeout(resolve))

describe('the time zone', () => {
  test('is sent to the server and reloads the page', () => {
    expect(open().reloads).toBe(1)
  })

  test('does not reload the page when the server already knows it', () => {
    expect(open({ cookie: 'theme=dark; tz=Asia/Calcutta' }).reloads).toBe(0)
  })

  test('is sent again after a change', () => {
    expect(open({ cookie: 'tz=Europe/Berlin' }).reloads).toBe(1)
  })
})

describe('auto-refreshed elements', () => {
  const part = (html: string, isUnderWay: boolean) => {
    const element = new FakeElement('deployment')
    element.innerHTML = html
    if (isUnderWay) element.dataset['refresh'] = 'true'
    return element
  }

  test('poll until nothing is in progress, then show the time of the last update', async () => {
    const [live, before] = [new FakeElement(), part('Deploying', true)]
    const query = live.querySelector
    live.querySelector = () => query() ?? live
    const page = open({ cookie: 'tz=UTC', zone: 'UTC', parts: [before], live })
    expect(live.textContent).toBe('Live')
    page.ticks[0]?.()
    page.answers[0]?.respond([part('Verifying', true)])
    await settled()
    expect([live.textContent, page.cleared]).toEqual(['Live · updated 12:00:05', 0])
    const first = before.replaced as FakeElement
    first.replaceWith = (newer) => (before.replaced = newer)
    page.ticks[0]?.()
    page.answers[1]?.respond([part('Live', false)])
    await settled()
    expect(before.replaced?.innerHTML).toBe('Live')
    expect([live.textContent, page.cleared]).toEqual(['As of 12:00:05', 1])
  })

  test('show script-only buttons and hide their fallbacks', async () => {
    const page = open({ cookie: 'tz=UTC', zone: 'UTC', parts: [part('Running', true)] })
    const button = new FakeElement()
    page.ticks[0]?.()
    page.answers[0]?.respond([part('Failed', false)], [button])
    await settled()
    expect(button.hidden).toBe(false)
  })
})

describe('a form whose fields depend on a choice', () => {
  test('shows the fields of the latest choice, regardless of response order', async () => {
    const form = new FakeElement('credential-fields')
    Object.assign(form.dataset, { fields: '/credentials/new/postgres', controls: 'data.sshTunnel' })
    const page = open({ cookie: 'tz=UTC', zone: 'UTC', parts: [form] })
    const field = new FakeField()
    field.name = 'data.sshTunnel'
    field.closest = () => form
    const choose = () => {
      for (const [type, listener] of page.listeners) if (type === 'change') listener({ target: field })
    }
    choose()
    choose()
    const [early, late] = [new FakeElement('credential-fields'), new FakeElement('credential-fields')]
    expect(page.answers.map(({ signal }) => signal.aborted)).toEqual([true, false])
    page.answers[1]?.respond([late])
    await settled()
    page.answers[0]?.respond([early])
    await settled()
    expect(form.replaced).toBe(late)
    expect(late.replaced).toBeNull()
  })
})
