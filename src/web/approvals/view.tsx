/** @module The list of approvals, and one with what it would change. */
import type { Approval } from '../../approvals/contract.ts'
import type { Plan } from '../../deployments/plan/contract.ts'
import { descriptionOf } from '../../http/scopes.ts'
import type { Slice } from '../../http/page.ts'
import { Card, Empty, Grid, KeyValues, Remark } from '../components/card.tsx'
import { Action, Pagination, withQuery } from '../components/controls.tsx'
import { Status, type StatusStyle } from '../components/status.tsx'
import { NameCell, Table, Td, Time, Tr } from '../components/table.tsx'
import { effectsOf } from '../components/plan-effects.ts'
import { Differences, Effects } from '../components/plan-changes.tsx'
import { plural, type TimeFormat } from '../format.ts'
import { PageHead } from '../layout/page.tsx'

const path = '/approvals'

const styles: Record<Approval['status'], StatusStyle> = {
  pending: { tone: 'wait', label: 'Pending' },
  approved: { tone: 'run', label: 'Approved' },
  denied: { tone: 'fail', label: 'Denied' },
  used: { tone: 'ok', label: 'Used' },
  expired: { tone: 'idle', label: 'Expired', struckThrough: true },
}

interface ListPageProps {
  pending: readonly Approval[]
  history: Slice<Approval>
  isFirst: boolean
  time: TimeFormat
}

export const ListPage = ({ pending, history, isFirst, time }: ListPageProps) => (
  <>
    <PageHead title="Approvals" meta={<span>Requests by access tokens that need your approval</span>} />
    <Card title="Pending" flush results>
      {pending.length === 0 ? (
        <Empty title="No pending approvals.">
          If an agent tries to delete something, overwrite changes made in n8n or deploy to production, and
          its token lacks the scope, the request waits here for you.
        </Empty>
      ) : (
        <Approvals items={pending} caption="Pending approvals, newest first" time={time} />
      )}
    </Card>
    {history.items.length > 0 && (
      <Card title="History" note="stored for 90 days" flush>
        <Approvals items={history.items} caption="Decided approvals, newest first" time={time} />
      </Card>
    )}
    {(history.nextCursor !== null || !isFirst) && (
      <Pagination
        text={`Showing ${plural(history.items.length, 'approval')}.`}
        firstHref={isFirst ? null : path}
        nextHref={history.nextCursor === null ? null : withQuery(path, { after: history.nextCursor })}
      />
    )}
  </>
)

const Approvals = ({
  items,
  caption,
  time,
}: {
  items: readonly Approval[]
  caption: string
  time: TimeFormat
}) => (
  <Table
    caption={caption}
    columns={[{ label: 'Request' }, { label: 'State' }, { label: 'Asked', numeric: true }]}
  >
    {items.map(({ id, summary, token, status, createdAt }) => (
      <Tr>
        <Td>
          <NameCell href={`${path}/${id}`} name={summary} note={token.name} />
        </Td>
        <Td phone="end">
          <Status {...styles[status]} />
        </Td>
        <Td numeric phone="line">
          <Time at={createdAt} format={time} as="relative" />
        </Td>
      </Tr>
    ))}
  </Table>
)

/** What a stored approval shows, by kind. */
interface Details {
  name: string
  instance?: { name: string; isProduction: boolean }
  plan?: Plan
  force?: string
  with?: string
  deployments?: { id: string; workflow: string; version: number; status: string; instance: NamedInstance }[]
  instances?: NamedInstance[]
}
interface NamedInstance {
  name: string
  isProduction: boolean
}

export function ApprovalPage({ approval, time }: { approval: Approval; time: TimeFormat }) {
  const { id, kind, summary, status, scopes } = approval
  const details = approval.details as unknown as Details
  const { plan, force, instance } = details
  const fields = Array.isArray(approval.request['fields']) ? approval.request['fields'].map(String) : []
  return (
    <>
      <PageHead
        title={summary}
        meta={<Status {...styles[status]} />}
        actions={
          (status === 'pending' || status === 'approved') && (
            <>
              {status === 'pending' && (
                <Action action={`${path}/${id}/approve`} kind="primary" icon="check">
                  Approve once
                </Action>
              )}
              <Action action={`${path}/${id}/deny`} icon="cross">
                Deny
              </Action>
            </>
          )
        }
      />
      {status === 'pending' && (
        <Remark tone="wait">
          Text from workflows and tokens can be misleading. Approve only what you asked for.
        </Remark>
      )}
      <Grid>
        <div class="stack span-8">
          {plan ? (
            <>
              <Effects
                effects={effectsOf(plan, { workflow: details.name, instance: instance?.name ?? 'n8n' })}
              />
              <Credentials plan={plan} />
              <Differences plan={plan} />
            </>
          ) : (
            <Affected details={details} kind={kind} fields={fields} />
          )}
        </div>
        <div class="stack span-4">
          <Warnings details={details} kind={kind} force={force ?? approval.request['force']} />
          <Request approval={approval} time={time} />
          <Card title="Scopes">
            <div class="stack">
              <p class="soft">The token lacks these scopes. Approving grants them for this request only.</p>
              {scopes.map((scope) => (
                <p class="soft">
                  <code>{scope}</code> {descriptionOf(scope)}
                </p>
              ))}
            </div>
          </Card>
        </div>
      </Grid>
    </>
  )
}

/** What `force` without a reason overrides. */
const obstacles: Partial<Record<Approval['kind'], string>> = {
  'delete-workflow': 'deployments use the workflow',
  'delete-credential': 'deployments use the credential',
  'delete-instance': 'deployed workflows remain in n8n',
  'delete-deployment': 'n8n is unreachable',
  deactivate: 'live workflows call this one',
  undeploy: 'live workflows call this one',
}

function Warnings({ details, kind, force }: { details: Details; kind: Approval['kind']; force: unknown }) {
  const { plan, instance, deployments = [], instances = [] } = details
  const all = [instance, ...instances, ...deployments.map((each) => each.instance)]
  const drifted = plan?.dependencies.filter((each) => each.drifted) ?? []
  const isForced = force !== undefined && force !== false
  const lines = [
    all.some((each) => each?.isProduction) && 'This affects a production instance.',
    plan?.live?.drifted && 'Changes made in n8n are overwritten.',
    drifted.length > 0 &&
      `Changes made in n8n to ${drifted.map(({ name }) => name).join(', ')} are overwritten.`,
    kind === 'replace-credential' && 'Changes made in n8n to these workflows are overwritten.',
    kind.startsWith('delete-') && 'This cannot be undone.',
    kind === 'update-credential' && 'The current values are lost.',
    isForced &&
      (typeof force === 'string'
        ? `Uses force, with the reason: ${force}`
        : `Uses force: the request succeeds even if ${obstacles[kind] ?? 'the workflow is in use'}.`),
  ].filter((line) => typeof line === 'string')
  return lines.length === 0 ? null : (
    <>
      {lines.map((line) => (
        <Remark tone="wait">{line}</Remark>
      ))}
    </>
  )
}

const Request = ({ approval, time }: { approval: Approval; time: TimeFormat }) => {
  const { token, agent, createdAt, expiresAt, decidedAt, usedAt, status } = approval
  return (
    <Card title="Request">
      <KeyValues
        items={[
          [
            'Token',
            <a class="link" href={`/account/tokens/${token.id}`}>
              {token.name}
            </a>,
          ],
          agent === null ? null : ['Program', agent],
          ['Asked', <Time at={createdAt} format={time} />],
          decidedAt === null ? null : ['Decided', <Time at={decidedAt} format={time} />],
          usedAt === null ? null : ['Used', <Time at={usedAt} format={time} />],
          status === 'pending' || status === 'approved'
            ? ['Expires', <Time at={expiresAt} format={time} />]
            : null,
          [
            'Audit trail',
            <a class="link" href={withQuery('/audit', { action: 'approval' })}>
              Approvals
            </a>,
          ],
        ]}
      />
    </Card>
  )
}

/** Where each credential would be sent. */
const Credentials = ({ plan }: { plan: Plan }) =>
  plan.slots.length === 0 ? null : (
    <Card title="Credentials" note="and where nodes send them" flush>
      <Table
        caption="Credentials of the workflow"
        columns={[{ label: 'Node' }, { label: 'Credential' }, { label: 'Sent to' }]}
      >
        {plan.slots.map(({ node, displayName, credential, sentTo }) => (
          <Tr>
            <Td>
              <NameCell name={node} note={displayName} />
            </Td>
            <Td phone="end">{credential?.name ?? <span class="muted">None</span>}</Td>
            <Td phone="line">
              {sentTo === undefined ? 'its service' : (sentTo ?? 'a host determined at run time')}
            </Td>
          </Tr>
        ))}
      </Table>
    </Card>
  )

const affectedTitles: Partial<Record<Approval['kind'], string>> = {
  'delete-workflow': 'Deployments that Flowkeep stops tracking',
  'replace-credential': 'Deployments that get the replacement',
}

function Affected({
  details: { name, deployments, instances, instance, with: other },
  kind,
  fields,
}: {
  details: Details
  kind: Approval['kind']
  fields: readonly string[]
}) {
  return (
    <>
      <Card title="What it affects">
        <KeyValues
          items={[
            ['Name', name],
            other === undefined ? null : ['Replaced with', other],
            fields.length > 0 ? ['Fields', fields.join(', ')] : null,
            instance ? ['Instance', instance.name] : null,
            instances
              ? ['Sent to', instances.map((each) => each.name).join(', ') || 'no instance yet']
              : null,
          ]}
        />
      </Card>
      {deployments && (
        <Card title={affectedTitles[kind] ?? 'Deployments that use it'} flush>
          {deployments.length === 0 ? (
            <Empty title="No deployment uses it." />
          ) : (
            <Table
              caption="Deployments"
              columns={[{ label: 'Workflow' }, { label: 'Instance' }, { label: 'State' }]}
            >
              {deployments.map((each) => (
                <Tr>
                  <Td>
                    <NameCell
                      href={`/deployments/${each.id}`}
                      name={each.workflow}
                      note={`v${each.version}`}
                    />
                  </Td>
                  <Td phone="end">{each.instance.name}</Td>
                  <Td phone="line">{each.status}</Td>
                </Tr>
              ))}
            </Table>
          )}
        </Card>
      )}
    </>
  )
}
