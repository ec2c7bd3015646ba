/** @module The audit trail as a table. */
import type { AuditEvent, NamedAuditEvent } from '../../users/audit-events.ts'
import { Card, Empty } from '../components/card.tsx'
import {
  FilterForm,
  FilterSelect,
  FilterText,
  IgnoredFilters,
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
  actionText,
  actors,
  type Entity,
  entities,
  entityLabels,
  knownActions,
  labelOf,
} from './labels.ts'

export interface TrailProps {
  events: readonly NamedAuditEvent[]
  nextCursor: string | null
  query: AuditQuery
  /** The name of the account's owner. */
  owner: string
  time: TimeFormat
}

const path = '/audit'

const icons: Record<Entity, IconName> = {
  user: 'credentials',
  session: 'arrow',
  factor: 'credentials',
  token: 'credentials',
  app: 'robot',
  approval: 'check',
  credential: 'credentials',
  workflow: 'workflows',
  environment: 'instances',
  instance: 'instances',
  deployment: 'deployments',
  release: 'deployments',
  execution: 'executions',
  'dead-letter': 'executions',
  error: 'cross',
  audit: 'audit',
  alert: 'bell',
  'model-prices': 'robot',
}

export function Trail({ events, nextCursor, query, owner, time }: TrailProps) {
  const { params } = query
  const hasOrigin = events.some((event) => originOf(event) !== null)
  const isFiltered =
    query.action !== null || query.q !== null || query.by !== null || query.period.days !== null
  return (
    <>
      <PageHead
        title="Audit trail"
        meta={<span>Newest first. Events are stored for 400 days and cannot be edited.</span>}
        actions={
          <LinkButton href={withQuery(`${path}/export.csv`, params, { after: null })} icon="download">
            Download CSV
          </LinkButton>
        }
      />
      <div class="audit-bar">
        <FilterForm action={path} keep={query.period.days === null ? {} : { period: query.period.name }}>
          <FilterText label="Object, IP address or detail" value={query.q ?? ''} />
          <FilterSelect name="action" label="Action" value={query.action ?? ''} options={actionOptions} />
          <FilterSelect
            name="by"
            label="Actor"
            value={query.by ?? ''}
            options={[['', 'Anyone'], ...actors.map((actor) => [actor, actorName(actor, owner)] as const)]}
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
      <IgnoredFilters ignored={query.ignored} />
      <Card label="Audit trail" flush results>
        {events.length === 0 ? (
          <Empty
            title={isFiltered ? 'No matching events.' : 'No events yet.'}
            action={isFiltered && <LinkButton href={path}>Clear filters</LinkButton>}
          />
        ) : (
          <Table
            caption="Audit events, newest first"
            columns={hasOrigin ? [...columns, { label: 'IP address' }] : columns}
            class="audit-table"
          >
            {events.map((event) => (
              <Line event={event} owner={owner} time={time} hasOrigin={hasOrigin} />
            ))}
          </Table>
        )}
      </Card>
      {events.length > 0 && (
        <Pagination
          text={`Showing ${plural(events.length, 'event')}.`}
          firstHref={params.has('after') ? withQuery(path, params, { after: null }) : null}
          nextHref={nextCursor === null ? null : withQuery(path, params, { after: nextCursor })}
        />
      )}
    </>
  )
}

const columns = [{ label: 'Time' }, { label: 'Event' }, { label: 'Object' }, { label: 'Actor' }]

type Option = readonly [value: string, text: string]

const optionsOf = (entity: Entity): Option[] => {
  const actions = knownActions.filter((action) => action.startsWith(`${entity}.`))
  return [
    [entity, entityLabels[entity].many],
    ...actions.map((action): Option => [action, `– ${actionText(action)}`]),
  ]
}

const actionOptions: Option[] = [['', 'Any action'], ...entities.flatMap(optionsOf)]

interface LineProps {
  event: NamedAuditEvent
  owner: string
  time: TimeFormat
  hasOrigin: boolean
}

function Line({ event, owner, time, hasOrigin }: LineProps) {
  const { text, actor, tone, entity } = labelOf(event)
  return (
    <Tr {...(tone === 'fail' && { tone })}>
      <Td class="audit-when" phone="end">
        <Time at={event.at} format={time} />
      </Td>
      <Td>
        <span class="audit-what">
          {tone === null ? <Icon name={entity ? icons[entity] : 'audit'} small /> : <Glyph tone={tone} />}
          <span>
            {text}
            <small class="mono">{event.action}</small>
          </span>
        </span>
      </Td>
      <Td phone="line">
        <Subject event={event} entity={entity} />
      </Td>
      <Td phone="hide">
        {event.token
          ? `${event.actor === 'app' ? 'App' : 'Token'} ${event.token.name}`
          : actorName(actor, owner)}
      </Td>
      {hasOrigin && (
        <Td phone="hide">
          <span class="two-lines" title={event.userAgent ?? undefined}>
            {originOf(event) ?? <span class="muted">?</span>}
            {event.userAgent !== null && <small class="truncate">{event.userAgent.slice(0, 40)}</small>}
          </span>
        </Td>
      )}
    </Tr>
  )
}

const actorName = (actor: Actor, owner: string) =>
  ({ owner, flowkeep: 'Flowkeep', operator: 'Server operator', unknown: 'Unknown' })[actor]

/** The IP address of the request, which not every event records. */
function originOf({ clientAddress, details }: AuditEvent): string | null {
  const from = clientAddress ?? details?.ip ?? details?.from
  return typeof from === 'string' ? from : null
}

const isChannel = (action: string): boolean => /^alert\.(channel-|secret-)/.test(action)

const hasPage: ReadonlySet<Entity> = new Set(['credential', 'workflow', 'instance', 'deployment'])

function Subject({ event, entity }: { event: NamedAuditEvent; entity: Entity | null }) {
  const { action, subjectId, subjectName, details } = event
  if (entity === 'user') return <span class="muted">the account</span>
  if (entity === 'error' && typeof details?.fingerprint === 'string') {
    return (
      <a class="row-link" href={`/errors/${details.fingerprint}`} data-row>
        <code>{details.fingerprint}</code>
      </a>
    )
  }
  if (entity === 'token' && typeof details?.name === 'string') {
    return <span class="muted">{details.name}</span>
  }
  if (subjectId === null || entity === null) return <span class="muted">–</span>
  const id = <code title={subjectId}>{subjectId.slice(-8)}</code>
  if (!hasPage.has(entity)) {
    return (
      <span class="muted">
        {isChannel(action) ? 'alert channel' : entityLabels[entity].one} {id}
      </span>
    )
  }
  if (subjectName === null) {
    return (
      <span class="muted">
        {entityLabels[entity].one} {id}
        {typeof details?.type === 'string' && ` of type ${details.type}`}, deleted
      </span>
    )
  }
  return (
    <a class="row-link" href={`/${entity}s/${subjectId}`} data-row>
      {subjectName}
    </a>
  )
}
