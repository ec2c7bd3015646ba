/** @module Inline charts. The adjacent text contains the same numbers, so they are hidden from screen readers. */
import { linePath } from './paths.ts'
import { percentX, round } from './scales.ts'

interface SparklineProps {
  values: readonly (number | null)[]
  badFrom?: number | undefined
}

/** A line through `values`; null leaves a gap. From index `badFrom`, the line has the failure color. */
export function Sparkline({ values, badFrom }: SparklineProps) {
  const known = values.filter((value) => value !== null)
  if (known.length < 2) return null
  const low = Math.min(...known)
  const span = Math.max(...known) - low || 1
  const draw = (from: number) =>
    linePath(
      values
        .slice(from)
        .map((value, index) =>
          value === null
            ? null
            : [round(((from + index) / (values.length - 1)) * 100), round(28 - ((value - low) / span) * 26)],
        ),
    )
  return (
    <svg class="spark" viewBox="0 0 100 30" preserveAspectRatio="none" aria-hidden="true">
      <path d={draw(0)} />
      {badFrom !== undefined && badFrom < values.length - 1 && <path class="bad" d={draw(badFrom)} />}
    </svg>
  )
}

/** One small bar per value; zero draws a baseline. */
export function MiniBars({ values }: { values: readonly number[] }) {
  const max = Math.max(1, ...values)
  const step = 72 / Math.max(1, values.length)
  return (
    <svg class="mini" viewBox="0 0 72 20" aria-hidden="true">
      {values.map((value, index) => {
        const tall = value === 0 ? 1 : Math.max(2, (value / max) * 20)
        return (
          <rect
            class={value === 0 ? 'zero' : ''}
            x={round(index * step)}
            width={round(Math.max(1, step - 1.5))}
            y={round(20 - tall)}
            height={round(tall)}
          />
        )
      })}
    </svg>
  )
}

/** A share from 0 to 1, such as a run's duration relative to the longest one in the list. */
export const Meter = ({ share, tone }: { share: number; tone: 'ok' | 'fail' | 'run' | 'idle' | 'wait' }) => (
  <svg class="duration-bar" aria-hidden="true">
    <rect class="ground" width="100%" height="6" rx="3" />
    <rect class={`mark-${tone}`} width={percentX(Math.min(1, Math.max(share, 0.02)))} height="6" rx="3" />
  </svg>
)
