/** @module `/credentials`: the credential list. */
import { Hono } from 'hono'
import type { DashboardEnv } from '../../context.ts'
import { readCredentials } from '../../../credentials/queries.ts'
import { loadCatalogue } from '../../../n8n/catalogue/catalogue.ts'
import { noLimit, rangeOf } from '../../components/period.ts'
import { renderPage } from '../../layout/page.tsx'
import type { CredentialPageDeps } from '../page-context.ts'
import { readListQuery } from './filter.ts'
import { CredentialList } from './view.tsx'

type ListDeps = Pick<CredentialPageDeps, 'requirements' | 'analytics' | 'db' | 'now'>

export function credentialListPage({ requirements, analytics, db, now }: ListDeps) {
  return new Hono<DashboardEnv>().get('/', async (c) => {
    const { userId, viewer } = c.var
    const { filter, query, period, after, ignored } = readListQuery(new URL(c.req.url).searchParams)
    const [read, stats, missing, catalogue] = await Promise.all([
      readCredentials(db, userId, filter, after),
      analytics.credentials(userId, { ...rangeOf(period, now()), limit: noLimit }),
      requirements.findMissing(userId),
      loadCatalogue(),
    ])
    const { time } = viewer
    return renderPage(
      c,
      { title: 'Credentials', section: 'credentials' },
      <CredentialList
        read={read}
        filter={filter}
        ignored={ignored}
        query={query}
        period={period}
        stats={stats}
        missing={missing}
        catalogue={catalogue}
        time={time}
      />,
    )
  })
}
