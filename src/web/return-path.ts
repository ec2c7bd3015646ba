const self = 'http://self.invalid'

/**
 * A path of this dashboard to return to, from what a request says; whatever could lead elsewhere is the start page.
 * A path that begins with two slashes names a host, also after its dots are resolved.
 */
export function returnPath(text: string | null | undefined): string {
  if (!text?.startsWith('/') || text.length > 2000 || !URL.canParse(text, self)) return '/'
  const { origin, pathname, search } = new URL(text, self)
  if (origin !== self || pathname.startsWith('//')) return '/'
  return /^\/(?:sign-in|sign-out|register|assets|v1|hooks)(?:\/|$)/.test(pathname) ? '/' : pathname + search
}
