/** @module A chart of one error group's failed runs over time. */
import { intervalMs, intervalStarts } from '../../runs/period.ts'
import type { ErrorGroupDetail } from '../../analytics/contract.ts'
import { ChartData, ScaleLabels, ScaleLines } from '../charts/parts.tsx'
import { bucketLabel, countScale, percentX, round, timeLabels } from '../charts/scales.ts'
import { Table, Td, Tr } from '../components/table.tsx'
import { count, plural, type TimeFormat } from '../format.ts'

const height = 150
const top = 12
const base = 124
export const intervalLabels = { hour: 'per hour', day: 'per day (UTC)', week: 'per week (UTC)' } as const

export interface GroupChartProps {
  group: ErrorGroupDetail
  time: TimeFormat
  /** Links a bar to its runs. */
  hrefOf: (from: string, to: string) => string
}

export function GroupChart({ group, time, hrefOf }: GroupChartProps) {
  const { period, seriesInterval, series, runs } = group
  const range = { from: new Date(period.from), to: new Date(period.to) }
  const starts = intervalStarts(range, seriesInterval).map((start) => start.toISOString())
  const bucketMs = intervalMs[seriesInterval]
  const { y, ticks } = countScale(Math.max(...series, 1), base, top)
  const step = 1 / Math.max(1, starts.length)
  const endOf = (start: string) => new Date(Date.parse(start) + bucketMs).toISOString()
  return (
    <>
      <div class="chart">
        <svg height={height} aria-hidden="true">
          <ScaleLabels ticks={ticks} y={y} x={30} labelOf={count} />
        </svg>
        <svg class="plot" height={height}>
          <g role="img" aria-labelledby="group-title group-text">
            <title id="group-title">Failed runs over time</title>
            <desc id="group-text">{`${plural(runs, 'run')} failed with this error from ${time.inSentence(period.from)} to ${time.inSentence(period.to)}.`}</desc>
            <ScaleLines ticks={ticks} y={y} />
            {series.map(
              (value, index) =>
                value > 0 && (
                  <rect
                    class="series-fail"
                    x={percentX((index + 0.1) * step)}
                    width={percentX(step * 0.8)}
                    y={round(Math.min(y(value), base - 2))}
                    height={round(Math.max(2, base - y(value)))}
                  />
                ),
            )}
            {labelsOf(starts, bucketMs, time).map(({ x, text }, index) => (
              <text class={index % 2 === 1 ? 'middle wide-only' : 'middle'} x={percentX(x)} y={height - 6}>
                {text}
              </text>
            ))}
          </g>
          <g aria-hidden="true">
            {starts.map((start, index) => (
              <a href={hrefOf(start, endOf(start))} tabindex={-1}>
                <rect
                  class="hit"
                  x={percentX(index * step)}
                  width={percentX(step)}
                  y={top}
                  height={base - top}
                >
                  <title>{`${bucketLabel(start, bucketMs, time)}: ${plural(series[index] ?? 0, 'run')}`}</title>
                </rect>
              </a>
            ))}
          </g>
        </svg>
      </div>
      <ChartData>
        <Table
          caption="Failed runs over time"
          compact
          columns={[{ label: 'From' }, { label: 'Runs', numeric: true }]}
        >
          {starts.map((start, index) => (
            <Tr>
              <Td>
                <a class="link" href={hrefOf(start, endOf(start))}>
                  {bucketLabel(start, bucketMs, time)}
                </a>
              </Td>
              <Td numeric>{count(series[index] ?? 0)}</Td>
            </Tr>
          ))}
        </Table>
      </ChartData>
    </>
  )
}

const maxLabels = 10

/** Labels the middle of each bar if there is room, otherwise the starts of some. */
function labelsOf(starts: string[], bucketMs: number, time: TimeFormat) {
  if (starts.length > maxLabels || bucketMs < intervalMs.day) return timeLabels(starts, bucketMs, time)
  return starts.map((start, index) => ({ x: (index + 0.5) / starts.length, text: time.day(start) }))
}
