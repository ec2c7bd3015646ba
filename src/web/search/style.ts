/** @module Search results, the suggestions below the search field and the palette. */
export const searchStyle = `
mark{background:var(--wait-soft);color:inherit;border-radius:2px;padding:0 1px;margin:0 -1px}
.hits li+li{border-top:1px solid var(--line)}
.card-head+.hits{margin-top:6px}
.hit{display:flex;align-items:center;gap:10px;min-height:40px;padding:6px var(--s4);font-size:var(--fs-2)}
.hits .hit:hover{background:var(--hover)}
.hit .icon{color:var(--text-3)}
.hit-text{display:grid;min-width:0;flex:1;font-weight:500;line-height:1.35}
.hit-text small{font-size:var(--fs-1);font-weight:400;color:var(--text-3)}
.search{z-index:7}
.suggest{position:absolute;top:calc(100% + 6px);right:0;width:min(480px,calc(100vw - 28px));max-height:min(70vh,520px);overflow-y:auto;padding:6px;border:1px solid var(--line-2);border-radius:var(--r3);background:var(--surface);box-shadow:var(--shadow-2)}
.suggestions-head{padding:8px 10px 4px;font-size:var(--fs-0);font-weight:500;color:var(--text-3)}
.suggest .hit{padding:5px 10px;min-height:36px;border-radius:var(--r2)}
.suggest .hit:hover{background:var(--hover)}
.suggest .hit[aria-selected=true]{background:var(--accent-soft)}
.suggest .hit.more .hit-text{font-weight:400;color:var(--text-2)}
.suggest .icon{position:static}
.palette{width:min(600px,calc(100vw - 28px));max-width:none;max-height:none;margin:12vh auto auto;padding:0;overflow:visible}
.palette form{display:block}
.palette input{display:block;width:100%;height:48px;padding:0 16px;border:0;border-radius:var(--r3);background:none;font-size:var(--fs-4);appearance:none}
.palette input:focus-visible{outline-offset:-2px;border-radius:var(--r3)}
.palette .suggest{position:static;width:auto;max-height:min(60vh,480px);border:0;border-top:1px solid var(--line);border-radius:0 0 var(--r3) var(--r3);box-shadow:none;background:none}
@media (max-width:720px){.hit{padding:8px 14px}.palette{margin-top:14px}}
`
