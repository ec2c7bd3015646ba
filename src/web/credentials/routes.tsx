/** @module `/credentials`: the list here, its other pages beside. */
import { Hono } from 'hono'
import { loadCatalogue } from '../../n8n/catalogue.ts'
import { renderPage } from '../layout/page.tsx'
import type { DashboardEnv } from '../context.ts'
import { changePages } from './edit/route.tsx'
import { detailPages } from './detail/route.tsx'
import { readListQuery } from './list/filter.ts'
import { CredentialList } from './list/view.tsx'
import { newPages } from './new/route.tsx'
import type { CredentialPageDeps } from './page-context.ts'
import { allOfThem, periodNamed, rangeOf } from '../components/period.ts'
import { replacePages } from './replace/route.tsx'
import { readCredentials } from './read-credentials.ts'

export function credentialPages(deps: CredentialPageDeps) {
  const { requirements, analytics, db, now } = deps
  return new Hono<DashboardEnv>()
    .get('/', async (c) => {
      const { userId, viewer } = c.var
      const query = new URL(c.req.url).searchParams
      const { filter, after, ignored } = readListQuery(query)
      const period = periodNamed(query.get('period') ?? undefined)
      const [read, stats, missing, catalogue] = await Promise.all([
        readCredentials(db, userId, filter, after),
        analytics.credentials(userId, { ...rangeOf(period, now()), limit: allOfThem }),
        requirements.missing(userId),
        loadCatalogue(),
      ])
      const { time } = viewer
      return renderPage(
        c,
        { title: 'Credentials', section: 'credentials' },
        <CredentialList {...{ read, filter, ignored, query, period, stats, missing, catalogue, time }} />,
      )
    })
    .route('/', newPages(deps))
    .route('/', changePages(deps))
    .route('/', replacePages(deps))
    .route('/', detailPages(deps))
}
