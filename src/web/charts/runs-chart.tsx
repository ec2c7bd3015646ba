/**
 * @module Runs over time: bars stacked by status with failures at the bottom, and failures again on their own scale.
 */
import type { Child } from 'hono/jsx'
import { Table, Td, Tr } from '../components/table.tsx'
import { count, plural, type TimeFormat } from '../format.ts'
import { ChartData, ScaleLabels, ScaleLines } from './parts.tsx'
import { countScale, percentX, placeOf, round, type Span, spanLabel, timeLabels } from './scales.ts'

/** Buckets are contiguous. */
export interface RunsBucket extends Span {
  succeeded: number
  failed: number
  waiting: number
  /** Running or queued. */
  running: number
  canceled: number
  /** Runs with n8n's status `unknown`. */
  unknown: number
  /** False when the runs of this time are unknown, which hatches the bucket. Zero runs draws the baseline. */
  known?: boolean
}

export interface Marker {
  /** ISO instant. */
  at: string
  label: string
}

export interface RunsChartProps {
  /** ID prefix of the elements, unique on the page. */
  id: string
  title: string
  /** Summary for screen readers: number of runs and when they fail. */
  description: string
  buckets: readonly RunsBucket[]
  /** Nominal bucket length. The first and last bucket may be shorter, and a day has 23 to 25 hours. */
  bucketMs: number
  time: TimeFormat
  /** Deployments. */
  markers?: readonly Marker[]
  /** Link to the bucket's runs. */
  hrefOf?: (bucket: RunsBucket) => string
}

const height = 220
const top = 24
const base = 142
const laneTop = 160
const laneBottom = 190

export const RunsLegend = () => (
  <span class="legend">
    <Swatch series="ok" label="Succeeded" />
    <Swatch series="fail" label="Failed" />
    <Swatch series="wait" label="Waiting" />
    <Swatch series="run" label="Running or queued" />
    <Swatch series="idle" label="Canceled" />
    <Swatch series="unknown" label="Unknown" />
  </span>
)

const fillOf = (series: string) => (series === 'wait' ? { fill: 'url(#hatch-wait)' } : {})

const Swatch = ({ series, label }: { series: string; label: string }) => (
  <span>
    <svg class="swatch" viewBox="0 0 10 10" aria-hidden="true">
      <rect class={`series-${series}`} width="10" height="10" rx="2" {...fillOf(series)} />
    </svg>
    {label}
  </span>
)

const total = ({ succeeded, failed, waiting, running, canceled, unknown }: RunsBucket) =>
  succeeded + failed + waiting + running + canceled + unknown

export function RunsChart(props: RunsChartProps) {
  const { id, title, description, buckets, bucketMs, time, markers = [], hrefOf } = props
  if (buckets.length === 0) return <p class="chart-empty">No runs in this period.</p>
  const { y, ticks } = countScale(Math.max(...buckets.map(total)), base, top)
  const maxFailed = Math.max(...buckets.map(({ failed }) => failed))
  const step = 1 / buckets.length
  return (
    <>
      <div class="chart">
        <svg height={height} aria-hidden="true">
          <ScaleLabels ticks={ticks} y={y} x={30} labelOf={count} />
          {maxFailed > 0 && (
            <text class="end" x="30" y={laneBottom + 4}>
              {count(maxFailed)}
            </text>
          )}
        </svg>
        <svg class="plot" height={height} role="img" aria-labelledby={`${id}-title ${id}-text`}>
          <title id={`${id}-title`}>{title}</title>
          <desc id={`${id}-text`}>{description}</desc>
          <ScaleLines ticks={ticks} y={y} />
          {buckets.map((bucket, index) => (
            <Bar bucket={bucket} at={index} step={step} y={y} />
          ))}
          <line class="axis" x1="0" x2="100%" y1={laneTop} y2={laneTop} />
          {buckets.map(
            ({ failed }, index) =>
              failed > 0 && (
                <rect
                  class="series-fail"
                  x={percentX((index + 0.1) * step)}
                  width={percentX(step * 0.8)}
                  y={laneTop}
                  height={round(Math.max(1.5, (failed / maxFailed) * (laneBottom - laneTop)))}
                />
              ),
          )}
          <text x="0" y={maxFailed > 0 ? laneBottom + 2 : laneTop + 14}>
            {maxFailed > 0 ? 'Failures only, separate scale' : 'No failures'}
          </text>
          {timeLabels(
            buckets.map(({ start }) => start),
            bucketMs,
            time,
          ).map(({ x, text }, index) => (
            <text class={index % 2 === 1 ? 'middle wide-only' : 'middle'} x={percentX(x)} y={height - 4}>
              {text}
            </text>
          ))}
          {markers.map(({ at, label }) => (
            <DeployMarker label={label} x={placeOf(buckets, at)} />
          ))}
        </svg>
        {hrefOf && <HitLayer {...props} hrefOf={hrefOf} />}
      </div>
      <RunsTable {...props} />
    </>
  )
}

/** Links for the pointer, next to the image. The table has the same links for keyboards. */
function HitLayer({
  buckets,
  bucketMs,
  time,
  hrefOf,
}: RunsChartProps & { hrefOf: (bucket: RunsBucket) => string }) {
  const step = 1 / buckets.length
  return (
    <svg class="plot" height={height} aria-hidden="true">
      {buckets.map((bucket, index) => (
        <a href={hrefOf(bucket)} tabindex={-1}>
          <rect
            class="hit"
            x={percentX(index * step)}
            width={percentX(step)}
            y={top}
            height={laneBottom - top}
          >
            <title>{`${spanLabel(bucket, bucketMs, time)}: ${plural(total(bucket), 'run')}, ${count(bucket.failed)} failed`}</title>
          </rect>
        </a>
      ))}
    </svg>
  )
}

interface BarProps {
  bucket: RunsBucket
  /** Index from the left; `step` is the share of the width per bar. */
  at: number
  step: number
  y: (value: number) => number
}

function Bar({ bucket, at, step, y }: BarProps): Child {
  if (bucket.known === false) {
    return (
      <rect
        class="series-none"
        fill="url(#hatch-none)"
        x={percentX(at * step)}
        width={percentX(step)}
        y={top}
        height={laneBottom - top}
      />
    )
  }
  const x = percentX((at + 0.1) * step)
  const width = percentX(step * 0.8)
  const parts = [
    ['fail', bucket.failed],
    ['wait', bucket.waiting],
    ['run', bucket.running],
    ['idle', bucket.canceled],
    ['unknown', bucket.unknown],
    ['ok', bucket.succeeded],
  ] as const
  let below = 0
  return (
    <>
      {parts.map(([series, runs]) => {
        if (runs === 0) return null
        const bottomY = y(below)
        below += runs
        const topY = y(below)
        const tall = round(Math.max(series === 'fail' ? 1.5 : 0.5, bottomY - topY))
        return (
          <>
            <rect
              class={`series-${series}`}
              {...fillOf(series)}
              x={x}
              width={width}
              y={round(bottomY - tall)}
              height={tall}
            />
            {series === 'ok' && tall > 1.5 && (
              <rect class="series-cap" x={x} width={width} y={topY} height="1.5" />
            )}
          </>
        )
      })}
    </>
  )
}

function DeployMarker({ label, x }: { label: string; x: number | null }) {
  if (x === null) return null
  const anchor = x > 0.75 ? 'end' : x < 0.25 ? '' : 'middle'
  return (
    <>
      <line class="marker" x1={percentX(x)} x2={percentX(x)} y1={14} y2={laneBottom} />
      <text class={`marker-text ${anchor}`} x={percentX(x)} y={10}>
        {label}
      </text>
    </>
  )
}

function RunsTable({ title, buckets, bucketMs, time, hrefOf }: RunsChartProps) {
  const columns = [
    { label: 'Time' },
    ...['Succeeded', 'Failed', 'Waiting', 'Running or queued', 'Canceled', 'Unknown'].map((label) => ({
      label,
      numeric: true,
    })),
  ]
  return (
    <ChartData>
      <Table caption={title} compact columns={columns}>
        {buckets.map((bucket) => {
          const label = spanLabel(bucket, bucketMs, time)
          const { succeeded, failed, waiting, running, canceled, unknown } = bucket
          const values = [succeeded, failed, waiting, running, canceled, unknown]
          return (
            <Tr>
              <Td>
                {hrefOf ? (
                  <a class="link" href={hrefOf(bucket)}>
                    {label}
                  </a>
                ) : (
                  label
                )}
              </Td>
              {values.map((value) => (
                <Td numeric>{bucket.known === false ? '?' : count(value)}</Td>
              ))}
            </Tr>
          )
        })}
      </Table>
    </ChartData>
  )
}
