/** @module The list of error groups, new and rising ones first. */
import type { ErrorGroups } from '../../analytics/contract.ts'
import type { IncludableKind } from '../../runs/meaning.ts'
import { MiniBars } from '../charts/spark.tsx'
import { Card, Empty } from '../components/card.tsx'
import { LinkButton, Segmented, withQuery } from '../components/controls.tsx'
import { PageHead } from '../layout/page.tsx'
import { NameCell, Table, Td, Time, Tr } from '../components/table.tsx'
import { count, plural, type TimeFormat } from '../format.ts'
import { type ShortPeriod, shortPeriods } from '../components/period.ts'
import { includeQuery, KindChoice } from '../components/kind-choice.tsx'
import { byTrend, readableMessage, trendOf, trendLabel } from '../components/error-trend.ts'

export interface ErrorsViewProps {
  groups: ErrorGroups
  period: ShortPeriod
  include: readonly IncludableKind[]
  time: TimeFormat
}

interface PeriodChoiceProps {
  path: string
  period: ShortPeriod
  include: readonly IncludableKind[]
}

export const PeriodChoice = ({ path, period, include }: PeriodChoiceProps) => (
  <Segmented
    label="Period"
    choices={shortPeriods.map(({ name, label }) => ({
      label,
      href: withQuery(path, { period: name, ...includeQuery(include) }),
      current: name === period.name,
    }))}
  />
)

const columns = (period: ShortPeriod) => [
  { label: 'Error' },
  { label: 'Trend' },
  { label: `Last ${period.label}` },
  { label: 'Runs', numeric: true },
  { label: 'Workflows', numeric: true },
  { label: 'Last seen', numeric: true },
]

export function ErrorsView({ groups, period, include, time }: ErrorsViewProps) {
  const { items, total } = groups
  return (
    <>
      <PageHead
        title="Errors"
        actions={
          <>
            <KindChoice path="/errors" query={{ period: period.name }} include={include} />
            <PeriodChoice path="/errors" period={period} include={include} />
          </>
        }
      />
      <Card
        title={total === 0 ? undefined : plural(total, 'group')}
        note={
          total > items.length
            ? `the ${items.length} most frequent, new and rising first`
            : 'new and rising first'
        }
        label="Error groups"
        flush
      >
        {total === 0 ? (
          <Empty
            title="No failed runs in this period."
            action={period.name !== '30d' && <LinkButton href="/errors?period=30d">View 30 days</LinkButton>}
          >
            Runs that fail at the same node with the same message form one group.
          </Empty>
        ) : (
          <Table caption="Error groups, new and rising first" columns={columns(period)} class="errors">
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
                      name={readableMessage(group.message, group.httpStatus)}
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
                      <span class="muted nowrap"> + {plural(group.incidents, 'incident')}</span>
                    )}
                  </Td>
                  <Td numeric phone="hide">
                    {count(group.workflows)}
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
