const self = 'http://self.invalid'
/** Apps send long requests for access. */
const maxChars = 8000

/**
 * A path of this dashboard to return to. Invalid or external targets become the start page. Two leading slashes would
 * name a host, even after dot segments are resolved.
 */
export function returnPath(text: string | null | undefined): string {
  if (!text?.startsWith('/') || text.length > maxChars || !URL.canParse(text, self)) return '/'
  const { origin, pathname, search } = new URL(text, self)
  if (origin !== self || pathname.startsWith('//')) return '/'
  return /^\/(?:sign-in|sign-out|register|forgot-password|reset-password|confirm-email|undo-email-change|assets|v1|hooks)(?:\/|$)/.test(
    pathname,
  )
    ? '/'
    : pathname + search
}
