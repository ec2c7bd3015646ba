/** @module Recognizes a value that consists of one `$fromAI(…)` call with literal arguments. */

const texts = [
  String.raw`"(?:[^"\\]|\\[^])*"`,
  String.raw`'(?:[^'\\]|\\[^])*'`,
  // Neither with a placeholder nor with a tag.
  String.raw`(?<![a-z\d]\s*)\x60(?:[^\x60\\$]|\\[^]|\$(?!\{))*\x60`,
].join('|')
const call = new RegExp(String.raw`^\$fromAI\s*\((?:[a-z\d.,\s-]|${texts})*\)\s*$`, 'i')
const marker = '/*n8n-auto-generated-fromAI-override*/'

/** n8n then treats it as an expression even where it allows none. */
export function isFromAi(expression: string): boolean {
  let text = expression.replace(/^=/, '').trim()
  if (text.startsWith('{{') && text.endsWith('}}')) text = text.slice(2, -2).trim()
  if (text.startsWith(marker)) text = text.slice(marker.length).trim()
  return text.length < 10_000 && call.test(text)
}
