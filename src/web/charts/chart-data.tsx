import type { PropsWithChildren } from 'hono/jsx'

/** The numbers of a chart in a collapsed table. Pass a `Table` as the child. */
export const ChartData = ({ children }: PropsWithChildren) => (
  <details class="chart-data">
    <summary>Show as table</summary>
    <div class="chart-data-scroll" tabindex={0} role="region" aria-label="Chart data">
      {children}
    </div>
  </details>
)
