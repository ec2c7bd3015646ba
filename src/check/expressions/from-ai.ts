/** @module `$fromAI` works only in a tool, where the model fills in the value. */
import { isContainer } from '../../lib/json-object.ts'
import { isExpression } from '../../n8n/catalogue/display-options.ts'
import { portsOf } from '../graph/ports.ts'
import { type CheckedNode, MAIN, type WorkflowModel } from '../model.ts'
import { shown } from '../../n8n/structure/repairs.ts'
import { pointerAt, type Report } from '../report.ts'

const call = /\$fromai\s*\(/i

/** The key and the type of a call with plain texts. */
const args =
  /\$fromai\s*\(\s*(?:(["'`])((?:(?!\1).)*)\1)?\s*(?:,\s*(["'`])(?:(?!\3)[^])*\3\s*(?:,\s*(["'`])(\w*)\4)?)?/gi
const types = ['string', 'number', 'boolean', 'json']

function checkArguments(node: CheckedNode, text: string, at: string, report: Report): void {
  for (const [, , key, , , type] of text.matchAll(args)) {
    const add = (message: string, n8n: string) =>
      report.add(node, { code: 'invalid-from-ai', level: 'error', at, message, n8n })
    if (key === undefined || !/^[\w-]{1,64}$/.test(key)) {
      const remedy = 'The first argument of $fromAI must be a key of letters, digits, _ and -'
      add(remedy, 'Invalid parameter key')
    } else if (type !== undefined && type !== '' && !types.includes(type.toLowerCase())) {
      add(`$fromAI has no type ${shown(type)}. Use one of: ${types.join(', ')}`, `Invalid type: ${type}`)
    }
  }
}

export function checkFromAi(node: CheckedNode, model: WorkflowModel, report: Report): void {
  const { outputs } = portsOf(node)
  const isTool =
    !outputs ||
    outputs.some(({ type }) => type !== MAIN) ||
    node.facts?.isTool === true ||
    model.outgoing(node).some(({ type }) => type !== MAIN)
  const visit = (value: unknown, at: string): void => {
    if (typeof value === 'string') {
      if (!isExpression(value) || !call.test(value)) return
      if (isTool) {
        checkArguments(node, value, at, report)
        return
      }
      report.add(node, {
        code: 'from-ai-outside-tool',
        level: 'warning',
        at,
        message: "$fromAI is empty here: only an agent's tools get values from the model",
      })
    } else if (isContainer(value)) {
      for (const [key, each] of Object.entries(value)) visit(each, pointerAt(at, key))
    }
  }
  visit(node.parameters, '/parameters')
}
