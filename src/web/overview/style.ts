/** @module Styles of the overview, in addition to `assets/css`. */
export const overviewStyle = `
.overview-error{display:block;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.error-workflows{display:flex;gap:5px;min-width:0}
.error-workflows a:hover{color:var(--accent)}
.overview-workflows{max-width:160px}
.list .list-text{min-width:0}
.fail-text{color:var(--fail);font-weight:500}
.phone-only{display:none}
@media (max-width:720px){
.table td.overview-workflows{max-width:none}
.phone-only{display:inline}
.overview-error{white-space:normal;display:-webkit-box;-webkit-line-clamp:2;-webkit-box-orient:vertical}
}
`
