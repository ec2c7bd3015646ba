/** @module What a browser tells of its reader in cookies that are no secret: time zone and theme. */
import type { Context } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'
import { createTimeFormat, type TimeFormat } from './format.ts'

export const themes = ['light', 'dark', 'auto'] as const
export type Theme = (typeof themes)[number]

export interface Viewer {
  /** IANA name as the browser writes it, which may be an alias; UTC until it has told. */
  timeZone: string
  theme: Theme
  /** Times in the viewer's zone, as of this request. */
  time: TimeFormat
}

const yearSeconds = 365 * 86_400
const isTheme = (text: string | undefined): text is Theme => themes.includes(text as Theme)

export function readViewer(c: Context, now: Date): Viewer {
  const timeZone = knownTimeZone(getCookie(c, 'tz'))
  const theme = getCookie(c, 'theme')
  return { timeZone, theme: isTheme(theme) ? theme : 'auto', time: createTimeFormat(timeZone, now) }
}

/** A zone that this runtime knows, otherwise UTC. */
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
