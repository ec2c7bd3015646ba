/** @module The workflows of an error group in a table cell. */
import type { ErrorGroup } from '../../analytics/contract.ts'
import { count, none } from '../format.ts'

/** The most affected workflow, and how many others there are. */
export function WorkflowNames({ group }: { group: Pick<ErrorGroup, 'workflows' | 'topWorkflows'> }) {
  const { workflows, topWorkflows } = group
  const [first] = topWorkflows
  if (!first) return <span class="muted">{none}</span>
  const others = topWorkflows.slice(1).map(({ name }) => name ?? 'Deleted workflow')
  return (
    <span class="error-workflows">
      {first.name === null ? (
        <span class="muted">Deleted workflow</span>
      ) : (
        <a class="truncate" href={`/workflows/${first.workflowId}`} title={first.name}>
          {first.name}
        </a>
      )}
      {workflows > 1 && (
        <span class="muted nowrap" title={others.join(', ')}>
          +{count(workflows - 1)}
        </span>
      )}
    </span>
  )
}
