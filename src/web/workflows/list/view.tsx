/** @module The workflow list: health, readiness and deployments. */
import { Card, Empty } from '../../components/card.tsx'
import {
  FilterForm,
  FilterSelect,
  FilterText,
  IgnoredFilters,
  LinkButton,
  Pagination,
  withQuery,
} from '../../components/controls.tsx'
import { NodeBadges, nodeFace } from '../../components/icons.tsx'
import { PageHead } from '../../layout/page.tsx'
import { Status, statusBadge, StatusTag } from '../../components/status.tsx'
import { NameCell, Table, Td, Tr } from '../../components/table.tsx'
import { count, cutNote, none, percent, plural, type TimeFormat } from '../../format.ts'
import type { CutList } from '../../../lib/cut-list.ts'
import type { ListQuery } from './filter.ts'
import type { ReadinessState } from '../../../workflows/readiness-queries.ts'
import { countedRunsHref, workflowHref } from '../links.ts'
import {
  type FacetValue,
  type Facets,
  type Lack,
  type ListRow,
  type Place,
  type WorkflowPage,
} from '../../../workflows/list-queries.ts'

export interface ListViewProps {
  page: WorkflowPage
  facets: Facets
  listQuery: ListQuery
  /** The display name of a credential type. */
  nameOf: (type: string) => string
  /** The display name of a node type. */
  nodeNameOf: (type: string) => string
  time: TimeFormat
  publicUrl: string
}

const path = '/workflows'

export function ListView({ page, facets, listQuery, nameOf, nodeNameOf, time, publicUrl }: ListViewProps) {
  const { query, cursor, ignored } = listQuery
  const isFiltered = Object.keys(query).length > 0
  const isEmpty = page.rows.length === 0 && !isFiltered && cursor === null
  return (
    <>
      <PageHead
        title="Workflows"
        actions={
          <LinkButton href="/workflows/new" icon="plus" kind="primary">
            Add workflow
          </LinkButton>
        }
      />
      {!isEmpty && <Filters facets={facets} query={query} nameOf={nameOf} nodeNameOf={nodeNameOf} />}
      <IgnoredFilters ignored={ignored} />
      {isEmpty ? (
        <NoWorkflows publicUrl={publicUrl} />
      ) : (
        <Card label="Workflows" flush results>
          {page.rows.length === 0 ? (
            <Empty title="No workflows match." action={<LinkButton href={path}>Clear filters</LinkButton>} />
          ) : (
            <Rows rows={page.rows} nameOf={nameOf} nodeNameOf={nodeNameOf} time={time} />
          )}
        </Card>
      )}
      {page.rows.length > 0 && (
        <Pagination
          text={`${plural(page.total, 'workflow')}${isFiltered ? (page.total === 1 ? ' matches' : ' match') : ''}, failing first`}
          firstHref={cursor ? withQuery(path, query) : null}
          nextHref={page.nextCursor && withQuery(path, query, { after: page.nextCursor })}
        />
      )}
    </>
  )
}

const readinessLabels: Record<ReadinessState, string> = {
  ready: 'Ready',
  missing: 'Missing a credential',
  rejected: 'Credential rejected',
}

type FilterProps = Pick<ListViewProps, 'facets' | 'nameOf' | 'nodeNameOf'> & { query: Record<string, string> }

function Filters({ facets, query, nameOf, nodeNameOf }: FilterProps) {
  const options = (
    all: string,
    { items: values }: CutList<FacetValue>,
    selected: string | undefined,
    labelOf: (value: string) => string,
  ): [string, string][] => {
    const known = values.some(({ value }) => value === selected)
    return [
      ['', all],
      ...(selected && !known ? [[selected, labelOf(selected)] as [string, string]] : []),
      ...values.map(({ value, count }): [string, string] => [value, `${labelOf(value)} (${count})`]),
    ]
  }
  const isFiltered = Object.keys(query).length > 0
  return (
    <FilterForm action={path}>
      <FilterText label="Name or prompt" value={query.q ?? ''} />
      <FilterSelect
        name="node"
        label="Node type"
        value={query.node ?? ''}
        options={options('Any node', facets.nodeTypes, query.node, nodeNameOf)}
        note={cutNote(facets.nodeTypes)}
      />
      <FilterSelect
        name="cred"
        label="Credential type"
        value={query.cred ?? ''}
        options={options('Any credential', facets.credentialTypes, query.cred, nameOf)}
        note={cutNote(facets.credentialTypes)}
      />
      {(facets.tags.items.length > 0 || query.tag) && (
        <FilterSelect
          name="tag"
          label="Tag"
          value={query.tag ?? ''}
          options={options('Any tag', facets.tags, query.tag, (tag) => tag)}
          note={cutNote(facets.tags)}
        />
      )}
      <FilterSelect
        name="ready"
        label="Readiness"
        value={query.ready ?? ''}
        options={[['', 'Any readiness'], ...Object.entries(readinessLabels)]}
      />
      {isFiltered && (
        <a class="link" href={path}>
          Clear filters
        </a>
      )}
    </FilterForm>
  )
}

/** Sorts triggers first and skips sticky notes. */
const inOrder = (types: readonly string[]): string[] =>
  types
    .filter((type) => type !== 'n8n-nodes-base.stickyNote')
    .toSorted((a, b) => Number(nodeFace(b).isTrigger) - Number(nodeFace(a).isTrigger))

const Rows = ({
  rows,
  nameOf,
  nodeNameOf,
  time,
}: {
  rows: readonly ListRow[]
  nameOf: (type: string) => string
  nodeNameOf: (type: string) => string
  time: TimeFormat
}) => (
  <Table
    caption="Workflows, failing first"
    class="workflow-table"
    columns={[
      { label: 'Workflow' },
      { label: 'Nodes' },
      { label: 'Credentials' },
      { label: 'Readiness' },
      { label: 'Success, 24 h', numeric: true },
      { label: 'Version', numeric: true },
      { label: 'Deployed' },
    ]}
  >
    {rows.map((row) => (
      <Tr>
        <Td>
          <NameCell
            href={workflowHref(row.id)}
            name={row.name}
            note={
              <>
                {row.tags.length > 0 && `${namesText(row.tags)} · `}changed {time.brief(row.updatedAt)}
              </>
            }
          />
        </Td>
        <Td phone="hide">
          <NodeBadges types={inOrder(row.nodeTypes)} nameOf={nodeNameOf} />
        </Td>
        <Td phone="hide" class="muted">
          {namesText(row.credentialTypes.map(nameOf))}
        </Td>
        <Td phone={row.lacks.length > 0 ? 'line' : 'hide'}>
          <Ready row={row} nameOf={nameOf} />
        </Td>
        <Td numeric phone="end">
          <Success row={row} />
        </Td>
        <Td numeric phone="hide">
          <a class="row-link" href={workflowHref(row.id, '/versions')}>
            v{row.version}
          </a>
        </Td>
        <Td phone="line">
          <Places row={row} />
        </Td>
      </Tr>
    ))}
  </Table>
)

/** Two names and the number of others. */
const namesText = (names: string[]): string =>
  names.length === 0
    ? none
    : `${names.slice(0, 2).join(', ')}${names.length > 2 ? ` +${names.length - 2}` : ''}`

function Ready({ row, nameOf }: { row: ListRow; nameOf: (type: string) => string }) {
  if (row.lacks.length === 0) return <Status tone="ok" label="Ready" />
  return (
    <a href={workflowHref(row.id, '#credentials')} class="credential-problems">
      <CredentialProblems lacks={row.lacks} nameOf={nameOf} />
    </a>
  )
}

function CredentialProblems({ lacks, nameOf }: { lacks: Lack[]; nameOf: (type: string) => string }) {
  const rejected = lacks.filter((each) => each.rejected)
  const missing = lacks.filter((each) => !each.rejected)
  return (
    <>
      {rejected.length > 0 && (
        <Status tone="fail" label={`${namesText(rejected.map(({ type }) => nameOf(type)))} rejected`} />
      )}
      {missing.length > 0 && (
        <Status tone="wait" label={`Missing ${namesText(missing.map(({ type }) => nameOf(type)))}`} />
      )}
    </>
  )
}

function Success({ row: { id, runs, failed, succeeded } }: { row: ListRow }) {
  if (runs === 0) return <span class="muted">{none}</span>
  const finished = failed + succeeded
  return (
    <a
      class={failed > 0 ? 'row-link fail' : 'row-link'}
      href={countedRunsHref(id, { from: '24h', ...(failed > 0 && { status: 'failed' }) })}
    >
      <span class="two-lines">
        {finished > 0 ? percent(succeeded / finished) : none}
        <small>{failed > 0 ? `${count(failed)} of ${count(runs)} failed` : plural(runs, 'run')}</small>
      </span>
    </a>
  )
}

function Places({ row: { id, places, placeCount } }: { row: ListRow }) {
  if (places.length === 0) return <span class="muted">Not deployed</span>
  return (
    <span class="workflow-places">
      {places.map((place: Place) => (
        <a href={`/deployments/${place.id}`}>
          <StatusTag {...statusBadge(place)} label={`${place.instanceName} v${place.version}`} />
          <span class="visually-hidden"> {statusBadge(place).label}</span>
        </a>
      ))}
      {placeCount > places.length && (
        <a class="muted" href={workflowHref(id, '/deployments')}>
          +{placeCount - places.length}
        </a>
      )}
    </span>
  )
}

const NoWorkflows = ({ publicUrl }: { publicUrl: string }) => (
  <Card label="Workflows">
    <Empty
      title="No workflows yet."
      action={
        <LinkButton href="/workflows/new" icon="plus">
          Paste n8n JSON
        </LinkButton>
      }
    >
      Flowkeep stores the n8n JSON of each workflow, its prompt and its required credentials. Paste a
      workflow, or import many from a folder or from n8n.
    </Empty>
    <ImportWays publicUrl={publicUrl} />
  </Card>
)

/** Other ways to import workflows. */
export const ImportWays = ({ publicUrl }: { publicUrl: string }) => (
  <dl class="import-ways">
    <dt>From a folder</dt>
    <dd>
      <code>{`FLOWKEEP_URL=${publicUrl} npm run flowkeep -- import ./workflows`}</code>
    </dd>
    <dt>With the API</dt>
    <dd>
      <code>{`POST ${publicUrl}/v1/workflows`}</code>{' '}
      <a class="link" href="/docs">
        API reference
      </a>
    </dd>
    <dt>From n8n</dt>
    <dd>
      <a class="link" href="/instances">
        Choose an instance
      </a>{' '}
      and import its workflows.
    </dd>
  </dl>
)
