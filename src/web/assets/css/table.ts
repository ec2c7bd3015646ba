/** @module Tables with rows of 40 or 32 px; on phones each row has two lines. */
export const table = `
.table{position:relative;width:100%;border-collapse:collapse;font-size:var(--fs-2)}
.table th{font-size:var(--fs-1);font-weight:500;color:var(--text-3);text-align:left;height:32px;padding:0 8px;border-bottom:1px solid var(--line);white-space:nowrap}
.table td{height:40px;padding:5px 8px;border-bottom:1px solid var(--line);vertical-align:middle;overflow-wrap:anywhere}
.table.compact td{height:32px;padding:3px 8px}
.table th:first-child,.table td:first-child{padding-left:var(--s4)}
.table th:last-child,.table td:last-child{padding-right:var(--s4)}
.table tbody tr:hover{background:var(--hover)}
.table tbody tr:focus-within{background:var(--hover)}
.table tr.fail{color:inherit;background:var(--fail-wash)}
.table .numeric{text-align:right;white-space:nowrap}
.table td.wide{width:100%;max-width:0}
.sort{display:inline-flex;align-items:center;gap:4px}
.sort:hover{color:var(--text)}
th[aria-sort] .sort{color:var(--text)}
.name-cell{display:flex;align-items:center;gap:9px;min-width:0}
.two-lines{line-height:1.35;min-width:0;display:block}
.two-lines small{display:block;font-size:var(--fs-1);color:var(--text-3)}
.row-link{font-weight:500}
.two-lines>.row-link,.two-lines>span:not(.status){display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:2;overflow:hidden;overflow-wrap:anywhere}
.row-link:hover{color:var(--accent)}
@media (max-width:720px){
.table thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.table,.table tbody{display:block}
.table tr{display:grid;grid-template-columns:minmax(0,1fr) auto;gap:3px 12px;padding:11px 14px;border-bottom:1px solid var(--line);align-items:start}
.table tr:last-child{border-bottom:0}
.table td,.table.compact td{display:block;grid-column:1;height:auto;padding:0;border:0}
.table td:first-child,.table td:last-child{padding:0}
.table td.phone-end{grid-column:2;grid-row:1;text-align:right;justify-self:end}
.table td.phone-end~td.phone-end{grid-row:2}
.table td.phone-line{grid-column:1/-1;color:var(--text-2)}
.table tr:has(.phone-end~.phone-end) td.phone-line{grid-column:1}
.table td.phone-hide{display:none}
.table td.wide{max-width:none}
.table .numeric{text-align:left}
.table .phone-end.numeric{text-align:right}
.table .two-lines small{white-space:normal}
.chart-data .table thead{position:static;clip-path:none;width:auto;height:auto}
.chart-data .table{display:table}.chart-data .table thead{display:table-header-group}.chart-data .table tbody{display:table-row-group}
.chart-data .table tr{display:table-row}.chart-data .table td{display:table-cell;padding:3px 8px}
}
`
