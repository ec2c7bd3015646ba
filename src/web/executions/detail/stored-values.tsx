/** @module What the selected node received and returned, if the values of the run are stored. */
import type { StoredItem, StoredNode } from '../../../executions/values/capture.ts'
import { inputsOfRun } from '../../../executions/values/read.ts'
import { CodeBox, Remark } from '../../components/card.tsx'
import { CopyButton } from '../../components/controls.tsx'
import { count, plural } from '../../format.ts'
import type { RunView } from './model.ts'

export function StoredValuesOf({ view: { page, values, selected } }: { view: RunView }) {
  if (!selected?.run) return null
  if (!values) {
    const { run, workflow, sealedValues } = page
    return sealedValues ? (
      <Remark tone="fail">The stored values of this run cannot be decrypted.</Remark>
    ) : (
      workflow && (
        <p class="muted">
          No values are stored.{' '}
          <a class="link" href={`/workflows/${run.workflowId}/values`}>
            Stored values
          </a>
        </p>
      )
    )
  }
  const node = values.nodes.find(({ name }) => name === selected.name)
  return (
    <div class="inspector-facts">
      <h3>Values</h3>
      {node ? (
        node.runs.toReversed().map((run) => (
          <>
            {node.totalRuns > 1 && <p>{runLabel(node, run.run)}</p>}
            {inputsOfRun(values, run).map((input, index) => (
              <Items
                id={`values-${run.run}-in-${index}`}
                label={`Received ${amount(input)}${input.node === null ? '' : ` from ${input.node}`}`}
                items={input.items}
              />
            ))}
            {run.outputs.map((output, index) => (
              <Items
                id={`values-${run.run}-out-${index}`}
                label={`Returned ${amount(output)}${output.index > 0 ? ` at output ${output.index + 1}` : ''}`}
                items={output.items}
              />
            ))}
          </>
        ))
      ) : (
        <p class="muted">The values of this node did not fit.</p>
      )}
    </div>
  )
}

const runLabel = ({ totalRuns }: StoredNode, run: number): string =>
  `Run ${count(run + 1)} of ${count(totalRuns)}`

interface Amount {
  items: readonly StoredItem[]
  total: number
  truncated: boolean
}

const amount = ({ items, total, truncated }: Amount): string =>
  items.length < total
    ? `${count(items.length)} of ${plural(total, 'item')}`
    : `${plural(total, 'item')}${truncated ? ', truncated' : ''}`

const Items = ({ id, label, items }: { id: string; label: string; items: readonly StoredItem[] }) => (
  <details class="run-ai">
    <summary>{label}</summary>
    {items.length > 0 && (
      <>
        <CopyButton from={`#${id}`}>Copy</CopyButton>
        <CodeBox id={id}>{JSON.stringify(items, null, 2)}</CodeBox>
      </>
    )}
  </details>
)
