/** @module Parts that every chart has: the scale at its left, the lines behind it, and its numbers as a table. */
import type { PropsWithChildren } from 'hono/jsx'

interface ScaleProps {
  ticks: readonly number[]
  y: (tick: number) => number
}

export const ScaleLabels = ({
  ticks,
  y,
  x,
  labelOf,
}: ScaleProps & { x: number; labelOf: (tick: number) => string }) => (
  <>
    {ticks.map((tick) => (
      <text class="end" x={x} y={y(tick) + 4}>
        {labelOf(tick)}
      </text>
    ))}
  </>
)

export const ScaleLines = ({ ticks, y }: ScaleProps) => (
  <>
    {ticks.map((tick) => (
      <line class={tick === 0 ? 'axis' : 'rule'} x1="0" x2="100%" y1={y(tick)} y2={y(tick)} />
    ))}
  </>
)

/** The numbers of a chart in a collapsed table. Pass a `Table` as the child. */
export const ChartData = ({ children }: PropsWithChildren) => (
  <details class="chart-data">
    <summary>Show as table</summary>
    <div class="chart-data-scroll" tabindex={0} role="region" aria-label="Chart data">
      {children}
    </div>
  </details>
)
