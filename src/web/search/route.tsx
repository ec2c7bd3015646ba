/** @module `/search`: redirects to the only exact match, or lists all matches. */
import { Hono } from 'hono'
import { Card, Empty } from '../components/card.tsx'
import { Button } from '../components/controls.tsx'
import { Icon, type IconName, NodeBadge } from '../components/icons.tsx'
import { PageHead, renderPage } from '../layout/page.tsx'
import { NameCell, Table, Td, Tr } from '../components/table.tsx'
import type { DashboardDeps, DashboardEnv } from '../context.ts'
import { plural } from '../format.ts'
import { hrefOf, search, type SearchResult } from '../../search/queries.ts'

const kinds: Record<SearchResult['kind'], { label: string; icon: IconName }> = {
  workflow: { label: 'Workflow', icon: 'workflows' },
  credential: { label: 'Credential', icon: 'credentials' },
  error: { label: 'Error', icon: 'bolt' },
  execution: { label: 'Run', icon: 'executions' },
  deployment: { label: 'Deployment', icon: 'deployments' },
  instance: { label: 'Instance', icon: 'instances' },
}

export function searchPages({ db }: Pick<DashboardDeps, 'db'>) {
  return new Hono<DashboardEnv>().get('/', async (c) => {
    const query = (c.req.query('q') ?? '').trim().slice(0, 200)
    const results = await search(db, c.var.userId, query)
    const exact = results.filter((each) => each.exact)
    const [only] = exact
    if (only && exact.length === 1) return c.redirect(hrefOf(only), 303)
    return renderPage(
      c,
      { title: 'Search', section: 'more', query },
      <>
        <PageHead title="Search" />
        <form class="filters" action="/search" method="get" role="search" aria-label="Search">
          <label class="filter-text">
            <Icon name="search" small />
            <span class="visually-hidden">Name or ID</span>
            <input
              type="search"
              name="q"
              value={query}
              placeholder="Name or ID"
              maxlength={200}
              autocomplete="off"
              autofocus
            />
          </label>
          <Button kind="primary">Search</Button>
        </form>
        <Results query={query} results={results} />
      </>,
    )
  })
}

function Results({ query, results }: { query: string; results: SearchResult[] }) {
  if (query === '') {
    return (
      <Card>
        <Empty title="Search your account">
          Enter the name of a workflow, credential or instance, text from a prompt or an error message, a node
          type, an ID, or the number of a run in n8n, such as #4821.
        </Empty>
      </Card>
    )
  }
  if (results.length === 0) {
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
    <Card title={plural(results.length, 'result')} flush>
      <Table caption="Search results" columns={[{ label: 'Name' }, { label: 'Kind' }]}>
        {results.map((each) => (
          <Tr>
            <Td>
              <NameCell
                badge={
                  each.kind === 'credential' ? (
                    <NodeBadge type={each.note} />
                  ) : (
                    <Icon name={kinds[each.kind].icon} />
                  )
                }
                href={hrefOf(each)}
                name={each.name}
                note={each.note ?? undefined}
              />
            </Td>
            <Td phone="end">{kinds[each.kind].label}</Td>
          </Tr>
        ))}
      </Table>
    </Card>
  )
}
