/** @module The options of the palette, which `assets/command-palette.ts` puts into its list. */
import type { SearchResult } from '../../search/search.ts'
import { withQuery } from '../components/controls.tsx'
import { Icon } from '../components/icons.tsx'
import { groupLabel, hitCount, HitLine, seeAllLinks } from './results.tsx'

const maxPerGroup = 5

/** `data-status` is announced to screen readers. Options get their IDs from the script. */
export function Suggestions({ query, result }: { query: string; result: SearchResult }) {
  const isEmpty = result.groups.length === 0
  const corrected = result.isCorrected ? ` for ${result.query}` : ''
  return (
    <div
      class="suggestions"
      data-status={result.query === '' ? '' : isEmpty ? 'No results' : hitCount(result.groups) + corrected}
    >
      {result.isCorrected && !isEmpty && (
        <p class="suggestions-head" aria-hidden="true">
          Results for {result.query}
        </p>
      )}
      {result.groups.map(({ kind, hits }) => (
        <div role="group" aria-label={groupLabel(kind)}>
          <p class="suggestions-head" aria-hidden="true">
            {groupLabel(kind)}
          </p>
          {hits.slice(0, maxPerGroup).map((hit) => (
            <a class="hit" role="option" tabindex={-1} href={hit.href}>
              <HitLine hit={hit} query={result.query} />
            </a>
          ))}
          {hits.length > maxPerGroup &&
            seeAllLinks(kind, result.query).map(({ label, href }) => (
              <a class="hit more" role="option" tabindex={-1} href={href}>
                <Icon name="arrow" />
                <span class="hit-text">{label}</span>
              </a>
            ))}
        </div>
      ))}
      {query !== '' && (
        <a class="hit more" role="option" tabindex={-1} href={withQuery('/search', { q: query })}>
          <Icon name="search" />
          <span class="hit-text truncate" title={query}>
            {isEmpty ? `No results for “${query}”` : `All results for “${query}”`}
          </span>
        </a>
      )}
    </div>
  )
}
