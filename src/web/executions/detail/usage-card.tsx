/** @module The tokens that a run's AI nodes used, and what they cost. */
import type { ExecutionUsage } from '../../../runs/usage.ts'
import { Card } from '../../components/card.tsx'
import { Table, Td, Tr } from '../../components/table.tsx'
import { costText, count, money, plural } from '../../format.ts'

const columns = [
  { label: 'Node' },
  { label: 'Model' },
  { label: 'Requests', numeric: true },
  { label: 'Input', numeric: true },
  { label: 'Output', numeric: true },
  { label: 'Cost', numeric: true },
]

/** Nothing for a run without AI nodes. */
export function UsageCard({ usage }: { usage: ExecutionUsage | null }) {
  if (!usage || usage.items.length === 0) return null
  const { items, inputTokens, outputTokens, estimatedTokens } = usage
  const note = `${plural(inputTokens, 'input token')}, ${plural(outputTokens, 'output token')}, ${costText(usage)}`
  return (
    <Card
      span={12}
      title="Models"
      note={estimatedTokens > 0 ? `${note}, partly estimated by n8n` : note}
      flush
    >
      <Table caption="Tokens and cost by node and model" columns={columns} compact>
        {items.map((item) => (
          <Tr>
            <Td>{item.node ?? 'Other nodes'}</Td>
            <Td phone="line">{item.model ?? 'Unknown model'}</Td>
            <Td numeric phone="hide">
              {count(item.calls)}
            </Td>
            <Td numeric phone="hide">
              {count(item.inputTokens)}
            </Td>
            <Td numeric phone="hide">
              {count(item.outputTokens)}
            </Td>
            <Td numeric phone="end">
              {item.cost === null ? <span class="muted">No price</span> : money(item.cost)}
            </Td>
          </Tr>
        ))}
      </Table>
    </Card>
  )
}
