/** @module Styles specific to the execution pages, loaded after `assets/css`. */
export const executionsStyle = `
.runs-filters{display:grid;gap:10px;grid-template-columns:minmax(0,1fr)}
.runs-chips{display:flex;gap:8px;flex-wrap:wrap;align-items:center;font-size:var(--fs-1)}
.runs-more{position:relative}
.runs-more summary{list-style:none}
.runs-more summary::-webkit-details-marker{display:none}
.runs-more-fields{position:absolute;z-index:4;right:0;top:38px;width:280px;display:grid;gap:12px;padding:var(--s4);background:var(--surface);border:1px solid var(--line);border-radius:var(--r3);box-shadow:var(--shadow-2)}
.runs-more-fields label{display:grid;gap:5px;font-size:var(--fs-1);font-weight:500}
.runs td:first-child{width:112px}
.runs-name{width:40%;max-width:0}
.runs-name .row-link{display:block;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.runs-name .name-cell,.runs-name .two-lines{width:100%}
.runs-error{display:block;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.runs-phone{display:none}
.runs-duration{white-space:nowrap}
.runs-took{display:grid;grid-template-columns:72px 88px;gap:10px;align-items:center}
.runs-took .numeric{text-align:right}
.runs-took .duration-bar{width:88px;overflow:hidden}
.runs-started{font-variant-numeric:tabular-nums}
.runs-version{color:var(--accent);font-weight:500}
.runs a:hover{color:var(--accent)}
.errors-name{width:50%;max-width:0}
.errors-name .name-cell,.errors-name .two-lines{width:100%}
.errors-name .row-link,.errors-name small{display:block;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.errors-workflows{max-width:200px}
.group-title{overflow-wrap:anywhere}
.error-resolve{display:inline-flex;gap:8px;align-items:center;flex-wrap:wrap}
.group-cause{display:grid;gap:10px;font-size:var(--fs-2)}
.run-number{color:var(--text-3);font-weight:500;font-variant-numeric:tabular-nums}
.run-jump{display:none}
.run-neighbours{display:inline-flex;border:1px solid var(--line-2);border-radius:var(--r2);background:var(--surface);box-shadow:var(--shadow-1)}
.run-neighbour{display:grid;place-items:center;width:38px;height:30px;color:var(--text-2)}
.run-neighbour+.run-neighbour{border-left:1px solid var(--line)}
a.run-neighbour:hover{color:var(--text);background:var(--hover)}
.run-neighbour[aria-disabled]{color:var(--line-2)}
.run-side{position:sticky;top:68px}
.run-timeline{overflow:hidden}
.run-error-alone{padding:var(--s3) var(--s4) var(--s4)}
.run-remark{display:grid;gap:10px;justify-items:start;padding:10px var(--s4) 4px}
.wf{width:100%;border-collapse:collapse;table-layout:fixed;font-size:var(--fs-2);margin-top:4px}
.wf th{padding:0;height:26px;border-bottom:1px solid var(--line);vertical-align:bottom}
.wf td{padding:0;height:32px}
.wf .wf-node{width:236px}.wf .wf-status{width:30px}.wf .wf-ms{width:96px;padding-right:var(--s4);text-align:right;white-space:nowrap;color:var(--text-2)}
.wf td.wf-node a{display:flex;align-items:center;gap:8px;height:32px;padding-left:var(--s4);padding-right:8px;font-weight:500;min-width:0}
.wf td.wf-node a:hover{color:var(--accent)}
.wf-depth-1 td.wf-node a,.wf-depth-2 td.wf-node a{padding-left:44px;font-weight:400;color:var(--text-2)}
.wf .wf-depth-2 td.wf-node a{padding-left:66px}
.wf-depth-1 .badge,.wf-depth-2 .badge{border-radius:50%}
.wf-times{font-size:var(--fs-0);font-weight:500;color:var(--text-3);font-variant-numeric:tabular-nums}
.wf-status .glyph{display:block;margin:0 auto}
.wf .wf-track{position:relative}
.wf-track svg{display:block;width:100%;overflow:visible}
.wf-track text{font:400 11px var(--sans);fill:var(--text-3);font-variant-numeric:tabular-nums}
.wf-track .middle{text-anchor:middle}.wf-track .end{text-anchor:end}
.wf-track .rule{stroke:var(--line);stroke-width:1}
.wf-reason{position:absolute;right:10px;top:8px;font-size:var(--fs-0);color:var(--text-3);background:var(--surface);padding:0 4px}
.wf-selected .wf-reason{background:var(--inset)}
.wf-ok,.wf-idle{fill:var(--ok-mark)}.wf-idle{fill:var(--idle-fill)}.wf-ai{fill:var(--ai-fill)}.wf-parent{fill:var(--ag-fill);stroke:var(--ai-fill);stroke-width:1}
.wf-fail{fill:var(--fail-fill)}.wf-continued{fill:var(--wait-fill)}.wf-run{fill:var(--run-fill)}
.wf-swatch{width:14px;height:8px}
.wf tbody tr:not(.wf-error-row):hover td{background:var(--hover)}
.wf tbody tr.wf-selected td{background:var(--inset)}
.wf tbody tr.wf-failed td{background:var(--fail-wash)}
.wf-failed td:first-child,.wf-error-row td{box-shadow:inset 3px 0 0 var(--fail-fill)}
.wf-skipped td.wf-node a,.wf-skipped .wf-ms{color:var(--text-3);font-weight:400}
.wf-skipped .badge{background:none;border:1px solid var(--line-2)}
.wf-error-row td{background:var(--fail-wash);padding:4px var(--s4) var(--s4) 44px}
.run-error{background:var(--surface);border:1px solid var(--fail-line);border-radius:var(--r2);padding:14px;display:grid;grid-template-columns:minmax(0,1fr);gap:10px;font-size:var(--fs-2);line-height:1.5}
.run-error h3{font-size:var(--fs-3);font-weight:600;color:var(--fail);line-height:1.4;overflow-wrap:anywhere}
.run-error .code-box{white-space:pre-wrap;overflow-wrap:anywhere;max-height:220px;overflow-y:auto}
.run-ai{font-size:var(--fs-1);color:var(--text-3)}
.run-ai .code-box{margin-top:8px;max-height:320px}
.inspector-title{display:inline-flex;align-items:center;gap:9px;overflow-wrap:anywhere}
.inspector .card-head{align-items:center}
.inspector h3{font-size:var(--fs-1);font-weight:600;color:var(--text-2)}
.inspector-parameters,.inspector-facts{display:grid;grid-template-columns:minmax(0,1fr);gap:8px;border-top:1px solid var(--line);padding-top:14px;font-size:var(--fs-2)}
.inspector-credential{display:flex;flex-wrap:wrap;gap:0 8px}
.outline{font:400 12px/1 var(--mono);display:grid;gap:4px}
.outline li{display:flex;gap:10px;align-items:baseline;justify-content:space-between;min-width:0}
.outline-1{padding-left:16px}.outline-2{padding-left:32px}
.outline-key{overflow:hidden;text-overflow:ellipsis;white-space:nowrap;line-height:20px}
.outline-type{flex:none;color:var(--text-2);background:var(--inset);border-radius:var(--r1);padding:3px 7px;line-height:14px}
@media (max-width:1100px){.run-side{position:static}}
@media (max-width:720px){
.errors td.errors-name{width:auto;max-width:none}
.errors .errors-name .row-link{white-space:normal}
.errors td.errors-workflows{max-width:none}
.run-jump{display:grid;grid-template-columns:18px minmax(0,1fr) 16px;gap:10px;align-items:center;min-height:48px;padding:10px 14px;border:1px solid var(--fail-line);border-radius:var(--r3);background:var(--fail-wash);font-size:var(--fs-2);line-height:1.4}
.run-jump>.glyph{color:var(--fail)}
.run-jump b{display:block;color:var(--fail)}
.run-jump span span{color:var(--text-2);overflow-wrap:anywhere}
.run-neighbour{height:38px;width:52px}
.wf,.wf tbody{display:block}
.wf thead{display:block;padding:6px 14px 0}
.wf thead tr{display:block}
.wf thead th{display:block;width:auto}
.wf thead .wf-node,.wf thead .wf-status,.wf thead .wf-ms{position:absolute;height:0;width:0;overflow:hidden;border:0}
.wf tbody tr{display:grid;grid-template-columns:minmax(0,1fr) 26px auto;align-items:center;padding:0 14px}
.wf tbody tr.wf-error-row{display:block;padding:0}
.wf td{display:block;height:auto}
.wf .wf-node,.wf .wf-ms,.wf .wf-status{width:auto;padding:0}
.wf .wf-ms{min-width:68px}
.wf td.wf-node a{padding-left:0;height:40px}
.wf-depth-1 td.wf-node a{padding-left:20px}.wf .wf-depth-2 td.wf-node a{padding-left:36px}
.wf td.wf-track{grid-column:1/-1;grid-row:2;height:16px;margin-top:-4px}
.wf td.wf-track svg{margin-top:-9px}
.wf td.wf-track .rule{display:none}
.wf-short td.wf-track{display:none}
.wf-skipped td.wf-track{height:auto;margin:-6px 0 8px 30px}
.wf-skipped td.wf-track svg{display:none}
.wf-reason{position:static;padding:0;background:none}
.wf tbody tr.wf-selected{background:var(--inset)}
.wf tbody tr.wf-failed{background:var(--fail-wash);box-shadow:inset 3px 0 0 var(--fail-fill)}
.wf tbody tr.wf-failed td:first-child{box-shadow:none}
.wf-error-row td{padding:4px 14px 14px}
.run-error .actions>.button{flex:1 0 auto}
.runs-chips .chip{padding:0 12px}
.runs-chips .link{display:inline-flex;align-items:center;min-height:40px}
.runs-more{position:static}
.runs-more summary{width:100%}
.runs-more[open]{grid-column:1/-1}
.runs-more-fields{position:static;width:auto;margin-top:10px}
.runs td.runs-name{width:auto;max-width:none}
.runs td:first-child{width:auto}
.runs-phone{display:inline}
}
`
