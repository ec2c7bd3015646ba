/** @module One instance: its health, its limitations, its deployments and how its runs are collected. */
import { isExactVersion } from '../../../n8n/api/version.ts'
import type { Instance } from '../../../instances/contract.ts'
import { Attention, Card, Empty, Grid, KeyValues } from '../../components/card.tsx'
import { Action, CopyButton, LinkButton } from '../../components/controls.tsx'
import { Icon, NodeBadge } from '../../components/icons.tsx'
import { PageHead } from '../../layout/page.tsx'
import { instanceStyle, Status, statusBadge, StatusTag } from '../../components/status.tsx'
import { NameCell, Table, Td, Time, Tr } from '../../components/table.tsx'
import { count, type TimeFormat, unknown } from '../../format.ts'
import type { DeploymentListRow } from '../../../deployments/list-queries.ts'
import type { InstanceCounts } from '../../../instances/queries.ts'
import { Lag, attentionItems } from '../health.tsx'

export interface DetailPageProps {
  instance: Instance
  counts: InstanceCounts
  /** The first deployments on the instance. */
  deployed: DeploymentListRow[]
  time: TimeFormat
}

export function DetailPage({ instance, counts, deployed, time }: DetailPageProps) {
  const { id, name, baseUrl, environment, status, n8nVersion } = instance
  const path = `/instances/${id}`
  const isReachable = status === 'ok' || status === 'limited'
  const items = attentionItems(instance, counts, time)
  return (
    <>
      <PageHead
        title={name}
        meta={
          <>
            <StatusTag {...instanceStyle(status)} />
            <a href={baseUrl} rel="noreferrer" target="_blank">
              <Icon name="external" small />
              {baseUrl}
              <span class="visually-hidden"> (opens in a new tab)</span>
            </a>
            {environment !== null && <span>{environment}</span>}
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
            <Action action={`${path}/test`} icon="retry" {...(!isReachable && { kind: 'primary' as const })}>
              Test now
            </Action>
            {isReachable && (
              <LinkButton href={`/deployments/new?instance=${id}`} kind="primary" icon="deployments">
                Plan deployment
              </LinkButton>
            )}
          </>
        }
      />
      {items.length > 0 && <Attention items={items} />}
      <Grid>
        <div class="stack span-8">
          <DeployedWorkflows deployed={deployed} counts={counts} instanceId={id} />
          <RunCollection instance={instance} counts={counts} time={time} />
        </div>
        <div class="stack span-4">
          <Connection instance={instance} time={time} />
          <OwnValues instance={instance} />
          <Limitations instance={instance} />
        </div>
      </Grid>
    </>
  )
}

function OwnValues({ instance: { id, variables, credentials } }: { instance: Instance }) {
  const entries = Object.entries(variables)
  if (entries.length + credentials.length === 0) return null
  return (
    <Card title="Variables and credentials" note="take precedence over those of its environment">
      <KeyValues
        items={[
          ...entries.map(([name, value]) => [`$vars.${name}`, value] as const),
          credentials.length > 0
            ? [
                'Credentials',
                <a href={`/instances/${id}/settings`}>{credentials.map(({ type }) => type).join(', ')}</a>,
              ]
            : null,
        ]}
      />
    </Card>
  )
}

function DeployedWorkflows({
  deployed,
  counts,
  instanceId,
}: {
  deployed: DeploymentListRow[]
  counts: InstanceCounts
  instanceId: string
}) {
  return (
    <Card
      title="Deployments"
      note={counts.total > 0 ? `${count(counts.active)} of ${count(counts.total)} live` : undefined}
      aside={
        counts.total > 0 && (
          <a class="link" href={`/deployments?inst=${instanceId}`}>
            All deployments
          </a>
        )
      }
      flush
    >
      {deployed.length === 0 ? (
        <Empty
          title="No deployments on this instance yet."
          action={<LinkButton href={`/instances/${instanceId}/import`}>Import workflows</LinkButton>}
        >
          Deploy a workflow, or import one from n8n, to record its runs.
        </Empty>
      ) : (
        <Table
          caption="Deployments on this instance"
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
                <Status {...statusBadge(each)} />
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

function Limitations({ instance }: { instance: Instance }) {
  const { capabilities } = instance
  const limitations = capabilities?.cannot ?? []
  return (
    <Card title="Limitations" note={capabilities ? undefined : 'unknown until tested'}>
      {!capabilities ? (
        <p class="muted inst-text">
          A test checks which API calls n8n supports and which of them the API key can use.
        </p>
      ) : limitations.length === 0 ? (
        <p class="soft inst-text">None. Flowkeep can use every feature it needs.</p>
      ) : (
        <ul class="inst-limitations">
          {limitations.map((sentence) => (
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
          Replace key
        </a>
      }
    >
      <KeyValues
        items={[
          ['State', <Status {...instanceStyle(status)} />],
          statusDetail ? ['Reason', statusDetail] : null,
          ['Tested', testedAt ? <Time at={testedAt} format={time} /> : 'never'],
          [
            'n8n',
            n8nVersion === null || isExactVersion(n8nVersion) ? (
              (n8nVersion ?? unknown)
            ) : (
              <>
                {n8nVersion} (hidden by n8n;{' '}
                <a class="link" href={`/instances/${id}/settings`}>
                  set version
                </a>
                )
              </>
            ),
          ],
          ['Public API', capabilities ? generations[capabilities.generation] : unknown],
          ['API key', 'encrypted; never shown'],
        ]}
      />
    </Card>
  )
}

function RunCollection({
  instance,
  counts,
  time,
}: {
  instance: Instance
  counts: InstanceCounts
  time: TimeFormat
}) {
  const { id, baseUrl, polling, reporter, otel, webhookUrl } = instance
  return (
    <Card
      title="Run collection"
      note="how Flowkeep receives runs"
      aside={
        <Action action={`/instances/${id}/poll`} small icon="retry">
          Poll now
        </Action>
      }
    >
      <KeyValues
        items={[
          ['Lag', <Lag polling={polling} />],
          ['Up to date as of', <Time at={polling.polledThrough} format={time} />],
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
          ['OpenTelemetry', otel ? (otel.isCurrent ? 'n8n sends every run' : 'token expires') : 'not set up'],
          [
            'Dead letters',
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
          {reporter ? 'Repair error reporter' : 'Set up error reporter'}
        </Action>
        {!otel?.isCurrent && (
          <Action action={`/instances/${id}/otel`} small>
            Receive runs via OpenTelemetry
          </Action>
        )}
        {otel && (
          <Action action={`/instances/${id}/otel/remove`} small>
            Stop OpenTelemetry
          </Action>
        )}
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
        The error reporter is a workflow in n8n that reports failures immediately. With OpenTelemetry, n8n
        2.19 or later sends every run with its nodes within seconds. Other systems can post runs to this
        webhook with the webhook token.
      </p>
    </Card>
  )
}
