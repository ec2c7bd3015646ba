/** @module The list of error groups: regressed, new and rising ones first. */
import type { ErrorGroups, ErrorStateFilter } from '../../analytics/contract.ts'
import type { IncludableKind } from '../../runs/meaning.ts'
import { MiniBars } from '../charts/spark.tsx'
import { Card, Empty } from '../components/card.tsx'
import {
  FilterForm,
  FilterText,
  IgnoredFilters,
  LinkButton,
  Segmented,
  withQuery,
} from '../components/controls.tsx'
import { PageHead } from '../layout/page.tsx'
import { NameCell, Table, Td, Time, Tr } from '../components/table.tsx'
import { count, plural, type TimeFormat } from '../format.ts'
import { type ErrorPeriod, errorPeriods, periodHeading } from '../components/period.ts'
import { includeQuery, KindChoice } from '../components/kind-choice.tsx'
import { WorkflowNames } from '../components/workflow-names.tsx'
import { byTrend, errorTitle, trendOf, trendLabel } from '../components/error-trend.ts'

export interface ErrorsViewProps {
  groups: ErrorGroups
  query: {
    q: string | null
    period: ErrorPeriod
    include: readonly IncludableKind[]
    state: ErrorStateFilter
    ignored: readonly string[]
  }
  time: TimeFormat
}

/** The URL parameter, omitted for the default. */
export const stateQuery = (state: ErrorStateFilter): { state?: string } =>
  state === 'unresolved' ? {} : { state }

const shownStates: [ErrorStateFilter, string][] = [
  ['unresolved', 'Unresolved'],
  ['resolved', 'Resolved'],
  ['ignored', 'Ignored'],
  ['all', 'All'],
]

interface PeriodChoiceProps {
  path: string
  period: ErrorPeriod
  /** Other query parameters of the page. */
  query: Record<string, string>
}

export const PeriodChoice = ({ path, period, query }: PeriodChoiceProps) => (
  <Segmented
    label="Period"
    choices={errorPeriods.map(({ name, label }) => ({
      label,
      href: withQuery(path, { period: name, ...query }),
      current: name === period.name,
    }))}
  />
)

const columns = (period: ErrorPeriod) => [
  { label: 'Error' },
  { label: 'Trend' },
  { label: periodHeading(period) },
  { label: 'Runs', numeric: true },
  { label: 'Workflow' },
  { label: 'Last seen', numeric: true },
]

const emptyTitles: Partial<Record<ErrorStateFilter, string>> = {
  unresolved: 'No unresolved errors in this period.',
  all: 'No failed runs in this period.',
}

export function ErrorsView({ groups, query, time }: ErrorsViewProps) {
  const { items, total } = groups
  const { q, period, include, state, ignored } = query
  const search = q === null ? {} : { q }
  const others = { ...search, ...includeQuery(include), ...stateQuery(state) }
  return (
    <>
      <PageHead
        title="Errors"
        actions={
          <>
            <Segmented
              label="State"
              choices={shownStates.map(([value, label]) => ({
                label,
                href: withQuery('/errors', {
                  period: period.name,
                  ...search,
                  ...includeQuery(include),
                  ...stateQuery(value),
                }),
                current: value === state,
              }))}
            />
            <KindChoice
              path="/errors"
              query={{ period: period.name, ...search, ...stateQuery(state) }}
              include={include}
            />
            <PeriodChoice path="/errors" period={period} query={others} />
          </>
        }
      />
      <FilterForm
        action="/errors"
        keep={{ period: period.name, ...includeQuery(include), ...stateQuery(state) }}
      >
        <FilterText label="Message, node or HTTP status" value={q ?? ''} />
        {q !== null && (
          <a
            class="link"
            href={withQuery('/errors', {
              period: period.name,
              ...includeQuery(include),
              ...stateQuery(state),
            })}
          >
            Clear filter
          </a>
        )}
      </FilterForm>
      <IgnoredFilters ignored={ignored} />
      <Card
        title={total === 0 ? undefined : plural(total, 'group')}
        note={total > items.length ? `the ${items.length} most frequent, ${sorting}` : sorting}
        label="Error groups"
        flush
        results
      >
        {total === 0 ? (
          <Empty
            title={
              q === null ? (emptyTitles[state] ?? `No ${state} errors in this period.`) : 'No errors match.'
            }
            action={
              period.name !== '90d' && (
                <LinkButton href={withQuery('/errors', { period: '90d', ...others })}>
                  View 90 days
                </LinkButton>
              )
            }
          >
            Runs that fail at the same node with the same message form one group.
          </Empty>
        ) : (
          <Table caption={`Error groups, ${sorting}`} columns={columns(period)} class="errors">
            {byTrend(items, groups.period).map((group) => {
              const { label, tone } = trendLabel(trendOf(group, groups.period), group.lastSeenAt, time.now)
              return (
                <Tr>
                  <Td class="errors-name">
                    <NameCell
                      href={withQuery(`/errors/${group.fingerprint}`, {
                        period: period.name,
                        ...includeQuery(include),
                      })}
                      name={errorTitle(group)}
                      note={factsOf(group)}
                    />
                  </Td>
                  <Td phone="line">
                    <span class={tone === 'fail' ? 'fail strong nowrap' : 'muted nowrap'}>{label}</span>
                  </Td>
                  <Td phone="hide">
                    <MiniBars values={group.series} />
                  </Td>
                  <Td numeric phone="end">
                    <b>{count(group.runs)}</b>
                    <span class="runs-phone"> {group.runs === 1 ? 'run' : 'runs'}</span>
                    {group.incidents > 0 && (
                      <span class="muted nowrap"> + {count(group.incidents)} without a run</span>
                    )}
                  </Td>
                  <Td phone="line" class="errors-workflows">
                    <WorkflowNames group={group} />
                  </Td>
                  <Td numeric phone="hide">
                    <Time at={group.lastSeenAt} format={time} as="brief" />
                  </Td>
                </Tr>
              )
            })}
          </Table>
        )}
      </Card>
    </>
  )
}

const sorting = 'regressed, new and rising first'

/** The node, error class and HTTP status. */
export const factsOf = ({
  node,
  errorClass,
  httpStatus,
}: {
  node: string | null
  errorClass: string | null
  httpStatus: number | null
}): string =>
  [node ?? 'Unknown node', errorClass, httpStatus !== null && `HTTP ${httpStatus}`]
    .filter(Boolean)
    .join(' · ')
