/** @module Recognizes a value that consists of one `$fromAI(…)` call with literal arguments. */

const call =
  /^\$fromAI\s*\(((?:[a-z\d.,\s-]|"(?:[^"\\]|\\[^])*"|'(?:[^'\\]|\\[^])*'|`(?:[^`\\$]|\\[^]|\$(?!\{))*`)*)\)\s*$/i
const taggedTemplate = /\w\s*`/
const marker = '/*n8n-auto-generated-fromAI-override*/'

/** n8n then treats it as an expression even where it allows none. */
export function isFromAi(expression: string): boolean {
  let text = expression.replace(/^=/, '').trim()
  if (text.startsWith('{{') && text.endsWith('}}')) text = text.slice(2, -2).trim()
  if (text.startsWith(marker)) text = text.slice(marker.length).trim()
  const [, parameters] = call.exec(text) ?? []
  return parameters !== undefined && !taggedTemplate.test(withoutTexts(parameters))
}

const withoutTexts = (text: string): string => text.replace(/"(?:[^"\\]|\\[^])*"|'(?:[^'\\]|\\[^])*'/g, '')
