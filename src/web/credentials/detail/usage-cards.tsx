/** @module Who uses a credential: workflows that need its type, deployments bound to it, runs that failed with it. */
import type { CredentialUsage } from '../../../credentials/contract.ts'
import { Card, Empty } from '../../components/card.tsx'
import { LinkButton } from '../../components/controls.tsx'
import { deploymentLook, executionLook, Status } from '../../components/status.tsx'
import { NameCell, Table, Td, Time, Tr } from '../../components/table.tsx'
import { count, none, type TimeFormat } from '../../format.ts'
import type { BoundDeployment, RecentFailure } from '../../../credentials/queries.ts'

const refusals: ReadonlySet<number | null> = new Set([401, 403])

/** Whose nodes need the type of the credential. */
export const Workflows = ({ usage, type }: { usage: CredentialUsage; type: string }) => (
  <Card
    title="Workflows that need its type"
    note={usage.workflows.length > 0 ? count(usage.workflows.length) : undefined}
    aside={
      usage.workflows.length > 0 && (
        <a class="link" href={`/workflows?cred=${encodeURIComponent(type)}`}>
          All of them
        </a>
      )
    }
    id="usage"
    flush
  >
    {usage.workflows.length === 0 ? (
      <Empty title="No workflow of yours needs its type." />
    ) : (
      <Table caption="Workflows that need its type" columns={[{ label: 'Workflow' }, { label: 'Nodes' }]}>
        {usage.workflows.slice(0, 10).map(({ id, name, nodes }) => (
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
  deployments: readonly BoundDeployment[]
  usage: CredentialUsage
  time: TimeFormat
}) {
  const { deployments, usage, time } = props
  return (
    <Card
      title="Deployments bound to it"
      note={deployments.length > 0 ? count(deployments.length) : undefined}
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
      {deployments.length === 0 ? (
        <Empty
          title="No deployment is bound to it."
          action={<LinkButton href="/deployments">Deployments</LinkButton>}
        >
          Deploying a workflow that needs its type binds the workflow to it.
        </Empty>
      ) : (
        <Table
          caption="Deployments bound to it"
          columns={[
            { label: 'Workflow' },
            { label: 'Status' },
            { label: 'Version', numeric: true },
            { label: 'Instance' },
            { label: 'Its runs', hidden: true },
          ]}
        >
          {deployments.map(({ id, workflowName, instanceName, version, status, nodes }) => (
            <Tr>
              <Td>
                <NameCell href={`/deployments/${id}`} name={workflowName} note={nodes.join(', ')} />
              </Td>
              <Td phone="end">
                <Status {...deploymentLook(status)} />
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
    <Card title="Failed at a node that uses it" note="the newest ten of 30 days" id="failures" flush>
      {failures.length === 0 ? (
        <Empty title={hasDeployments ? 'No run has failed there.' : 'No runs yet.'} />
      ) : (
        <Table
          caption="Runs that failed at a node that uses it"
          columns={[{ label: 'Run' }, { label: 'Error' }, { label: 'When', numeric: true }]}
        >
          {failures.map(({ id, n8nExecutionId, status, workflowName, node, message, httpStatus, at }) => (
            <Tr>
              <Td>
                <NameCell
                  badge={<Status {...executionLook({ status })} />}
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
                    {refusals.has(httpStatus) && (
                      <>
                        {' · '}
                        <span class="fail-text">refused with {httpStatus}</span>
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
