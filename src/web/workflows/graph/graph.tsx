/** @module Draws a workflow's graph like n8n does, in a scrolling box with a fixed text size. */
import { Status } from '../../components/status.tsx'
import { NodeBadge } from '../../components/icons.tsx'
import { Table, Td, Tr } from '../../components/table.tsx'
import { plural } from '../../format.ts'
import { drawEdges, type DrawnEdge } from './edges.ts'
import { wrapLabel } from './label.ts'
import { type GraphLayout, layOut } from './layout.ts'
import { type EdgeMarks, type MarkKind, markKinds, type NodeMark, type NodeMarks } from './marks.ts'
import type { GraphNode, GraphNote, WorkflowGraph } from './model.ts'
import { LegendMark, labelRoom, NodeShape } from './node.tsx'
import type { Box } from './sizes.ts'

export interface GraphProps {
  /** Prefix of element IDs, unique on the page. */
  id: string
  /** Such as `Support triage, version 14`. */
  title: string
  graph: WorkflowGraph
  marks?: NodeMarks
  edgeMarks?: EdgeMarks
  /** The page opens scrolled to the first node with one of these marks, or else to a trigger. */
  focusOn?: readonly MarkKind[]
  /** The target of a node's link, such as its runs. */
  hrefOf?: ((node: GraphNode) => string) | undefined
}

const noMarks: NodeMarks = new Map()
const noEdgeMarks: EdgeMarks = new Map()
const none: readonly NodeMark[] = []

const labels: Record<MarkKind, string> = {
  fails: 'Failing',
  credential: 'Credential problem',
  removed: 'Removed',
  added: 'New',
  changed: 'Changed',
}

/** Explains the marks in the graph. With `version`, the labels include it: New in v14. */
export function GraphLegend({ marks, version }: { marks: NodeMarks; version?: string }) {
  const found = new Set([...marks.values()].flat().map(({ kind }) => kind))
  if (found.size === 0) return null
  const labelOf = (kind: MarkKind) =>
    version && (kind === 'added' || kind === 'changed') ? `${labels[kind]} in ${version}` : labels[kind]
  return (
    <span class="legend">
      {markKinds
        .filter((kind) => found.has(kind))
        .map((kind) => (
          <LegendMark kind={kind} label={labelOf(kind)} />
        ))}
    </span>
  )
}

export function Graph({
  id,
  title,
  graph,
  marks = noMarks,
  edgeMarks = noEdgeMarks,
  focusOn = ['fails'],
  hrefOf,
}: GraphProps) {
  if (graph.nodes.length === 0) {
    return <p class="graph-empty muted">This workflow has no nodes.</p>
  }
  const layout = layOut(graph)
  const { lines, width, height } = drawEdges(graph, layout)
  const marksOf = (node: GraphNode) => marks.get(node.name) ?? none
  const focus = focused(graph, layout, marks, focusOn)
  const focusBox = focus && layout.nodes[focus.index]
  return (
    <>
      <div class="graph-scroll" tabindex={0} role="region" aria-label="Workflow graph">
        <div class="graph-canvas">
          {focusBox && <FocusPoint box={focusBox} />}
          <svg
            class="graph"
            width={width}
            height={height}
            role="img"
            aria-labelledby={`${id}-title ${id}-text`}
          >
            <title id={`${id}-title`}>{title}</title>
            <desc id={`${id}-text`}>{describe(graph, marks)}</desc>
            {graph.notes.map((note, index) => (
              <Note note={note} box={layout.notes[index]} />
            ))}
            {lines.map((line) => (
              <Line line={line} mark={edgeMarks.get(line.edge.key)} />
            ))}
            {graph.nodes.map((node) => (
              <NodeShape
                node={node}
                box={boxOf(layout, node)}
                marks={marksOf(node)}
                room={labelRoom(layout.nodes, node.index)}
              />
            ))}
          </svg>
          <svg class="graph-hits" width={width} height={height} aria-hidden="true">
            {graph.nodes.map((node) => (
              <Hit node={node} box={boxOf(layout, node)} marks={marksOf(node)} href={hrefOf?.(node)} />
            ))}
          </svg>
        </div>
      </div>
      <GraphList graph={graph} layout={layout} marks={marks} hrefOf={hrefOf} />
    </>
  )
}

const boxOf = (layout: GraphLayout, { index }: GraphNode): Box =>
  layout.nodes[index] ?? { x: 0, y: 0, width: 0, height: 0 }

function focused(
  { nodes }: WorkflowGraph,
  layout: GraphLayout,
  marks: NodeMarks,
  focusOn: readonly MarkKind[],
): GraphNode | undefined {
  for (const kind of focusOn) {
    const marked = nodes.find(({ name }) => marks.get(name)?.some((mark) => mark.kind === kind))
    if (marked) return marked
  }
  return nodes
    .filter(({ trigger }) => trigger)
    .toSorted((a, b) => boxOf(layout, a).x - boxOf(layout, b).x)
    .at(0)
}

/** The style sheet scrolls to this point once. An empty SVG of the right size positions it. */
const FocusPoint = ({ box }: { box: Box }) => (
  <div class="graph-start" aria-hidden="true">
    <svg width={box.x + Math.round(box.width / 2)} height={box.y + Math.round(box.height / 2)} />
    <span class="graph-focus"></span>
  </div>
)

function Line({ line, mark }: { line: DrawnEdge; mark: 'added' | 'removed' | undefined }) {
  const { edge, path, arrow } = line
  const names = ['graph-line', edge.type !== 'main' && 'sub', mark && `graph-${mark}`]
    .filter(Boolean)
    .join(' ')
  return (
    <g class={names}>
      <path d={path} />
      {arrow && <path class="graph-arrow" d={`M${arrow.x - 7} ${arrow.y - 4.5}l7 4.500-7 4.500z`} />}
    </g>
  )
}

function Note({ note, box }: { note: GraphNote; box: Box | undefined }) {
  if (!box) return null
  const lines = noteLines(
    note.text,
    Math.min(box.width - 20, maxNoteLinePx),
    Math.floor((box.height - 12) / 15),
  )
  return (
    <g class="graph-note">
      <rect x={box.x} y={box.y} width={box.width} height={box.height} rx="6" />
      {lines.map((line, index) => (
        <text x={box.x + 10} y={box.y + 19 + index * 15}>
          {line}
        </text>
      ))}
    </g>
  )
}

const maxNoteLinePx = 420

/** The note's lines, wrapped and cut to the size of its box. */
function noteLines(markdown: string, widthPx: number, room: number): string[] {
  const lines: string[] = []
  for (const line of plainText(markdown).split('\n')) {
    if (lines.length >= room) break
    if (line.trim() !== '') lines.push(...wrapLabel(line, Math.max(24, widthPx), room - lines.length, 11))
  }
  return lines
}

/** Strips the Markdown syntax. */
const plainText = (markdown: string): string =>
  markdown
    .replaceAll(/!\[[^\]]{0,200}\]\([^)]{0,500}\)/g, '')
    .replaceAll(/\[([^\]]{0,200})\]\([^)]{0,500}\)/g, '$1')
    .replaceAll(/<[^<>]{0,300}>/g, '')
    .replaceAll(/[#*_`>|]+/g, '')

/** The link of a node for mouse users. The list has the same links for everyone. */
function Hit({
  node,
  box,
  marks,
  href,
}: {
  node: GraphNode
  box: Box
  marks: readonly NodeMark[]
  href: string | undefined
}) {
  const area = (
    <rect class="graph-hit" x={box.x - 4} y={box.y - 4} width={box.width + 8} height={box.height + 8} rx="11">
      <title>{[node.name, node.type, ...marks.map(({ note }) => note)].filter(Boolean).join('\n')}</title>
    </rect>
  )
  return href ? (
    <a href={href} tabindex={-1}>
      {area}
    </a>
  ) : (
    area
  )
}

const maxNamed = 6

/** A short text description of the graph. */
function describe({ nodes, edges, omitted }: WorkflowGraph, marks: NodeMarks): string {
  const named = (list: readonly GraphNode[]) => {
    const names = list.slice(0, maxNamed).map(({ name }) => name.slice(0, 80))
    return list.length > maxNamed
      ? `${names.join(', ')} and ${list.length - maxNamed} more`
      : names.join(', ')
  }
  const triggers = nodes.filter(({ trigger }) => trigger)
  const parts = [
    `${plural(nodes.length + omitted, 'node')}, ${plural(edges.length, 'connection')}.`,
    triggers.length > 0 ? `Starts with ${named(triggers)}.` : 'No triggers.',
    ...markKinds.map((kind) => {
      const marked = nodes.filter(({ name }) => marks.get(name)?.some((mark) => mark.kind === kind))
      return marked.length > 0 ? `${labels[kind]}: ${named(marked)}.` : ''
    }),
    'The list below shows the same nodes.',
  ]
  return parts.filter(Boolean).join(' ')
}

type ListProps = Pick<GraphProps, 'graph' | 'hrefOf'> & { layout: GraphLayout; marks: NodeMarks }

const maxTargets = 5

/** The nodes from left to right and the nodes that each one leads to. */
function GraphList({ graph, layout, marks, hrefOf }: ListProps) {
  const following = new Map<number, string[]>()
  for (const { from, to, type } of graph.edges) {
    const name = graph.nodes[to]?.name ?? ''
    following.set(from, [...(following.get(from) ?? []), type === 'main' ? name : `${name} (${type})`])
  }
  const rows = graph.nodes.toSorted((a, b) => {
    const [first, second] = [boxOf(layout, a), boxOf(layout, b)]
    return first.x - second.x || first.y - second.y
  })
  return (
    <details class="chart-data graph-list">
      <summary>Show as list</summary>
      <div class="chart-data-scroll" tabindex={0} role="region" aria-label="List of nodes">
        <Table
          caption="Nodes, from left to right"
          compact
          columns={[{ label: 'Node' }, { label: 'Type' }, { label: 'Leads to' }, { label: 'State' }]}
        >
          {rows.map((node) => (
            <Tr>
              <Td>
                <span class="name-cell">
                  <NodeBadge type={node.type} />
                  {hrefOf ? (
                    <a class="row-link" href={hrefOf(node)}>
                      {node.name}
                    </a>
                  ) : (
                    node.name
                  )}
                </span>
              </Td>
              <Td class="muted">{node.type?.split('.').at(-1) ?? '?'}</Td>
              <Td>{targetsText(following.get(node.index) ?? [])}</Td>
              <Td>
                <NodeState node={node} marks={marks.get(node.name) ?? none} />
              </Td>
            </Tr>
          ))}
        </Table>
      </div>
    </details>
  )
}

const targetsText = (names: string[]): string => {
  if (names.length === 0) return '–'
  const shown = names.slice(0, maxTargets).join(', ')
  return names.length > maxTargets ? `${shown} and ${names.length - maxTargets} more` : shown
}

const markTags = { removed: 'tag fail', added: 'tag ok', changed: 'tag' } as const

function NodeState({ node, marks }: { node: GraphNode; marks: readonly NodeMark[] }) {
  if (marks.length === 0) return node.disabled ? <span class="muted">Disabled</span> : null
  return (
    <span class="graph-states">
      {marks.map(({ kind, note }) =>
        kind === 'fails' || kind === 'credential' ? (
          <Status tone={kind === 'fails' ? 'fail' : 'wait'} label={note} />
        ) : (
          <span class={markTags[kind]}>{note}</span>
        ),
      )}
      {node.disabled && <span class="muted">Disabled</span>}
    </span>
  )
}
