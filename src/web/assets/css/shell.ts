/** @module The frame: sidebar, top bar and content; on phones a header and a tab bar. Also the pages before sign-in. */
export const shell = `
.shell{display:grid;grid-template-columns:224px minmax(0,1fr);min-height:100vh}
.sidebar{position:sticky;top:0;height:100vh;display:flex;flex-direction:column;overflow-y:auto;padding:14px 10px 12px;border-right:1px solid var(--line);background:var(--bg)}
.brand{display:flex;align-items:center;gap:9px;padding:2px 8px 18px;font-weight:650;font-size:15px;letter-spacing:-.015em}
.logo{width:22px;height:22px;flex:none}
.logo-ground{fill:var(--accent-solid)}
.logo-line{fill:none;stroke:#fff;stroke-width:1.8;stroke-linecap:round;stroke-linejoin:round}
.nav{display:grid;gap:1px}
.nav a{display:flex;align-items:center;gap:10px;height:32px;padding:0 10px;border-radius:var(--r2);color:var(--text-2);font-size:var(--fs-2);font-weight:500}
.nav a:hover{background:var(--inset);color:var(--text)}
.nav a[aria-current]{background:var(--surface);color:var(--text);box-shadow:0 0 0 1px var(--line),var(--shadow-1)}
.nav a[aria-current] .icon{color:var(--accent)}
.nav p{font-size:var(--fs-0);font-weight:500;color:var(--text-3);padding:14px 10px 5px}
.nav-count{margin-left:auto;font-size:var(--fs-0);font-weight:400;font-variant-numeric:tabular-nums;color:var(--text-3)}
.nav-count.fail{color:var(--fail);background:var(--fail-soft);border-radius:var(--rf);padding:1px 7px;font-weight:600}
.sidebar-foot{margin-top:auto;padding:16px 10px 0;display:grid;gap:10px;font-size:var(--fs-1);color:var(--text-3)}
.zone{display:flex;align-items:center;gap:8px;min-width:0}
.themes{display:inline-flex;border:1px solid var(--line);border-radius:var(--r2);background:var(--surface);width:max-content}
.themes button{display:grid;place-items:center;width:36px;height:26px;border:0;background:none;color:var(--text-3);cursor:pointer;border-radius:5px}
.themes button:hover{color:var(--text)}
.themes button[aria-pressed=true]{background:var(--inset);color:var(--text)}
.me{display:flex;align-items:center;gap:8px;color:var(--text-2);border-top:1px solid var(--line);padding-top:10px;min-width:0}
.me .who{flex:1}
.avatar{width:24px;height:24px;border-radius:50%;background:var(--accent-soft);color:var(--accent);display:grid;place-items:center;font-size:10px;font-weight:600;flex:none}
.icon-button{display:grid;place-items:center;width:28px;height:28px;border:0;border-radius:var(--r2);background:none;color:var(--text-3);cursor:pointer;flex:none}
.icon-button:hover{background:var(--inset);color:var(--text)}
.main{min-width:0}
.top{position:sticky;top:0;z-index:5;display:flex;align-items:center;gap:var(--s3);height:52px;padding:0 var(--s6);background:var(--bg);border-bottom:1px solid var(--line);font-size:var(--fs-2)}
.crumbs{min-width:0;flex:1}
.crumbs ol{display:flex;align-items:center;gap:6px;min-width:0;color:var(--text-3)}
.crumbs li{display:flex;gap:6px;min-width:0;white-space:nowrap}
.crumbs li:last-child{color:var(--text);font-weight:500;overflow:hidden;text-overflow:ellipsis;display:block}
.crumbs li a{overflow:hidden;text-overflow:ellipsis;max-width:32ch}
.crumbs a:hover{color:var(--text)}
.back{display:none}
.live{display:inline-flex;align-items:center;gap:7px;color:var(--text-2);font-size:var(--fs-1);white-space:nowrap;font-variant-numeric:tabular-nums}
.live i{width:7px;height:7px;border-radius:50%;background:var(--idle-fill)}
.live.on i{background:var(--ok-mark);box-shadow:0 0 0 3px var(--ok-soft)}
.live.lost i{background:var(--wait-fill);box-shadow:0 0 0 3px var(--wait-soft)}
.live-more{border:1px solid var(--line-2);border-radius:var(--rf);background:var(--accent-soft);color:var(--accent);font-weight:500;padding:2px 10px}
.search{position:relative;width:248px}
.search .icon{position:absolute;left:9px;top:8px;color:var(--text-3);pointer-events:none}
.search kbd{position:absolute;right:7px;top:6px;pointer-events:none}
.search input{width:100%;height:30px;padding:0 28px 0 30px;border:1px solid var(--line-2);border-radius:var(--r2);background:var(--surface);font-size:var(--fs-2);appearance:none}
.search input::placeholder{color:var(--text-3);opacity:1}
.top .search-link{display:none}
.page{padding:var(--s5) var(--s6) 48px;display:grid;grid-template-columns:minmax(0,1fr);gap:var(--s4);max-width:1360px;margin:0 auto}
.page-head{display:flex;align-items:flex-start;gap:var(--s3) var(--s4);flex-wrap:wrap}
.page-title{flex:1;min-width:min(320px,100%)}
.page-head h1{font-size:var(--fs-5);line-height:28px;font-weight:600;letter-spacing:-.018em;overflow-wrap:anywhere}
.page-meta{display:flex;flex-wrap:wrap;gap:4px 18px;font-size:var(--fs-2);color:var(--text-2);margin-top:5px;align-items:center}
.page-meta>span,.page-meta>a{display:inline-flex;gap:6px;align-items:center;min-width:0;overflow-wrap:anywhere}
.page-meta .icon{color:var(--text-3)}
.actions{display:flex;gap:8px;flex-wrap:wrap;align-items:center}
.tab-bar{display:none}
.menu-list a,.menu-list button{display:flex;align-items:center;gap:12px;width:100%;min-height:48px;padding:0 var(--s4);border:0;background:none;text-align:left;font-weight:500;cursor:pointer}
.menu-list li+li{border-top:1px solid var(--line)}
.menu-list .icon{color:var(--text-3)}
.menu-list .nav-count{font-size:var(--fs-1)}
.auth{min-height:100vh;display:grid;grid-template-rows:1fr auto;justify-items:center;align-items:center;gap:var(--s6);padding:var(--s6) 14px}
.auth main{width:100%;max-width:360px;display:grid;grid-template-columns:minmax(0,1fr);gap:var(--s5)}
.auth .brand{padding:0;justify-content:center;font-size:18px}
.auth .brand .logo{width:28px;height:28px}
.auth .card-body{padding:24px;display:grid;gap:var(--s4)}
.auth .card-body>*+*{margin-top:0}
.auth h1{font-size:var(--fs-5);line-height:28px;font-weight:600;letter-spacing:-.018em}
.auth .button.primary{width:100%;height:36px}
.auth footer{font-size:var(--fs-1);color:var(--text-3);display:flex;gap:var(--s4);align-items:center;flex-wrap:wrap;justify-content:center}
.auth-footer{font-size:var(--fs-2);color:var(--text-2);text-align:center}
.keys{display:grid;grid-template-columns:120px minmax(0,1fr);gap:10px 16px;font-size:var(--fs-2);align-items:baseline}
dialog{border:1px solid var(--line);border-radius:var(--r3);background:var(--surface);color:var(--text);box-shadow:var(--shadow-2);padding:20px;max-width:min(420px,calc(100vw - 28px));font-size:var(--fs-2)}
dialog::backdrop{background:rgb(12 15 19/.5)}
dialog p{margin-bottom:16px;line-height:1.5}
dialog .actions{justify-content:flex-end}
@media (max-width:720px){
.shell{grid-template-columns:minmax(0,1fr)}
.sidebar,.top .search,.crumbs,.live .live-text{display:none}
.top{height:48px;padding:0 14px;gap:14px}
.top .search-link{display:grid;place-items:center;width:36px;height:36px;margin-right:-8px}
.back{display:inline-flex;align-items:center;gap:7px;font-weight:500;font-size:var(--fs-3);height:44px;flex:1;min-width:0}
.back .icon{color:var(--text-3)}
.live i{width:8px;height:8px}
.page{padding:14px 14px 96px;gap:12px}
.page-head h1{font-size:18px;line-height:25px}
.page-head .actions{width:100%}
.page-head .actions>.button,.page-head .actions>.action{flex:1 0 auto}
.page-head .actions>.action .button{width:100%}
.tab-bar{display:grid;grid-template-columns:repeat(5,minmax(0,1fr));position:fixed;inset:auto 0 0 0;z-index:6;background:var(--surface);border-top:1px solid var(--line);padding:4px 4px max(8px,env(safe-area-inset-bottom))}
.tab-bar a{display:grid;justify-items:center;gap:2px;padding:6px 0 4px;font-size:11px;font-weight:500;color:var(--text-3);min-height:48px;position:relative}
.tab-bar a[aria-current]{color:var(--accent)}
.tab-bar .icon{width:20px;height:20px}
.pip{position:absolute;top:3px;left:calc(50% + 6px);min-width:15px;height:15px;border-radius:8px;background:var(--fail);color:var(--surface);font-size:10px;line-height:15px;text-align:center;font-weight:600;padding:0 3px}
.themes button{width:48px;height:40px}
.keys{grid-template-columns:96px minmax(0,1fr)}
}
`
