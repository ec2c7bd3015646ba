/** @module Fields that only a chat trigger provides: the session of a memory and the prompt of an agent. */
import type { CheckedNode } from '../model.ts'
import type { Flow } from './flow.ts'
import { isTrigger } from './flow.ts'

/** Nodes whose output can have any field. */
const unknownOutput =
  /^(?:chatTrigger|manualChatTrigger|executeWorkflowTrigger|httpRequest|code|function|functionItem|formTrigger|evaluationTrigger)$/

/** Whether no node before this one can provide the field: none that is unknown, and none that names it. */
export function cannotHave(field: string, node: CheckedNode, flow: Flow): boolean {
  const before = flow.ancestors(node)
  if (before.has(node) && flow.isSubNode(node)) return false
  if (![...before].some(isTrigger) || !flow.isExact) return false
  for (const each of before) {
    if (each === node) continue
    if (!each.facts || unknownOutput.test(each.shortType)) return false
    if (JSON.stringify(each.parameters).includes(field) || each.json.onError === 'continueErrorOutput')
      return false
  }
  return true
}
