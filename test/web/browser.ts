/** @module A minimal browser: stores cookies, submits forms with the page's origin and does not follow redirects. */
import { randomBytes } from 'node:crypto'
import { createApp } from '../../src/app.ts'
import type { TestApp } from '../harness/app.ts'
import { type Dom, parsePage } from '../harness/dom.ts'

export const origin = 'https://flowkeep.example.com'

export interface Page {
  status: number
  headers: Headers
  /** The body as sent. Read pages with `dom`. */
  text: string
  dom: () => Dom
  /** Redirect target, or null. */
  location: string | null
}

export interface Browser {
  /** Name → value, as set by the server. */
  cookies: Map<string, string>
  /** Every Set-Cookie header so far. */
  setCookies: string[]
  get: (path: string, headers?: Record<string, string>) => Promise<Page>
  /** Submits a form. The headers replace the browser's defaults. */
  post: (path: string, fields?: Record<string, string>, headers?: Record<string, string>) => Promise<Page>
}

/** @param handle the application to call */
export function browser(handle: Pick<ReturnType<typeof createApp>, 'request'>): Browser {
  const cookies = new Map<string, string>()
  const setCookies: string[] = []
  async function send(path: string, init: RequestInit & { headers: Record<string, string> }): Promise<Page> {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await handle.request(`${origin}${path}`, {
      ...init,
      headers: {
        Accept: 'text/html,application/xhtml+xml',
        ...(cookie && { Cookie: cookie }),
        ...init.headers,
      },
    })
    for (const header of response.headers.getSetCookie()) {
      setCookies.push(header)
      const [pair = ''] = header.split(';')
      const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]
      if (/max-age=0/i.test(header)) cookies.delete(name)
      else cookies.set(name, value)
    }
    const text = await response.text()
    let dom: Dom | undefined
    return {
      status: response.status,
      headers: response.headers,
      text,
      dom: () => (dom ??= parsePage(text)),
      location: response.headers.get('Location'),
    }
  }
  return {
    cookies,
    setCookies,
    get: (path, headers = {}) => send(path, { method: 'GET', headers }),
    post: (path, fields = {}, headers = { Origin: origin, 'Sec-Fetch-Site': 'same-origin' }) =>
      send(path, {
        method: 'POST',
        headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers },
        body: new URLSearchParams(fields).toString(),
      }),
  }
}

export interface SignedInBrowser extends Browser {
  userId: string
  email: string
  password: string
}

/** A browser with a newly registered user. */
export async function signedInBrowser(app: TestApp, name = 'Maya Keller'): Promise<SignedInBrowser> {
  const email = `${randomBytes(8).toString('hex')}@example.com`
  const password = randomBytes(12).toString('base64url')
  const tab = browser(app.app)
  const answer = await tab.post('/register', { email, name, password })
  if (answer.status !== 303) throw new Error(`Registration failed: ${answer.status} ${answer.text}`)
  const { rows } = await app.deps.db.execute<{ id: string }>(`select id from users where email = '${email}'`)
  return { ...tab, userId: rows[0]?.id ?? '', email, password }
}
