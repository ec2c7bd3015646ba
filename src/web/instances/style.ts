/** @module Styles specific to the instance pages, loaded after `assets/css`. */
export const instancesStyle = `
.inst-text{font-size:var(--fs-2)}
.inst-state{max-width:300px}
.inst-detail{display:-webkit-box!important;-webkit-box-orient:vertical;-webkit-line-clamp:2;overflow:hidden}
.inst-unit{display:none}
.inst-below{display:flex;gap:8px;flex-wrap:wrap;margin:14px 0}
.card-body>.inst-below:last-child{margin-bottom:0}
.inst-url{overflow-wrap:anywhere}
.inst-limitations{display:grid;gap:8px;font-size:var(--fs-2);color:var(--text-2)}
.inst-limitations li{display:grid;grid-template-columns:14px minmax(0,1fr);gap:9px}
.inst-limitations .icon{margin-top:2px;color:var(--wait)}
.inst-steps{display:grid;gap:8px;font-size:var(--fs-2);color:var(--text-2)}
.inst-token{display:grid;gap:10px;justify-items:start}
.inst-token .code-box{width:100%;font-size:13px;color:var(--text);white-space:pre-wrap;overflow-wrap:anywhere}
.inst-choice{display:flex;gap:10px;align-items:center;min-height:34px}
label.inst-choice{cursor:pointer}
.inst-choice input{appearance:none;width:16px;height:16px;margin:0;flex:none;border:1.5px solid var(--control);border-radius:4px;background:var(--surface);display:grid;place-items:center;cursor:pointer}
.inst-choice input:checked{background:var(--accent-solid);border-color:transparent}
.inst-choice input:checked::after{content:"";width:8px;height:4px;margin-top:-2px;border:solid #fff;border-width:0 0 2px 2px;transform:rotate(-45deg)}
.inst-gap{width:16px;flex:none}
.inst-choice .strong{font-weight:500}
.inst-row-actions{display:flex;gap:8px;justify-content:flex-end}
@media (max-width:720px){
.inst-unit{display:inline;color:var(--text-3)}
.inst-table .inst-detail{display:none!important}
.inst-table td:nth-child(4){grid-column:1!important;grid-row:2}
.inst-table td.inst-live{grid-column:2!important;grid-row:2;text-align:right}
.inst-row-actions{justify-content:flex-start}
.inst-choice{min-height:40px}
.inst-choice input{width:20px;height:20px}
}
`
