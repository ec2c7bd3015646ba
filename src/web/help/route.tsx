/** @module The pages of the frame itself: keys, and on a phone what has no tab. */
import { Hono } from 'hono'
import { Card } from '../components/card.tsx'
import { Icon } from '../components/icons.tsx'
import { Avatar, NavCount, navItems, PageHead, renderPage, ThemeSwitch } from '../layout/page.tsx'
import type { DashboardEnv } from '../context.ts'

export const generalPages = () =>
  new Hono<DashboardEnv>()
    .get('/help', (c) =>
      renderPage(
        c,
        { title: 'Keys', section: 'more' },
        <>
          <PageHead title="Keys" />
          <Card label="Keys">
            <dl class="keys">
              <Key keys={['/']}>Search</Key>
              <Key keys={['j', 'k']}>Next row, row before</Key>
              <Key keys={['Enter']}>Open the row</Key>
              {navItems.map(({ label, key }) => (
                <Key keys={['g', key]}>{label}</Key>
              ))}
              <Key keys={['Esc']}>Leave a field</Key>
              <Key keys={['?']}>This page</Key>
            </dl>
          </Card>
          <p class="muted">
            Everything can be reached with Tab as well. The API is described{' '}
            <a class="link" href="/docs">
              in its reference
            </a>
            .
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
                  {user.name ?? user.email}
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
                <a href="/help">
                  <Icon name="help" />
                  Keys
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
