/** @module Draws one node of a graph: shape, icon, name and marks. */
import { iconPath, nodeFace } from '../../components/icons.tsx'
import { lowerPorts, outputPorts } from './edges.ts'
import { wrapLabel } from './label.ts'
import type { MarkKind, NodeMark } from './marks.ts'
import type { GraphNode } from './model.ts'
import { type Box, nodeSize, subSize } from './sizes.ts'

export interface NodeShapeProps {
  node: GraphNode
  box: Box
  marks: readonly NodeMark[]
  /** The space for the name below the node. */
  room: LabelRoom
}

export interface LabelRoom {
  widthPx: number
  lines: number
}

const maxLabelPx = 118
const minLabelPx = 48
const lineHeight = 15

/** Limits the name so that it does not overlap a neighboring name or a node below. */
export function labelRoom(boxes: readonly Box[], index: number): LabelRoom {
  const own = boxes[index]
  if (!own) return { widthPx: maxLabelPx, lines: 2 }
  const [middle, foot] = [own.x + own.width / 2, own.y + own.height]
  let widthPx = maxLabelPx
  let lines = 2
  for (const [at, box] of boxes.entries()) {
    if (at === index) continue
    const dx = Math.abs(box.x + box.width / 2 - middle)
    if (Math.abs(box.y + box.height - foot) < 34) widthPx = Math.min(widthPx, dx - 8)
    if (box.y > foot && box.y < foot + 38 && dx < (own.width + box.width) / 2) lines = 1
  }
  return { widthPx: Math.max(minLabelPx, widthPx), lines }
}

export function NodeShape({ node, box, marks, room }: NodeShapeProps) {
  const kind = marks[0]?.kind
  const names = ['graph-node', node.disabled && 'off', kind && `graph-${kind}`].filter(Boolean).join(' ')
  return (
    <g class={names}>
      <Shape node={node} box={box} />
      <Face node={node} box={box} />
      {outputPorts(node, box).map(({ x, y, label }, index) => (
        <>
          <circle class="graph-port" cx={x} cy={y} r="3.5" />
          {label !== '' && <OutputLabel x={x} y={y} text={label} last={index > 0} />}
        </>
      ))}
      {lowerPorts(node, box).map(({ x, y, label }) => (
        <path class="graph-diamond" d={`M${x} ${y - 5}l5 5-5 5-5-5z`}>
          <title>{label}</title>
        </path>
      ))}
      <Name node={node} box={box} room={room} />
      {marks.slice(0, 3).map((mark, index) => (
        <MarkBadge
          kind={mark.kind}
          x={box.x + box.width - (node.shape === 'sub' ? 6 : 0) - index * 19}
          y={box.y + (node.shape === 'sub' ? 5 : 0)}
        />
      ))}
    </g>
  )
}

function Shape({ node, box: { x, y, width, height } }: { node: GraphNode; box: Box }) {
  if (node.shape === 'sub') {
    return <circle class="graph-shape" cx={x + width / 2} cy={y + height / 2} r={subSize / 2} />
  }
  if (!node.trigger) return <rect class="graph-shape" x={x} y={y} width={width} height={height} rx="9" />
  const r = Math.min(24, height / 2)
  const top = `M${x + r} ${y}H${x + width - 8}a8 8 0 0 1 8 8V${y + height - 8}a8 8 0 0 1-8 8H${x + r}`
  return (
    <path class="graph-shape" d={`${top}a${r} ${r} 0 0 1-${r}-${r}V${y + r}a${r} ${r} 0 0 1 ${r}-${r}z`} />
  )
}

function Face({ node, box }: { node: GraphNode; box: Box }) {
  const { icon, initials, isAi } = nodeFace(node.type)
  const x = node.shape === 'root' ? box.x + nodeSize / 2 : box.x + box.width / 2
  const y = box.y + box.height / 2
  return icon ? (
    <svg
      class={isAi ? 'graph-icon ai' : 'graph-icon'}
      x={x - 11}
      y={y - 11}
      width="22"
      height="22"
      viewBox="0 0 24 24"
    >
      <path d={iconPath(icon)} />
    </svg>
  ) : (
    <text class={isAi ? 'graph-initials ai' : 'graph-initials'} x={x} y={y + 5}>
      {initials}
    </text>
  )
}

function Name({ node, box, room }: { node: GraphNode; box: Box; room: LabelRoom }) {
  const middle = box.y + box.height / 2
  if (node.shape === 'root') {
    const lines = wrapLabel(node.name, box.width - nodeSize - 6, 2)
    const first = middle + 4 - ((lines.length - 1) * lineHeight) / 2
    return <Lines lines={lines} x={box.x + nodeSize - 4} y={first} name="graph-name start" />
  }
  if (node.ports.length > 0) {
    const lines = wrapLabel(node.name, 96, 2)
    const first = middle + 4 - ((lines.length - 1) * lineHeight) / 2
    return <Lines lines={lines} x={box.x + box.width + 8} y={first} name="graph-name start" />
  }
  const lines = wrapLabel(node.name, room.widthPx, room.lines)
  return <Lines lines={lines} x={box.x + box.width / 2} y={box.y + box.height + 17} name="graph-name" />
}

const Lines = ({ lines, x, y, name }: { lines: string[]; x: number; y: number; name: string }) => (
  <>
    {lines.map((line, index) => (
      <text class={name} x={x} y={y + index * lineHeight}>
        {line}
      </text>
    ))}
  </>
)

const maxOutputLabelPx = 84

/** The first label is above its line. The others are below, because the lines bend away from them. */
function OutputLabel({ x, y, text, last }: { x: number; y: number; text: string; last: boolean }) {
  const [label = ''] = wrapLabel(text, maxOutputLabelPx, 1, 11)
  return (
    <text class="graph-output" x={x + 10} y={last ? y + 14 : y - 6}>
      {label}
    </text>
  )
}

const glyphs: Record<MarkKind, string> = {
  fails: 'M-2.700-2.700l5.400 5.400M2.700-2.700l-5.400 5.400',
  credential: 'M0-3.600v4M0 3.300v.1',
  removed: 'M-3 0h6',
  added: 'M-3.200 0h6.400M0-3.200v6.400',
  changed: 'M-3.300.8c1.200-2 2.200-2 3.300-.8s2.100 1.200 3.300-.8',
}

const MarkBadge = ({ kind, x, y }: { kind: MarkKind; x: number; y: number }) => (
  <g class={`graph-badge mark-${kind}`} transform={`translate(${x} ${y})`}>
    {kind === 'fails' ? (
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
