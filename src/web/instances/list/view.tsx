/** @module The list of instances: their health, lag and limitations. */
import type { Instance } from '../../../instances/contract.ts'
import { Card, Empty } from '../../components/card.tsx'
import type { CutList } from '../../../lib/cut-list.ts'
import { IgnoredFilters, LinkButton, Pagination } from '../../components/controls.tsx'
import { Icon } from '../../components/icons.tsx'
import { PageHead } from '../../layout/page.tsx'
import { instanceStyle, Status } from '../../components/status.tsx'
import { NameCell, Table, Td, Time, Tr } from '../../components/table.tsx'
import { count, none, plural, type TimeFormat, unknown } from '../../format.ts'
import type { InstanceCounts } from '../../../instances/queries.ts'
import { isLate, Lag } from '../health.tsx'

const ranks: Record<Instance['status'], number> = {
  refused: 0,
  unreachable: 0,
  limited: 2,
  untested: 3,
  ok: 4,
}

/** Unreachable instances first, then late ones. */
export const worstFirst = (instances: Instance[]): Instance[] => {
  const rank = ({ status, polling }: Instance) => Math.min(ranks[status], isLate(polling) ? 1 : 4)
  return instances.toSorted((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name))
}

export interface ListPageProps {
  /** A page of them, worst first. */
  instances: CutList<Instance>
  total: number
  isFirst: boolean
  countsOf: (instanceId: string) => InstanceCounts
  ignored: readonly string[]
  time: TimeFormat
}

export function ListPage({
  instances: { items, isCut },
  total,
  isFirst,
  countsOf,
  ignored,
  time,
}: ListPageProps) {
  const add = (
    <LinkButton kind="primary" icon="plus" href="/instances/new">
      Add instance
    </LinkButton>
  )
  return (
    <>
      <PageHead
        title="Instances"
        meta={<span>n8n servers that Flowkeep deploys to</span>}
        actions={
          <>
            <LinkButton href="/environments">Environments</LinkButton>
            {total > 0 && add}
          </>
        }
      />
      <IgnoredFilters ignored={ignored} />
      <Card label="Instances" flush results>
        {total === 0 ? (
          <Empty title="No instances yet." action={add}>
            Flowkeep deploys workflows to n8n instances and fetches their runs. To add an instance, you need
            its URL and an API key.
          </Empty>
        ) : (
          <Table
            caption="Instances, worst first"
            class="inst-table"
            columns={[
              { label: 'Instance' },
              { label: 'State' },
              { label: 'n8n' },
              { label: 'Lag', numeric: true },
              { label: 'Live', numeric: true },
              { label: 'Dead letters', numeric: true },
            ]}
          >
            {items.map((instance) => (
              <Row instance={instance} counts={countsOf(instance.id)} time={time} />
            ))}
          </Table>
        )}
      </Card>
      {items.length < total && (
        <Pagination
          text={`Showing ${count(items.length)} of ${plural(total, 'instance')}.`}
          firstHref={isFirst ? null : '/instances'}
          nextHref={isCut ? `/instances?after=${items.at(-1)?.id}` : null}
        />
      )}
    </>
  )
}

function Row({ instance, counts, time }: { instance: Instance; counts: InstanceCounts; time: TimeFormat }) {
  const { id, name, baseUrl, environment, status, statusDetail, n8nVersion, capabilities, polling } = instance
  const limitations = capabilities?.cannot.length ?? 0
  const isBad = status === 'refused' || status === 'unreachable'
  return (
    <Tr {...(isBad && { tone: 'fail' })}>
      <Td>
        <NameCell
          badge={<Icon name="instances" />}
          href={`/instances/${id}`}
          name={name}
          note={environment === null ? hostOf(baseUrl) : `${environment} · ${hostOf(baseUrl)}`}
        />
      </Td>
      <Td phone="end" class="inst-state">
        <span class="two-lines">
          <Status {...instanceStyle(status)} />
          {isBad ? (
            <small class="inst-detail" title={statusDetail ?? undefined}>
              {statusDetail}
            </small>
          ) : (
            limitations > 0 && <small>{plural(limitations, 'limitation')}</small>
          )}
        </span>
      </Td>
      <Td phone="hide">
        <span class="two-lines">
          <span>{n8nVersion ?? unknown}</span>
          {capabilities?.generation === 'legacy' && <small>older public API</small>}
        </span>
      </Td>
      <Td numeric phone="line">
        <span class="two-lines">
          <span>
            <span class="inst-unit">Lag </span>
            <Lag polling={polling} />
          </span>
          {polling.lastPolledAt && (
            <small>
              polled <Time at={polling.lastPolledAt} format={time} as="relative" />
            </small>
          )}
        </span>
      </Td>
      <Td numeric phone="line" class="inst-live">
        <a href={`/deployments?inst=${id}&status=active`}>
          {count(counts.active)}
          <span class="inst-unit"> live</span>
        </a>
      </Td>
      <Td numeric phone={counts.deadLetters > 0 ? 'line' : 'hide'}>
        {counts.deadLetters > 0 ? (
          <a class="wait" href={`/instances/${id}/dead-letters`}>
            {count(counts.deadLetters)}
            <span class="inst-unit"> {counts.deadLetters === 1 ? 'dead letter' : 'dead letters'}</span>
          </a>
        ) : (
          <span class="muted">{none}</span>
        )}
      </Td>
    </Tr>
  )
}

const hostOf = (baseUrl: string) => baseUrl.replace(/^https?:\/\//, '')
