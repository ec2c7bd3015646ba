/** @module The most recent failed runs of a deployment. */
import type { ExecutionSummary } from '../../../executions/contract.ts'
import { Card, Empty } from '../../components/card.tsx'
import { executionStyle, Status } from '../../components/status.tsx'
import { NameCell, Table, Td, Time, Tr } from '../../components/table.tsx'
import { duration, type TimeFormat } from '../../format.ts'

export interface FailingCardProps {
  failing: ExecutionSummary[]
  runsPath: string
  instanceName: string
  /** Runs that started before this time have been fetched. */
  polledThrough: string | null
  time: TimeFormat
}

export const FailingCard = ({ failing, runsPath, instanceName, polledThrough, time }: FailingCardProps) => (
  <Card
    title="Failed runs"
    note={failing.length > 0 ? 'newest first' : undefined}
    aside={
      failing.length > 0 && (
        <a class="link" href={`${runsPath}&status=failed`}>
          All failed runs
        </a>
      )
    }
    flush
  >
    {failing.length === 0 ? (
      <Empty title="No failed runs.">
        {polledThrough === null
          ? `No runs have been fetched from ${instanceName} yet.`
          : `Runs from ${instanceName} are up to date as of ${time.inSentence(polledThrough)}.`}
      </Empty>
    ) : (
      <Table
        caption="Failed runs, newest first"
        class="deploy-failing"
        columns={[
          { label: 'Error' },
          { label: 'State' },
          { label: 'Version' },
          { label: 'Started' },
          { label: 'Duration', numeric: true },
        ]}
      >
        {failing.map((run) => (
          <Tr>
            <Td>
              <NameCell
                href={`/executions/${run.id}`}
                name={run.error?.message ?? 'Failed without a message'}
                note={run.error?.node ?? undefined}
              />
            </Td>
            <Td phone="end">
              <Status {...executionStyle(run)} />
            </Td>
            <Td phone="hide">v{run.workflowVersion}</Td>
            <Td phone="line" class="nowrap">
              <Time at={run.startedAt ?? run.receivedAt} format={time} />
            </Td>
            <Td numeric phone="hide">
              {duration(run.durationMs)}
            </Td>
          </Tr>
        ))}
      </Table>
    )}
  </Card>
)
