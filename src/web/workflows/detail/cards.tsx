/** @module Cards of a workflow's overview: credentials, recent runs, nodes, findings. */
import type { PropsWithChildren } from 'hono/jsx'
import type { NodeStats } from '../../../analytics/contract.ts'
import type { ExecutionSummary } from '../../../executions/contract.ts'
import type { Finding } from '../../../n8n/checks/finding.ts'
import type { Workflow } from '../../../workflows/contract.ts'
import type { SlotReadiness } from '../../../workflows/readiness-contract.ts'
import { Card, Empty, type Span } from '../../components/card.tsx'
import { Action, LinkButton } from '../../components/controls.tsx'
import { NodeBadge } from '../../components/icons.tsx'
import { credentialStyle, executionStyle, Status } from '../../components/status.tsx'
import { NameCell, Table, Td, Time, Tr } from '../../components/table.tsx'
import { count, duration, none, percent, plural, type TimeFormat } from '../../format.ts'
import { isProblem, type NeededCredential } from './credentials-needed.ts'
import { newCredentialHref } from '../../links/setup.ts'
import { countedRunsHref, runsHref } from '../links.ts'

interface CredentialsProps {
  needed: readonly NeededCredential[]
  unresolved: SlotReadiness['unresolved']
  /** The instance whose bindings are shown. */
  on: string | null
  /** Where to return after adding a credential. */
  back: string
  time: TimeFormat
}

export const CredentialsCard = ({ needed, unresolved, on, back, time }: CredentialsProps) => (
  <Card title="Required credentials" id="credentials" aside={on && <span class="muted">on {on}</span>}>
    {needed.length === 0 ? (
      <p class="muted">No nodes need a credential.</p>
    ) : (
      <ul class="list">
        {needed.map((each) => (
          <li>
            <NodeBadge type={each.type} />
            <span>
              {each.displayName}
              {each.optional && <span class="muted"> optional</span>}
              <small>{credentialNote(each, time)}</small>
            </span>
            <CredentialAction needed={each} back={back} />
          </li>
        ))}
      </ul>
    )}
    {unresolved.length > 0 && (
      <p class="workflow-aside muted">
        {unresolved.map(({ node }) => node).join(', ')}: an expression selects the credential at run time.
      </p>
    )}
  </Card>
)

function credentialNote(
  { state, credential, bound, others, nodes }: NeededCredential,
  time: TimeFormat,
): string {
  if (state === 'remote') return 'Stored in n8n only'
  if (state === 'open') {
    return `${plural(others, 'credential')} available. Choose one for ${nodes.join(', ')} when you deploy.`
  }
  if (!credential) {
    return `Missing. ${nodes.length === 1 ? `${nodes[0]} needs it.` : `${plural(nodes.length, 'node')} need it.`}`
  }
  const { name, checkedAt } = credential
  if (state === 'invalid') return `${name} was rejected${checkedAt ? ` ${time.afterVerb(checkedAt)}` : ''}`
  if (bound) return name
  return others > 0 ? `${name}, or ${plural(others, 'other')}` : `${name}, not bound yet`
}

function CredentialAction({ needed, back }: { needed: NeededCredential; back: string }) {
  const { state, type, credential, displayName } = needed
  if (state === 'missing') {
    return (
      <LinkButton small href={newCredentialHref(type, back)}>
        Add<span class="visually-hidden"> {displayName} credential</span>
      </LinkButton>
    )
  }
  if (state === 'open') return <Status tone="wait" label="Choose when deploying" />
  if (state === 'remote' || !credential) return <Status tone="idle" label="Unknown" />
  const href = `/credentials/${credential.id}`
  if (isProblem(needed)) {
    return (
      <LinkButton small href={href}>
        Fix<span class="visually-hidden"> {credential.name}</span>
      </LinkButton>
    )
  }
  return (
    <a href={href}>
      <Status {...credentialStyle(credential.status)} />
    </a>
  )
}

export function RecentRunsCard({
  id,
  runs,
  time,
}: {
  id: string
  runs: readonly ExecutionSummary[]
  time: TimeFormat
}) {
  return (
    <Card
      title="Recent runs"
      flush
      aside={
        runs.length > 0 && (
          <a class="link" href={runsHref(id)}>
            View all
          </a>
        )
      }
    >
      {runs.length === 0 ? (
        <Empty title="No runs yet.">Deploy or track this workflow to see its runs in n8n here.</Empty>
      ) : (
        <Table
          class="workflow-rows"
          caption="Latest runs"
          columns={[{ label: 'Run' }, { label: 'Started' }, { label: 'Duration', numeric: true }]}
        >
          {runs.map((run) => (
            <Tr>
              <Td>
                <a
                  class="row-link"
                  href={`/executions/${run.id}?list=${encodeURIComponent(`wf=${id}`)}`}
                  data-row
                >
                  <Status {...executionStyle(run)} />
                  <span class="visually-hidden"> #{run.n8nExecutionId}</span>
                </a>
              </Td>
              <Td phone="line">
                <Time at={run.startedAt ?? run.receivedAt} format={time} />
                <span class="muted"> v{run.workflowVersion}</span>
              </Td>
              <Td numeric phone="end">
                {duration(run.durationMs)}
              </Td>
            </Tr>
          ))}
        </Table>
      )}
    </Card>
  )
}

/** @param props.nodes statistics of the last 30 days */
export function NodeStatsCard({ id, nodes }: { id: string; nodes: NodeStats }) {
  return (
    <Card title="Nodes" note="last 30 days, most failures first" flush>
      {nodes.items.length === 0 ? (
        <Empty title="No node statistics yet.">They appear once n8n has stored the data of a run.</Empty>
      ) : (
        <Table
          class="workflow-rows"
          caption="Runs, failures and duration by node"
          columns={[
            { label: 'Node' },
            { label: 'Runs', numeric: true },
            { label: 'Failed', numeric: true },
            { label: 'Failure rate', numeric: true },
            { label: 'p50', numeric: true },
            { label: 'p95', numeric: true },
            { label: 'Items', numeric: true },
          ]}
        >
          {nodes.items.map((node) => (
            <Tr>
              <Td>
                <NameCell
                  badge={<NodeBadge type={node.nodeType} />}
                  name={node.name}
                  note={node.nodeType?.split('.').at(-1) ?? '?'}
                />
              </Td>
              <Td numeric phone="hide">
                {count(node.executions)}
              </Td>
              <Td numeric phone="end">
                {node.failures > 0 ? (
                  <a
                    class="link fail"
                    href={countedRunsHref(id, { status: 'failed', node: node.name, from: '30d' })}
                  >
                    {count(node.failures)}
                  </a>
                ) : (
                  '0'
                )}
              </Td>
              <Td numeric phone="hide">
                {node.failureRate === null ? none : percent(node.failureRate / 100)}
              </Td>
              <Td numeric phone="hide">
                {duration(node.durationMs.p50)}
              </Td>
              <Td numeric phone="line">
                <span class="phone-label">p95 </span>
                {duration(node.durationMs.p95)}
              </Td>
              <Td numeric phone="hide">
                {count(node.items)}
              </Td>
            </Tr>
          ))}
        </Table>
      )}
      {nodes.total > nodes.items.length && (
        <p class="workflow-more muted">and {plural(nodes.total - nodes.items.length, 'node')} more</p>
      )}
    </Card>
  )
}

const maxFindings = 8

interface FindingsCardProps {
  workflow: Pick<Workflow, 'id' | 'version'>
  /** Worst first. */
  findings: readonly Finding[]
  span?: Span
}

/** The findings of the check, with a button for each fix. */
export function FindingsCard({ workflow, findings, span }: FindingsCardProps) {
  if (findings.length === 0) return null
  const shown = findings.slice(0, maxFindings)
  const more = findings.slice(maxFindings)
  const isFixable = findings.filter(({ fix }) => fix?.operations).length > 1
  return (
    <Card
      title="Findings"
      note={count(findings.length)}
      id="findings"
      {...(span && { span })}
      {...(isFixable && { aside: <FixButton workflow={workflow}>Fix all</FixButton> })}
    >
      <ul class="list findings">
        {shown.map((finding) => (
          <FindingItem finding={finding} workflow={workflow} />
        ))}
      </ul>
      {more.length > 0 && (
        <details class="chart-data">
          <summary>Show {count(more.length)} more</summary>
          <ul class="list findings">
            {more.map((finding) => (
              <FindingItem finding={finding} workflow={workflow} />
            ))}
          </ul>
        </details>
      )}
    </Card>
  )
}

const levelStyles = {
  error: { tone: 'fail', label: 'Error' },
  warning: { tone: 'wait', label: 'Warning' },
  hint: { tone: 'idle', label: 'Hint' },
} as const

const FindingItem = ({
  finding,
  workflow,
}: {
  finding: Finding
  workflow: FindingsCardProps['workflow']
}) => (
  <li>
    <Status {...levelStyles[finding.level]} />
    <span>
      {finding.message}
      {finding.node !== undefined && <small>{finding.node}</small>}
      {finding.pointer && <small>{finding.pointer}</small>}
      {finding.n8n !== undefined && <small>n8n: {finding.n8n}</small>}
    </span>
    {finding.fix?.operations && (
      <FixButton workflow={workflow} finding={finding}>
        {finding.fix.label}
      </FixButton>
    )}
  </li>
)

/** Applies the fix of one finding, or all fixes, as a new version. */
const FixButton = ({
  workflow: { id, version },
  finding,
  children,
}: PropsWithChildren<{ workflow: FindingsCardProps['workflow']; finding?: Finding }>) => (
  <Action
    action={`/workflows/${id}/fix`}
    fields={{
      expected: String(version),
      ...(finding && { code: finding.code, pointer: finding.pointer }),
    }}
    small
  >
    {children}
  </Action>
)
