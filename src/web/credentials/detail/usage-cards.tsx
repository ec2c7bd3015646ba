/** @module Where a credential is used: workflows that need its type, deployments bound to it, failed runs. */
import type { CutList } from '../../../lib/cut-list.ts'
import type { CredentialUsage } from '../../../credentials/contract.ts'
import { Card, Empty } from '../../components/card.tsx'
import { LinkButton } from '../../components/controls.tsx'
import { deploymentStyle, executionStyle, Status } from '../../components/status.tsx'
import { NameCell, Table, Td, Time, Tr } from '../../components/table.tsx'
import { count, cutNote, none, type TimeFormat } from '../../format.ts'
import type { BoundDeployment, RecentFailure } from '../../../credentials/queries.ts'

const authenticationFailures: ReadonlySet<number | null> = new Set([401, 403])

const shownWorkflows = 10

export const Workflows = ({ usage, type }: { usage: CredentialUsage; type: string }) => (
  <Card
    title="Workflows that need this type"
    note={usage.workflows.length > shownWorkflows && `the newest ${shownWorkflows}`}
    aside={
      usage.workflows.length > 0 && (
        <a class="link" href={`/workflows?cred=${encodeURIComponent(type)}`}>
          View all
        </a>
      )
    }
    id="usage"
    flush
  >
    {usage.workflows.length === 0 ? (
      <Empty title="No workflows need this type." />
    ) : (
      <Table caption="Workflows that need this type" columns={[{ label: 'Workflow' }, { label: 'Nodes' }]}>
        {usage.workflows.slice(0, shownWorkflows).map(({ id, name, nodes }) => (
          <Tr>
            <Td>
              <NameCell href={`/workflows/${id}`} name={name} />
            </Td>
            <Td phone="line">{nodes.join(', ') || none}</Td>
          </Tr>
        ))}
      </Table>
    )}
  </Card>
)

export function Deployments(props: {
  deployments: CutList<BoundDeployment>
  usage: CredentialUsage
  time: TimeFormat
}) {
  const { deployments, usage, time } = props
  const { items } = deployments
  return (
    <Card
      title="Deployments that use it"
      note={items.length > 0 ? (cutNote(deployments) ?? count(items.length)) : undefined}
      aside={
        usage.lastUsedAt !== null && (
          <span class="muted">
            last run <Time at={usage.lastUsedAt} format={time} as="relative" />
          </span>
        )
      }
      id="deployments"
      flush
    >
      {items.length === 0 ? (
        <Empty
          title="No deployments use it."
          action={<LinkButton href="/deployments">View deployments</LinkButton>}
        >
          Deploy a workflow that needs this type, and choose this credential.
        </Empty>
      ) : (
        <Table
          caption="Deployments that use it"
          columns={[
            { label: 'Workflow' },
            { label: 'Status' },
            { label: 'Version', numeric: true },
            { label: 'Instance' },
            { label: 'Runs', hidden: true },
          ]}
        >
          {items.map(({ id, workflowName, instanceName, version, status, nodes }) => (
            <Tr>
              <Td>
                <NameCell href={`/deployments/${id}`} name={workflowName} note={nodes.join(', ')} />
              </Td>
              <Td phone="end">
                <Status {...deploymentStyle(status)} />
              </Td>
              <Td numeric phone="hide">
                v{version}
              </Td>
              <Td>{instanceName}</Td>
              <Td phone="end" class="credential-runs">
                <a class="link" href={`/executions?dep=${id}`}>
                  Runs<span class="visually-hidden"> of {workflowName}</span>
                </a>{' '}
                <a class="link" href={`/executions?dep=${id}&status=failed`}>
                  Failed<span class="visually-hidden"> runs of {workflowName}</span>
                </a>
              </Td>
            </Tr>
          ))}
        </Table>
      )}
    </Card>
  )
}

export function Failures(props: {
  failures: readonly RecentFailure[]
  hasDeployments: boolean
  time: TimeFormat
}) {
  const { failures, hasDeployments, time } = props
  return (
    <Card title="Failed runs" note="latest 10 in 30 days, at nodes that use it" id="failures" flush>
      {failures.length === 0 ? (
        <Empty title={hasDeployments ? 'No failed runs.' : 'No runs yet.'} />
      ) : (
        <Table
          caption="Runs that failed at a node that uses it"
          columns={[{ label: 'Run' }, { label: 'Error' }, { label: 'When', numeric: true }]}
        >
          {failures.map(({ id, n8nExecutionId, status, workflowName, node, message, httpStatus, at }) => (
            <Tr>
              <Td>
                <NameCell
                  badge={<Status {...executionStyle({ status })} />}
                  href={`/executions/${id}`}
                  name={workflowName ?? 'Deleted workflow'}
                  note={`#${n8nExecutionId}`}
                />
              </Td>
              <Td phone="line">
                <span class="two-lines">
                  {message ?? 'No message'}
                  <small>
                    {node}
                    {authenticationFailures.has(httpStatus) && (
                      <>
                        {' · '}
                        <span class="fail-text">rejected with {httpStatus}</span>
                      </>
                    )}
                  </small>
                </span>
              </Td>
              <Td numeric phone="end">
                <Time at={at} format={time} as="brief" />
              </Td>
            </Tr>
          ))}
        </Table>
      )}
    </Card>
  )
}
