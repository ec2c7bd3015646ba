/** @module Draws a workflow's graph like n8n does, in a scrolling box. */
import type { JsonObject } from '../../../lib/json-object.ts'
import { Card } from '../../components/card.tsx'
import { Segmented } from '../../components/controls.tsx'
import { plural } from '../../format.ts'
import { drawEdges, type DrawnEdge, lowerPorts, outputPorts } from './edges.ts'
import { NodeInspector } from './inspector.tsx'
import { extent, isCut, type NodeLabels, placeLabels } from './labels.ts'
import { type GraphLayout, layOut } from './layout.ts'
import { GraphList, isFound } from './list.tsx'
import { type EdgeMarks, type MarkKind, markKinds, type NodeMark, type NodeMarks } from './marks.ts'
import type { GraphNode, Point, WorkflowGraph } from './model.ts'
import { isPlain, LegendMark, NodeIcons, NodeShape } from './node.tsx'
import { Note, plainLines } from './note.tsx'
import type { Box } from './sizes.ts'
import { type GraphState, stateHref, type Zoom } from './view-state.ts'

export interface GraphProps {
  /** Prefix of element IDs, unique on the page. */
  id: string
  /** Such as `Support triage, version 14`. */
  title: string
  graph: WorkflowGraph
  state: GraphState
  marks?: NodeMarks
  edgeMarks?: EdgeMarks
  /** The page opens scrolled to the worst node with one of these marks, or else to a trigger. */
  focusOn?: readonly MarkKind[]
  /** n8n JSON, for the inspector. Without it, nodes are not links. */
  workflow?: JsonObject
  /** A link in the inspector to the failed runs of a node. */
  failedRunsHref?: (node: string) => string
}

const noMarks: NodeMarks = new Map()
const noEdgeMarks: EdgeMarks = new Map()
const none: readonly NodeMark[] = []

const labels: Record<MarkKind, string> = {
  fails: 'Failing',
  error: 'Error',
  credential: 'Credential problem',
  warning: 'Warning',
  removed: 'Removed',
  added: 'New',
  changed: 'Changed',
}

interface CardProps extends GraphProps {
  /** Such as `v14`. */
  note: string
  /** Makes the legend say "New in v14". */
  version?: string
  class?: string
}

/** A card with the graph, its legend, the zoom and the inspector. */
export function GraphCard({ note, version, class: name, ...props }: CardProps) {
  const { graph, state, marks = noMarks } = props
  return (
    <Card
      id="graph"
      title="Graph"
      note={note}
      aside={
        <>
          <GraphLegend marks={marks} {...(version !== undefined && { version })} />
          {graph.nodes.length > 0 && <ZoomChoice state={state} />}
        </>
      }
      flush
      class={['graph-card', name].filter(Boolean).join(' ')}
    >
      <Graph {...props} />
    </Card>
  )
}

const zoomLabels: [Zoom, string][] = [
  ['auto', 'Auto'],
  ['fit', 'Fit'],
  ['50', '50%'],
  ['75', '75%'],
  ['100', '100%'],
  ['150', '150%'],
]

/** Links; the script changes the zoom without loading the page. */
const ZoomChoice = ({ state }: { state: GraphState }) => (
  <div class="graph-zoom">
    <Segmented
      label="Zoom"
      choices={zoomLabels.map(([zoom, label]) => ({
        label,
        href: stateHref(state, { zoom }),
        current: zoom === state.zoom,
      }))}
    />
  </div>
)

/** Explains the marks in the graph. With `version`, the labels include it: New in v14. */
function GraphLegend({ marks, version }: { marks: NodeMarks; version?: string }) {
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

/** The widest graph that `auto` shrinks to the width of the page: its text stays larger than 8 px. */
const maxShrunkPx = 1660
const minScale = 0.7

export function Graph(props: GraphProps) {
  const {
    id,
    title,
    graph,
    state,
    marks = noMarks,
    edgeMarks = noEdgeMarks,
    focusOn = ['fails', 'error'],
  } = props
  if (graph.nodes.length === 0) {
    return <p class="graph-empty muted">This workflow has no nodes.</p>
  }
  const { workflow, failedRunsHref } = props
  const layout = layOut(graph)
  const { lines, width, height } = drawEdges(graph, layout)
  const names = placeLabels(graph, layout)
  const marksOf = (node: GraphNode) => marks.get(node.name) ?? none
  const selected = workflow ? graph.nodes.find(({ name }) => name === state.node) : undefined
  const hrefOf = workflow ? ({ name }: GraphNode) => stateHref(state, { node: name }) : undefined
  const focus = selected ?? focused(graph, layout, marks, focusOn, state.find)
  const canvas = { width, height, viewBox: `0 0 ${width} ${height}` }
  return (
    <>
      <div class={selected ? 'graph-body with-inspector' : 'graph-body'}>
        <div
          class="graph-scroll"
          data-zoom={state.zoom}
          tabindex={0}
          role="region"
          aria-label="Workflow graph"
        >
          <div class="graph-canvas">
            <svg
              class="graph-least"
              width={width <= maxShrunkPx ? Math.round(width * minScale) : width}
              height="0"
              aria-hidden="true"
            />
            {focus && <FocusPoint box={boxOf(layout, focus)} width={width} height={height} />}
            <svg class="graph" {...canvas} role="img" aria-labelledby={`${id}-title ${id}-text`}>
              <title id={`${id}-title`}>{title}</title>
              <desc id={`${id}-text`}>{describe(graph, marks)}</desc>
              <NodeIcons nodes={graph.nodes} iconPrefix={`${id}-`} />
              {notesOf(graph, layout).map(([note, box]) => (
                <Note note={note} box={box} />
              ))}
              <Lines lines={lines} edgeMarks={edgeMarks} />
              {graph.nodes.map((node) => (
                <NodeShape
                  node={node}
                  box={boxOf(layout, node)}
                  marks={marksOf(node)}
                  labels={names[node.index] ?? { name: null, outputs: [] }}
                  state={node === selected ? 'selected' : isFound(node, state.find) ? 'found' : null}
                  iconPrefix={`${id}-`}
                />
              ))}
              <Ports graph={graph} layout={layout} />
            </svg>
            <svg class="graph-hits" {...canvas} aria-hidden="true">
              {notesOf(graph, layout).map(([{ text }, box]) => (
                <rect {...box}>
                  <title>{noteTitle(text)}</title>
                </rect>
              ))}
              {graph.nodes.map((node) => (
                <Hit
                  node={node}
                  box={boxOf(layout, node)}
                  labels={names[node.index]}
                  marks={marksOf(node)}
                  href={hrefOf?.(node)}
                />
              ))}
            </svg>
          </div>
        </div>
        {selected && workflow && hrefOf && (
          <NodeInspector
            graph={graph}
            workflow={workflow}
            hrefOf={hrefOf}
            node={selected}
            marks={marksOf(selected)}
            closeHref={stateHref(state, { node: null })}
            more={
              failedRunsHref && (
                <a class="link" href={failedRunsHref(selected.name)}>
                  View failed runs
                </a>
              )
            }
          />
        )}
      </div>
      <GraphList id={id} graph={graph} layout={layout} marks={marks} state={state} hrefOf={hrefOf} />
    </>
  )
}

const boxOf = (layout: GraphLayout, { index }: GraphNode): Box =>
  layout.nodes[index] ?? { x: 0, y: 0, width: 0, height: 0 }

/** The largest first, because smaller ones lie on them. */
const notesOf = ({ notes }: WorkflowGraph, layout: GraphLayout) =>
  notes
    .flatMap((note, index) => {
      const box = layout.notes[index]
      return box ? [[note, box] as const] : []
    })
    .toSorted(([, a], [, b]) => b.width * b.height - a.width * a.height)

const maxTitleChars = 500

const noteTitle = (markdown: string): string =>
  plainLines(markdown)
    .map(({ text }) => text)
    .join('\n')
    .slice(0, maxTitleChars)
    .toWellFormed()

function focused(
  { nodes }: WorkflowGraph,
  layout: GraphLayout,
  marks: NodeMarks,
  focusOn: readonly MarkKind[],
  find: string,
): GraphNode | undefined {
  const found = nodes.find((node) => isFound(node, find))
  if (found) return found
  for (const kind of focusOn) {
    const weightOf = ({ name }: GraphNode) => marks.get(name)?.find((mark) => mark.kind === kind)?.weight ?? 0
    const marked = nodes.filter(({ name }) => marks.get(name)?.some((mark) => mark.kind === kind))
    const [worst] = marked.toSorted((a, b) => weightOf(b) - weightOf(a))
    if (worst) return worst
  }
  return nodes
    .filter(({ trigger }) => trigger)
    .toSorted((a, b) => boxOf(layout, a).x - boxOf(layout, b).x)
    .at(0)
}

/** The style sheet scrolls to this point once. An empty SVG of the right size positions it, at any zoom. */
function FocusPoint({ box, width, height }: { box: Box; width: number; height: number }) {
  const share = (part: number, whole: number) => `${Math.round((part / whole) * 10_000) / 100}%`
  return (
    <div class="graph-start" aria-hidden="true">
      <svg width={share(box.x + box.width / 2, width)} height={share(box.y + box.height / 2, height)} />
      <span class="graph-focus"></span>
    </div>
  )
}

/** Lines of the same look share one path. */
function Lines({ lines, edgeMarks }: { lines: readonly DrawnEdge[]; edgeMarks: EdgeMarks }) {
  const groups = new Map<string, DrawnEdge[]>()
  for (const line of lines) {
    const mark = edgeMarks.get(line.edge.key)
    const look = ['graph-line', line.edge.type !== 'main' && 'sub', mark && `graph-${mark}`]
      .filter(Boolean)
      .join(' ')
    const group = groups.get(look)
    if (group) group.push(line)
    else groups.set(look, [line])
  }
  const arrowPath = ({ x, y }: Point) => `M${x - 7} ${y - 4.5}l7 4.500-7 4.500z`
  return (
    <>
      {[...groups].map(([look, group]) => {
        const arrows = group.flatMap(({ arrow }) => (arrow ? [arrowPath(arrow)] : []))
        return (
          <g class={look}>
            <path d={group.map(({ path }) => path).join('')} />
            {arrows.length > 0 && <path class="graph-arrow" d={arrows.join('')} />}
          </g>
        )
      })}
    </>
  )
}

/** The outputs as dots, which are lines without a length, and the inputs for sub-nodes as diamonds. */
function Ports({ graph, layout }: { graph: WorkflowGraph; layout: GraphLayout }) {
  const { nodes } = graph
  const dots = nodes.flatMap((node) => outputPorts(node, boxOf(layout, node)))
  const diamonds = nodes.flatMap((node) => lowerPorts(node, boxOf(layout, node)))
  return (
    <>
      {dots.length > 0 && <path class="graph-ports" d={dots.map(({ x, y }) => `M${x} ${y}h0`).join('')} />}
      {diamonds.length > 0 && (
        <path class="graph-diamonds" d={diamonds.map(({ x, y }) => `M${x} ${y - 5}l5 5-5 5-5-5z`).join('')} />
      )}
    </>
  )
}

interface HitProps {
  node: GraphNode
  box: Box
  labels: NodeLabels | undefined
  marks: readonly NodeMark[]
  href: string | undefined
}

/** The link of a node for mouse users. The list has the same links for everyone. */
function Hit({ node, box, labels, marks, href }: HitProps) {
  const texts = [node.name, node.type?.split('.').at(-1), node.disabled && 'Disabled']
  const cut = labels ? [labels.name ?? [], labels.outputs].flat().filter(isCut) : []
  const area = (
    <>
      <rect
        x={box.x - 4}
        y={box.y - 4}
        {...(!isPlain(box.width, box.height) && { width: box.width + 8, height: box.height + 8 })}
      >
        <title>{[...texts, ...marks.map(({ note }) => note)].filter(Boolean).join('\n')}</title>
      </rect>
      {cut.map((label) => (
        <rect {...extent(label)}>
          <title>{label.text}</title>
        </rect>
      ))}
    </>
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
function describe({ nodes, edges, notes, omitted }: WorkflowGraph, marks: NodeMarks): string {
  const named = (list: readonly GraphNode[]) => {
    const names = list.slice(0, maxNamed).map(({ name }) => name.slice(0, 80))
    return list.length > maxNamed
      ? `${names.join(', ')} and ${list.length - maxNamed} more`
      : names.join(', ')
  }
  const triggers = nodes.filter(({ trigger }) => trigger)
  const parts = [
    `${plural(nodes.length + omitted, 'node')}, ${plural(edges.length, 'connection')}.`,
    notes.length > 0 ? `${plural(notes.length, 'note')}.` : '',
    triggers.length > 0 ? `Starts with ${named(triggers)}.` : 'No triggers.',
    ...markKinds.map((kind) => {
      const marked = nodes.filter(({ name }) => marks.get(name)?.some((mark) => mark.kind === kind))
      return marked.length > 0 ? `${labels[kind]}: ${named(marked)}.` : ''
    }),
    'The list below shows the same nodes.',
  ]
  return parts.filter(Boolean).join(' ')
}
