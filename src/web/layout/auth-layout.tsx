/** @module The layout of pages without a session: a centered card. */
import type { Context } from 'hono'
import type { Child, PropsWithChildren } from 'hono/jsx'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { type Viewer } from '../viewer.ts'
import { type DocumentProps, respond } from './document.tsx'
import { skipTarget } from '../components/skips.ts'
import { Logo } from '../components/icons.tsx'
import { ThemeSwitch } from './page.tsx'

export interface AuthPageOptions {
  title: string
  viewer: Viewer
  /** Text below the card. */
  footer?: Child
  status?: ContentfulStatusCode
  formTarget?: DocumentProps['formTarget']
}

export function renderAuthPage(
  c: Context,
  { title, viewer, footer, status, formTarget }: AuthPageOptions,
  content: Child,
) {
  const { pathname, search } = new URL(c.req.url)
  return respond(
    c,
    { title, viewer, formTarget },
    <AuthLayout viewer={viewer} at={pathname + search} footer={footer}>
      {content}
    </AuthLayout>,
    status,
  )
}

const AuthLayout = ({
  viewer,
  at,
  footer,
  children,
}: PropsWithChildren<{ viewer: Viewer; at: string; footer?: Child }>) => (
  <div class="auth">
    <main {...skipTarget('main')}>
      <a class="brand" href="/">
        <Logo />
        Flowkeep
      </a>
      <section class="card">
        <div class="card-body">{children}</div>
      </section>
      {footer && <p class="auth-footer">{footer}</p>}
    </main>
    <footer>
      <ThemeSwitch theme={viewer.theme} at={at} />
      <a class="link" href="/docs">
        API reference
      </a>
    </footer>
  </div>
)
