/** @module The stylesheet of the guide: the dashboard's tokens, base and shell, and the layout of a text. */
import { base, modes } from '../../src/web/assets/css/base.ts'
import { shell } from '../../src/web/assets/css/shell.ts'
import { tokens } from '../../src/web/assets/css/tokens.ts'
import { fontFace } from '../../src/web/assets/stylesheet.ts'
import { searchStyle } from '../../src/web/search/style.ts'

const layout = `
.guide-head{position:sticky;top:0;z-index:5;display:flex;align-items:center;gap:var(--s4);height:52px;padding:0 var(--s6);background:var(--bg);border-bottom:1px solid var(--line);font-size:var(--fs-2)}
.guide-head .brand{padding:0;white-space:nowrap}
.guide-head .search{margin-left:auto;width:min(340px,100%)}
.guide-head .suggest{left:auto}
.guide-links{display:flex;gap:var(--s4);white-space:nowrap;color:var(--text-2);font-weight:500}
.search[hidden]+.guide-links{margin-left:auto}
.guide-links a:hover{color:var(--text)}
.guide-links .guide-contents{display:none}
.guide{display:grid;grid-template-columns:240px minmax(0,1fr) 220px;grid-template-areas:"nav main outline";max-width:1440px;margin:0 auto}
.guide-nav{grid-area:nav;position:sticky;top:52px;max-height:calc(100vh - 52px);overflow-y:auto;align-content:start;padding:var(--s2) var(--s3) var(--s6) var(--s4);border-right:1px solid var(--line)}
.guide-nav a{height:auto;min-height:30px;padding:4px 10px}
.guide-main{grid-area:main;min-width:0;padding:var(--s6) clamp(var(--s4),4vw,56px) 64px}
.guide-text,.guide-neighbors{max-width:760px;margin:0 auto}
.guide-text{font-size:15px;line-height:1.6}
.guide-text>*+*{margin-top:14px}
.guide-text h1{font-size:var(--fs-6);line-height:34px;font-weight:600;letter-spacing:-.022em}
.guide-text h2{font-size:var(--fs-5);line-height:28px;font-weight:600;letter-spacing:-.018em;margin-top:36px}
.guide-text h3{font-size:var(--fs-4);line-height:24px;font-weight:600;letter-spacing:-.01em;margin-top:26px}
.guide-text h4{font-size:15px;font-weight:600;margin-top:20px}
.guide-anchor{color:var(--text-3);font-weight:400;opacity:0;padding:0 4px}
:is(h2,h3,h4):hover>.guide-anchor,.guide-anchor:focus-visible{opacity:1}
.guide-text .link{text-decoration:underline;text-decoration-color:var(--line-2);text-underline-offset:3px}
.guide-text .link:hover{text-decoration-color:currentColor}
.guide-text ul,.guide-text ol{padding-left:22px}
.guide-text ul{list-style:disc}
.guide-text ol{list-style:decimal}
.guide-text li+li{margin-top:6px}
.guide-text li>:is(.guide-code,.guide-table,p+p){margin-top:10px}
.guide-text :not(pre)>code{background:var(--inset);border-radius:var(--r1);padding:1px 5px;font-size:.88em;overflow-wrap:anywhere}
.guide-code{position:relative}
.guide-code pre{font:400 13px/1.6 var(--mono);background:var(--inset);border:1px solid var(--line);border-radius:var(--r2);padding:11px 14px;overflow-x:auto}
.guide-code code{font:inherit}
.guide-comment{color:var(--text-3)}
.guide-copy{position:absolute;top:6px;right:6px;height:26px;padding:0 9px;border:1px solid var(--line-2);border-radius:var(--r1);background:var(--surface);color:var(--text-2);font-size:var(--fs-1);font-weight:500;cursor:pointer;opacity:0}
.guide-code:hover .guide-copy,.guide-copy:focus-visible{opacity:1}
.guide-table{overflow-x:auto;border:1px solid var(--line);border-radius:var(--r2);background:var(--surface)}
.guide-table table{border-collapse:collapse;width:100%;font-size:14px;line-height:1.5}
.guide-table th{text-align:left;font-size:var(--fs-1);font-weight:500;color:var(--text-3);white-space:nowrap}
.guide-table :is(th,td){padding:8px 12px;vertical-align:top;min-width:80px}
.guide-table td:first-child>code{white-space:nowrap}
.guide-table tr+tr td,.guide-table tbody tr:first-child td{border-top:1px solid var(--line)}
.guide-outline{grid-area:outline;position:sticky;top:52px;max-height:calc(100vh - 52px);overflow-y:auto;padding:28px var(--s4) var(--s6) 0;font-size:var(--fs-2);color:var(--text-3)}
.guide-outline p{font-size:var(--fs-1);font-weight:500;padding-bottom:6px}
.guide-outline a{display:block;padding:3px 0;overflow-wrap:anywhere}
.guide-outline a:hover{color:var(--text)}
.guide-outline .depth-3{padding-left:12px}
.guide-neighbors{display:flex;gap:var(--s3);margin-top:48px}
.guide-neighbors a{flex:1;max-width:50%;display:grid;gap:2px;padding:12px 16px;border:1px solid var(--line);border-radius:var(--r3);background:var(--surface);font-weight:500}
.guide-neighbors a:hover{border-color:var(--line-2);background:var(--hover)}
.guide-neighbors small{font-size:var(--fs-1);font-weight:400;color:var(--text-3)}
.guide-neighbors .next{margin-left:auto;text-align:right}
.suggest .hit small{display:-webkit-box;-webkit-line-clamp:2;-webkit-box-orient:vertical;overflow:hidden}
.suggest .hit:focus-visible{outline-offset:-2px;background:var(--accent-soft)}
.suggest p{padding:10px;font-size:var(--fs-2);color:var(--text-3)}
@media (max-width:1180px){.guide{grid-template-columns:220px minmax(0,1fr);grid-template-areas:"nav main"}.guide-outline{display:none}}
@media (max-width:760px){
.guide-head{flex-wrap:wrap;height:auto;gap:6px var(--s3);padding:10px var(--s4)}
.guide-head .search{order:3;width:100%;margin:0}
.guide-head .search input{height:44px;font-size:16px}
.guide-head .search .icon{top:15px}
.guide-head .search kbd{display:none}
.guide-head .suggest{width:100%}
.guide-links,.search[hidden]+.guide-links{margin-left:auto;gap:var(--s3)}
.guide-links [href="/"]{display:none}
.guide-links a{display:inline-flex;align-items:center;min-height:40px}
.guide-head .brand{font-size:var(--fs-3)}
.guide{display:block}
.guide-main{padding:var(--s5) var(--s4) var(--s8)}
.guide-nav{position:static;max-height:none;border:0;border-top:1px solid var(--line);padding:var(--s4)}
.guide-nav a{min-height:40px}
.guide-copy{opacity:1}
.guide-links .guide-contents{display:inline-flex}
html{scroll-padding-top:124px}
}
@media print{.guide-head,.guide-nav,.guide-outline,.guide-neighbors,.guide-copy,.guide-anchor{display:none!important}.guide{display:block}}
`

export const guideStyle = (fontUrl: string): string =>
  [fontFace(fontUrl), tokens, base, shell, searchStyle, layout, modes].join('\n')
