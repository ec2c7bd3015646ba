/** @module `$fromAI` works only in a tool, where the model fills in the value. */
import { isContainer } from '../../lib/json-object.ts'
import { isExpression } from '../../n8n/catalogue/display-options.ts'
import { portsOf } from '../graph/ports.ts'
import { type CheckedNode, MAIN, type WorkflowModel } from '../model.ts'
import { pointerAt, type Report } from '../report.ts'

const call = /\$fromai\s*\(/i

export function checkFromAi(node: CheckedNode, model: WorkflowModel, report: Report): void {
  const { outputs } = portsOf(node)
  if (!outputs || outputs.some(({ type }) => type !== MAIN) || node.facts?.isTool) return
  if (model.outgoing(node).some(({ type }) => type !== MAIN)) return
  const visit = (value: unknown, at: string): void => {
    if (typeof value === 'string') {
      if (!isExpression(value) || !call.test(value)) return
      report.add(node, {
        code: 'from-ai-outside-tool',
        level: 'warning',
        at,
        message: '$fromAI is empty here: only a tool of an agent gets values from the model',
      })
    } else if (isContainer(value)) {
      for (const [key, each] of Object.entries(value)) visit(each, pointerAt(at, key))
    }
  }
  visit(node.parameters, '/parameters')
}
