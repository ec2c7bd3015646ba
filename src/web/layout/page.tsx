/** @module The layout of every page that requires a session. */
import type { Context } from 'hono'
import type { Child, PropsWithChildren } from 'hono/jsx'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { DashboardEnv } from '../context.ts'
import type { NavCounts } from '../../overview/nav-counts.ts'
import { assets } from '../../lib/assets.generated.ts'
import { type Notice, takeNotice } from '../notice.ts'
import type { Theme, Viewer } from '../viewer.ts'
import { NoticeBar } from '../components/card.tsx'
import { count } from '../format.ts'
import { formContext, type RestoredForm } from '../components/form-context.ts'
import { respond } from './document.tsx'
import { skipTarget } from '../components/skips.ts'
import { Icon, type IconName, Logo } from '../components/icons.tsx'

export type Section =
  | 'overview'
  | 'executions'
  | 'workflows'
  | 'credentials'
  | 'deployments'
  | 'instances'
  | 'models'
  | 'alerts'
  | 'approvals'
  | 'audit'
  | 'more'

export interface PageOptions {
  /** Browser tab title and last breadcrumb. */
  title: string
  /** The active navigation item. */
  section?: Section
  /** Parent pages, outermost first. On phones, the last one is the back link. */
  crumbs?: { label: string; href: string }[]
  /** URL that the script polls every 5 s; returns `{ notice, at }` (see `assets/client.ts`). */
  liveUrl?: string
  /** Value of the search field. */
  query?: string
  status?: ContentfulStatusCode
}

/** Responds with a page. `content` starts with a `PageHead`. */
export async function renderPage(
  c: Context<DashboardEnv>,
  options: PageOptions,
  content: Child,
): Promise<Response> {
  const { viewer, user } = c.var
  const restored = c.var.restored ?? null
  const notice = restored ? restoredNotice(restored) : takeNotice(c)
  const counts = await c.var.navCounts
  const path = new URL(c.req.url)
  const frame = {
    options,
    viewer,
    counts,
    notice,
    who: user.name ?? user.email,
    at: path.pathname + path.search,
  }
  return respond(
    c,
    { title: options.title, viewer, signedIn: true },
    <formContext.Provider value={{ owner: user.id, restored }}>
      <Frame {...frame}>{content}</Frame>
    </formContext.Provider>,
    options.status,
  )
}

const restoredNotice = ({ secrets }: RestoredForm): Notice => ({
  kind: 'wait',
  text: `Your session expired before this form was saved. Your input is restored${
    secrets.length > 0 ? ', except secrets: enter them again' : ''
  }. Check the form, then submit it.`,
})

interface Item {
  section: Section
  label: string
  href: string
  icon: IconName
  /** The letter that follows g. */
  key: string
}

const main: Item[] = [
  { section: 'overview', label: 'Overview', href: '/', icon: 'overview', key: 'o' },
  { section: 'executions', label: 'Runs', href: '/executions', icon: 'executions', key: 'e' },
  { section: 'workflows', label: 'Workflows', href: '/workflows', icon: 'workflows', key: 'w' },
  { section: 'credentials', label: 'Credentials', href: '/credentials', icon: 'credentials', key: 'c' },
  { section: 'deployments', label: 'Deployments', href: '/deployments', icon: 'deployments', key: 'd' },
]

const manage: Item[] = [
  { section: 'instances', label: 'Instances', href: '/instances', icon: 'instances', key: 'i' },
  { section: 'models', label: 'AI models', href: '/models', icon: 'robot', key: 'm' },
  { section: 'alerts', label: 'Alerts', href: '/alerts', icon: 'bell', key: 'l' },
  { section: 'approvals', label: 'Approvals', href: '/approvals', icon: 'check', key: 'p' },
  { section: 'audit', label: 'Audit trail', href: '/audit', icon: 'audit', key: 'a' },
]

/** All items with their keys, for the shortcuts page. */
export const navItems: readonly Item[] = [...main, ...manage]

interface FrameProps {
  options: PageOptions
  viewer: Viewer
  counts: NavCounts | null
  notice: Notice | null
  who: string
  /** Path and query of the current page. */
  at: string
}

function Frame({ options, viewer, counts, notice, who, at, children }: PropsWithChildren<FrameProps>) {
  const { title, section, crumbs = [], liveUrl, query } = options
  return (
    <div class="shell">
      <aside class="sidebar">
        <a class="brand" href="/">
          <Logo />
          Flowkeep
        </a>
        <nav class="nav" aria-label="Main">
          {main.map((item) => (
            <NavLink item={item} current={item.section === section} counts={counts} />
          ))}
          <p>Manage</p>
          {manage.map((item) => (
            <NavLink item={item} current={item.section === section} counts={counts} />
          ))}
        </nav>
        <div class="sidebar-foot">
          <span class="zone">
            <Icon name="globe" small />
            <span class="truncate" title={`Times in ${viewer.timeZone}`}>
              Times in {viewer.timeZone}
            </span>
          </span>
          <a class="zone" href="/docs/guide">
            <Icon name="book" small />
            Guide
          </a>
          <ThemeSwitch theme={viewer.theme} at={at} />
          <div class="me">
            <Avatar name={who} />
            <a class="who truncate" href="/account" title={`Account of ${who}`}>
              {who}
            </a>
            <form method="post" action="/sign-out">
              <button class="icon-button" type="submit" aria-label="Sign out" title="Sign out">
                <Icon name="signOut" />
              </button>
            </form>
          </div>
        </div>
      </aside>
      <div class="main">
        <header class="top">
          <BackLink crumbs={crumbs} />
          <nav class="crumbs" aria-label="Breadcrumb">
            <ol>
              {crumbs.map(({ label, href }) => (
                <li>
                  <a href={href} title={label}>
                    {label}
                  </a>
                  <span aria-hidden="true">/</span>
                </li>
              ))}
              <li aria-current="page" title={title}>
                {title}
              </li>
            </ol>
          </nav>
          <span role="status">
            <a class="live-more" data-live-news hidden href={at}></a>
          </span>
          <span class="live" {...(liveUrl && { 'data-live': liveUrl })}>
            <i></i>
            <span class="live-text">As of {viewer.time.clock(viewer.time.now)}</span>
          </span>
          <form class="search" action="/search" method="get" role="search" data-palette={assets.palette.path}>
            <Icon name="search" small />
            <input
              type="search"
              name="q"
              value={query ?? ''}
              data-search
              aria-label="Search or jump to"
              placeholder="Search or jump to…"
              maxlength={200}
              autocomplete="off"
            />
            <kbd aria-hidden="true">/</kbd>
          </form>
          <a class="search-link" href="/search" aria-label="Search">
            <Icon name="search" />
          </a>
        </header>
        <main class="page" {...skipTarget('main')}>
          {notice && <NoticeBar {...notice} />}
          {children}
        </main>
      </div>
      <TabBar section={section} counts={counts} />
    </div>
  )
}

const Count = ({ value, text, bad }: { value: number; text: string; bad?: boolean }) => (
  <span class={bad ? 'nav-count fail' : 'nav-count'} {...(bad && { title: `${count(value)} ${text}` })}>
    {value > 99 && bad ? '99+' : count(value)}
    {bad ? <span class="visually-hidden"> {text}</span> : text && ` ${text}`}
  </span>
)

/** The count next to a navigation item. */
export function NavCount({ section, counts }: { section: Section; counts: NavCounts | null }) {
  if (!counts) return null
  if (section === 'executions' && counts.running > 0) return <Count value={counts.running} text="running" />
  if (section === 'workflows' && counts.workflows > 0) return <Count value={counts.workflows} text="" />
  if (section === 'credentials' && counts.badCredentials > 0) {
    return <Count value={counts.badCredentials} text="rejected" bad />
  }
  if (section === 'deployments' && counts.failedDeployments > 0) {
    return <Count value={counts.failedDeployments} text="failed" bad />
  }
  if (section === 'approvals' && counts.pendingApprovals > 0) {
    return <Count value={counts.pendingApprovals} text="pending" bad />
  }
  return null
}

const NavLink = ({ item, current, counts }: { item: Item; current: boolean; counts: NavCounts | null }) => (
  <a href={item.href} data-key={item.key} {...(current && { 'aria-current': 'page' })}>
    <Icon name={item.icon} />
    {item.label}
    <NavCount section={item.section} counts={counts} />
  </a>
)

function BackLink({ crumbs }: { crumbs: { label: string; href: string }[] }) {
  const above = crumbs.at(-1)
  return above ? (
    <a class="back" href={above.href}>
      <Icon name="back" />
      <span class="truncate" title={above.label}>
        {above.label}
      </span>
    </a>
  ) : (
    <a class="back" href="/">
      <Logo />
      Flowkeep
    </a>
  )
}

function TabBar({ section, counts }: { section: Section | undefined; counts: NavCounts | null }) {
  const inMore = section !== undefined && !main.slice(0, 4).some((item) => item.section === section)
  return (
    <nav class="tab-bar" aria-label="Tabs">
      {main.slice(0, 4).map((item) => (
        <a href={item.href} {...(item.section === section && { 'aria-current': 'page' })}>
          <Icon name={item.icon} />
          {item.label}
          {item.section === 'credentials' && <Pip value={counts?.badCredentials} text="rejected" />}
        </a>
      ))}
      <a href="/more" {...(inMore && { 'aria-current': 'page' })}>
        <Icon name="menu" />
        More
        {counts && counts.pendingApprovals > 0 ? (
          <Pip
            value={counts.pendingApprovals}
            text={counts.pendingApprovals === 1 ? 'pending approval' : 'pending approvals'}
          />
        ) : (
          <Pip
            value={counts?.failedDeployments}
            text={counts?.failedDeployments === 1 ? 'failed deployment' : 'failed deployments'}
          />
        )}
      </a>
    </nav>
  )
}

const Pip = ({ value, text }: { value: number | undefined; text: string }) =>
  value ? (
    <span class="pip">
      {value > 99 ? '99+' : value}
      <span class="visually-hidden"> {text}</span>
    </span>
  ) : null

export const Avatar = ({ name }: { name: string }) => (
  <span class="avatar" aria-hidden="true">
    {initialsOf(name)}
  </span>
)

function initialsOf(name: string): string {
  const words = (name.split('@')[0] ?? '').split(/[\s._-]+/u).filter(Boolean)
  const [first = '?', last] = [words[0], words.length > 1 ? words.at(-1) : undefined]
  const letters = last ? [lettersOf(first)[0], lettersOf(last)[0]] : lettersOf(first).slice(0, 2)
  return letters.join('').toUpperCase()
}

/** User-perceived characters (grapheme clusters). */
const lettersOf = (word: string): string[] =>
  Array.from(new Intl.Segmenter('en').segment(word), ({ segment }) => segment)

const themeButtons: [Theme, string, IconName][] = [
  ['light', 'Light theme', 'sun'],
  ['dark', 'Dark theme', 'moon'],
  ['auto', 'System theme', 'auto'],
]

/** Three buttons that return to the current page. */
export const ThemeSwitch = ({ theme, at }: { theme: Theme; at: string }) => (
  <form class="themes" method="post" action="/theme" aria-label="Theme">
    <input type="hidden" name="return" value={at} />
    {themeButtons.map(([value, label, icon]) => (
      <button
        type="submit"
        name="theme"
        value={value}
        aria-pressed={value === theme ? 'true' : 'false'}
        aria-label={label}
        title={label}
      >
        <Icon name={icon} small />
      </button>
    ))}
  </form>
)

export interface PageHeadProps {
  title: Child
  /** Below the title: spans and links with an icon each, tags. */
  meta?: Child
  /** At the right, with at most one primary button. */
  actions?: Child
}

/** The page header with the h1. */
export const PageHead = ({ title, meta, actions }: PageHeadProps) => (
  <div class="page-head">
    <div class="page-title">
      <h1>{title}</h1>
      {meta && <div class="page-meta">{meta}</div>}
    </div>
    {actions && <div class="actions">{actions}</div>}
  </div>
)
