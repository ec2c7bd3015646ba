/** @module The frame of pages without a session: one card in the middle. */
import type { Context } from 'hono'
import type { Child, PropsWithChildren } from 'hono/jsx'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { type Viewer } from '../viewer.ts'
import { respond } from './document.tsx'
import { Mark } from '../components/icons.tsx'
import { ThemeSwitch } from './page.tsx'

export interface AloneOptions {
  title: string
  viewer: Viewer
  /** Under the card. */
  beside?: Child
  status?: ContentfulStatusCode
}

export function renderAlone(c: Context, { title, viewer, beside, status }: AloneOptions, content: Child) {
  const { pathname, search } = new URL(c.req.url)
  return respond(
    c,
    { title, viewer },
    <Alone viewer={viewer} at={pathname + search} beside={beside}>
      {content}
    </Alone>,
    status,
  )
}

const Alone = ({
  viewer,
  at,
  beside,
  children,
}: PropsWithChildren<{ viewer: Viewer; at: string; beside?: Child }>) => (
  <div class="alone">
    <main id="main" tabindex={-1}>
      <a class="brand" href="/">
        <Mark />
        Flowkeep
      </a>
      <section class="card">
        <div class="card-body">{children}</div>
      </section>
      {beside && <p class="beside">{beside}</p>}
    </main>
    <footer>
      <ThemeSwitch theme={viewer.theme} at={at} />
      <a class="link" href="/docs">
        API reference
      </a>
    </footer>
  </div>
)
