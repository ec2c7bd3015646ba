/** @module Draws one node of a graph: shape, icon, name and marks. */
import { type IconName, iconPath, nodeFace } from '../../components/icons.tsx'
import { extent, type Label, lineHeight, type NodeLabels } from './labels.ts'
import type { MarkKind, NodeMark } from './marks.ts'
import type { GraphNode } from './model.ts'
import { type Box, nodeSize, subSize } from './sizes.ts'

export interface NodeShapeProps {
  node: GraphNode
  box: Box
  marks: readonly NodeMark[]
  labels: NodeLabels
  /** Selected in the inspector, or found by the search. */
  state: 'selected' | 'found' | null
  /** Prefix of the IDs in `NodeIcons`. */
  iconPrefix: string
}

const iconSize = 24

/** Coordinates are relative to the node's corner, so that equal nodes have equal markup. */
export function NodeShape({
  node,
  box,
  marks,
  labels: { name, outputs },
  state,
  iconPrefix,
}: NodeShapeProps) {
  const kind = marks[0]?.kind
  const names = ['graph-node', node.disabled && 'off', kind && `graph-${kind}`, state && `graph-${state}`]
  const isSub = node.shape === 'sub'
  return (
    <g class={names.filter(Boolean).join(' ')} transform={`translate(${box.x} ${box.y})`}>
      <Shape node={node} box={box} />
      <Face node={node} box={box} iconPrefix={iconPrefix} />
      {outputs.map((label) => (
        <Lines label={label} box={box} class="graph-output" />
      ))}
      {name && node.ports.length > 0 && name.align === 'middle' && <Backing label={name} box={box} />}
      {name && <Lines label={name} box={box} class={name.align === 'start' ? 'start' : undefined} />}
      {marks.slice(0, 3).map((mark, index) => (
        <MarkBadge kind={mark.kind} x={box.width - (isSub ? 6 : 0) - index * 19} y={isSub ? 5 : 0} />
      ))}
    </g>
  )
}

/** The style sheet has the size of these, because most nodes are of it. */
export const isPlain = (width: number, height: number): boolean => width === nodeSize && height === nodeSize

function Shape({ node, box: { width, height } }: { node: GraphNode; box: Box }) {
  if (node.shape === 'sub') {
    return <circle class="graph-shape" cx={width / 2} cy={height / 2} r={subSize / 2} />
  }
  if (!node.trigger) return <rect class="graph-shape" {...(!isPlain(width, height) && { width, height })} />
  const r = Math.min(24, height / 2)
  const top = `M${r} 0H${width - 8}a8 8 0 0 1 8 8V${height - 8}a8 8 0 0 1-8 8H${r}`
  return <path class="graph-shape" d={`${top}a${r} ${r} 0 0 1-${r}-${r}V${r}a${r} ${r} 0 0 1 ${r}-${r}z`} />
}

function Face({ node, box, iconPrefix }: Pick<NodeShapeProps, 'node' | 'box' | 'iconPrefix'>) {
  const { icon, initials, isAi } = nodeFace(node.type)
  const x = node.shape === 'root' ? nodeSize / 2 : box.width / 2
  const y = box.height / 2
  return icon ? (
    <use
      class={isAi ? 'graph-icon ai' : 'graph-icon'}
      href={`#${iconPrefix}${icon}`}
      x={x - iconSize / 2}
      y={y - iconSize / 2}
    />
  ) : (
    <text class={isAi ? 'graph-initials ai' : 'graph-initials'} x={x} y={y + 5}>
      {initials}
    </text>
  )
}

/** The icons of the nodes, each once. */
export function NodeIcons({ nodes, iconPrefix }: { nodes: readonly GraphNode[]; iconPrefix: string }) {
  const icons = new Set(nodes.map(({ type }) => nodeFace(type).icon))
  icons.delete(null)
  return (
    <defs>
      {([...icons] as IconName[]).map((icon) => (
        <path id={`${iconPrefix}${icon}`} d={iconPath(icon)} />
      ))}
    </defs>
  )
}

const Lines = ({ label, box, ...rest }: { label: Label; box: Box; class: string | undefined }) => (
  <>
    {label.lines.map((line, index) => (
      <text
        {...(rest.class && { class: rest.class })}
        x={tenths(label.x - box.x)}
        y={tenths(label.y - box.y + index * lineHeight)}
      >
        {line}
      </text>
    ))}
  </>
)

/** Hides the line to a sub-node behind the name of the node that it leaves. */
const Backing = ({ label, box }: { label: Label; box: Box }) => {
  const { x, y, width, height } = extent(label)
  return (
    <rect
      class="graph-backing"
      x={tenths(x - box.x - 3)}
      y={tenths(y - box.y)}
      width={tenths(width + 6)}
      height={height}
    />
  )
}

const tenths = (value: number): number => Math.round(value * 10) / 10

const bang = 'M0-3.600v4M0 3.300v.1'
const glyphs: Record<MarkKind, string> = {
  fails: 'M-2.700-2.700l5.400 5.400M2.700-2.700l-5.400 5.400',
  error: bang,
  credential: bang,
  warning: bang,
  removed: 'M-3 0h6',
  added: 'M-3.200 0h6.400M0-3.200v6.400',
  changed: 'M-3.300.8c1.200-2 2.200-2 3.300-.8s2.100 1.200 3.300-.8',
}

const MarkBadge = ({ kind, x, y }: { kind: MarkKind; x: number; y: number }) => (
  <g class={`graph-badge mark-${kind}`} transform={`translate(${x} ${y})`}>
    {kind === 'fails' || kind === 'error' ? (
      <path d="M-3.400-8h6.800l4.600 4.600v6.800l-4.600 4.600h-6.800l-4.600-4.600v-6.800z" />
    ) : (
      <circle r="8" />
    )}
    <path class="graph-glyph" d={glyphs[kind]} />
  </g>
)

/** The mark as on a node, with a label. */
export const LegendMark = ({ kind, label }: { kind: MarkKind; label: string }) => (
  <span>
    <svg class="graph-legend" width="16" height="16" aria-hidden="true">
      <MarkBadge kind={kind} x={8} y={8} />
    </svg>
    {label}
  </span>
)
