/** @module The page where the user chooses the type of a new credential. */
import { isTypeName } from '../labels.ts'
import type { Catalogue, CredentialTypeSummary } from '../../../n8n/catalogue/catalogue.ts'
import type { MissingCredentials } from '../../../workflows/contract.ts'
import { Card, Empty, Remark } from '../../components/card.tsx'
import { IgnoredFilters, Button, LinkButton } from '../../components/controls.tsx'
import { Icon, NodeBadge } from '../../components/icons.tsx'
import { PageHead } from '../../layout/page.tsx'
import { count, plural } from '../../format.ts'

const shownAtFirst = 60

export interface TypeChoiceProps {
  catalogue: Catalogue
  query: string
  /** Show all types instead of the first ones. */
  all: boolean
  ignored: readonly string[]
  missing: MissingCredentials
}

/** Sorts exact matches first, then names that start with the query. */
export function rankTypes(found: readonly CredentialTypeSummary[], query: string): CredentialTypeSummary[] {
  const wanted = query.toLowerCase()
  const rank = ({ type, displayName }: CredentialTypeSummary) => {
    const names = [displayName.toLowerCase(), type.toLowerCase()]
    if (names.includes(wanted)) return 0
    return names.some((name) => name.startsWith(wanted)) ? 1 : 2
  }
  return found.toSorted(
    (a, b) =>
      rank(a) - rank(b) || a.displayName.localeCompare(b.displayName, 'en') || (a.type < b.type ? -1 : 1),
  )
}

export function TypeChoice({ catalogue, query, all, ignored, missing }: TypeChoiceProps) {
  const found = rankTypes(catalogue.searchCredentialTypes(query), query)
  const shown = all || query !== '' ? found : found.slice(0, shownAtFirst)
  return (
    <>
      <PageHead title="Add credential" meta={<span>Choose a service or type</span>} />
      <form
        class="filters type-search"
        action="/credentials/new"
        method="get"
        role="search"
        aria-label="Find a type"
      >
        <label class="filter-text">
          <Icon name="search" small />
          <span class="visually-hidden">Service or type</span>
          <input
            type="search"
            name="q"
            value={query}
            placeholder="Service or type, such as Slack"
            maxlength={100}
            autocomplete="off"
            autofocus
          />
        </label>
        <Button>Find</Button>
      </form>
      <IgnoredFilters ignored={ignored} />
      {query === '' && missing.items.length > 0 && (
        <Card title="Required by your workflows" flush>
          <ul class="type-grid">
            {missing.items.map(({ type, displayName, workflowCount }) => (
              <TypeLink
                type={type}
                name={displayName}
                note={`required by ${plural(workflowCount, 'workflow')}`}
              />
            ))}
          </ul>
        </Card>
      )}
      <Card
        title={query === '' ? 'All types' : `Types matching “${query}”`}
        note={plural(found.length, 'type')}
        flush
      >
        {found.length === 0 ? (
          <Empty
            title={`No built-in type matches “${query}”.`}
            action={
              isTypeName(query) ? (
                <LinkButton href={`/credentials/new/${encodeURIComponent(query)}`}>
                  Use the {query} type
                </LinkButton>
              ) : (
                <LinkButton href="/credentials/new">All types</LinkButton>
              )
            }
          >
            For a community node's credential type, enter its exact name, such as acmeCrmApi. You then enter
            its values as JSON.
          </Empty>
        ) : (
          <ul class="type-grid">
            {shown.map(({ type, displayName, oauth }) => (
              <TypeLink type={type} name={displayName} note={oauth ? `${type} · OAuth` : type} />
            ))}
          </ul>
        )}
      </Card>
      {shown.length < found.length && (
        <p class="pagination">
          <span>
            Showing {count(shown.length)} of {count(found.length)}.
          </span>
          <a class="link" href="/credentials/new?all=1">
            Show all
          </a>
        </p>
      )}
      {found.length > 0 && (
        <Remark>
          For a community node's credential type, search for its exact name. You then enter its values as
          JSON.
        </Remark>
      )}
    </>
  )
}

const TypeLink = ({ type, name, note }: { type: string; name: string; note: string }) => (
  <li>
    <a href={`/credentials/new/${encodeURIComponent(type)}`} data-row>
      <NodeBadge type={type} />
      <span>
        <b>{name}</b>
        <small>{note}</small>
      </span>
    </a>
  </li>
)
