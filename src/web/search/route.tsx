/** @module `/search`: redirects to the only exact match, or lists all matches. `/search/suggestions`: for the palette. */
import { Hono } from 'hono'
import { type Hit, search, type SearchResult } from '../../search/search.ts'
import type { DashboardDeps, DashboardEnv } from '../context.ts'
import { readParameters } from '../links/parameters.ts'
import { renderPage } from '../layout/page.tsx'
import { searchPagesList } from './pages.ts'
import { SearchView } from './view.tsx'
import { Suggestions } from './suggestions.tsx'

const textOf = (given: string | undefined): string => (given ?? '').trim().slice(0, 200)

export function searchPages({ db }: Pick<DashboardDeps, 'db'>) {
  return new Hono<DashboardEnv>()
    .get('/', async (c) => {
      const { query: given, ignored } = readParameters(new URL(c.req.url).searchParams, { q: () => true })
      const query = textOf(given.q)
      const result = await search(db, c.var.userId, query, searchPagesList)
      const only = onlyExact(result)
      if (only) return c.redirect(only.href, 303)
      return renderPage(
        c,
        { title: 'Search', section: 'more', query },
        <SearchView query={query} ignored={ignored} result={result} />,
      )
    })
    .get('/suggestions', async (c) => {
      const query = textOf(c.req.query('q'))
      const result = await search(db, c.var.userId, query, searchPagesList)
      return c.html(<Suggestions query={query} result={result} />)
    })
}

/** A number alone can also be part of an error message, so it opens a run only if nothing else matches. */
function onlyExact({ query, groups }: SearchResult): Hit | undefined {
  const hits = groups.flatMap((group) => group.hits)
  const [only, ...others] = hits.filter(({ exact }) => exact)
  const isNumber = /^[\d\s\u202f]+$/.test(query)
  return others.length === 0 && !(isNumber && hits.length > 1) ? only : undefined
}
