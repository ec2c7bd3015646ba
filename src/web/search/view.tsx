/** @module The search page: groups of results, best first. */
import type { SearchResult } from '../../search/search.ts'
import { Card, Empty, Remark } from '../components/card.tsx'
import { Button, IgnoredFilters } from '../components/controls.tsx'
import { Icon } from '../components/icons.tsx'
import { cutNote } from '../format.ts'
import { PageHead } from '../layout/page.tsx'
import { groupLabel, hitCount, HitLine, seeAllLinks } from './results.tsx'

export const SearchView = ({
  query,
  ignored,
  result,
}: {
  query: string
  ignored: readonly string[]
  result: SearchResult
}) => (
  <>
    <PageHead title="Search" meta={<Count result={result} />} />
    <form class="filters" action="/search" method="get" role="search" aria-label="Search">
      <label class="filter-text">
        <Icon name="search" small />
        <span class="visually-hidden">Name, text or ID</span>
        <input
          type="search"
          name="q"
          value={query}
          placeholder="Name, text or ID"
          maxlength={200}
          autocomplete="off"
          autofocus
        />
      </label>
      <Button kind="primary">Search</Button>
    </form>
    <IgnoredFilters ignored={ignored} />
    <Results query={query} result={result} />
  </>
)

const Count = ({ result: { query, groups } }: { result: SearchResult }) =>
  query === '' ? null : <span role="status">{hitCount(groups)}</span>

function Results({ query, result }: { query: string; result: SearchResult }) {
  if (query === '') {
    return (
      <Card>
        <Empty title="Search your account">
          Enter the name of a workflow, node, credential, instance or page, text from a prompt or an error
          message, an ID, or the number of a run in n8n, such as #4821.
        </Empty>
      </Card>
    )
  }
  if (result.groups.length === 0) {
    return (
      <Card>
        <Empty title={`No results for “${query}”.`}>
          Search matches runs by ID or by their number in n8n, workflows by name, prompt and nodes, errors by
          message, and everything else by name or ID.
        </Empty>
      </Card>
    )
  }
  return (
    <>
      {result.isCorrected && (
        <Remark tone="wait">
          No results for “{query}”. Showing results for <b>{result.query}</b>.
        </Remark>
      )}
      {result.groups.map(({ kind, hits, isCut }) => (
        <Card
          title={groupLabel(kind)}
          note={cutNote({ items: hits, isCut }) ?? hits.length}
          aside={seeAllLinks(kind, result.query).map(({ label, href }) => (
            <a class="link" href={href}>
              {label}
            </a>
          ))}
          flush
        >
          <ul class="hits">
            {hits.map((hit) => (
              <li>
                <a class="hit" href={hit.href} data-row>
                  <HitLine hit={hit} query={result.query} />
                </a>
              </li>
            ))}
          </ul>
        </Card>
      ))}
    </>
  )
}
