/** @module What an n8n server has: choose, and it is kept and tracked here. */
import type { AppError } from '../../../errors.ts'
import type { RemoteWorkflow } from '../../../deployments/drift-contract.ts'
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
import { count, plural } from '../../format.ts'
import { sentence } from '../../links/outcome.ts'

export interface ImportPageProps {
  instance: Instance
  /** A page of them, or why there is none. */
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
            A workflow that is imported is kept here as v1 and tracked there. Nothing changes in n8n.
          </span>
        }
        actions={
          !failed &&
          found.items.some(({ deploymentId }) => deploymentId === null) && (
            <Button kind="primary" icon="download" form="import">
              Import the chosen ones
            </Button>
          )
        }
      />
      {failed ? (
        <Attention
          items={[
            {
              tone: 'wait',
              what: `${instance.name} could not be asked.`,
              detail: sentence(found.message),
              action: { href: path, label: 'Ask again' },
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
                <Empty title={`${instance.name} has no workflow.`}>
                  What is deployed to it is listed here as well.
                </Empty>
              ) : (
                <Empty
                  title="No workflow there is called so."
                  action={<LinkButton href={path}>Clear the filter</LinkButton>}
                />
              )
            ) : (
              <form method="post" action={path} id="import">
                <Table
                  caption="Workflows that n8n has"
                  columns={[
                    { label: 'Workflow' },
                    { label: 'In n8n' },
                    { label: 'Nodes', numeric: true },
                    { label: 'Here' },
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
              text={`${plural(found.items.length, 'workflow')} shown; n8n does not say how many there are.`}
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
          <Status tone="idle" word="Archived" crossed />
        ) : active ? (
          <Status tone="ok" word="Published" />
        ) : (
          <Status tone="idle" word="Unpublished" crossed />
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
            tracked here
          </a>
        )}
      </Td>
    </Tr>
  )
}
