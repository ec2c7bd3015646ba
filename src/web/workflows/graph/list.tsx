/** @module The nodes and notes of a graph as a list, with a search. */
import { NodeBadge } from '../../components/icons.tsx'
import { Status } from '../../components/status.tsx'
import { Table, Td, Tr } from '../../components/table.tsx'
import { plural } from '../../format.ts'
import type { GraphLayout } from './layout.ts'
import type { MarkKind, NodeMark, NodeMarks } from './marks.ts'
import type { GraphNode, WorkflowGraph } from './model.ts'
import { plainLines } from './note.tsx'
import type { GraphState } from './view-state.ts'

interface ListProps {
  id: string
  graph: WorkflowGraph
  layout: GraphLayout
  marks: NodeMarks
  state: GraphState
  hrefOf: ((node: GraphNode) => string) | undefined
}

const maxTargets = 5
/** Larger graphs have a search field. */
const searchableNodes = 12
/** Larger graphs have no badges in the list, which are half of its size. */
const badgedNodes = 60
const maxNoteChars = 400

/** Whether `find` is part of the name or type. */
export const isFound = ({ name, type }: GraphNode, find: string): boolean =>
  find !== '' && `${name}\n${type ?? ''}`.toLowerCase().includes(find.toLowerCase())

/** The nodes from left to right and the nodes that each one leads to. */
export function GraphList({ id, graph, layout, marks, state, hrefOf }: ListProps) {
  const { nodes, notes } = graph
  const { find, node: selected, zoom } = state
  const targets = targetsOf(graph)
  const rows = nodes
    .filter((node) => find === '' || isFound(node, find))
    .toSorted((a, b) => {
      const [first, second] = [layout.nodes[a.index], layout.nodes[b.index]]
      return (first?.x ?? 0) - (second?.x ?? 0) || (first?.y ?? 0) - (second?.y ?? 0)
    })
  const withBadge = rows.length <= badgedNodes
  return (
    <details class="chart-data graph-list" id={`${id}-list`} {...(find !== '' && { open: true })}>
      <summary>{nodes.length > searchableNodes ? 'Find a node or show as list' : 'Show as list'}</summary>
      {nodes.length > searchableNodes && (
        <form class="graph-find" method="get" action="#graph" role="search" aria-label="Find a node">
          {zoom !== 'auto' && <input type="hidden" name="zoom" value={zoom} />}
          {selected && <input type="hidden" name="node" value={selected} />}
          <input
            class="input"
            type="search"
            name="find"
            value={find}
            aria-label="Name or type of the node"
            placeholder="Name or type"
            maxlength={200}
            autocomplete="off"
          />
          <button type="submit" class="button">
            Find
          </button>
          {find !== '' && <span class="muted">{plural(rows.length, 'match', 'matches')}</span>}
        </form>
      )}
      {rows.length > 0 && (
        <div class="chart-data-scroll" tabindex={0} role="region" aria-label="List of nodes">
          <Table
            caption="Nodes, from left to right"
            compact
            columns={[{ label: 'Node' }, { label: 'Type' }, { label: 'Leads to' }, { label: 'State' }]}
          >
            {rows.map((node) => (
              <Tr>
                <Td>
                  {withBadge ? (
                    <span class="name-cell">
                      <NodeBadge type={node.type} />
                      <NodeName node={node} href={hrefOf?.(node)} />
                    </span>
                  ) : (
                    <NodeName node={node} href={hrefOf?.(node)} />
                  )}
                </Td>
                <Td class="muted">{node.type?.split('.').at(-1) ?? '?'}</Td>
                <Td>{targetsText(targets.get(node.index) ?? [])}</Td>
                <Td>
                  <NodeState node={node} marks={marks.get(node.name) ?? []} />
                </Td>
              </Tr>
            ))}
          </Table>
        </div>
      )}
      {notes.length > 0 && find === '' && (
        <>
          <h3>Notes</h3>
          <ul class="graph-notes">
            {notes.map(({ text }) => (
              <li>{noteText(text)}</li>
            ))}
          </ul>
        </>
      )}
    </details>
  )
}

const NodeName = ({ node, href }: { node: GraphNode; href: string | undefined }) =>
  href ? (
    <a class="row-link" href={href}>
      {node.name}
    </a>
  ) : (
    <span>{node.name}</span>
  )

function noteText(markdown: string): string {
  const text = plainLines(markdown)
    .map((line) => line.text)
    .join(' · ')
  return text.length > maxNoteChars ? `${text.slice(0, maxNoteChars).toWellFormed()}…` : text || 'Empty note'
}

/** Node → the names of the nodes that it leads to. */
function targetsOf({ nodes, edges }: WorkflowGraph): Map<number, string[]> {
  const targets = new Map<number, string[]>()
  for (const { from, to, type } of edges) {
    const name = nodes[to]?.name ?? ''
    const text = type === 'main' ? name : `${name} (${type})`
    const own = targets.get(from)
    if (own) own.push(text)
    else targets.set(from, [text])
  }
  return targets
}

const targetsText = (names: string[]): string => {
  if (names.length === 0) return '–'
  const shown = names.slice(0, maxTargets).join(', ')
  return names.length > maxTargets ? `${shown} and ${names.length - maxTargets} more` : shown
}

const problemTones = { fails: 'fail', error: 'fail', credential: 'wait', warning: 'wait' } as const
const isProblem = (kind: MarkKind): kind is keyof typeof problemTones => kind in problemTones

const markTags = { removed: 'tag fail', added: 'tag ok', changed: 'tag' } as const

/** The marks of a node as text. */
export function NodeState({ node, marks }: { node: GraphNode; marks: readonly NodeMark[] }) {
  if (marks.length === 0) return node.disabled ? <span class="muted">Disabled</span> : null
  return (
    <span class="graph-states">
      {marks.map(({ kind, note }) =>
        isProblem(kind) ? (
          <Status tone={problemTones[kind]} label={note} />
        ) : (
          <span class={markTags[kind]}>{note}</span>
        ),
      )}
      {node.disabled && <span class="muted">Disabled</span>}
    </span>
  )
}
