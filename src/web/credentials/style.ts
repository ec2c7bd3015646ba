/** @module Styles of the credential pages, loaded after `assets/css`. */
export const credentialsStyle = `
.block{display:block}
.credential-bar{display:flex;gap:12px var(--s4);flex-wrap:wrap;align-items:flex-start;justify-content:space-between}
.credential-heading{font-size:var(--fs-3);font-weight:600;line-height:32px}
.credential-filters{display:grid;grid-template-columns:minmax(0,auto);gap:8px;min-width:0}
.credential-chips{display:flex;gap:6px;flex-wrap:wrap}
.credential-table small{display:block;font-size:var(--fs-1);color:var(--text-3);line-height:1.35}
.credential-table small.fail{color:var(--fail)}
.credential-table td.numeric a:hover{color:var(--accent)}
.credential-table .numeric small{white-space:nowrap}
.credential-health{max-width:340px}
.credential-fix{text-align:right;width:1%;white-space:nowrap}
.credential-missing{padding:4px var(--s4) 6px}
.credential-title{display:flex;gap:10px;align-items:center}
.credential-title small{display:block;font:400 var(--fs-1)/1.35 var(--mono);color:var(--text-3);letter-spacing:0}
.credential-form .card-head{padding-bottom:12px;border-bottom:1px solid var(--line)}
.credential-form .card-body{padding-top:var(--s4)}
.credential-fields{display:grid;gap:13px 12px;grid-template-columns:repeat(2,minmax(0,1fr));align-items:start}
.credential-fields>.wide{grid-column:1/-1}
.credential-fields .check{border:0;padding:2px 0}
.credential-more{border-top:1px solid var(--line);padding-top:10px;font-size:var(--fs-2)}
.credential-more summary{font-weight:500;color:var(--text-2);padding:3px 0}
.credential-more[open] summary{margin-bottom:10px}
.credential-update{display:flex;gap:10px;align-items:center;font-size:var(--fs-1)}
.credential-small{font-size:var(--fs-1)}
.credential-facts{display:grid;gap:7px;font-size:var(--fs-2);color:var(--text-2);list-style:disc;padding-left:17px}
.credential-consent{display:grid;gap:8px;font-size:var(--fs-2);color:var(--text-2)}
.fail-text{color:var(--fail);font-weight:500}
.credential-runs{text-align:right;white-space:nowrap}
.credential-runs .link+.link{margin-left:10px}
.credential-delete{border:0;padding:0}
.credential-problem{border:1px solid var(--fail-line);background:var(--fail-wash);border-radius:var(--r3);padding:12px var(--s4);font-size:var(--fs-2);display:grid;gap:3px;overflow-wrap:anywhere}
.credential-problem b{color:var(--fail)}
.credential-stored{display:flex;gap:4px;flex-wrap:wrap;margin-bottom:4px}
.credential-stored li{background:var(--inset);border-radius:var(--r1);padding:1px 7px;font-size:var(--fs-1);color:var(--text-2)}
.type-search .filter-text,.type-search input{width:min(360px,100%)}
.type-grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(260px,1fr));gap:2px;padding:8px}
.type-grid a{display:grid;grid-template-columns:auto minmax(0,1fr);gap:10px;align-items:center;min-height:46px;padding:5px 8px;border-radius:var(--r2);font-size:var(--fs-2)}
.type-grid a:hover{background:var(--hover)}
.type-grid b{font-weight:500;display:block}
.type-grid small{display:block;font-size:var(--fs-1);color:var(--text-3);overflow-wrap:anywhere}
@media (max-width:720px){
.credential-bar .segmented{width:100%}
.credential-filters{width:100%}
.credential-health{max-width:none;text-align:right}
.credential-table .credential-health small{max-width:46vw}
.credential-table .credential-used{color:var(--text-2);font-size:var(--fs-1);padding-left:31px;align-self:center}
.credential-table .credential-used small{display:inline}
.credential-table .credential-used small::before{content:" · "}
.credential-table .credential-fix{grid-column:2;grid-row:2;width:auto;justify-self:end}
.credential-missing{padding:4px 14px 6px}
.credential-missing .button{min-height:36px}
.credential-fields{grid-template-columns:minmax(0,1fr)}
.credential-more summary{min-height:40px;padding:9px 0}
.credential-form .actions>*{flex:1}
.type-grid{grid-template-columns:minmax(0,1fr);padding:6px}
}
`
