/** @module Base styles: page background, typography and shared elements. */
export const base = `
*,*::before,*::after{box-sizing:border-box}
html{font:400 var(--fs-3)/1.45 var(--sans);-webkit-text-size-adjust:100%;text-size-adjust:100%;scroll-padding-top:64px}
body{margin:0;background:var(--bg);color:var(--text);-webkit-font-smoothing:antialiased;overflow-wrap:break-word}
h1,h2,h3,p,ul,ol,dl,dd,figure,pre,fieldset{margin:0;padding:0}
ul,ol{list-style:none}
fieldset{border:0;min-width:0}
a{color:inherit;text-decoration:none}
button,input,select,textarea{font:inherit;color:inherit;letter-spacing:inherit}
[hidden]{display:none!important}
::-webkit-search-cancel-button{display:none}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:var(--r1)}
b,strong,.strong{font-weight:600}
.link{color:var(--accent);font-weight:500;border:0;background:none;padding:0;cursor:pointer}
.link:hover{text-decoration:underline}
.muted{color:var(--text-3);font-weight:400}
.soft{color:var(--text-2)}
.numeric{font-variant-numeric:tabular-nums}
.mono,code,kbd{font-family:var(--mono);font-size:.92em}
.truncate{overflow:hidden;text-overflow:ellipsis;white-space:nowrap;min-width:0}
.nowrap{white-space:nowrap}
.visually-hidden{position:absolute;width:1px;height:1px;margin:-1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap;border:0}
.skip{position:absolute;left:-999px;z-index:20}
.skip:focus{left:8px;top:8px;background:var(--surface);padding:8px 12px;border-radius:var(--r2);box-shadow:var(--shadow-2)}
.icon{width:16px;height:16px;flex:none;stroke:currentColor;fill:none;stroke-width:1.75;stroke-linecap:round;stroke-linejoin:round}
.icon.small{width:14px;height:14px}
.glyph{width:14px;height:14px;flex:none;overflow:visible}
.glyph .stroke{fill:none;stroke:currentColor;stroke-width:1.5;stroke-linecap:round;stroke-linejoin:round}
.glyph .thick{stroke-width:2}
.glyph .faint{opacity:.35}
.glyph .dashed{stroke-dasharray:2.4 2.2}
.glyph .solid{fill:currentColor}
.glyph .knock{fill:none;stroke:var(--surface);stroke-width:1.6;stroke-linecap:round}
.ok{color:var(--ok)}.fail{color:var(--fail)}.run{color:var(--run)}.wait{color:var(--wait)}.idle{color:var(--idle)}
.status{display:inline-flex;align-items:center;gap:6px;font-weight:500;white-space:nowrap}
.tag{display:inline-flex;align-items:center;gap:5px;min-height:20px;padding:0 7px;border-radius:var(--r1);font-size:var(--fs-1);font-weight:500;background:var(--idle-soft);color:var(--text-2);white-space:nowrap}
.tag.ok{background:var(--ok-soft);color:var(--ok)}
.tag.fail{background:var(--fail-soft);color:var(--fail)}
.tag.wait{background:var(--wait-soft);color:var(--wait)}
.tag.run{background:var(--run-soft);color:var(--run)}
.tag.accent{background:var(--accent-soft);color:var(--accent)}
.tag .glyph{width:12px;height:12px}
.badge{display:inline-grid;place-items:center;width:22px;height:22px;border-radius:5px;background:var(--idle-soft);color:var(--text-2);font-size:9.5px;font-weight:650;letter-spacing:-.02em;flex:none}
.badge .icon{width:13px;height:13px}
.badge.ai{background:var(--accent-soft);color:var(--accent)}
.badge.trigger{border-radius:11px 5px 5px 11px}
.badge.large{width:32px;height:32px;border-radius:7px;font-size:12px}
.badge.more{background:none;color:var(--text-3)}
.badges{display:inline-flex;gap:3px}
kbd{display:inline-block;border:1px solid var(--line-2);border-radius:var(--r1);padding:0 5px;font-size:11px;line-height:16px;color:var(--text-3);background:var(--bg)}
details>summary{cursor:pointer}
.steps{list-style:decimal;padding-left:20px}
/* Long names: never wider than their place. */
.tag,.status,.button,.chip,.badges{max-width:100%}
.tag,.status,.chip{overflow-wrap:anywhere}
.tag .truncate{max-width:min(32ch,60vw)}
.button{overflow:hidden}
.card,.page-head{overflow-wrap:anywhere}
@media (max-width:720px){.page{overflow-wrap:anywhere}}
@media (prefers-reduced-motion:reduce){*,*::before,*::after{animation:none!important;transition:none!important;scroll-behavior:auto!important}}
`

/** Forced colors and print. Last in the style sheet, to override the styles of components and pages. */
export const modes = `
@media (forced-colors:active){
.button,.card,.input,.chip,.tag,.segmented,dialog,.suggest{border:1px solid}
.nav a[aria-current],.segmented a[aria-current],.tabs a[aria-current],.tab-bar a[aria-current],.themes button[aria-pressed=true],.hit[aria-selected=true],.chip.set{forced-color-adjust:none;background:Highlight;color:HighlightText}
.button.primary{forced-color-adjust:none;border-color:ButtonText;background:ButtonText;color:ButtonFace}
.button.primary .icon,.nav a[aria-current] .icon,.nav a[aria-current] .nav-count,.tab-bar a[aria-current] .icon{color:inherit}
.button:disabled{border-color:GrayText;color:GrayText}
.tabs a{border-bottom:0}
:focus-visible{outline:3px solid Highlight}
mark{background:Mark;color:MarkText}
.status,.tag{font-weight:600}
svg .solid,svg rect{forced-color-adjust:none}
}
@media print{
.sidebar,.top,.tab-bar,.skip,.button,.actions,.filters,.segmented,.pagination,.themes,.chart-data,.runs-chips,dialog{display:none!important}
.shell{display:block}
.page{max-width:none;padding:0}
body,.card{background:#fff;color:#000;box-shadow:none}
.card,.kpi,tr,.attention li{break-inside:avoid}
.card:has(.table),.card:has(.hits){break-inside:auto}
.card,.table,pre{overflow:visible!important;max-height:none!important}
.table{font-size:11px}
.table thead{display:table-header-group}
.truncate,.row-link,.two-lines small{white-space:normal!important;overflow:visible!important}
pre{white-space:pre-wrap;overflow-wrap:anywhere}
.link{color:inherit;text-decoration:underline}
}
`
