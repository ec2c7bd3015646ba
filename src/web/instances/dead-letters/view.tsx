/** @module Reports that n8n sent and that could not be used: try them again, or drop them. */
import type { DeadLetter } from '../../../executions/contract.ts'
import type { UnusableCode } from '../../../executions/payload.ts'
import type { Slice } from '../../../http/page.ts'
import type { Instance } from '../../../instances/contract.ts'
import { Card, Empty, Grid, Remark } from '../../components/card.tsx'
import { Action, Button, LinkButton, Pagination, withQuery } from '../../components/controls.tsx'
import { Form } from '../../components/form.tsx'
import { PageHead } from '../../layout/page.tsx'
import { Table, Td, Time, Tr } from '../../components/table.tsx'
import { count, none, plural, size, type TimeFormat } from '../../format.ts'

const reasons = {
  'unknown-workflow': 'No deployment tracks this workflow',
  'not-an-object': 'It is no JSON object',
  'missing-execution-id': 'It does not say which run',
  'invalid-execution-id': 'The run has no usable id',
  'missing-workflow-id': 'It does not say which workflow',
  'invalid-workflow-id': 'The workflow has no usable id',
  'missing-status': 'It does not say how the run ended',
  'unknown-status': 'It names a status that is not known',
  'invalid-time': 'Its times cannot be read',
} satisfies Record<UnusableCode | 'unknown-workflow', string>

export const reasonOfLetter = (code: string): string => (reasons as Record<string, string>)[code] ?? code

export interface LettersPageProps {
  instance: Instance
  letters: Slice<DeadLetter>
  cursor: string | null
  time: TimeFormat
}

export function LettersPage({ instance, letters, cursor, time }: LettersPageProps) {
  const path = `/instances/${instance.id}/dead-letters`
  return (
    <>
      <PageHead
        title="Unused reports"
        meta={<span>What {instance.name} sent and nothing here could use. Kept for 30 days.</span>}
      />
      {letters.items.length > 0 && (
        <Remark>
          Once their workflow is tracked or deployed, they are used by themselves.{' '}
          <a class="link" href={`/instances/${instance.id}/import`}>
            Import workflows
          </a>
        </Remark>
      )}
      <Card label="Unused reports" flush>
        {letters.items.length === 0 ? (
          <Empty
            title="Every report could be used."
            action={<LinkButton href={`/instances/${instance.id}`}>Back to {instance.name}</LinkButton>}
          />
        ) : (
          <Table
            caption="Reports that could not be used, newest first"
            columns={[
              { label: 'Why' },
              { label: 'Workflow in n8n' },
              { label: 'Run in n8n' },
              { label: 'Size', numeric: true },
              { label: 'Came' },
              { label: 'What to do', hidden: true },
            ]}
          >
            {letters.items.map((letter) => (
              <Row letter={letter} path={path} time={time} baseUrl={instance.baseUrl} />
            ))}
          </Table>
        )}
      </Card>
      {(letters.nextCursor !== null || cursor !== null) && (
        <Pagination
          text={`Showing ${plural(letters.items.length, 'report')}.`}
          firstHref={cursor === null ? null : path}
          nextHref={letters.nextCursor && withQuery(path, { cursor: letters.nextCursor })}
        />
      )}
    </>
  )
}

function Row({
  letter,
  path,
  time,
  baseUrl,
}: {
  letter: DeadLetter
  path: string
  time: TimeFormat
  baseUrl: string
}) {
  const { id, code, n8nWorkflowId, n8nExecutionId, sizeBytes, deliveries, createdAt } = letter
  return (
    <Tr>
      <Td>
        <span class="two-lines">
          <span class="strong">{reasonOfLetter(code)}</span>
          {deliveries > 1 && <small>came {count(deliveries)} times</small>}
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
            Try again
          </Action>
          <LinkButton href={`${path}/${id}/drop`} small>
            Drop
          </LinkButton>
        </span>
      </Td>
    </Tr>
  )
}

export function DropPage({ instance, letterId }: { instance: Instance; letterId: string }) {
  const path = `/instances/${instance.id}/dead-letters`
  return (
    <>
      <PageHead title="Drop this report?" />
      <Grid>
        <Card span={8} label="What it does">
          <Form action={`${path}/${letterId}/drop`}>
            <p>
              <b>It cannot be had back.</b> What {instance.name} sent is deleted here, unused. n8n may still
              have the run.
            </p>
            <div class="actions">
              <Button kind="danger" icon="trash">
                Drop
              </Button>
              <LinkButton href={path}>Cancel</LinkButton>
            </div>
          </Form>
        </Card>
      </Grid>
    </>
  )
}
