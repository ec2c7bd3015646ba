/** @module The HTML document of a page. Its files have fixed names, so that generated pages change only with their text. */
import { html, raw } from 'hono/html'
import { Icon, Logo } from '../../src/web/components/icons.tsx'
import { skipTarget } from '../../src/web/components/skips.ts'
import { type GuidePage, guideUrl } from './chapters.ts'

interface Props {
  page: GuidePage
  pages: readonly GuidePage[]
}

export const document = (props: Props): string =>
  (html`<!doctype html>${<Document {...props} />}` as string).valueOf()

const Document = ({ page, pages }: Props) => (
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width,initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <title>{page.url === guideUrl ? page.title : `${page.title} · Flowkeep guide`}</title>
      <meta name="description" content={page.summary} />
      <link rel="icon" href={`${guideUrl}/icon.svg`} type="image/svg+xml" />
      <link rel="stylesheet" href={`${guideUrl}/guide.css`} />
      <script src={`${guideUrl}/guide.js`} defer></script>
    </head>
    <body>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <header class="guide-head">
        <a class="brand" href={guideUrl}>
          <Logo />
          Flowkeep guide
        </a>
        <div class="search" role="search" hidden data-index={`${guideUrl}/search.json`}>
          <Icon name="search" small />
          <input
            type="search"
            aria-label="Search the guide"
            placeholder="Search the guide"
            maxlength={100}
            autocomplete="off"
            spellcheck={false}
          />
          <kbd aria-hidden="true">/</kbd>
          <span class="visually-hidden" role="status"></span>
          <ul class="suggest" hidden></ul>
        </div>
        <nav class="guide-links" aria-label="Flowkeep">
          <a class="guide-contents" href="#contents">
            Contents
          </a>
          <a href="/docs">API reference</a>
          <a href="/">Dashboard</a>
        </nav>
      </header>
      <div class="guide">
        <main class="guide-main" {...skipTarget('main')}>
          <article class="guide-text">{raw(page.html)}</article>
          <Neighbors page={page} pages={pages} />
        </main>
        <Outline page={page} />
        <Contents page={page} pages={pages} />
      </div>
    </body>
  </html>
)

function Contents({ page, pages }: Props) {
  const chapters = Map.groupBy(
    pages.filter(({ chapter }) => chapter !== null),
    ({ chapter }) => chapter,
  )
  return (
    <nav class="guide-nav nav" id="contents" aria-label="Guide">
      {[...chapters].map(([chapter, members]) => (
        <>
          <p>{chapter}</p>
          <ul>
            {members.map((each) => (
              <li>
                <a href={each.url} {...currentOf(each, page)}>
                  {each.title}
                </a>
              </li>
            ))}
          </ul>
        </>
      ))}
    </nav>
  )
}

/** The page of a folder stands for all of its pages. */
function currentOf(each: GuidePage, page: GuidePage) {
  if (each === page) return { 'aria-current': 'page' as const }
  const folder = /^(.+\/)README\.md$/.exec(each.file)?.[1]
  return folder && page.file.startsWith(folder) ? { 'aria-current': 'true' as const } : {}
}

function Outline({ page: { headings } }: Pick<Props, 'page'>) {
  const shown = headings.filter(({ depth }) => depth === 2 || depth === 3)
  if (shown.length < 3) return null
  return (
    <nav class="guide-outline" aria-label="On this page">
      <p>On this page</p>
      <ul>
        {shown.map(({ id, text, depth }) => (
          <li class={`depth-${depth}`}>
            <a href={`#${id}`}>{text}</a>
          </li>
        ))}
      </ul>
    </nav>
  )
}

function Neighbors({ page, pages }: Props) {
  const at = pages.indexOf(page)
  const previous = pages[at - 1]
  const next = pages[at + 1]
  return (
    <nav class="guide-neighbors" aria-label="Previous and next page">
      {previous && (
        <a rel="prev" href={previous.url}>
          <small>Previous</small>
          {previous.title}
        </a>
      )}
      {next && (
        <a class="next" rel="next" href={next.url}>
          <small>Next</small>
          {next.title}
        </a>
      )}
    </nav>
  )
}
