/** @module Colors, sizes and fonts. Contrast on every background: text at least 5.1:1, controls 3.3:1, marks 3.1:1. */

const light = `color-scheme:light;
--bg:#F6F7F9;--surface:#FFFFFF;--inset:#F1F3F6;--hover:#F5F7FA;--line:#E3E7EC;--line-2:#D3D9E1;--dots:#D3D9E1;--control:#858F9D;
--text:#12171E;--text-2:#454F5C;--text-3:#5E6875;--accent:#4A43C9;--accent-solid:#4A43C9;--accent-on:#FFFFFF;--accent-soft:#EEEDFC;
--ink:#171C24;--ink-on:#FFFFFF;--ok:#08705A;--ok-soft:#E1F4EE;--ok-fill:#9AD5C4;--ok-mark:#2E9178;
--fail:#B92B16;--fail-soft:#FDEDE9;--fail-fill:#D2412A;--fail-line:#F2C4BA;--fail-wash:#FEF6F4;
--run:#155DBB;--run-soft:#E5F0FC;--run-fill:#4588DE;--wait:#805200;--wait-soft:#FBF1DA;--wait-fill:#B8800F;--wait-line:#EBD49B;
--idle:#56606D;--idle-soft:#EDF0F3;--idle-fill:#87919E;--ai-fill:#8D87E4;--ag-fill:#D5D3F6;--p50:#4588DE;--p95:#12418A;--band:#DCEAFB;
--add:#08705A;--add-bg:#E4F5EF;--del:#B92B16;--del-bg:#FDEDE9;
--note-1:#FFF8DC;--note-2:#FFEFD9;--note-3:#FDEBE8;--note-4:#E5F5EC;--note-5:#E4F0FD;--note-6:#F0ECFD;--note-7:#EEF0F3;
--note-line-1:#E8D48A;--note-line-2:#EBC08A;--note-line-3:#F0B6AB;--note-line-4:#A5D8BC;--note-line-5:#A4CBF0;--note-line-6:#C9BDF3;--note-line-7:#CBD2DB;
--note-text:#4C4A45;
--shadow-1:0 1px 2px rgb(18 23 30/.05);--shadow-2:0 8px 24px rgb(18 23 30/.10),0 1px 2px rgb(18 23 30/.06);`

const dark = `color-scheme:dark;
--bg:#0C0F13;--surface:#13171C;--inset:#1A1F26;--hover:#191E25;--line:#242B34;--line-2:#333C48;--dots:#222932;--control:#6E7988;
--text:#E9EDF2;--text-2:#B4BDC8;--text-3:#8F99A6;--accent:#ABA6FF;--accent-solid:#5F58DD;--accent-on:#FFFFFF;--accent-soft:#22214A;
--ink:#E9EDF2;--ink-on:#12171E;--ok:#52CBAB;--ok-soft:#0F2E27;--ok-fill:#1E5E50;--ok-mark:#35A88C;
--fail:#FF8C78;--fail-soft:#371813;--fail-fill:#EC5E46;--fail-line:#57302A;--fail-wash:#1D1616;
--run:#78B4FF;--run-soft:#132A4A;--run-fill:#3B7FD6;--wait:#E8B653;--wait-soft:#32270F;--wait-fill:#C48F2C;--wait-line:#574517;
--idle:#9CA6B3;--idle-soft:#20262E;--idle-fill:#697483;--ai-fill:#7C75E0;--ag-fill:#302E63;--p50:#3F7FCB;--p95:#8FC1FF;--band:#172B45;
--add:#52CBAB;--add-bg:#0F2A24;--del:#FF8C78;--del-bg:#321713;
--note-1:#2B2611;--note-2:#302012;--note-3:#321A16;--note-4:#10271D;--note-5:#11233A;--note-6:#221C3D;--note-7:#1C2128;
--note-line-1:#5E5325;--note-line-2:#664526;--note-line-3:#6A362D;--note-line-4:#24563F;--note-line-5:#264D7A;--note-line-6:#483C80;--note-line-7:#3A4450;
--note-text:#C3C0BA;
--shadow-1:0 1px 2px rgb(0 0 0/.4);--shadow-2:0 8px 24px rgb(0 0 0/.5);`

export const tokens = `
:root{${light}
--s1:4px;--s2:8px;--s3:12px;--s4:16px;--s5:20px;--s6:24px;--s8:32px;--r1:4px;--r2:6px;--r3:10px;--rf:999px;
--fs-0:11px;--fs-1:12px;--fs-2:13px;--fs-3:14px;--fs-4:16px;--fs-5:20px;--fs-6:26px;
--sans:"Inter",system-ui,sans-serif;--mono:ui-monospace,"SF Mono",Menlo,Consolas,monospace}
[data-theme=dark]{${dark}}
@media (prefers-color-scheme:dark){:root:not([data-theme]){${dark}}}
`
