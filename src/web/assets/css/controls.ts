/** @module Buttons, filters, tabs and form fields. On phones: 40 px targets, 44 px inputs with 16 px text. */
export const controls = `
.button{position:relative;display:inline-flex;align-items:center;justify-content:center;gap:7px;height:32px;padding:0 12px;border:1px solid var(--line-2);border-radius:var(--r2);background:var(--surface);color:var(--text);font:500 var(--fs-2)/1 var(--sans);box-shadow:var(--shadow-1);white-space:nowrap;cursor:pointer}
.button:hover{background:var(--hover)}
.button .icon{color:var(--text-3)}
.button.primary{background:var(--accent-solid);border-color:transparent;color:var(--accent-on)}
.button.primary:hover{filter:brightness(1.08)}
.button.primary .icon,.button.danger .icon{color:inherit}
.button.danger{color:var(--fail);border-color:var(--fail-line)}
.button.small{height:28px;padding:0 10px;font-size:var(--fs-1)}
.button:disabled{color:var(--text-3);box-shadow:none;cursor:not-allowed;background:var(--inset)}
.action{display:inline-flex}
.segmented{display:inline-flex;border:1px solid var(--line-2);border-radius:var(--r2);background:var(--surface);box-shadow:var(--shadow-1)}
.segmented a{padding:0 11px;height:30px;display:flex;align-items:center;font-size:var(--fs-2);font-weight:500;color:var(--text-2)}
.segmented a:first-child{border-radius:5px 0 0 5px}.segmented a:last-child{border-radius:0 5px 5px 0}
.segmented a+a{border-left:1px solid var(--line)}
.segmented a:hover{color:var(--text)}
.segmented a[aria-current]{background:var(--inset);color:var(--text)}
.tabs{display:flex;gap:20px;border-bottom:1px solid var(--line);font-size:var(--fs-2);overflow-x:auto}
.card>.tabs{padding:0 var(--s4)}
.tabs a{padding:10px 0 9px;color:var(--text-2);font-weight:500;border-bottom:2px solid transparent;white-space:nowrap}
.tabs a:hover{color:var(--text)}
.tabs a[aria-current]{color:var(--text);border-color:var(--accent)}
.tab-count{color:var(--text-3);font-weight:400;font-variant-numeric:tabular-nums}
.filters{position:relative;display:flex;gap:8px;flex-wrap:wrap;align-items:center}
.filter-text,.filter-select{position:relative;display:inline-flex}
.filter-text input,.filter-select select{height:32px;border:1px solid var(--line-2);border-radius:var(--r2);background:var(--surface);box-shadow:var(--shadow-1);font-size:var(--fs-2);appearance:none}
.filter-text input{padding:0 10px 0 30px;width:220px}
.filter-text input::placeholder{color:var(--text-3);opacity:1}
.filter-text .icon{position:absolute;left:9px;top:9px;color:var(--text-3);pointer-events:none}
.filter-select select{padding:0 30px 0 12px;font-weight:500;cursor:pointer;max-width:240px;text-overflow:ellipsis}
.filter-select .icon,.select .icon{position:absolute;right:10px;top:9px;color:var(--text-3);pointer-events:none}
.chip{position:relative;display:inline-flex;align-items:center;gap:6px;min-height:28px;padding:0 10px;border:1px solid var(--line-2);border-radius:var(--rf);background:var(--surface);font-size:var(--fs-1);font-weight:500;color:var(--text-2)}
.chip:hover{background:var(--hover);color:var(--text)}
.chip b{color:var(--text);font-weight:500;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;min-width:0}
.chip.set{background:var(--accent-soft);border-color:transparent;color:var(--accent)}
.chip.set b{color:var(--accent)}
.pagination{display:flex;gap:var(--s4);flex-wrap:wrap;font-size:var(--fs-2);color:var(--text-2);font-variant-numeric:tabular-nums}
.form{display:grid;gap:13px;grid-template-columns:minmax(0,1fr)}
.form-row{display:grid;gap:12px;grid-template-columns:repeat(auto-fit,minmax(140px,1fr));align-items:start}
fieldset>.field{margin-top:13px}
.field{display:grid;gap:5px;grid-template-columns:minmax(0,1fr)}
.field label,legend{font-size:var(--fs-2);font-weight:500;padding:0}
.input{display:block;width:100%;min-height:34px;padding:6px 10px;border:1px solid var(--control);border-radius:var(--r2);background:var(--surface);color:var(--text);font:400 var(--fs-2)/1.4 var(--sans);appearance:none}
.input.mono{font-family:var(--mono)}
textarea.input{resize:vertical}
select.input{padding-right:30px;cursor:pointer}
.input:focus-visible,.filter-text input:focus-visible,.search input:focus-visible{outline-offset:-1px;border-radius:var(--r2)}
.input::placeholder{color:var(--text-3);opacity:1}
.select{position:relative;display:block}
.wrong .input{border-color:var(--fail);box-shadow:0 0 0 1px var(--fail)}
.wrong .input:focus-visible{outline-color:var(--fail)}
.hint{font-size:var(--fs-1);color:var(--text-3);line-height:1.45}
.field-error,.form-error{display:flex;gap:7px;font-size:var(--fs-1);line-height:1.4;font-weight:500;color:var(--fail)}
.field-error .glyph,.form-error .glyph{margin-top:1px}
.form-error{padding:9px 11px;border:1px solid var(--fail-line);border-radius:var(--r2);background:var(--fail-wash);font-size:var(--fs-2)}
.form-error .glyph{margin-top:2px}
.check{display:grid;grid-template-columns:18px minmax(0,1fr) fit-content(60%);gap:9px;align-items:center;font-size:var(--fs-2);padding:7px 0;cursor:pointer}
.check+.check{border-top:1px solid var(--line)}
.check input{appearance:none;width:16px;height:16px;margin:0;border:1.5px solid var(--control);border-radius:4px;background:var(--surface);display:grid;place-items:center;cursor:pointer}
.check input:checked{background:var(--accent-solid);border-color:transparent}
.check input:checked::after{content:"";width:8px;height:4px;margin-top:-2px;border:solid #fff;border-width:0 0 2px 2px;transform:rotate(-45deg)}
@media (max-width:720px){
.pagination{align-items:center}
.pagination .link,.card-aside .link{display:inline-flex;align-items:center;min-height:36px}
.button,.chip{height:40px;padding:0 14px}
.button.small{height:36px}
.segmented{display:flex;width:100%}
.segmented a{height:38px;flex:1 0 auto;justify-content:center;padding:0 6px}
.tabs{margin:0 -14px;padding:0 14px}
.filters{display:grid;grid-template-columns:repeat(2,minmax(0,1fr))}
.filter-text{grid-column:1/-1}
.filters:not(:has(.filter-select)){grid-template-columns:minmax(0,1fr) auto}
.filters:not(:has(.filter-select,.filter-text)){display:flex}
.filters:not(:has(.filter-select)) .filter-text{grid-column:auto}
.filter-text input,.filter-select select{width:100%;max-width:none}
.filter-text input,.filter-select select{height:40px;font-size:16px}
.filter-text .icon,.filter-select .icon{top:13px}
.input{min-height:44px;font-size:16px}
.select .icon{top:15px}
.check{min-height:44px;grid-template-columns:18px minmax(0,1fr);row-gap:0}
.check>.muted{grid-column:2}
.auth .button.primary{height:44px}
}
`
