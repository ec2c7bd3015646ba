/** @module `/help`: keyboard shortcuts. `/more`: the pages that have no tab on a phone. */
import { Hono } from 'hono'
import { Card } from '../components/card.tsx'
import { Icon } from '../components/icons.tsx'
import { Avatar, NavCount, navItems, PageHead, renderPage, ThemeSwitch } from '../layout/page.tsx'
import type { DashboardEnv } from '../context.ts'

/** @param publicUrl where commands reach this server */
export const generalPages = (publicUrl: string) =>
  new Hono<DashboardEnv>()
    .get('/help', (c) =>
      renderPage(
        c,
        { title: 'Keyboard shortcuts', section: 'more' },
        <>
          <PageHead title="Keyboard shortcuts" />
          <Card label="Keyboard shortcuts">
            <dl class="keys">
              <Key keys={['/']}>Search</Key>
              <Key keys={['Ctrl K', '⌘ K']}>Search from anywhere, even while typing</Key>
              <Key keys={['↑', '↓']}>Next or previous suggestion</Key>
              <Key keys={['j', 'k']}>Next or previous row</Key>
              <Key keys={['Enter']}>Open the row</Key>
              {navItems.map(({ label, key }) => (
                <Key keys={['g', key]}>{label}</Key>
              ))}
              <Key keys={['Esc']}>Close search or leave a field</Key>
              <Key keys={['?']}>This page</Key>
            </dl>
          </Card>
          <p class="muted">
            You can also reach everything with Tab. The{' '}
            <a class="link" href="/docs/guide">
              guide
            </a>{' '}
            explains how to use and operate Flowkeep, and the{' '}
            <a class="link" href="/docs">
              API reference
            </a>{' '}
            lists every operation.
          </p>
        </>,
      ),
    )
    .get('/more', async (c) => {
      const { viewer, user } = c.var
      const counts = await c.var.navCounts
      return renderPage(
        c,
        { title: 'More', section: 'more' },
        <>
          <PageHead
            title="More"
            meta={
              <>
                <span>
                  <Avatar name={user.name ?? user.email} />
                  <a class="link" href="/account">
                    {user.name ?? user.email}
                  </a>
                </span>
                <span>
                  <Icon name="globe" small />
                  Times in {viewer.timeZone}
                </span>
              </>
            }
          />
          <Card label="Pages" flush>
            <ul class="menu-list">
              {navItems.slice(4).map(({ section, label, href, icon }) => (
                <li>
                  <a href={href}>
                    <Icon name={icon} />
                    {label}
                    <NavCount section={section} counts={counts} />
                  </a>
                </li>
              ))}
              <li>
                <a href="/docs/guide">
                  <Icon name="book" />
                  Guide
                </a>
              </li>
              <li>
                <a href="/help">
                  <Icon name="help" />
                  Keyboard shortcuts
                </a>
              </li>
              <li>
                <form method="post" action="/sign-out">
                  <button type="submit">
                    <Icon name="signOut" />
                    Sign out
                  </button>
                </form>
              </li>
            </ul>
          </Card>
          <Card label="Your data">
            <dl class="import-ways">
              <dt>Export everything except secrets to a folder</dt>
              <dd>
                <code>{`FLOWKEEP_URL=${publicUrl} npm run flowkeep -- export ./backup`}</code>
              </dd>
              <dt>Import the folder into this or another account</dt>
              <dd>
                <code>{`FLOWKEEP_URL=${publicUrl} npm run flowkeep -- import ./backup`}</code>
              </dd>
            </dl>
          </Card>
          <ThemeSwitch theme={viewer.theme} at="/more" />
        </>,
      )
    })

const Key = ({ keys, children }: { keys: string[]; children: string }) => (
  <>
    <dt>
      {keys.map((key, index) => (
        <>
          {index > 0 && ' '}
          <kbd>{key}</kbd>
        </>
      ))}
    </dt>
    <dd>{children}</dd>
  </>
)
