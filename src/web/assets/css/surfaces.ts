/** @module Cards, figures, attention, empty states, notes. */
export const surfaces = `
.grid{display:grid;gap:var(--s4);grid-template-columns:repeat(12,minmax(0,1fr));align-items:start}
.grid.stretch{align-items:stretch}
.span-3{grid-column:span 3}.span-4{grid-column:span 4}.span-5{grid-column:span 5}.span-6{grid-column:span 6}
.span-7{grid-column:span 7}.span-8{grid-column:span 8}.span-9{grid-column:span 9}.span-12{grid-column:span 12}
.stack{display:grid;gap:var(--s4);grid-template-columns:minmax(0,1fr);align-content:start}
.card{background:var(--surface);border:1px solid var(--line);border-radius:var(--r3);box-shadow:var(--shadow-1);min-width:0}
.card-head{display:flex;align-items:baseline;gap:4px var(--s3);flex-wrap:wrap;padding:13px var(--s4) 0;font-size:var(--fs-2)}
.card-head h2{font-size:var(--fs-3);font-weight:600;letter-spacing:-.008em}
.card-aside{margin-left:auto;display:flex;gap:4px 14px;flex-wrap:wrap;align-items:center}
.card-body{padding:var(--s3) var(--s4) var(--s4)}
.card-body>*+*{margin-top:12px}
.card-foot{display:flex;gap:8px;flex-wrap:wrap;align-items:center;padding:12px var(--s4);border-top:1px solid var(--line);background:var(--bg);border-radius:0 0 var(--r3) var(--r3)}
.card-head+.table{margin-top:6px}
.card>.table:last-child tr:last-child td{border-bottom:0}
.setup{font-size:var(--fs-2);color:var(--text-3);overflow-x:auto}
.setup ol{display:flex;gap:8px;align-items:center;list-style:none;white-space:nowrap}
.setup li{display:flex;gap:6px;align-items:center}
.setup li+li::before{content:"";width:20px;border-top:1px solid var(--line-2);margin-right:2px}
.setup li.done{color:var(--text-2)}
.setup li[aria-current]{color:var(--text);font-weight:600}
.setup a:hover{color:var(--accent)}
.attention{overflow:hidden}
.attention li{display:grid;grid-template-columns:20px minmax(0,1fr) auto;gap:12px;align-items:center;padding:9px var(--s4);min-height:46px}
.attention li+li{border-top:1px solid var(--line)}
.attention p{font-size:var(--fs-2);line-height:1.4;color:var(--text-2)}
.attention b{color:var(--text)}
.attention .glyph{width:16px;height:16px;justify-self:center}
.kpis{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr))}
.kpi{padding:13px var(--s4) 14px;min-width:0;position:relative;border-left:1px solid var(--line);margin-left:-1px}
.kpis{overflow:hidden;border-radius:var(--r3)}
.kpi dt{font-size:var(--fs-1);color:var(--text-2);font-weight:500}
.kpi-value{font-size:var(--fs-6);line-height:33px;font-weight:600;letter-spacing:-.03em;font-variant-numeric:tabular-nums;white-space:nowrap}
.kpi-value a:hover{color:var(--accent)}
.kpi-value small{line-height:1;font-size:var(--fs-4);font-weight:500;letter-spacing:-.01em;color:var(--text-2);margin-left:2px}
.kpi-note{font-size:var(--fs-1);color:var(--text-3);line-height:1.45}
.delta{font-weight:500;font-variant-numeric:tabular-nums;color:var(--text-2);white-space:nowrap}
.delta.ok{color:var(--ok)}.delta.fail{color:var(--fail)}
.delta-arrow{width:8px;height:8px;fill:currentColor;margin-right:4px}
.empty{padding:40px 16px;display:grid;justify-items:center;gap:6px;text-align:center;font-size:var(--fs-2)}
.empty .strong{font-size:var(--fs-3)}
.empty .muted{max-width:52ch}
.empty-action{margin-top:10px;display:flex;gap:8px}
.notice{display:flex;gap:10px;align-items:flex-start;padding:10px var(--s4);border:1px solid var(--line-2);border-radius:var(--r3);background:var(--surface);font-size:var(--fs-2)}
.notice.ok{border-color:transparent;background:var(--ok-soft)}
.notice.fail{border-color:var(--fail-line);background:var(--fail-wash)}
.notice.wait{border-color:transparent;background:var(--wait-soft)}
.notice p{color:var(--text)}
.notice .glyph{margin-top:2px}
.remark{display:flex;gap:8px;align-items:flex-start;font-size:var(--fs-1);line-height:1.5;color:var(--text-2);background:var(--inset);border-radius:var(--r2);padding:8px 10px}
.remark .icon,.remark .glyph{margin-top:2px}
.key-values{display:grid;grid-template-columns:112px minmax(0,1fr);gap:6px 12px;font-size:var(--fs-2)}
.key-values.figures{grid-template-columns:minmax(0,1fr) auto}.figures dd{text-align:right;font-variant-numeric:tabular-nums}
.key-values dt{color:var(--text-3)}
.key-values dd{min-width:0;overflow-wrap:anywhere}
.code-box{font:400 12px/1.55 var(--mono);background:var(--inset);border-radius:var(--r2);padding:9px 12px;overflow-x:auto;color:var(--text-2);white-space:pre}
.list li{display:grid;grid-template-columns:auto minmax(0,1fr) auto;gap:10px;align-items:center;padding:9px 0;font-size:var(--fs-2)}
.list li+li{border-top:1px solid var(--line)}
.list small{display:block;color:var(--text-3);font-size:var(--fs-1)}
@media (max-width:720px){.setup{font-size:var(--fs-1)}.setup ol,.setup li{gap:4px}.setup li+li::before{width:6px;margin-right:0}}
@media (max-width:1100px){.span-3,.span-4,.span-5,.span-6,.span-7,.span-8,.span-9{grid-column:span 12}}
@media (max-width:720px){
.grid,.stack{gap:12px}
.card-head{padding:12px 14px 0}
.card-body{padding:10px 14px 14px}
.card-foot{padding:12px 14px}
.card-foot .button{flex:1 0 auto}
.attention li{grid-template-columns:18px minmax(0,1fr);padding:12px 14px;gap:8px 10px;align-items:start}
.attention li .button{grid-column:2;justify-self:start}
.attention .glyph{margin-top:2px}
.kpis{grid-template-columns:1fr 1fr}
.kpi{padding:12px 14px;border-top:1px solid var(--line);margin-top:-1px}
.kpi:first-child:nth-last-child(odd){grid-column:span 2}
.kpi-value{font-size:22px;line-height:28px}
.key-values{grid-template-columns:96px minmax(0,1fr)}
}
`
