/** @module The audit trail: who did what to which thing, and when. */
import type { AuditEvent } from '../../users/audit-events.ts'
import { Card, Empty, Remark } from '../components/card.tsx'
import {
  FilterForm,
  FilterSelect,
  LinkButton,
  Pagination,
  Segmented,
  withQuery,
} from '../components/controls.tsx'
import { Icon, type IconName } from '../components/icons.tsx'
import { PageHead } from '../layout/page.tsx'
import { Glyph } from '../components/status.tsx'
import { Table, Td, Time, Tr } from '../components/table.tsx'
import { plural, type TimeFormat } from '../format.ts'
import { type AuditQuery, auditPeriods } from './filter.ts'
import {
  type Actor,
  actionLabel,
  type Entity,
  entities,
  entityWords,
  knownActions,
  wordsOf,
} from './labels.ts'

export interface TrailProps {
  events: readonly AuditEvent[]
  nextCursor: string | null
  names: ReadonlyMap<string, string>
  query: AuditQuery
  params: URLSearchParams
  who: string
  time: TimeFormat
}

const path = '/audit'

const icons: Record<Entity, IconName> = {
  user: 'credentials',
  session: 'arrow',
  credential: 'credentials',
  workflow: 'workflows',
  instance: 'instances',
  deployment: 'deployments',
}

export function Trail({ events, nextCursor, names, query, params, who, time }: TrailProps) {
  const saysOrigin = events.some((event) => origin(event) !== null)
  const isFiltered = query.action !== null || query.period.days !== null
  return (
    <>
      <PageHead
        title="Audit trail"
        meta={<span>Newest first, kept for 400 days. Nothing in it can be changed.</span>}
        actions={
          <LinkButton href={withQuery(`${path}/export.csv`, params, { after: null })} icon="download">
            Download CSV
          </LinkButton>
        }
      />
      <div class="audit-bar">
        <FilterForm action={path} keep={query.period.days === null ? {} : { period: query.period.name }}>
          <FilterSelect
            {...{ name: 'action', label: 'What was done', value: query.action ?? '', options: actionOptions }}
          />
        </FilterForm>
        <Segmented
          label="Period"
          choices={auditPeriods.map((each) => ({
            label: each.label,
            href: withQuery(path, params, { period: each.days === null ? null : each.name, after: null }),
            current: each.name === query.period.name,
          }))}
        />
      </div>
      {query.ignored.length > 0 && (
        <Remark tone="wait">Not known as a filter, so left out: {query.ignored.join(', ')}.</Remark>
      )}
      <Card label="Audit trail" flush>
        {events.length === 0 ? (
          <Empty
            title={isFiltered ? 'Nothing like it was recorded.' : 'Nothing is recorded yet.'}
            action={isFiltered && <LinkButton href={path}>Clear filters</LinkButton>}
          />
        ) : (
          <Table
            caption="What was done, newest first"
            columns={saysOrigin ? [...columns, { label: 'From' }] : columns}
            class="audit-table"
          >
            {events.map((event) => (
              <Line {...{ event, names, who, time, saysOrigin }} />
            ))}
          </Table>
        )}
      </Card>
      {events.length > 0 && (
        <Pagination
          text={`Showing ${plural(events.length, 'entry', 'entries')}.`}
          firstHref={params.has('after') ? withQuery(path, params, { after: null }) : null}
          nextHref={nextCursor === null ? null : withQuery(path, params, { after: nextCursor })}
        />
      )}
    </>
  )
}

const columns = [{ label: 'When' }, { label: 'What' }, { label: 'Object' }, { label: 'Who' }]

type Option = readonly [value: string, text: string]

const optionsOf = (entity: Entity): Option[] => {
  const actions = knownActions.filter((action) => action.startsWith(`${entity}.`))
  return [
    [entity, entityWords[entity].many],
    ...actions.map((action): Option => [action, `– ${actionLabel(action)}`]),
  ]
}

const actionOptions: Option[] = [['', 'Anything'], ...entities.flatMap(optionsOf)]

interface LineProps {
  event: AuditEvent
  names: ReadonlyMap<string, string>
  who: string
  time: TimeFormat
  /** There is a column for where it came from. */
  saysOrigin: boolean
}

function Line({ event, names, who, time, saysOrigin }: LineProps) {
  const { what, actor, tone, entity } = wordsOf(event)
  return (
    <Tr {...(tone === 'fail' && { tone })}>
      <Td class="audit-when" phone="end">
        <Time at={event.at} format={time} />
      </Td>
      <Td>
        <span class="audit-what">
          {tone === null ? <Icon name={entity ? icons[entity] : 'audit'} small /> : <Glyph tone={tone} />}
          <span>
            {what}
            <small class="mono">{event.action}</small>
          </span>
        </span>
      </Td>
      <Td phone="line">
        <Subject event={event} entity={entity} names={names} />
      </Td>
      <Td phone="hide">{actorWords(actor, who)}</Td>
      {saysOrigin && <Td phone="hide">{origin(event) ?? <span class="muted">?</span>}</Td>}
    </Tr>
  )
}

const actorWords = (actor: Actor, who: string) =>
  ({ owner: who, flowkeep: 'Flowkeep', operator: 'Whoever runs this server', somebody: 'Somebody' })[actor]

/** Where it came from, in entries that say so. */
function origin({ details }: AuditEvent): string | null {
  const from = details?.ip ?? details?.from
  return typeof from === 'string' ? from : null
}

const hasPage: ReadonlySet<Entity> = new Set(['credential', 'workflow', 'instance', 'deployment'])

function Subject({
  event,
  entity,
  names,
}: {
  event: AuditEvent
  entity: Entity | null
  names: LineProps['names']
}) {
  const { subjectId, details } = event
  if (entity === 'user') return <span class="muted">the account</span>
  if (subjectId === null || entity === null) return <span class="muted">–</span>
  const id = <code title={subjectId}>{subjectId.slice(-8)}</code>
  if (!hasPage.has(entity)) {
    return (
      <span class="muted">
        {entityWords[entity].one} {id}
      </span>
    )
  }
  const name = names.get(subjectId)
  if (name === undefined) {
    return (
      <span class="muted">
        {entityWords[entity].one} {id}
        {typeof details?.type === 'string' && ` of type ${details.type}`}, deleted since
      </span>
    )
  }
  return (
    <a class="row-link" href={`/${entity}s/${subjectId}`} data-row>
      {name}
    </a>
  )
}
