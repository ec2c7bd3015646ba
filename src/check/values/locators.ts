/** @module The resource locator that a plain value stands for. */
import { isExpression } from '../../n8n/catalogue/display-options.ts'
import type { LocatorModeFacts, PropertyFacts } from '../facts/node-facts.ts'

/** Nodes that read the mode or the value of the object. The others take text, except a URL, for the ID. */
const readers =
  /^(?:googleSheets|googleBusinessProfile|googleBigQuery|databricks|microsoftExcel|microsoftDataverse|azureStorage|lmChatOpenAi|lmChatAnthropic|twitter|messageAnAgent|vectorStoreInMemory|executeWorkflow|toolWorkflow|retrieverWorkflow)/

/** Whether the node works with text in place of the object. */
export const takesText = (shortType: string, value: string | number): boolean =>
  !readers.test(shortType) && !/^https?:/.test(String(value))

const maximumTestedChars = 300

export interface Locator {
  __rl: true
  mode: string
  value: string | number
}

/** By the patterns of the modes: a URL, then a name if the value cannot be an ID. Undefined if no mode fits. */
export function locatorFor({ type, modes = [] }: PropertyFacts, value: string | number): Locator | undefined {
  const mode = type === 'workflowSelector' ? 'id' : modeFor(modes, value)
  return mode === undefined ? undefined : { __rl: true, mode, value }
}

function modeFor(modes: readonly LocatorModeFacts[], value: string | number): string | undefined {
  const find = (name: string) => modes.find((mode) => mode.name === name)
  const [url, id, name, list] = ['url', 'id', 'name', 'list'].map(find)
  const text = String(value)
  if (url && /^https?:\/\//.test(text)) return accepts(url, text) ? url.name : undefined
  if (isExpression(value)) return (id ?? name ?? list)?.name
  if (id && accepts(id, text) && !(name && /[\s#@]/.test(text))) return id.name
  if (name && accepts(name, text)) return name.name
  return (modes.find((mode) => mode !== url && mode !== list && accepts(mode, text)) ?? list)?.name
}

function accepts({ validation = [] }: LocatorModeFacts, text: string): boolean {
  if (text.length > maximumTestedChars) return false
  return validation.every(({ regex }) => {
    try {
      return new RegExp(`^(?:${regex})$`).test(text)
    } catch {
      return true
    }
  })
}
