/** @module Styles of the audit trail, loaded after `assets/css`. */
export const auditStyle = `
.audit-bar{display:flex;gap:12px var(--s4);flex-wrap:wrap;justify-content:space-between;align-items:flex-start}
.audit-table .audit-when{white-space:nowrap;color:var(--text-2);width:1%;padding-right:20px;font-variant-numeric:tabular-nums}
.audit-what{display:flex;gap:9px;align-items:flex-start;line-height:1.35}
.audit-what .icon{color:var(--text-3);margin-top:2px;flex:none}
.audit-what .glyph{margin-top:2px}
.audit-what small{display:block;font-size:var(--fs-0);color:var(--text-3)}
@media (max-width:720px){
.audit-bar .segmented{width:100%}
.audit-table .audit-when{width:auto;padding:0;font-size:var(--fs-1)}
.audit-table .phone-line{padding-left:23px}
}
`
