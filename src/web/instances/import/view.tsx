/** @module The workflows of an instance, to select and import. */
import type { AppError } from '../../../errors.ts'
import type { RemoteWorkflow } from '../../../deployments/drift/contract.ts'
import type { Slice } from '../../../http/page.ts'
import type { Instance } from '../../../instances/contract.ts'
import { Attention, Card, Empty } from '../../components/card.tsx'
import {
  Button,
  FilterForm,
  FilterText,
  LinkButton,
  Pagination,
  withQuery,
} from '../../components/controls.tsx'
import { PageHead } from '../../layout/page.tsx'
import { Status } from '../../components/status.tsx'
import { Table, Td, Tr } from '../../components/table.tsx'
import { count, plural, sentence } from '../../format.ts'

export interface ImportPageProps {
  instance: Instance
  /** One page of workflows, or the reason it could not be read. */
  found: Slice<RemoteWorkflow> | AppError
  q: string
  cursor: string | null
}

export function ImportPage({ instance, found, q, cursor }: ImportPageProps) {
  const path = `/instances/${instance.id}/import`
  const failed = found instanceof Error
  return (
    <>
      <PageHead
        title={`Import from ${instance.name}`}
        meta={
          <span>
            Flowkeep saves each imported workflow as v1 and tracks its runs. Nothing changes in n8n.
          </span>
        }
        actions={
          !failed &&
          found.items.some(({ deploymentId }) => deploymentId === null) && (
            <Button kind="primary" icon="download" form="import">
              Import selected
            </Button>
          )
        }
      />
      {failed ? (
        <Attention
          items={[
            {
              tone: 'wait',
              what: `Could not list the workflows on ${instance.name}.`,
              detail: sentence(found.message),
              action: { href: path, label: 'Try again' },
            },
          ]}
        />
      ) : (
        <>
          <FilterForm action={path}>
            <FilterText label="Filter by name" value={q} />
          </FilterForm>
          <Card label="Workflows in n8n" flush>
            {found.items.length === 0 ? (
              q === '' ? (
                <Empty title={`${instance.name} has no workflows.`}>
                  Create a workflow in n8n, or deploy one from Flowkeep.
                </Empty>
              ) : (
                <Empty
                  title="No workflows match."
                  action={<LinkButton href={path}>Clear filter</LinkButton>}
                />
              )
            ) : (
              <form method="post" action={path} id="import">
                <Table
                  caption="Workflows in n8n"
                  columns={[
                    { label: 'Workflow' },
                    { label: 'In n8n' },
                    { label: 'Nodes', numeric: true },
                    { label: 'In Flowkeep' },
                  ]}
                >
                  {found.items.map((workflow) => (
                    <Row workflow={workflow} />
                  ))}
                </Table>
              </form>
            )}
          </Card>
          {(found.nextCursor !== null || cursor !== null) && (
            <Pagination
              text={`Showing ${plural(found.items.length, 'workflow')}. n8n does not report a total.`}
              firstHref={cursor === null ? null : withQuery(path, { q })}
              nextHref={found.nextCursor && withQuery(path, { q, cursor: found.nextCursor })}
            />
          )}
        </>
      )}
    </>
  )
}

function Row({ workflow }: { workflow: RemoteWorkflow }) {
  const { id, name, active, archived, nodeCount, deploymentId, workflowId } = workflow
  return (
    <Tr>
      <Td>
        {deploymentId === null ? (
          <label class="inst-choice">
            <input type="checkbox" name="id" value={id} />
            <span class="two-lines">
              <span class="strong">{name}</span>
              <small>{id}</small>
            </span>
          </label>
        ) : (
          <span class="inst-choice">
            <span class="inst-gap" />
            <span class="two-lines">
              <a class="row-link" href={`/workflows/${workflowId}`} data-row>
                {name}
              </a>
              <small>{id}</small>
            </span>
          </span>
        )}
      </Td>
      <Td phone="end">
        {archived ? (
          <Status tone="idle" label="Archived" struckThrough />
        ) : active ? (
          <Status tone="ok" label="Published" />
        ) : (
          <Status tone="idle" label="Unpublished" struckThrough />
        )}
      </Td>
      <Td numeric phone="line">
        {count(nodeCount)}
        <span class="inst-unit"> nodes</span>
      </Td>
      <Td phone="line">
        {deploymentId === null ? (
          <span class="muted">not tracked</span>
        ) : (
          <a class="link" href={`/deployments/${deploymentId}`}>
            tracked
          </a>
        )}
      </Td>
    </Tr>
  )
}
