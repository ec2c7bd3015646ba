/** @module Charts: the x axis in percent and the y axis in pixels, so that text stays 11 px at any width. */
export const charts = `
.legend{display:flex;gap:4px 14px;flex-wrap:wrap;font-size:var(--fs-1);color:var(--text-2)}
.legend span{display:inline-flex;align-items:center;gap:6px}
.swatch{width:10px;height:10px}
.series-ok{fill:var(--ok-fill)}.series-cap{fill:var(--ok-mark)}.series-fail{fill:var(--fail-fill)}.series-run{fill:var(--run-fill)}
.series-idle{fill:var(--idle-fill)}.series-unknown{fill:var(--surface);stroke:var(--idle-fill);stroke-dasharray:2 1.5}.series-band{fill:var(--band)}
.hatch-line{stroke:var(--idle-fill);stroke-width:1.25}
.hatch-wait-ground{fill:var(--wait-soft)}.hatch-wait-line{stroke:var(--wait-fill);stroke-width:4}
.chart{display:grid;grid-template-columns:38px minmax(0,1fr);margin-top:10px}
.chart svg{display:block;width:100%;overflow:visible}
.chart .plot{grid-column:2;grid-row:1}
.chart text{font:400 11px var(--sans);fill:var(--text-3);font-variant-numeric:tabular-nums}
.chart .end{text-anchor:end}.chart .middle{text-anchor:middle}
.chart .marker-text{fill:var(--text);font-weight:500}
.chart .rule{stroke:var(--line);stroke-width:1}
.chart .axis{stroke:var(--line-2);stroke-width:1}
.chart .marker{stroke:var(--text-2);stroke-width:1;stroke-dasharray:3 3}
.chart .line{fill:none;stroke-width:2;vector-effect:non-scaling-stroke;stroke-linejoin:round;stroke-linecap:round}
.chart .p95{stroke:var(--p95)}.chart .p50{stroke:var(--p50)}
.chart .dot-p95{fill:var(--p95)}.chart .dot-p50{fill:var(--p50)}
.chart .label-p95{fill:var(--p95);font-weight:600}.chart .label-p50{fill:var(--run);font-weight:600}
.chart .label-p95,.chart .label-p50{paint-order:stroke;stroke:var(--surface);stroke-width:3px;stroke-linejoin:round}
.chart .hit{fill:transparent}
.chart a:hover .hit,.chart a:focus-visible .hit{fill:var(--text);fill-opacity:.06}
.chart-data{margin-top:8px;font-size:var(--fs-1);color:var(--text-3)}
.chart-data summary{width:max-content;padding:4px 0}
.chart-data-scroll{max-height:240px;overflow:auto;margin-top:6px;border:1px solid var(--line);border-radius:var(--r2);color:var(--text)}
.chart-empty{display:grid;place-items:center;height:196px;color:var(--text-3);font-size:var(--fs-2);text-align:center}
.spark{width:96px;height:30px;overflow:visible}
.spark path{fill:none;stroke:var(--ok-mark);stroke-width:1.5;vector-effect:non-scaling-stroke;stroke-linejoin:round}
.spark .bad{stroke:var(--fail-fill)}
.kpi .spark{position:absolute;right:14px;top:14px;width:clamp(40px,calc(100% - 124px),96px)}
.mini{width:72px;height:20px;display:block}
.mini rect{fill:var(--fail-fill)}
.mini .zero{fill:var(--line-2)}
.meter{width:100%;height:6px;display:block}
.meter .ground{fill:var(--inset)}
.duration-bar{width:120px;height:6px;display:block}
.duration-bar .ground{fill:var(--inset)}
.duration-bar .mark-ok{fill:var(--ok-mark)}.duration-bar .mark-fail{fill:var(--fail-fill)}.duration-bar .mark-run{fill:var(--run-fill)}.duration-bar .mark-idle{fill:var(--idle-fill)}.duration-bar .mark-wait{fill:var(--wait-fill)}
@media (max-width:720px){.chart .wide-only{display:none}.kpi .spark{width:120px}.chart-data summary{padding:14px 14px 14px 0}}
`
