/** @module The credential list: missing credentials, then rejected ones, then the rest. */
import type { CredentialStats } from '../../../analytics/contract.ts'
import type { Catalogue } from '../../../n8n/catalogue/catalogue.ts'
import type { MissingCredentials } from '../../../workflows/contract.ts'
import { Card, Empty } from '../../components/card.tsx'
import {
  Chip,
  FilterForm,
  FilterSelect,
  FilterText,
  IgnoredFilters,
  LinkButton,
  Pagination,
  Segmented,
  withQuery,
} from '../../components/controls.tsx'
import { serviceLabel } from '../../../credentials/service-name.ts'
import { NodeBadge } from '../../components/icons.tsx'
import { PageHead } from '../../layout/page.tsx'
import { credentialStyle, Glyph } from '../../components/status.tsx'
import { Table } from '../../components/table.tsx'
import { count, plural, type TimeFormat } from '../../format.ts'
import { typeLabel } from '../form/view.tsx'
import { CredentialLine } from './row.tsx'
import { type Period, shortPeriods } from '../../components/period.ts'
import type { CredentialGroup, CredentialsRead, Health, ListFilter } from '../../../credentials/queries.ts'

export const healthStates = ['invalid', 'untested', 'valid'] as const satisfies readonly Health[]

export interface ListProps {
  read: CredentialsRead
  filter: ListFilter
  /** Query parameters with an invalid value. */
  ignored: readonly string[]
  query: URLSearchParams
  period: Period
  stats: CredentialStats
  missing: MissingCredentials
  catalogue: Catalogue
  time: TimeFormat
}

const path = '/credentials'

export function CredentialList(props: ListProps) {
  const { read, filter, ignored, query, period, stats, missing, catalogue, time } = props
  const byId = new Map(stats.items.map((each) => [each.credentialId, each]))
  const isFiltered =
    filter.q !== '' || [filter.status, filter.type, filter.service].some((each) => each !== null)
  const listHref = withQuery(path, query)
  const hasAny = read.groups.length > 0
  return (
    <>
      <PageHead
        title="Credentials"
        meta={hasAny && <HealthCounts groups={read.groups} query={query} />}
        actions={
          <LinkButton kind="primary" href="/credentials/new" icon="plus">
            Add credential
          </LinkButton>
        }
      />
      {missing.items.length > 0 && <Missing missing={missing} />}
      {!hasAny ? (
        <Card label="Credentials">
          <Empty
            title="No credentials yet."
            action={
              <LinkButton href="/credentials/new" icon="plus">
                Add credential
              </LinkButton>
            }
          >
            Workflows use credentials to sign in to services. Flowkeep stores them encrypted and sends them to
            n8n when you deploy a workflow.
          </Empty>
        </Card>
      ) : (
        <>
          <div class="credential-bar">
            <Filters groups={read.groups} filter={filter} catalogue={catalogue} keep={query.get('period')} />
            <Segmented
              label="Period for runs and failures"
              choices={shortPeriods.map((each) => ({
                label: each.label,
                href: withQuery(path, query, { period: each.name, after: null }),
                current: each.name === period.name,
              }))}
            />
          </div>
          <IgnoredFilters ignored={ignored} />
          <Card label="Credentials" flush results>
            {read.items.length === 0 ? (
              <Empty
                title="No credentials match."
                action={<LinkButton href={path}>Clear filters</LinkButton>}
              />
            ) : (
              <Table
                caption="Credentials, worst health first"
                columns={columnsOf(period)}
                class="credential-table"
              >
                {read.items.map((row) => (
                  <CredentialLine
                    row={row}
                    catalogue={catalogue}
                    time={time}
                    period={period}
                    listHref={listHref}
                    stats={byId.get(row.id)}
                  />
                ))}
              </Table>
            )}
          </Card>
          {read.items.length > 0 && (
            <Pagination
              text={`Showing ${plural(read.items.length, 'credential')}${read.total > read.items.length ? ` of ${count(read.total)}` : ''}.${isFiltered ? '' : ' Worst health first.'}`}
              firstHref={query.has('after') ? withQuery(path, query, { after: null }) : null}
              nextHref={read.next === null ? null : withQuery(path, query, { after: read.next })}
            />
          )}
        </>
      )}
    </>
  )
}

const columnsOf = (period: Period) => [
  { label: 'Credential' },
  { label: 'Health' },
  { label: 'Used by', numeric: true },
  { label: `Runs, ${period.label}`, numeric: true },
  { label: 'Failed', numeric: true },
  { label: 'Last tested', numeric: true },
  { label: 'Next step', hidden: true },
]

function HealthCounts({ groups, query }: { groups: readonly CredentialGroup[]; query: URLSearchParams }) {
  return (
    <>
      {healthStates.map((status) => {
        const { tone, label } = credentialStyle(status)
        const sum = groups.reduce((all, each) => all + (each.status === status ? each.count : 0), 0)
        return sum === 0 ? null : (
          <a class={`status ${tone}`} href={withQuery(path, query, { status, after: null })}>
            <Glyph tone={tone} />
            {count(sum)} {label.toLowerCase()}
          </a>
        )
      })}
    </>
  )
}

/** Types that workflows require and that have no credential. */
function Missing({ missing: { items } }: { missing: MissingCredentials }) {
  const [first] = items
  return (
    <Card
      title={items.length === 1 ? '1 missing credential' : `${count(items.length)} missing credentials`}
      note={
        items.length === 1 && first
          ? `you cannot deploy ${plural(first.workflowCount, 'workflow')} without it`
          : 'you cannot deploy some workflows without them'
      }
      flush
    >
      <ul class="list credential-missing">
        {items.map(({ type, displayName, workflowCount, workflows }) => (
          <li>
            <NodeBadge type={type} />
            <span>
              {displayName}
              <small>
                required by{' '}
                {workflowCount === 1 && workflows[0] ? (
                  <a class="link" href={`/workflows/${workflows[0].id}`}>
                    {workflows[0].name}
                  </a>
                ) : (
                  <a class="link" href={`/workflows?cred=${encodeURIComponent(type)}`}>
                    {plural(workflowCount, 'workflow')}
                  </a>
                )}
              </small>
            </span>
            <LinkButton small href={`/credentials/new/${encodeURIComponent(type)}`} icon="plus">
              Add
            </LinkButton>
          </li>
        ))}
      </ul>
    </Card>
  )
}

function Filters(props: {
  groups: readonly CredentialGroup[]
  filter: ListFilter
  catalogue: Catalogue
  keep: string | null
}) {
  const { groups, filter, catalogue, keep } = props
  const types = [...new Set(groups.map(({ type }) => type))]
  const services = new Map(
    groups.map(({ service, type }) => [service, serviceLabel(service, type, typeLabel(catalogue, type))]),
  )
  const set = [
    ...(filter.q ? [['q', 'Name', filter.q]] : []),
    ...(filter.status ? [['status', 'Health', credentialStyle(filter.status).label]] : []),
    ...(filter.type ? [['type', 'Type', typeLabel(catalogue, filter.type)]] : []),
    ...(filter.service ? [['service', 'Service', services.get(filter.service) ?? filter.service]] : []),
  ]
  const current = new URLSearchParams(
    Object.entries({ ...filter, period: keep }).flatMap(([name, value]) => (value ? [[name, value]] : [])),
  )
  return (
    <div class="credential-filters">
      <FilterForm action={path} keep={keep ? { period: keep } : {}}>
        <FilterText label="Filter by name or type" value={filter.q} />
        <FilterSelect
          name={'status'}
          label={'Health'}
          value={filter.status ?? ''}
          options={[
            ['', 'Any health'],
            ...healthStates.map((each) => [each, credentialStyle(each).label] as const),
          ]}
        />
        <FilterSelect
          name={'type'}
          label={'Type'}
          value={filter.type ?? ''}
          options={[
            ['', 'Any type'],
            ...types
              .map((type) => [type, typeLabel(catalogue, type)] as const)
              .toSorted((a, b) => a[1].localeCompare(b[1], 'en')),
          ]}
        />
        <FilterSelect
          name={'service'}
          label={'Service'}
          value={filter.service ?? ''}
          options={[['', 'Any service'], ...[...services].toSorted((a, b) => a[1].localeCompare(b[1], 'en'))]}
        />
      </FilterForm>
      {set.length > 0 && (
        <div class="credential-chips">
          {set.map(([name = '', label = '', value]) => (
            <Chip label={label} value={value} href={withQuery(path, current, { [name]: null })} removes />
          ))}
        </div>
      )}
    </div>
  )
}
