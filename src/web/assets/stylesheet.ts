/** @module The stylesheet, combined from its parts. */
import { auditStyle } from '../audit/style.ts'
import { credentialsStyle } from '../credentials/style.ts'
import { deploymentsStyle } from '../deployments/style.ts'
import { executionsStyle } from '../executions/style.ts'
import { instancesStyle } from '../instances/style.ts'
import { overviewStyle } from '../overview/style.ts'
import { searchStyle } from '../search/style.ts'
import { workflowsStyle } from '../workflows/style.ts'
import { base, modes } from './css/base.ts'
import { charts } from './css/charts.ts'
import { controls } from './css/controls.ts'
import { shell } from './css/shell.ts'
import { surfaces } from './css/surfaces.ts'
import { table } from './css/table.ts'
import { tokens } from './css/tokens.ts'

/** @param url of the Inter variable font */
export const fontFace = (url: string): string =>
  `@font-face{font-family:"Inter";font-style:normal;font-weight:100 900;font-display:swap;src:url("${url}") format("woff2")}`

/** @param fontUrl URL of the Inter variable font */
export const stylesheet = (fontUrl: string): string =>
  [
    fontFace(fontUrl),
    tokens,
    base,
    surfaces,
    shell,
    controls,
    table,
    charts,
    overviewStyle,
    executionsStyle,
    workflowsStyle,
    credentialsStyle,
    deploymentsStyle,
    instancesStyle,
    auditStyle,
    searchStyle,
    modes,
  ].join('\n')
