/** @module A message for the next page, such as the result of a form, in a cookie that the page clears. */
import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { redact } from '../lib/secrets/redact.ts'

export interface Notice {
  kind: 'ok' | 'fail' | 'wait'
  text: string
}

const maxChars = 500
const lifetimeSeconds = 60

const isSecure = (c: Context) => new URL(c.req.url).protocol === 'https:'

/** Redirects a form submission to `path`, which shows the message. */
export function redirectWith(c: Context, path: string, text: string, kind: Notice['kind'] = 'ok'): Response {
  const value = JSON.stringify([kind, redact(text).slice(0, maxChars).toWellFormed()])
  setCookie(c, 'notice', value, {
    path: '/',
    httpOnly: true,
    sameSite: 'Lax',
    maxAge: lifetimeSeconds,
    secure: isSecure(c),
  })
  return c.redirect(path, 303)
}

/** Returns the message and clears it. */
export function takeNotice(c: Context): Notice | null {
  const value = getCookie(c, 'notice')
  if (value === undefined) return null
  deleteCookie(c, 'notice', { path: '/', secure: isSecure(c) })
  try {
    const [kind, text] = JSON.parse(value) as unknown[]
    if (typeof text !== 'string' || text.length > maxChars) return null
    return { kind: kind === 'fail' || kind === 'wait' ? kind : 'ok', text }
  } catch {
    return null
  }
}
