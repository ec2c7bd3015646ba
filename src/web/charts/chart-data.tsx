import type { PropsWithChildren } from 'hono/jsx'

/** The numbers of a drawing, beside it: a `Table` as child. */
export const ChartData = ({ children }: PropsWithChildren) => (
  <details class="chart-data">
    <summary>Show as table</summary>
    <div class="chart-data-scroll" tabindex={0} role="region" aria-label="The drawing's numbers">
      {children}
    </div>
  </details>
)
