/** @module Dead letters: reports that could not be used, with Replay and Delete. */
import type { DeadLetter } from '../../../executions/contract.ts'
import type { UnusableCode } from '../../../executions/reports/payload.ts'
import type { Slice } from '../../../http/page.ts'
import type { Instance } from '../../../instances/contract.ts'
import { Card, Empty, Grid, Remark } from '../../components/card.tsx'
import {
  IgnoredFilters,
  Action,
  Button,
  LinkButton,
  Pagination,
  withQuery,
} from '../../components/controls.tsx'
import { Form } from '../../components/form.tsx'
import { PageHead } from '../../layout/page.tsx'
import { Table, Td, Time, Tr } from '../../components/table.tsx'
import { count, none, plural, size, type TimeFormat } from '../../format.ts'

const reasons = {
  'unknown-workflow': 'No deployment tracks this workflow',
  'not-an-object': 'The report is not a JSON object',
  'missing-execution-id': 'The execution ID is missing',
  'invalid-execution-id': 'The execution ID is invalid',
  'missing-workflow-id': 'The workflow ID is missing',
  'invalid-workflow-id': 'The workflow ID is invalid',
  'missing-status': 'The status is missing',
  'unknown-status': 'The status is unknown',
  'invalid-time': 'A time is invalid',
} satisfies Record<UnusableCode | 'unknown-workflow', string>

export const reasonLabel = (code: string): string => (reasons as Record<string, string>)[code] ?? code

export interface DeadLettersPageProps {
  instance: Instance
  page: Slice<DeadLetter>
  cursor: string | null
  ignored: readonly string[]
  time: TimeFormat
}

export function DeadLettersPage({ instance, page, cursor, ignored, time }: DeadLettersPageProps) {
  const path = `/instances/${instance.id}/dead-letters`
  return (
    <>
      <PageHead
        title="Dead letters"
        meta={<span>Reports from {instance.name} that could not be used. Deleted after 30 days.</span>}
      />
      {page.items.length > 0 && (
        <Remark>
          Flowkeep replays a report when you track or deploy its workflow.{' '}
          <a class="link" href={`/instances/${instance.id}/import`}>
            Import workflows
          </a>
        </Remark>
      )}
      <IgnoredFilters ignored={ignored} />
      <Card label="Dead letters" flush results>
        {page.items.length === 0 ? (
          <Empty
            title="No dead letters."
            action={<LinkButton href={`/instances/${instance.id}`}>{`Back to ${instance.name}`}</LinkButton>}
          />
        ) : (
          <Table
            caption="Dead letters, newest first"
            columns={[
              { label: 'Reason' },
              { label: 'Workflow in n8n' },
              { label: 'Run in n8n' },
              { label: 'Size', numeric: true },
              { label: 'Received' },
              { label: 'Actions', hidden: true },
            ]}
          >
            {page.items.map((deadLetter) => (
              <Row deadLetter={deadLetter} path={path} time={time} baseUrl={instance.baseUrl} />
            ))}
          </Table>
        )}
      </Card>
      {(page.nextCursor !== null || cursor !== null) && (
        <Pagination
          text={`Showing ${plural(page.items.length, 'dead letter')}.`}
          firstHref={cursor === null ? null : path}
          nextHref={page.nextCursor && withQuery(path, { cursor: page.nextCursor })}
        />
      )}
    </>
  )
}

function Row({
  deadLetter,
  path,
  time,
  baseUrl,
}: {
  deadLetter: DeadLetter
  path: string
  time: TimeFormat
  baseUrl: string
}) {
  const { id, code, n8nWorkflowId, n8nExecutionId, sizeBytes, deliveries, createdAt } = deadLetter
  return (
    <Tr>
      <Td>
        <span class="two-lines">
          <span class="strong">{reasonLabel(code)}</span>
          {deliveries > 1 && <small>received {count(deliveries)} times</small>}
        </span>
      </Td>
      <Td phone="line">
        {n8nWorkflowId ? (
          <a
            class="link"
            href={`${baseUrl}/workflow/${encodeURIComponent(n8nWorkflowId)}`}
            rel="noreferrer"
            target="_blank"
          >
            {n8nWorkflowId}
            <span class="visually-hidden"> (opens in a new tab)</span>
          </a>
        ) : (
          <span class="muted">{none}</span>
        )}
      </Td>
      <Td phone="line">{n8nExecutionId ? `#${n8nExecutionId}` : <span class="muted">{none}</span>}</Td>
      <Td numeric phone="hide">
        {size(sizeBytes)}
      </Td>
      <Td phone="end">
        <Time at={createdAt} format={time} />
      </Td>
      <Td phone="line">
        <span class="inst-row-actions">
          <Action action={`${path}/${id}/replay`} small icon="retry">
            Replay
          </Action>
          <LinkButton href={`${path}/${id}/drop`} small>
            Delete
          </LinkButton>
        </span>
      </Td>
    </Tr>
  )
}

export function DeletePage({ instance, deadLetterId }: { instance: Instance; deadLetterId: string }) {
  const path = `/instances/${instance.id}/dead-letters`
  return (
    <>
      <PageHead title="Delete this dead letter?" />
      <Grid>
        <Card span={8} label="Effects">
          <Form action={`${path}/${deadLetterId}/drop`}>
            <p>
              <b>This cannot be undone.</b> Flowkeep deletes the report from {instance.name} without recording
              its run. The run may still exist in n8n.
            </p>
            <div class="actions">
              <Button kind="danger" icon="trash">
                Delete
              </Button>
              <LinkButton href={path}>Cancel</LinkButton>
            </div>
          </Form>
        </Card>
      </Grid>
    </>
  )
}
