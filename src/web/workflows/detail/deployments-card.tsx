/** @module The deployments of a workflow: a card for its overview and a table for its tab. */
import type { CutList } from '../../../lib/cut-list.ts'
import { Card, Empty } from '../../components/card.tsx'
import { LinkButton } from '../../components/controls.tsx'
import { Status, statusBadge } from '../../components/status.tsx'
import { NameCell, Table, Td, Time, Tr } from '../../components/table.tsx'
import type { DeploymentListRow } from '../../../deployments/list-queries.ts'
import { cutNote, none, percent, plural, type TimeFormat } from '../../format.ts'
import { countedRunsHref, planHref } from '../links.ts'
import type { DeployedPlace } from '../../../workflows/detail-queries.ts'

interface Props {
  workflowId: string
  deployments: readonly DeploymentListRow[]
  time: TimeFormat
}

const NoDeployments = ({ workflowId }: { workflowId: string }) => (
  <Empty
    title="No deployments yet."
    action={
      <LinkButton small href={planHref(workflowId)}>
        Plan deployment
      </LinkButton>
    }
  >
    A deployment puts a version and its credentials on one of your n8n instances.
  </Empty>
)

const maxRows = 6

export function DeploymentsCard({ workflowId, deployments, time }: Props) {
  const rows = deployments.filter(({ status }) => status !== 'undeployed')
  return (
    <Card
      title="Deployments"
      flush
      aside={
        rows.length > maxRows && (
          <a class="link" href={`/workflows/${workflowId}/deployments`}>
            View all
          </a>
        )
      }
    >
      {rows.length === 0 ? (
        <NoDeployments workflowId={workflowId} />
      ) : (
        <Table
          class="workflow-rows"
          caption="Deployments"
          columns={[{ label: 'Instance' }, { label: 'Version' }, { label: 'State' }]}
        >
          {rows.slice(0, maxRows).map((row) => (
            <Tr>
              <Td>
                <a class="row-link" href={`/deployments/${row.id}`} data-row>
                  {row.instanceName}
                </a>
              </Td>
              <Td phone="line">
                v{row.version}{' '}
                <span class="muted">
                  <Time at={row.since} format={time} as="brief" />
                </span>
              </Td>
              <Td phone="end">
                <Status {...statusBadge(row)} />
              </Td>
            </Tr>
          ))}
        </Table>
      )}
    </Card>
  )
}

export function DeploymentsTable({
  workflowId,
  deployments,
  time,
  places,
}: Omit<Props, 'deployments'> & {
  deployments: CutList<DeploymentListRow>
  places: readonly DeployedPlace[]
}) {
  if (deployments.items.length === 0) {
    return (
      <Card label="Deployments">
        <NoDeployments workflowId={workflowId} />
      </Card>
    )
  }
  const placeOf = new Map(places.map((place) => [place.id, place]))
  return (
    <Card
      label="Deployments"
      flush
      foot={
        deployments.isCut && (
          <>
            {cutNote(deployments)}.
            <a class="link" href={`/deployments?wf=${workflowId}`}>
              View all
            </a>
          </>
        )
      }
    >
      <Table
        class="workflow-rows"
        caption="Deployments, worst state first"
        columns={[
          { label: 'Instance' },
          { label: 'State' },
          { label: 'Version' },
          { label: 'Since' },
          { label: 'Success, 24 h', numeric: true },
          { label: 'n8n', hidden: true },
        ]}
      >
        {deployments.items.map((row) => (
          <Tr>
            <Td>
              <NameCell
                href={`/deployments/${row.id}`}
                name={row.instanceName}
                note={row.state === 'failing' ? (row.runError ?? row.error) : row.error}
              />
            </Td>
            <Td phone="end">
              <Status {...statusBadge(row)} />
            </Td>
            <Td phone="line">
              v{row.version}
              {row.version < row.newestVersion && row.status !== 'undeployed' && (
                <span class="muted"> of {row.newestVersion}</span>
              )}
            </Td>
            <Td phone="hide">
              <Time at={row.since} format={time} />
            </Td>
            <Td numeric phone="line">
              <Success row={row} workflowId={workflowId} />
            </Td>
            <Td phone="hide" numeric>
              <OpenInN8n place={placeOf.get(row.id)} />
            </Td>
          </Tr>
        ))}
      </Table>
    </Card>
  )
}

function Success({ row, workflowId }: { row: DeploymentListRow; workflowId: string }) {
  const finished = row.succeeded + row.failed
  if (finished === 0) return <span class="muted">{none} no runs</span>
  return (
    <a
      class={row.failed > 0 ? 'link fail' : 'link'}
      href={countedRunsHref(workflowId, {
        status: 'success,failed',
        v: String(row.version),
        dep: row.id,
        from: '24h',
      })}
    >
      {percent(row.succeeded / finished)}
      <span class="muted"> of {plural(finished, 'run')}</span>
    </a>
  )
}

/** Links to the workflow in n8n's editor. */
export function OpenInN8n({ place }: { place: DeployedPlace | undefined }) {
  if (!place?.n8nWorkflowId) return null
  return (
    <LinkButton small icon="external" external href={editorHref(place.baseUrl, place.n8nWorkflowId)}>
      Open in n8n
    </LinkButton>
  )
}

export const editorHref = (baseUrl: string, n8nWorkflowId: string): string =>
  `${baseUrl.replace(/\/+$/, '')}/workflow/${encodeURIComponent(n8nWorkflowId)}`
