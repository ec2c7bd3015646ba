/** @module `/search`: jumps to the one thing that is called so, or lists what is. */
import { Hono } from 'hono'
import { Card, Empty } from '../components/card.tsx'
import { Button } from '../components/controls.tsx'
import { Icon, type IconName, NodeBadge } from '../components/icons.tsx'
import { PageHead, renderPage } from '../layout/page.tsx'
import { NameCell, Table, Td, Tr } from '../components/table.tsx'
import type { DashboardDeps, DashboardEnv } from '../context.ts'
import { plural } from '../format.ts'
import { find, type Found, hrefOf } from '../../search/queries.ts'

const kinds: Record<Found['kind'], { word: string; icon: IconName }> = {
  workflow: { word: 'Workflow', icon: 'workflows' },
  credential: { word: 'Credential', icon: 'credentials' },
  error: { word: 'Error', icon: 'bolt' },
  execution: { word: 'Execution', icon: 'executions' },
  deployment: { word: 'Deployment', icon: 'deployments' },
  instance: { word: 'Instance', icon: 'instances' },
}

export function searchPages({ db }: Pick<DashboardDeps, 'db'>) {
  return new Hono<DashboardEnv>().get('/', async (c) => {
    const query = (c.req.query('q') ?? '').trim().slice(0, 200)
    const found = await find(db, c.var.userId, query)
    const exact = found.filter((each) => each.exact)
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
            <span class="visually-hidden">Name or id</span>
            <input
              type="search"
              name="q"
              value={query}
              placeholder="Name or id"
              maxlength={200}
              autocomplete="off"
              autofocus
            />
          </label>
          <Button kind="primary">Search</Button>
        </form>
        <Results query={query} found={found} />
      </>,
    )
  })
}

function Results({ query, found }: { query: string; found: Found[] }) {
  if (query === '') {
    return (
      <Card>
        <Empty title="What are you looking for?">
          The name of a workflow, credential or instance; words of a prompt, of an error or a node's type; an
          id; or an execution's number in n8n, such as #4821.
        </Empty>
      </Card>
    )
  }
  if (found.length === 0) {
    return (
      <Card>
        <Empty title={`Nothing is called “${query}”.`}>
          Executions are found by their id or their number in n8n, workflows also by their prompt and nodes,
          errors by their message, everything else by any part of its name.
        </Empty>
      </Card>
    )
  }
  return (
    <Card title={plural(found.length, 'result')} flush>
      <Table caption="What was found" columns={[{ label: 'Name' }, { label: 'Kind' }]}>
        {found.map((each) => (
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
            <Td phone="end">{kinds[each.kind].word}</Td>
          </Tr>
        ))}
      </Table>
    </Card>
  )
}
