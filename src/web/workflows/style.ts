/** @module Styles of the workflow pages, loaded after `assets/css`. */
export const workflowsStyle = `
.graph-card .card-head{padding-bottom:12px;border-bottom:1px solid var(--line);flex-wrap:wrap;row-gap:8px}
.graph-card .card-aside{display:flex;flex-wrap:wrap;gap:8px 16px;align-items:center;margin-left:auto}
.graph-zoom .segmented a{height:26px;padding:0 9px;font-size:var(--fs-1)}
.graph-body{position:relative}
.graph-scroll{position:relative;overflow:auto;max-height:min(640px,76vh);background:linear-gradient(90deg,var(--bg) 35%,transparent) left/44px 100% no-repeat local,linear-gradient(270deg,var(--bg) 35%,transparent) right/44px 100% no-repeat local,linear-gradient(var(--bg) 35%,transparent) top/100% 44px no-repeat local,linear-gradient(0deg,var(--bg) 35%,transparent) bottom/100% 44px no-repeat local,linear-gradient(90deg,var(--edge),transparent) left/16px 100% no-repeat,linear-gradient(270deg,var(--edge),transparent) right/16px 100% no-repeat,linear-gradient(var(--edge),transparent) top/100% 16px no-repeat,linear-gradient(0deg,var(--edge),transparent) bottom/100% 16px no-repeat,radial-gradient(var(--dots) 1px,transparent 1.2px) 0 0/20px 20px local,var(--bg);scroll-padding:40px 110px 110px 40px}
.graph-card{--edge:color-mix(in srgb,var(--control) 38%,transparent)}
.graph-scroll{animation:graph-start 1ms steps(1) 1!important}
@keyframes graph-start{from{scroll-snap-type:both mandatory}to{scroll-snap-type:both mandatory}}
.graph-scroll:focus-visible{outline-offset:-2px}
.graph-canvas{position:relative;display:grid;width:fit-content;margin:0 auto}
.graph{display:block;max-width:100%;height:auto}
.graph-least{display:block}
.graph-hits{position:absolute;inset:0;width:100%;height:100%}
[data-zoom=fit] .graph{width:auto;max-height:min(620px,74vh)}
[data-zoom=fit] .graph-least{display:none}
[data-zoom="50"] .graph-canvas{zoom:.5}
[data-zoom="75"] .graph-canvas{zoom:.75}
[data-zoom="150"] .graph-canvas{zoom:1.5}
[data-zoom="50"] .graph,[data-zoom="75"] .graph,[data-zoom="100"] .graph,[data-zoom="150"] .graph{max-width:none}
.graph-start{position:absolute;inset:0;line-height:0;white-space:nowrap;visibility:hidden;pointer-events:none}
.graph-start svg{display:inline-block;vertical-align:bottom}
.graph-focus{display:inline-block;width:1px;height:1px;vertical-align:bottom;scroll-snap-align:end}
.graph text{font:500 12px var(--sans);fill:var(--text)}
.graph-node{fill:var(--surface);stroke:var(--line-2);stroke-width:1.5}
.graph-icon{fill:none;stroke:var(--text-2);stroke-width:1.75;stroke-linecap:round;stroke-linejoin:round}
.graph-icon.ai{stroke:var(--accent)}
.graph-node text{text-anchor:middle;paint-order:stroke;stroke:var(--bg);stroke-width:3px;stroke-linejoin:round}
.graph-node .start{text-anchor:start;stroke:none}
.graph-node .graph-initials{font:650 15px var(--sans);letter-spacing:-.02em;stroke:none}
.graph-node .graph-initials.ai{fill:var(--accent)}
.graph-node .graph-output{font:400 11px var(--sans);fill:var(--text-2);text-anchor:start}
.graph-backing{fill:var(--bg);stroke:none}
.graph-ports{fill:none;stroke:var(--control);stroke-width:7;stroke-linecap:round}
.graph-diamonds{fill:var(--surface);stroke:var(--control);stroke-width:1.25}
.graph-line path{fill:none;stroke:var(--control);stroke-width:1.5}
.graph-line.sub path{stroke-dasharray:4 4}
.graph-line .graph-arrow{fill:var(--control);stroke:none}
.graph-line.graph-added path{stroke:var(--add);stroke-width:2}
.graph-line.graph-added .graph-arrow{fill:var(--add);stroke:none}
.graph-line.graph-removed path{stroke:var(--del);stroke-dasharray:2 5;stroke-width:2}
.graph-line.graph-removed .graph-arrow{fill:var(--del);stroke:none}
.graph-node.off .graph-shape{stroke-dasharray:3 3;fill:var(--inset)}
.graph-node.off .graph-icon{opacity:.6}
.graph-node.off text{fill:var(--text-3)}
.graph-selected .graph-shape{stroke:var(--accent);stroke-width:3}
.graph-found .graph-shape{stroke:var(--run-fill);stroke-width:3}
.graph-fails .graph-shape,.graph-error .graph-shape{stroke:var(--fail-fill);stroke-width:2}
.graph-credential .graph-shape,.graph-warning .graph-shape{stroke:var(--wait-fill);stroke-width:2}
.graph-added .graph-shape{stroke:var(--accent);stroke-width:2;stroke-dasharray:5 3}
.graph-changed .graph-shape{stroke:var(--accent);stroke-width:2}
.graph-removed .graph-shape{stroke:var(--del);stroke-width:2;stroke-dasharray:2 4}
.graph .graph-removed text{fill:var(--text-3)}
.graph-diff .graph-added .graph-shape{stroke:var(--add);fill:var(--add-bg)}
.graph-diff .graph-removed .graph-shape{fill:var(--del-bg)}
.graph-badge>:first-child{fill:var(--accent-solid);stroke:var(--surface);stroke-width:1.5}
.mark-fails>:first-child,.mark-error>:first-child{fill:var(--fail-fill)}
.mark-credential>:first-child,.mark-warning>:first-child{fill:var(--wait-fill)}
.mark-removed>:first-child{fill:var(--del)}
.graph-diff .mark-added>:first-child{fill:var(--add)}
.graph-badge .graph-glyph{fill:none;stroke:var(--surface);stroke-width:1.8;stroke-linecap:round;stroke-linejoin:round}
.graph-legend{flex:none;overflow:visible}
.note-1 rect{fill:var(--note-1);stroke:var(--note-line-1)}
.note-2 rect{fill:var(--note-2);stroke:var(--note-line-2)}
.note-3 rect{fill:var(--note-3);stroke:var(--note-line-3)}
.note-4 rect{fill:var(--note-4);stroke:var(--note-line-4)}
.note-5 rect{fill:var(--note-5);stroke:var(--note-line-5)}
.note-6 rect{fill:var(--note-6);stroke:var(--note-line-6)}
.note-7 rect{fill:var(--note-7);stroke:var(--note-line-7)}
.graph .graph-note text{font:400 11px var(--sans);fill:var(--note-text)}
.graph .graph-note .note-h1{font:650 14px var(--sans)}
.graph .graph-note .note-h2{font:650 13px var(--sans)}
.graph .graph-note .note-h3{font:600 12px var(--sans)}
rect.graph-shape{rx:9px}
rect.graph-shape:not([width]){width:56px;height:56px}
.graph-hits rect{fill:transparent;rx:11px}
.graph-hits rect:not([width]){width:64px;height:64px}
.graph-hits a:hover rect{fill:var(--text);fill-opacity:.05}
.graph-inspector{display:grid;gap:12px;align-content:start;padding:14px var(--s4);font-size:var(--fs-2);border-top:1px solid var(--line);min-width:0;grid-template-columns:minmax(0,1fr)}
.graph-inspector header{display:flex;gap:8px;align-items:center;justify-content:space-between}
.graph-inspector h3{display:flex;gap:8px;align-items:center;min-width:0;font-size:var(--fs-3);font-weight:600}
.graph-inspector h4{margin:0;font-size:var(--fs-1);font-weight:600;color:var(--text-2)}
.graph-inspector code{overflow-wrap:anywhere}
.inspector-ends{display:grid;gap:2px;overflow-wrap:anywhere}
.graph-parameters dt{font:400 11px/1.5 var(--mono);color:var(--text-3);overflow-wrap:anywhere}
.graph-parameters dd{font:400 12px/1.5 var(--mono);white-space:pre-wrap;overflow-wrap:anywhere;margin-bottom:7px}
@media (min-width:1101px){
.with-inspector{display:grid;grid-template-columns:minmax(0,1fr) 344px}
.graph-inspector{border-top:0;border-left:1px solid var(--line);max-height:min(640px,76vh);overflow:auto}
}
.graph-empty{padding:32px var(--s4);text-align:center;font-size:var(--fs-2)}
.graph-list{padding:8px var(--s4) 10px;margin:0;border-top:1px solid var(--line)}
.graph-list h3{margin:10px 0 4px;font-size:var(--fs-1);font-weight:600;color:var(--text-2)}
.graph-notes{display:grid;gap:4px;max-height:200px;overflow:auto;color:var(--text-2);overflow-wrap:anywhere}
.graph-find{display:flex;gap:8px;align-items:center;margin:6px 0 8px}
.graph-find .input{width:280px;min-width:0;flex:0 1 280px}
.graph-states{display:grid;gap:3px;justify-items:start}
.graph-states .status{white-space:normal}
.versions>li{display:grid;grid-template-columns:44px minmax(0,1fr);gap:0 14px;position:relative;padding-bottom:16px}
.versions>li+li{padding-top:0}
.versions>li:not(:last-child)::before{content:"";position:absolute;left:22px;top:26px;bottom:0;width:1px;background:var(--line-2)}
.version-chip{display:grid;place-items:center;justify-self:center;align-self:start;min-width:40px;height:24px;padding:0 8px;border:1px solid var(--line-2);border-radius:var(--rf);background:var(--surface);font-size:var(--fs-1);font-weight:600;font-variant-numeric:tabular-nums;position:relative}
.version-chip:hover{border-color:var(--control)}
.current>.version-chip{background:var(--ink);border-color:transparent;color:var(--ink-on)}
.version-body{display:grid;gap:7px;padding-bottom:16px;border-bottom:1px solid var(--line);font-size:var(--fs-2);min-width:0;grid-template-columns:minmax(0,1fr)}
.versions>li:last-child{padding-bottom:0}
.versions>li:last-child .version-body{padding-bottom:0;border-bottom:0}
.prompt{margin:0;padding:1px 0 1px 12px;border-left:2px solid var(--accent);line-height:1.5;white-space:pre-line;overflow-wrap:anywhere}
.version-edits{margin:0;padding-left:18px;list-style:disc;line-height:1.5;overflow-wrap:anywhere}
.version-meta{display:flex;flex-wrap:wrap;gap:4px 14px;align-items:center;font-size:var(--fs-1);color:var(--text-2)}
.version-meta .counts{display:inline-flex;gap:10px}
.version-meta a:hover{text-decoration:underline}
.version-meta .ok,.version-meta .fail{font-weight:500}
.change+.change,.change+.changes-note,.changes-note+.change{border-top:1px solid var(--line)}
.change{padding:10px 0}
.change h3{display:flex;align-items:center;gap:8px;padding:0 var(--s4) 7px;font-size:var(--fs-2);font-weight:600;min-width:0}
.change h3>.icon{color:var(--text-3)}
.change-name{overflow-wrap:anywhere;min-width:0}
.change-lines{font:400 12px/1.5 var(--mono)}
.change-lines li{display:grid;grid-template-columns:14px minmax(90px,180px) minmax(0,1fr);gap:0 10px;padding:3px var(--s4)}
.change-lines .plus{background:var(--add-bg)}
.change-lines .minus{background:var(--del-bg)}
.change-lines .plus>span:first-child{color:var(--add)}
.change-lines .minus>span:first-child{color:var(--del)}
.change-label{color:var(--text-2);overflow-wrap:anywhere}
.change-value{white-space:pre-wrap;overflow-wrap:anywhere;grid-column:3}
.change-label:empty{display:none}
.changes-note{padding:12px var(--s4);font-size:var(--fs-1)}
.changes{padding-top:4px}
.version-choice{display:flex;gap:12px;align-items:flex-end;flex-wrap:wrap}
.version-choice .field{min-width:120px}
.workflow-aside{margin-top:12px;font-size:var(--fs-1)}
.workflow-more{padding:10px var(--s4);font-size:var(--fs-1)}
.workflow-small{font-size:var(--fs-2);margin-bottom:12px}
.form>.workflow-small{margin:0}
.workflow-description{font-size:var(--fs-2);max-width:90ch;white-space:pre-line;overflow-wrap:anywhere}
.workflow-table small{white-space:nowrap}
.workflow-places{display:inline-flex;flex-wrap:wrap;gap:4px}
.workflow-places a{max-width:100%}
.credential-problems{display:grid;gap:2px}
.credential-problems .status{white-space:normal}
.credential-problems:hover{text-decoration:underline}
.findings .status{min-width:68px}
.findings li>span:nth-child(2){flex:1;min-width:0}
.faults{display:grid;gap:5px;font-size:var(--fs-1);padding:9px 11px;border:1px solid var(--fail-line);border-radius:var(--r2);background:var(--fail-wash);max-height:260px;overflow:auto}
.faults code{color:var(--fail);margin-right:4px}
.import-ways{display:grid;gap:4px;font-size:var(--fs-2)}
.import-ways dt{font-weight:500}
.import-ways dd{color:var(--text-2);margin-bottom:10px;overflow-wrap:anywhere}
.import-ways code{background:var(--inset);padding:2px 5px;border-radius:var(--r1)}
.card-body>.import-ways{margin:0 auto;max-width:640px}
.span-4 .import-ways{margin:0}
.phone-label{display:none;color:var(--text-3)}
@media (max-width:720px){
.workflow-table .name-cell small{display:none}
.graph-scroll{max-height:76vh;scroll-padding:0}
.graph-focus{scroll-snap-align:center}
[data-zoom=auto] .graph{max-width:none}
.graph-card .card-aside{width:100%;margin:0}
.graph-zoom{width:100%}
.graph-zoom .segmented a{height:38px;padding:0 4px}
.graph-find .input{flex:1}
.change-lines li{grid-template-columns:14px minmax(0,1fr)}
.change-value{grid-column:2}
.version-chip{height:36px}
.versions>li:not(:last-child)::before{top:36px}
.version-meta a{padding:6px 0}
.version-choice .field{flex:1}.version-choice .button{flex:1 0 auto}
.phone-label{display:inline}
.workflow-places a{padding:8px 0}
.credential-problems{padding:8px 0}
.list>li>a:not(.button),.workflow-rows .row-link,.workflow-rows .link,.workflow-table .row-link,.workflow-table .link{display:inline-block;padding:10px 0;margin:-10px 0}
.workflow-aside .link{display:inline-block;padding:10px 0}
.workflow-state{padding:8px 0;margin:-8px 0}
}
`
