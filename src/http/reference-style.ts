/** @module The stylesheet of `/docs`: `npm run assets` writes it to `public/assets`. */

export const referenceStyle = `
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 16%, transparent); --soft: color-mix(in srgb, currentColor 62%, transparent); }
* { box-sizing: border-box; }
body { margin: 0; font: 15px/1.5 system-ui, sans-serif; display: grid; grid-template-columns: 15rem minmax(0, 1fr); }
nav { position: sticky; top: 0; height: 100vh; overflow: auto; padding: 1.5rem 1rem; border-right: 1px solid var(--line); }
nav ul { list-style: none; padding: 0; margin: 0 0 1rem; }
nav a { color: inherit; text-decoration: none; display: block; padding: .15rem 0; overflow-wrap: anywhere; font-size: .85rem; }
main a { color: inherit; }
nav a:hover, nav a:focus-visible { text-decoration: underline; }
main { padding: 1.5rem 2rem 4rem; max-width: 62rem; }
section { border-top: 1px solid var(--line); padding: 1rem 0; }
h1 { margin: 0 0 .5rem; } h2 { margin: 2.5rem 0 .5rem; } h3 { margin: 0; font-size: 1rem; font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
h4 { margin: .75rem 0 .25rem; font-size: .8rem; color: var(--soft); text-transform: uppercase; letter-spacing: .04em; }
p { margin: .25rem 0; } code, pre { font: 13px/1.5 ui-monospace, monospace; }
pre { margin: .25rem 0; padding: .75rem; border: 1px solid var(--line); border-radius: 6px; overflow: auto; }
.method { display: inline-block; min-width: 4.5rem; font-weight: 700; }
dl { margin: 0; display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; } dd { margin: 0; }
summary { cursor: pointer; }
[hidden] { display: none !important; }
input, select, textarea, button { font: inherit; color: inherit; background: Canvas; border: 1px solid var(--line); border-radius: 6px; padding: .35rem .6rem; }
button { cursor: pointer; margin: .25rem .5rem .25rem 0; }
#search { width: 100%; margin-bottom: 1rem; }
.try { margin: .75rem 0; padding: .75rem; border: 1px solid var(--line); border-radius: 6px; display: grid; gap: .6rem; }
.try label { display: grid; gap: .2rem; color: var(--soft); font-size: .85rem; }
.try textarea { font: 13px/1.5 ui-monospace, monospace; width: 100%; }
.id { color: var(--soft); font-weight: 400; }
@media (max-width: 48rem) { body { display: block; } nav { position: static; height: auto; border-right: 0; border-bottom: 1px solid var(--line); } main { padding: 1rem; } }
`
