/** @module Names the outputs of nodes like n8n does. */
import { isContainer, type JsonObject } from '../../../lib/json-object.ts'

const maxOutputs = 31
const maxLabelChars = 200

/**
 * A label for each main output; '' for an output without a name.
 * @param short the node type without its package
 * @param connected the number of outputs in the connections
 */
export function outputLabels(node: JsonObject, short: string, connected: number): string[] {
  const own = ownLabels(node, short)
  // n8n adds the error output after the node's own outputs.
  const all = node.onError === 'continueErrorOutput' ? [...(own ?? ['success']), 'error'] : (own ?? [''])
  const missing = Math.max(0, Math.min(connected, maxOutputs) - all.length)
  const numbered = Array.from({ length: missing }, (_, index) => String(all.length + index))
  const labels = [...all, ...numbered].slice(0, maxOutputs)
  return labels.length > 1 && labels[0] === '' ? ['0', ...labels.slice(1)] : labels
}

function ownLabels(node: JsonObject, short: string): string[] | null {
  const version = Number(node.typeVersion ?? 1)
  switch (short) {
    case 'if':
      return ['true', 'false']
    case 'splitInBatches':
      return version >= 3 ? ['done', 'loop'] : version >= 2 ? ['loop', 'done'] : null
    case 'compareDatasets':
      return ['in A only', 'same', 'different', 'in B only']
    case 'switch':
      return switchLabels(parameter(node, 'parameters'))
    case 'textClassifier':
      return namedLabels(valueAt(node, ['parameters', 'categories', 'categories']), 'category')
    case 'sentimentAnalysis':
      return ['positive', 'neutral', 'negative']
    default:
      return null
  }
}

/** Reads the rules of any version of the Switch node. The fallback comes last. */
function switchLabels(parameters: unknown): string[] | null {
  const rules =
    valueAt(parameters, ['rules', 'values']) ?? valueAt(parameters, ['rules', 'rules']) ?? undefined
  const named = namedLabels(rules, 'outputKey')
  const fallback = valueAt(parameters, ['options', 'fallbackOutput'])
  return named && fallback === 'extra' ? [...named, 'fallback'] : named
}

function namedLabels(list: unknown, key: string): string[] | null {
  if (!Array.isArray(list) || list.length === 0) return null
  return list.slice(0, maxOutputs).map((each: unknown, index) => {
    const name = parameter(each, key)
    return typeof name === 'string' && name.trim() !== '' ? name.slice(0, maxLabelChars) : String(index)
  })
}

const parameter = (value: unknown, key: string): unknown =>
  isContainer(value) && Object.hasOwn(value, key) ? (value as JsonObject)[key] : undefined

const valueAt = (value: unknown, path: string[]): unknown =>
  path.reduce((inner, key) => parameter(inner, key), value)
