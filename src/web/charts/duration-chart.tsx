/** @module Durations over time: p50 and p95 with the band between them, on a log axis. */
import { dayMs, hourMs, minuteMs } from '../../lib/time.ts'
import { Table, Td, Tr } from '../components/table.tsx'
import { count, duration, type TimeFormat } from '../format.ts'
import { ChartData, ScaleLabels, ScaleLines } from './parts.tsx'
import { bandPath, linePath } from './paths.ts'
import { bucketLabel, durationScale, percentX, round, timeLabels } from './scales.ts'

export interface DurationBucket {
  /** Start of the bucket (ISO). */
  start: string
  /** Milliseconds; null when no run ended in the bucket, which leaves a gap. */
  p50: number | null
  p95: number | null
  runs: number
  /** False when the runs of this time are unknown, which hatches the bucket. */
  known?: boolean
}

export interface DurationChartProps {
  id: string
  title: string
  description: string
  buckets: readonly DurationBucket[]
  bucketMs: number
  time: TimeFormat
}

interface Point {
  x: number
  p50: number
  p95: number
}

const height = 220
const top = 24
const bottom = 190
/** Buckets with fewer runs have dots instead of lines. */
const minRunsForLines = 20
/** The share of the width that the label of a line takes. */
const labelShare = 0.07

export function DurationChart(props: DurationChartProps) {
  const { id, title, description, buckets, bucketMs, time } = props
  const points = buckets.map(({ p50, p95 }, index) =>
    p50 === null || p95 === null ? null : { x: (index + 0.5) / buckets.length, p50, p95 },
  )
  const drawn = points.filter((point) => point !== null)
  if (drawn.length === 0) return <p class="chart-empty">No completed runs in this period.</p>
  const underLabel = drawn.filter(({ x }) => x - (drawn[0]?.x ?? 0) <= labelShare)
  const { y, ticks } = durationScale(
    drawn.flatMap(({ p50, p95 }) => [p50, p95]),
    bottom,
    top,
  )
  const hasLines = buckets.reduce((runs, bucket) => runs + bucket.runs, 0) >= minRunsForLines
  const first = drawn[0]
  return (
    <>
      <div class="chart">
        <svg height={height} aria-hidden="true">
          <ScaleLabels ticks={ticks} y={y} x={32} labelOf={axisLabel} />
        </svg>
        <svg class="plot" height={height} role="img" aria-labelledby={`${id}-title ${id}-text`}>
          <title id={`${id}-title`}>{title}</title>
          <desc id={`${id}-text`}>{description}</desc>
          <ScaleLines ticks={ticks} y={y} />
          {buckets.map(
            ({ known }, index) =>
              known === false && (
                <rect
                  fill="url(#hatch-none)"
                  x={percentX(index / buckets.length)}
                  width={percentX(1 / buckets.length)}
                  y={top}
                  height={bottom - top}
                />
              ),
          )}
          {hasLines ? <Lines points={points} y={y} /> : <Dots points={drawn} y={y} />}
          {first && (
            <>
              <text class="label-p95" x="2" y={Math.min(...underLabel.map(({ p95 }) => y(p95))) - 8}>
                p95
              </text>
              <text class="label-p50" x="2" y={y(first.p50) + (y(first.p50) > bottom - 18 ? -8 : 16)}>
                p50
              </text>
            </>
          )}
          {timeLabels(
            buckets.map(({ start }) => start),
            bucketMs,
            time,
          ).map(({ x, text }, index) => (
            <text class={index % 2 === 0 ? 'middle' : 'middle wide-only'} x={percentX(x)} y={height - 4}>
              {text}
            </text>
          ))}
        </svg>
      </div>
      <ChartData>
        <Table
          caption={title}
          compact
          columns={[{ label: 'From' }, ...['p50', 'p95', 'Runs'].map((label) => ({ label, numeric: true }))]}
        >
          {buckets.map(({ start, p50, p95, runs, known }) => (
            <Tr>
              <Td>{bucketLabel(start, bucketMs, time)}</Td>
              <Td numeric>{known === false ? '?' : duration(p50)}</Td>
              <Td numeric>{known === false ? '?' : duration(p95)}</Td>
              <Td numeric>{known === false ? '?' : count(runs)}</Td>
            </Tr>
          ))}
        </Table>
      </ChartData>
    </>
  )
}

/** Fits in the gutter: 500 ms, 2 s, 5 min, 2 h. */
const axisLabel = (ms: number): string => {
  if (ms < 1000) return `${ms} ms`
  if (ms < 60_000) return `${ms / 1000} s`
  if (ms < hourMs) return `${ms / minuteMs} min`
  return ms < dayMs ? `${ms / hourMs} h` : `${ms / dayMs} d`
}

interface DrawingProps {
  y: (ms: number) => number
}

/** The lines of a chart. x scales to 1000 units, y is in pixels and strokes do not scale. */
function Lines({ points, y }: DrawingProps & { points: readonly (Point | null)[] }) {
  const lineOf = (value: (point: Point) => number) =>
    linePath(points.map((point) => point && [round(point.x * 1000), y(value(point))]))
  const band = bandPath(
    points.map((point) => point && { x: round(point.x * 1000), from: y(point.p50), to: y(point.p95) }),
  )
  const isAlone = (index: number) => points[index] !== null && !points[index - 1] && !points[index + 1]
  const alone = points.filter((point, index): point is Point => point !== null && isAlone(index))
  return (
    <>
      <svg width="100%" height={height} viewBox={`0 0 1000 ${height}`} preserveAspectRatio="none">
        <path class="series-band" d={band} />
        <path class="line p95" d={lineOf(({ p95 }) => p95)} />
        <path class="line p50" d={lineOf(({ p50 }) => p50)} />
      </svg>
      <Dots points={alone} y={y} />
    </>
  )
}

const Dots = ({ points, y }: DrawingProps & { points: readonly Point[] }) => (
  <>
    {points.map(({ x, p50, p95 }) => (
      <>
        <circle class="dot-p95" cx={percentX(x)} cy={y(p95)} r="3" />
        <circle class="dot-p50" cx={percentX(x)} cy={y(p50)} r="3" />
      </>
    ))}
  </>
)
