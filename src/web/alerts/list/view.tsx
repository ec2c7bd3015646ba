/** @module Rules as sentences, open incidents, channels, and recent messages with their state. */
import type { AlertChannel, AlertDelivery, AlertIncident, AlertRule } from '../../../alerts/contract.ts'
import type { Slice } from '../../../http/page.ts'
import { Card, Empty } from '../../components/card.tsx'
import { Action, Chip, IgnoredFilters, LinkButton } from '../../components/controls.tsx'
import { Status } from '../../components/status.tsx'
import { NameCell, Table, Td, Time, Tr } from '../../components/table.tsx'
import type { TimeFormat } from '../../format.ts'
import { PageHead } from '../../layout/page.tsx'
import { channelKinds, deliveryStyles, isMuted, ruleStyle } from '../page-context.ts'

export interface ListPageProps {
  rules: AlertRule[]
  channels: AlertChannel[]
  incidents: Slice<AlertIncident>
  deliveries: Slice<AlertDelivery>
  /** Shows only the rules and incidents of this workflow. */
  workflowId: string | null
  ignored: readonly string[]
  now: Date
  time: TimeFormat
}

export function ListPage(props: ListPageProps) {
  const { rules, channels, incidents, deliveries, workflowId, ignored, now, time } = props
  const newHref = workflowId === null ? '/alerts/new' : `/alerts/new?workflow=${workflowId}`
  const add = (
    <LinkButton kind="primary" icon="plus" href={newHref}>
      Add rule
    </LinkButton>
  )
  return (
    <>
      <PageHead
        title="Alerts"
        meta={<span>Rules that notify you once per incident</span>}
        actions={rules.length > 0 && add}
      />
      <IgnoredFilters ignored={ignored} />
      {workflowId !== null && (
        <div class="filters">
          <Chip label="Rules for one workflow" href="/alerts" removes />
        </div>
      )}
      <Card title="Rules" flush results>
        {rules.length === 0 ? (
          <Empty title="No alert rules yet." action={add}>
            A rule sends a message when workflows fail, schedules are missed, credentials are rejected,
            instances are unreachable or deployments drift.
          </Empty>
        ) : (
          <Rules rules={rules} now={now} time={time} />
        )}
      </Card>
      {incidents.items.length > 0 && (
        <Card title="Open incidents" flush {...(incidents.nextCursor && { note: 'latest 20' })}>
          <Table
            caption="Open incidents"
            columns={[{ label: 'Incident' }, { label: 'Since', numeric: true }]}
          >
            {incidents.items.map(({ link, summary, openedAt }) => (
              <Tr tone="fail">
                <Td>
                  <NameCell href={link} name={summary} />
                </Td>
                <Td numeric phone="line">
                  <Time at={openedAt} format={time} as="relative" />
                </Td>
              </Tr>
            ))}
          </Table>
        </Card>
      )}
      <Channels channels={channels} />
      {deliveries.items.length > 0 && (
        <Card title="Messages" flush {...(deliveries.nextCursor && { note: 'latest 20' })}>
          <Deliveries deliveries={deliveries.items} channels={channels} time={time} />
        </Card>
      )}
    </>
  )
}

const Rules = ({ rules, now, time }: Pick<ListPageProps, 'rules' | 'now' | 'time'>) => (
  <Table
    caption="Alert rules, newest first"
    columns={[
      { label: 'Rule' },
      { label: 'State' },
      { label: 'Last fired', numeric: true },
      { label: 'Mute', hidden: true },
    ]}
  >
    {rules.map((rule) => (
      <Tr {...(rule.openIncidents > 0 && { tone: 'fail' })}>
        <Td>
          <NameCell
            href={`/alerts/${rule.id}`}
            name={rule.sentence}
            {...(rule.channelIds.length === 0 && { note: 'Sends no messages: it has no channel' })}
          />
        </Td>
        <Td phone="end">
          <span class="two-lines">
            <Status {...ruleStyle(rule, now)} />
            {isMuted(rule, now) && (
              <small>
                {rule.openIncidents > 0 ? 'muted until' : 'until'}{' '}
                <Time at={rule.mutedUntil} format={time} as="brief" />
              </small>
            )}
          </span>
        </Td>
        <Td numeric phone="line">
          {rule.lastFiredAt === null ? (
            <span class="muted">never</span>
          ) : (
            <Time at={rule.lastFiredAt} format={time} as="relative" />
          )}
        </Td>
        <Td phone="line">
          {isMuted(rule, now) ? (
            <Action action={`/alerts/${rule.id}/mute`} fields={{ hours: '0' }} small>
              Unmute
            </Action>
          ) : (
            rule.enabled && (
              <Action action={`/alerts/${rule.id}/mute`} fields={{ hours: '24' }} small>
                Mute for 24 h
              </Action>
            )
          )}
        </Td>
      </Tr>
    ))}
  </Table>
)

function Channels({ channels }: Pick<ListPageProps, 'channels'>) {
  const add = (
    <LinkButton href="/alerts/channels/new" icon="plus" small={channels.length > 0}>
      Add channel
    </LinkButton>
  )
  return (
    <Card title="Channels" flush {...(channels.length > 0 && { aside: add })}>
      {channels.length === 0 ? (
        <Empty title="No channels yet." action={add}>
          A channel is where rules send messages: email, Slack or a signed webhook.
        </Empty>
      ) : (
        <Table
          caption="Channels, newest first"
          columns={[{ label: 'Channel' }, { label: 'Kind' }, { label: 'Actions', hidden: true }]}
        >
          {channels.map(({ id, kind, name, host }) => (
            <Tr>
              <Td>
                <NameCell name={name} note={host ?? 'Your own address'} />
              </Td>
              <Td phone="end">{channelKinds[kind]}</Td>
              <Td phone="line">
                <span class="actions">
                  <Action action={`/alerts/channels/${id}/test`} small>
                    Send test
                  </Action>
                  {kind === 'webhook' && (
                    <Action
                      action={`/alerts/channels/${id}/secret`}
                      confirm={`Create a new signing secret for ${name}? The current one stays valid for 24 hours.`}
                      small
                    >
                      New secret
                    </Action>
                  )}
                  <Action
                    action={`/alerts/channels/${id}/delete`}
                    confirm={`Delete ${name}? Rules stop sending to it.`}
                    small
                  >
                    Delete
                  </Action>
                </span>
              </Td>
            </Tr>
          ))}
        </Table>
      )}
    </Card>
  )
}

function Deliveries({
  deliveries,
  channels,
  time,
}: { deliveries: AlertDelivery[] } & Pick<ListPageProps, 'channels' | 'time'>) {
  const names = new Map(channels.map(({ id, name }) => [id, name]))
  return (
    <Table
      caption="Messages, newest first"
      columns={[{ label: 'Message' }, { label: 'State' }, { label: 'Replay', hidden: true }]}
    >
      {deliveries.map(
        ({ id, event, state, summary, channelId, attempts, lastError, nextAttemptAt, deliveredAt }) => (
          <Tr {...(state === 'failed' && { tone: 'fail' })}>
            <Td>
              <NameCell
                name={event === 'resolved' ? `Resolved: ${summary}` : summary}
                note={`To ${names.get(channelId) ?? 'a deleted channel'}`}
              />
            </Td>
            <Td phone="end">
              <span class="two-lines">
                <Status {...deliveryStyles[state]} />
                {lastError && <small title={lastError}>{lastError}</small>}
                {deliveredAt && (
                  <small>
                    <Time at={deliveredAt} format={time} as="relative" />
                  </small>
                )}
                {nextAttemptAt && attempts > 0 && (
                  <small>
                    next attempt <Time at={nextAttemptAt} format={time} as="brief" />
                  </small>
                )}
              </span>
            </Td>
            <Td phone="line">
              <Action action={`/alerts/deliveries/${id}/replay`} small>
                {state === 'pending' ? 'Retry now' : 'Replay'}
              </Action>
            </Td>
          </Tr>
        ),
      )}
    </Table>
  )
}
