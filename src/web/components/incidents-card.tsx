/** @module Failures without a run: a trigger that cannot start, or a run that n8n did not record. */
import type { Incident } from '../../executions/contract.ts'
import { Card } from './card.tsx'
import { Status } from './status.tsx'
import { NameCell, Table, Td, Time, Tr } from './table.tsx'
import type { TimeFormat } from '../format.ts'

export const incidentLabel = (source: Incident['source']): string =>
  source === 'trigger' ? 'Trigger cannot start' : 'Failed without a run'

interface IncidentsCardProps {
  /** Newest first. */
  incidents: readonly Incident[]
  span?: 7
  time: TimeFormat
}

export const IncidentsCard = ({ incidents, span, time }: IncidentsCardProps) => (
  <Card id="incidents" title="Latest failures without a run" {...(span && { span })} flush>
    <Table
      caption="Failures without a run, newest first"
      columns={[{ label: 'Failure' }, { label: 'Error' }, { label: 'Version' }, { label: 'Occurred' }]}
    >
      {incidents.map(({ source, error, errorFingerprint, workflowVersion, occurredAt }) => (
        <Tr>
          <Td>
            <Status tone="fail" label={incidentLabel(source)} />
          </Td>
          <Td phone="line">
            <NameCell
              href={`/errors/${errorFingerprint}`}
              name={error.message}
              {...(error.node !== null && { note: error.node })}
            />
          </Td>
          <Td phone="hide">v{workflowVersion}</Td>
          <Td phone="end" class="nowrap">
            <Time at={occurredAt} format={time} />
          </Td>
        </Tr>
      ))}
    </Table>
  </Card>
)
