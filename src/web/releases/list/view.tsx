/** @module The list of releases. */
import type { ReleaseSummary } from '../../../releases/contract.ts'
import { Card, Empty } from '../../components/card.tsx'
import { LinkButton, Pagination, withQuery } from '../../components/controls.tsx'
import { Status } from '../../components/status.tsx'
import { NameCell, Table, Td, Time, Tr } from '../../components/table.tsx'
import { plural, type TimeFormat } from '../../format.ts'
import { PageHead } from '../../layout/page.tsx'
import { releaseStyle } from '../page-context.ts'

export const nameOf = ({ workflows }: Pick<ReleaseSummary, 'workflows'>): string => {
  const [first, ...others] = workflows.map(({ name, version }) => `${name} v${version}`)
  return others.length === 0 ? (first ?? '') : `${first} and ${plural(others.length, 'other workflow')}`
}

export const placeOf = ({ fromEnvironment, toEnvironment, targets }: ReleaseSummary): string => {
  if (fromEnvironment !== null) return `from ${fromEnvironment} to ${toEnvironment}`
  return toEnvironment === null ? plural(targets.total, 'target') : `to ${toEnvironment}`
}

/** Targets that the release has finished, in either direction. */
export const doneOf = ({ status, targets }: ReleaseSummary): number =>
  status === 'rolling-back' || status === 'rolled-back'
    ? targets.rolledBack + targets.kept
    : targets.deployed + targets.unchanged

interface ListPageProps {
  items: readonly ReleaseSummary[]
  nextCursor: string | null
  isFirstPage: boolean
  time: TimeFormat
}

export function ListPage({ items, nextCursor, isFirstPage, time }: ListPageProps) {
  const actions = (
    <>
      <LinkButton href="/releases/promote">Promote</LinkButton>
      <LinkButton kind="primary" icon="plus" href="/releases/new">
        Plan release
      </LinkButton>
    </>
  )
  return (
    <>
      <PageHead title="Releases" meta={<span>Deploy workflows to many instances</span>} actions={actions} />
      <Card label="Releases" flush results>
        {items.length === 0 ? (
          <Empty title="No releases yet." action={<LinkButton href="/releases/new">Plan release</LinkButton>}>
            A release deploys a workflow to a few instances first, observes its runs there, and then deploys
            the rest.
          </Empty>
        ) : (
          <Table
            caption="Releases, newest first"
            columns={[
              { label: 'Release' },
              { label: 'State' },
              { label: 'Targets', numeric: true },
              { label: 'Created', numeric: true },
            ]}
          >
            {items.map((release) => (
              <Tr {...(release.status === 'halted' && { tone: 'fail' })}>
                <Td>
                  <NameCell href={`/releases/${release.id}`} name={nameOf(release)} note={placeOf(release)} />
                </Td>
                <Td phone="end">
                  <Status {...releaseStyle(release)} />
                </Td>
                <Td numeric phone="line">
                  {doneOf(release)} of {release.targets.total}
                </Td>
                <Td numeric phone="hide">
                  <Time at={release.createdAt} format={time} />
                </Td>
              </Tr>
            ))}
          </Table>
        )}
      </Card>
      {items.length > 0 && (
        <Pagination
          text={`Showing ${plural(items.length, 'release')}.`}
          firstHref={isFirstPage ? null : '/releases'}
          nextHref={nextCursor && withQuery('/releases', {}, { after: nextCursor })}
        />
      )}
    </>
  )
}
