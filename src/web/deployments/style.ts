/** @module Styles specific to the deployment pages, loaded after `assets/css`. */
export const deploymentsStyle = `
.deploy-set{background:var(--inset);border-radius:var(--rf);padding:2px 8px;margin:-2px -8px}
.page-meta a.status:hover{text-decoration:underline}
.deploy-version span{font-variant-numeric:tabular-nums}
.deploy-error{max-width:380px}
.deploy-clamp{display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:2;overflow:hidden}
a.deploy-clamp:hover,.deploy-error a:hover{color:var(--accent)}
.deploy-aside{margin-top:12px;font-size:var(--fs-2)}
.deploy-subhead{font-size:var(--fs-2);font-weight:600;margin:16px 0 6px}
.deploy-steps-text{display:grid;gap:8px;font-size:var(--fs-2);color:var(--text-2)}
.deploy-lines{display:grid;gap:6px;font-size:var(--fs-2);color:var(--text-2);overflow-wrap:anywhere}
ul.deploy-lines:not(.plain)>li{padding-left:14px;position:relative}
ul.deploy-lines:not(.plain)>li::before{content:"";position:absolute;left:2px;top:8px;width:4px;height:4px;border-radius:50%;background:var(--idle-fill)}
.deploy-effects{display:grid}
.deploy-effects li{display:grid;grid-template-columns:18px 76px minmax(0,1fr);gap:8px;padding:9px 0;font-size:var(--fs-2);align-items:baseline}
.deploy-effects li+li{border-top:1px solid var(--line)}
.deploy-effects small{display:block;font-size:var(--fs-1);color:var(--text-3);margin-top:1px}
.deploy-sign{font:600 14px/1 var(--mono);text-align:center}
.deploy-kind{font-weight:500}
.deploy-effects .create .deploy-sign,.deploy-effects .create .deploy-kind{color:var(--add)}
.deploy-effects .change .deploy-sign,.deploy-effects .change .deploy-kind{color:var(--run)}
.deploy-effects .stop .deploy-sign,.deploy-effects .stop .deploy-kind{color:var(--del)}
.deploy-effects .keep,.deploy-effects .keep .strong{color:var(--text-2);font-weight:400}
.deploy-diff{font-size:var(--fs-2)}
.deploy-diff dt{font-weight:500;color:var(--text-3);font-size:var(--fs-1);padding:8px 0 4px}
.deploy-diff dt:first-child{padding-top:0}
.deploy-diff dd{padding:4px 10px;font:400 12px/1.5 var(--mono);overflow-wrap:anywhere;border-left:2px solid var(--line-2);background:var(--inset)}
.deploy-diff dd.add{background:var(--add-bg);color:var(--add);border-color:var(--add)}
.deploy-diff dd.del{background:var(--del-bg);color:var(--del);border-color:var(--del)}
.deploy-urls{display:grid;gap:8px}
.deploy-urls li{display:flex;gap:8px;align-items:center;justify-content:space-between;font-size:var(--fs-1)}
.deploy-urls code{overflow-wrap:anywhere;color:var(--text-2)}
.deploy-unbound{color:var(--fail);font-weight:500}
.deploy-slots{display:grid;gap:10px}
.deploy-slots .deploy-subhead{margin:0}
.deploy-missing{display:grid;gap:3px;font-size:var(--fs-2)}
.deploy-missing .strong{font-weight:500}
.deploy-missing .fail{font-size:var(--fs-1);font-weight:500}
.deploy-stages{display:grid;grid-auto-flow:column;grid-auto-columns:minmax(0,1fr);padding-top:4px}
.deploy-stages li{position:relative;display:grid;gap:8px;padding-right:16px;font-size:var(--fs-2);align-content:start}
.deploy-stages li:not(:last-child)::before{content:"";position:absolute;left:26px;right:6px;top:8px;height:2px;border-radius:1px;background:var(--line-2)}
.deploy-stages li.done:not(:last-child)::before{background:var(--ok-mark)}
.deploy-stages .glyph{width:18px;height:18px}
.deploy-stages b{font-weight:600}
.deploy-stages .ahead b{font-weight:400;color:var(--text-3)}
.deploy-stages small{display:block;font-size:var(--fs-1);color:var(--text-3);margin-top:1px}
.deploy-stages .failed small{color:var(--fail)}
.deploy-stages .now small{color:var(--run)}
.deploy-stages .now .glyph{animation:deploy-turn 1.4s linear infinite}
@keyframes deploy-turn{to{transform:rotate(360deg)}}
.deploy-stopped{display:grid;grid-template-columns:16px minmax(0,1fr);gap:10px;margin-top:16px;padding:12px 14px;border:1px solid var(--fail-line);border-radius:var(--r2);background:var(--fail-wash);font-size:var(--fs-2)}
.deploy-stopped .glyph{margin-top:3px}
.deploy-stopped>div{display:grid;gap:8px}
.deploy-row-head{display:flex;gap:8px;align-items:center}
.deploy-badge{display:inline-grid;place-items:center;min-width:36px;height:22px;padding:0 8px;border:1px solid var(--line-2);border-radius:var(--rf);font-size:var(--fs-1);font-weight:600;font-variant-numeric:tabular-nums}
.deploy-badge:hover{border-color:var(--accent);color:var(--accent)}
.deploy-unit{display:none}
.deploy-runs li{grid-template-columns:minmax(0,1fr) auto}
.deploy-end{text-align:right}
.drift-part{padding:14px 0;display:grid;gap:6px}
.drift-part+.drift-part{border-top:1px solid var(--line)}
.drift-part:first-child{padding-top:4px}.drift-part:last-child{padding-bottom:0}
.drift-part h3{display:flex;gap:8px;align-items:center;font-size:var(--fs-2);font-weight:600;flex-wrap:wrap}
.drift-fields{width:100%;border-collapse:separate;border-spacing:0;table-layout:fixed;font-size:var(--fs-1)}
.drift-fields th{text-align:left;font-weight:500;color:var(--text-3);padding:4px 10px;vertical-align:top;overflow-wrap:anywhere}
.drift-fields th:first-child{width:20%;padding-left:0}
.drift-fields td{padding:6px 10px;vertical-align:top;border-bottom:2px solid var(--surface);border-right:2px solid var(--surface);background:var(--inset)}
.drift-fields tbody th{padding-top:6px}
.drift-fields code{white-space:pre-wrap;overflow-wrap:anywhere;font-size:12px}
.drift-fields .drift-del{background:var(--del-bg)}
.drift-fields .drift-add{background:var(--add-bg)}
.drift-label{display:none}
.drift-del>span:first-child[aria-hidden]{color:var(--del)}.drift-add>span:first-child[aria-hidden]{color:var(--add)}
@media (max-width:720px){
.deploy-error{max-width:none}
.deploy-version{display:flex;gap:8px;align-items:baseline}
.deploy-table td:nth-child(3){grid-column:1!important;grid-row:2}
.table td.deploy-share{grid-column:2!important;grid-row:2;text-align:right}
.deploy-share a{text-decoration:underline;text-underline-offset:3px}
.deploy-share small{display:inline!important;margin-left:5px}
.deploy-none{display:none!important}
.table td.deploy-back{grid-column:2!important;grid-row:3;justify-self:end}
.deploy-history td:nth-child(4){grid-column:1!important;grid-row:3;align-self:center}
.deploy-unit{display:inline;color:var(--text-3)}
.deploy-stages{grid-auto-flow:row;gap:14px}
.deploy-stages li{grid-template-columns:18px minmax(0,1fr);padding:0}
.deploy-stages li:not(:last-child)::before{left:8px;right:auto;top:24px;width:2px;height:calc(100% - 8px)}
.deploy-effects li{grid-template-columns:18px minmax(0,1fr)}
.deploy-effects li>span:last-child{grid-column:2}
.drift-fields,.drift-fields tbody{display:block}
.drift-fields thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.drift-fields tr{display:grid;gap:2px;padding:8px 0}
.drift-fields td,.drift-fields tbody th{display:block;width:auto!important;padding:6px 10px}
.drift-fields tbody th{padding-left:0}
.drift-label{display:block;font-size:var(--fs-0);color:var(--text-3)}
.deploy-urls .button{flex:none}
}
`
