/** @module The HTML document of every page, and its headers. */
import type { Context } from 'hono'
import { html } from 'hono/html'
import type { Child } from 'hono/jsx'
import type { HtmlEscapedString } from 'hono/utils/html'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { assets } from '../../lib/assets.generated.ts'
import { skips } from '../components/skips.ts'
import type { Viewer } from '../viewer.ts'

/** Allows scripts, styles and forms of this server only; nothing inline, nothing embedded. */
export const contentSecurityPolicy = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  "img-src 'self'",
  "font-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  // Only the policies of `assets/client.ts` and `assets/command-palette.ts`, which parse pages of this server.
  "require-trusted-types-for 'script'",
  'trusted-types page suggestions',
].join('; ')

export interface DocumentProps {
  title: string
  viewer: Viewer
  /** Lets the script reload the page when its time zone differs from the browser's. */
  signedIn?: boolean
  /** Another server that the forms of the page may lead to: a source of a Content-Security-Policy. */
  formTarget?: string | undefined
}

function Document({
  title,
  viewer,
  signedIn,
  body,
}: Omit<DocumentProps, 'formTarget'> & { body: HtmlEscapedString }) {
  return (
    <html
      lang="en"
      {...(viewer.theme !== 'auto' && { 'data-theme': viewer.theme })}
      {...(signedIn && { 'data-time-zone': viewer.timeZone })}
    >
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width,initial-scale=1" />
        <meta name="color-scheme" content={viewer.theme === 'auto' ? 'light dark' : viewer.theme} />
        <title>{`${title} · Flowkeep`}</title>
        <link rel="icon" href={assets.icon.path} type="image/svg+xml" />
        <link rel="preload" href={assets.font.path} as="font" type="font/woff2" crossorigin="" />
        <link rel="stylesheet" href={assets.style.path} />
        <script type="module" src={assets.script.path}></script>
      </head>
      <body>
        {skips
          .filter(([id]) => body.includes(` id="${id}"`))
          .map(([id, label]) => (
            <a class="skip" href={`#${id}`}>
              Skip to {label}
            </a>
          ))}
        <Hatching />
        {body}
      </body>
    </html>
  )
}

/** Chart patterns: `url(#hatch-none)` for unknown time, `url(#hatch-wait)` for waiting runs. */
const Hatching = () => (
  <svg width="0" height="0" class="visually-hidden" aria-hidden="true">
    <defs>
      <pattern
        id="hatch-none"
        width="5"
        height="5"
        patternUnits="userSpaceOnUse"
        patternTransform="rotate(45)"
      >
        <line class="hatch-line" x1="0" y1="0" x2="0" y2="5" />
      </pattern>
      <pattern
        id="hatch-wait"
        width="5"
        height="5"
        patternUnits="userSpaceOnUse"
        patternTransform="rotate(45)"
      >
        <rect class="hatch-wait-ground" width="5" height="5" />
        <line class="hatch-wait-line" x1="0" y1="0" x2="0" y2="5" />
      </pattern>
    </defs>
  </svg>
)

/** Responds with a complete document. */
export async function respond(
  c: Context,
  props: DocumentProps,
  body: Child,
  status: ContentfulStatusCode = 200,
): Promise<Response> {
  const { formTarget } = props
  c.header(
    'Content-Security-Policy',
    formTarget === undefined
      ? contentSecurityPolicy
      : contentSecurityPolicy.replace("form-action 'self'", `form-action 'self' ${formTarget}`),
  )
  // With `no-referrer`, browsers would also omit the origin of form submissions.
  c.header('Referrer-Policy', 'same-origin')
  c.header('Cache-Control', 'no-store')
  const content = await html`${body}`
  return c.html(html`<!doctype html>${<Document {...props} body={content} />}`, status)
}
