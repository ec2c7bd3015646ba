/** @module Viewer preferences in cookies: time zone and theme. */
import type { Context } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'
import { createTimeFormat, type TimeFormat } from './format.ts'

export const themes = ['light', 'dark', 'auto'] as const
export type Theme = (typeof themes)[number]

export interface Viewer {
  /** IANA name from the browser, possibly an alias; UTC until the cookie is set. */
  timeZone: string
  theme: Theme
  /** Formats times in the viewer's zone, relative to this request. */
  time: TimeFormat
}

const yearSeconds = 365 * 86_400
const isTheme = (text: string | undefined): text is Theme => themes.includes(text as Theme)

export function readViewer(c: Context, now: Date): Viewer {
  const timeZone = knownTimeZone(getCookie(c, 'tz'))
  const theme = getCookie(c, 'theme')
  return { timeZone, theme: isTheme(theme) ? theme : 'auto', time: createTimeFormat(timeZone, now) }
}

/** The zone if this runtime supports it, otherwise UTC. */
function knownTimeZone(name: string | undefined): string {
  if (!name || !/^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/.test(name)) return 'UTC'
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone ? name : 'UTC'
  } catch {
    return 'UTC'
  }
}

export function rememberTheme(c: Context, theme: string | null): void {
  if (!isTheme(theme ?? undefined)) return
  setCookie(c, 'theme', theme as Theme, {
    path: '/',
    sameSite: 'Lax',
    maxAge: yearSeconds,
    httpOnly: true,
    secure: new URL(c.req.url).protocol === 'https:',
  })
}
