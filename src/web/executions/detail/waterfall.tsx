/** @module A run's nodes as bars over time, with the error shown under the failed node. */
import type { Child } from 'hono/jsx'
import { percentX, round } from '../../charts/scales.ts'
import { NodeBadge, nodeFace } from '../../components/icons.tsx'
import { Glyph, type Tone } from '../../components/status.tsx'
import { count, duration, none } from '../../format.ts'
import { type RowState, type Timeline, type TimelineRow, tickLabel } from './timeline.ts'

const stateStyles: Record<RowState, { tone: Tone; label: string; struckThrough?: boolean }> = {
  ok: { tone: 'ok', label: 'Succeeded' },
  fail: { tone: 'fail', label: 'Failed' },
  continued: { tone: 'wait', label: 'Failed, run continued' },
  run: { tone: 'run', label: 'Running' },
  wait: { tone: 'wait', label: 'Waiting' },
  idle: { tone: 'idle', label: 'Unknown' },
  skipped: { tone: 'idle', label: 'Did not run', struckThrough: true },
}

export const rowLabel = (state: RowState): string => stateStyles[state].label
export const rowTone = (state: RowState): Tone => stateStyles[state].tone

export interface WaterfallProps {
  timeline: Timeline
  selected: string | null
  hrefOf: (row: TimelineRow) => string
  /** Shown under the failed node. */
  error: { node: string | null; panel: Child } | null
}

export function Waterfall({ timeline, selected, hrefOf, error }: WaterfallProps) {
  const { rows, ticks, totalMs } = timeline
  return (
    <table class="wf" role="table">
      <caption class="visually-hidden">Nodes in execution order</caption>
      <thead role="rowgroup">
        <tr role="row">
          <th role="columnheader" scope="col" class="wf-node">
            <span class="visually-hidden">Node</span>
          </th>
          <th role="columnheader" scope="col" class="wf-status">
            <span class="visually-hidden">Status</span>
          </th>
          <th role="columnheader" scope="col" class="wf-track">
            <span class="visually-hidden">Time since the start of the run</span>
            <svg height="20" aria-hidden="true">
              {ticks.map(({ x, ms }, index) => (
                <text class={index === 0 ? '' : x > 0.94 ? 'end' : 'middle'} x={percentX(x)} y="13">
                  {tickLabel(ms, totalMs)}
                </text>
              ))}
            </svg>
          </th>
          <th role="columnheader" scope="col" class="wf-ms">
            <span class="visually-hidden">Duration</span>
          </th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((row) => (
          <>
            <Row
              row={row}
              timeline={timeline}
              isSelected={!row.isRun && row.name === selected}
              href={hrefOf(row)}
            />
            {error && error.node === row.name && (
              <tr role="row" class="wf-error-row" id="error">
                <td role="cell" colspan={4}>
                  {error.panel}
                </td>
              </tr>
            )}
          </>
        ))}
      </tbody>
    </table>
  )
}

interface RowProps {
  row: TimelineRow
  timeline: Timeline
  isSelected: boolean
  href: string
}

function Row({ row, timeline, isSelected, href }: RowProps) {
  const style = stateStyles[row.state]
  const names = [
    row.state === 'fail' && 'wf-failed',
    (row.state === 'skipped' || (row.state === 'idle' && !row.bar)) && 'wf-skipped',
    isSelected && 'wf-selected',
    row.depth > 0 && `wf-depth-${row.depth}`,
    row.bar && row.bar.width < 0.01 && 'wf-short',
  ]
  return (
    <tr role="row" class={names.filter(Boolean).join(' ')}>
      <td role="cell" class="wf-node">
        <a href={href} data-row {...(isSelected && { 'aria-current': 'true' })}>
          {!row.isRun && <NodeBadge type={row.type} />}
          <span class="truncate" title={row.name}>
            {row.name}
          </span>
          {row.runs > 1 && (
            <span class="wf-times">
              ×{count(row.runs)}
              <span class="visually-hidden"> runs</span>
            </span>
          )}
        </a>
      </td>
      <td role="cell" class="wf-status">
        <span class={style.tone}>
          <Glyph tone={style.tone} struckThrough={style.struckThrough ?? false} />
        </span>
        <span class="visually-hidden">{style.label}</span>
      </td>
      <td role="cell" class="wf-track">
        {row.reason && <span class="wf-reason">{row.reason}</span>}
        <svg height="32" aria-hidden="true">
          {timeline.ticks.map(({ x }) => (
            <line class="rule" x1={percentX(x)} x2={percentX(x)} y1="0" y2="32" />
          ))}
          {row.bar && <Bar row={row} bar={row.bar} />}
        </svg>
      </td>
      <td role="cell" class="wf-ms numeric">
        {row.durationMs === null ? none : duration(row.durationMs)}
      </td>
    </tr>
  )
}

const minWidthPx = 3

/** Two rectangles, one with a minimum width in pixels, because SVG percentage widths have no lower bound. */
function Bar({ row, bar }: { row: TimelineRow; bar: { x: number; width: number } }) {
  const { state, type, depth, isParent } = row
  const isAi = depth > 0 || nodeFace(type).isAi
  const series = state === 'ok' || state === 'idle' ? (isParent ? 'parent' : isAi ? 'ai' : state) : state
  const style = {
    class: `wf-bar wf-${series}`,
    ...(state === 'wait' && { fill: 'url(#hatch-wait)' }),
    y: 9,
    height: 14,
    rx: 2,
  }
  // At the right edge, the minimum width extends to the left.
  const x = bar.x + bar.width > 0.995 ? Math.min(bar.x, 0.995) : bar.x
  return (
    <>
      <rect {...style} x={percentX(x)} width={minWidthPx} />
      {bar.width > 0 && <rect {...style} x={percentX(bar.x)} width={`${round(bar.width * 100)}%`} />}
    </>
  )
}

/** The legend of the colors in use. */
export function WaterfallLegend({ rows }: { rows: readonly TimelineRow[] }) {
  const drawn = rows.filter(({ bar }) => bar !== null)
  const isAi = ({ depth, type }: TimelineRow) => depth > 0 || nodeFace(type).isAi
  const entries: [string, string, boolean][] = [
    ['ok', 'Node', drawn.some((row) => row.state === 'ok' && !isAi(row))],
    ['ai', 'AI call', drawn.some((row) => row.state === 'ok' && isAi(row))],
    ['fail', 'Failed', drawn.some(({ state }) => state === 'fail')],
    ['continued', 'Failed, continued', drawn.some(({ state }) => state === 'continued')],
    ['run', 'Running', drawn.some(({ state }) => state === 'run')],
    ['wait', 'Waiting', drawn.some(({ state }) => state === 'wait')],
  ]
  return (
    <span class="legend">
      {entries
        .filter(([, , occurs]) => occurs)
        .map(([series, label]) => (
          <span>
            <svg class="wf-swatch" viewBox="0 0 14 8" aria-hidden="true">
              <rect
                class={`wf-${series}`}
                {...(series === 'wait' && { fill: 'url(#hatch-wait)' })}
                width="14"
                height="8"
                rx="2"
              />
            </svg>
            {label}
          </span>
        ))}
    </span>
  )
}
