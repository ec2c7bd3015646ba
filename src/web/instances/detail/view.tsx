/** @module One n8n server: whether it answers, what it cannot do, and how its results come here. */
import type { Instance } from '../../../instances/contract.ts'
import { Attention, Card, Empty, Grid, KeyValues } from '../../components/card.tsx'
import { Action, CopyButton, LinkButton } from '../../components/controls.tsx'
import { Icon, NodeBadge } from '../../components/icons.tsx'
import { PageHead } from '../../layout/page.tsx'
import { deploymentLook, instanceLook, Status, StatusTag } from '../../components/status.tsx'
import { NameCell, Table, Td, Time, Tr } from '../../components/table.tsx'
import { plural, type TimeFormat, unknown } from '../../format.ts'
import type { DeployedThere, InstanceCounts } from '../../../instances/queries.ts'
import { Lag, needsOf } from '../health.tsx'

export interface DetailPageProps {
  instance: Instance
  counts: InstanceCounts
  /** The first few. */
  deployed: DeployedThere[]
  time: TimeFormat
}

export function DetailPage({ instance, counts, deployed, time }: DetailPageProps) {
  const { id, name, baseUrl, status, n8nVersion } = instance
  const path = `/instances/${id}`
  const isWell = status === 'ok' || status === 'limited'
  const needs = needsOf(instance, counts, time)
  return (
    <>
      <PageHead
        title={name}
        meta={
          <>
            <StatusTag {...instanceLook(status)} />
            <a href={baseUrl} rel="noreferrer" target="_blank">
              <Icon name="external" small />
              {baseUrl}
              <span class="visually-hidden"> (opens in a new tab)</span>
            </a>
            {n8nVersion && <span>n8n {n8nVersion}</span>}
          </>
        }
        actions={
          <>
            <LinkButton href={`${path}/settings`} icon="pencil">
              Settings
            </LinkButton>
            <LinkButton href={`${path}/import`} icon="download">
              Import workflows
            </LinkButton>
            <Action action={`${path}/test`} icon="retry" {...(!isWell && { kind: 'primary' as const })}>
              Test now
            </Action>
            {isWell && (
              <LinkButton href={`/deployments/new?instance=${id}`} kind="primary" icon="deployments">
                Plan deployment
              </LinkButton>
            )}
          </>
        }
      />
      {needs.length > 0 && <Attention items={needs} />}
      <Grid>
        <div class="stack span-8">
          <Deployed deployed={deployed} counts={counts} instanceId={id} />
          <Results instance={instance} counts={counts} time={time} />
        </div>
        <div class="stack span-4">
          <Connection instance={instance} time={time} />
          <Cannot instance={instance} />
        </div>
      </Grid>
    </>
  )
}

function Deployed({
  deployed,
  counts,
  instanceId,
}: {
  deployed: DeployedThere[]
  counts: InstanceCounts
  instanceId: string
}) {
  return (
    <Card
      title="On this server"
      note={counts.total > 0 ? `${plural(counts.active, 'live deployment')} of ${counts.total}` : undefined}
      aside={
        counts.total > 0 && (
          <a class="link" href={`/deployments?inst=${instanceId}`}>
            All
          </a>
        )
      }
      flush
    >
      {deployed.length === 0 ? (
        <Empty
          title="Nothing is deployed here yet."
          action={<LinkButton href={`/instances/${instanceId}/import`}>Import workflows</LinkButton>}
        >
          Deploy a workflow to it, or import what it has already: its runs are then seen here.
        </Empty>
      ) : (
        <Table
          caption="Deployments on this server"
          columns={[{ label: 'Workflow' }, { label: 'State' }, { label: 'Version', numeric: true }]}
        >
          {deployed.map((each) => (
            <Tr>
              <Td>
                <NameCell
                  badge={<NodeBadge type={each.triggerType} />}
                  href={`/deployments/${each.id}`}
                  name={each.workflowName}
                />
              </Td>
              <Td phone="end">
                <Status {...deploymentLook(each.status)} />
              </Td>
              <Td numeric phone="line">
                v{each.version}
              </Td>
            </Tr>
          ))}
        </Table>
      )}
    </Card>
  )
}

function Cannot({ instance }: { instance: Instance }) {
  const { capabilities } = instance
  const cannot = capabilities?.cannot ?? []
  return (
    <Card title="What it cannot do" note={capabilities ? undefined : 'known after a test'}>
      {!capabilities ? (
        <p class="muted inst-text">
          A test asks n8n which calls it has and which of them the API key may use.
        </p>
      ) : cannot.length === 0 ? (
        <p class="soft inst-text">Nothing that Flowkeep needs is missing.</p>
      ) : (
        <ul class="inst-cannot">
          {cannot.map((sentence) => (
            <li>
              <Icon name="cross" small />
              {sentence}
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}

const generations = { current: 'with publishing', legacy: 'older, without publishing' } as const

function Connection({ instance, time }: { instance: Instance; time: TimeFormat }) {
  const { id, status, statusDetail, testedAt, n8nVersion, capabilities } = instance
  return (
    <Card
      title="Connection"
      aside={
        <a class="link" href={`/instances/${id}/settings#key`}>
          Rotate the key
        </a>
      }
    >
      <KeyValues
        items={[
          ['State', <Status {...instanceLook(status)} />],
          statusDetail ? ['Why', statusDetail] : null,
          ['Tested', testedAt ? <Time at={testedAt} format={time} /> : 'never'],
          ['n8n', n8nVersion ?? unknown],
          ['Public API', capabilities ? generations[capabilities.generation] : unknown],
          ['API key', 'encrypted; never shown'],
        ]}
      />
    </Card>
  )
}

function Results({
  instance,
  counts,
  time,
}: {
  instance: Instance
  counts: InstanceCounts
  time: TimeFormat
}) {
  const { id, baseUrl, polling, reporter, webhookUrl } = instance
  return (
    <Card
      title="Results"
      note="how runs come here"
      aside={
        <Action action={`/instances/${id}/poll`} small icon="retry">
          Poll now
        </Action>
      }
    >
      <KeyValues
        items={[
          ['Lag', <Lag polling={polling} />],
          ['Known until', <Time at={polling.polledThrough} format={time} />],
          ['Last polled', <Time at={polling.lastPolledAt} format={time} />],
          polling.failures > 0 ? ['Failed polls', `${polling.failures} in a row`] : null,
          [
            'Error reporter',
            reporter ? (
              <a
                class="link"
                href={`${baseUrl}/workflow/${encodeURIComponent(reporter.n8nWorkflowId)}`}
                rel="noreferrer"
                target="_blank"
              >
                set up in n8n<span class="visually-hidden"> (opens in a new tab)</span>
              </a>
            ) : (
              'not set up yet'
            ),
          ],
          [
            'Unused reports',
            counts.deadLetters > 0 ? (
              <a class="link" href={`/instances/${id}/dead-letters`}>
                {counts.deadLetters}
              </a>
            ) : (
              'none'
            ),
          ],
        ]}
      />
      <div class="inst-below">
        <Action action={`/instances/${id}/reporter`} small>
          {reporter ? 'Mend the reporter' : 'Set the reporter up'}
        </Action>
        <LinkButton href={`/instances/${id}/settings#token`} small>
          Webhook token
        </LinkButton>
      </div>
      <h3 class="deploy-subhead">Webhook</h3>
      <ul class="deploy-urls">
        <li>
          <code>{webhookUrl}</code>
          <CopyButton text={webhookUrl} />
        </li>
      </ul>
      <p class="hint">
        The reporter is a workflow in n8n that tells of failures at once. What else reports runs posts them to
        the webhook, with a token.
      </p>
    </Card>
  )
}
