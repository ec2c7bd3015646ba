/** @module Compares the fields that a node passes to a sub-workflow with the fields that the sub-workflow declares. */
import { isObject } from '../../lib/json-object.ts'
import { ownValue } from '../../n8n/catalogue/display-options.ts'
import { shown } from '../../n8n/structure/repairs.ts'
import type { CheckedNode } from '../model.ts'
import { patch, pointerAt, type Report } from '../report.ts'
import { closest } from '../values/closest.ts'

export function checkSubWorkflow(
  node: CheckedNode,
  known: ReadonlyMap<string, readonly string[]> | undefined,
  report: Report,
): void {
  if (!known || !/^(?:executeWorkflow|toolWorkflow)$/.test(node.shortType)) return
  const reference = node.parameters.workflowId
  const id = isObject(reference) ? reference.value : reference
  const inputs = typeof id === 'string' ? known.get(id) : undefined
  const given = ownValue(node.parameters.workflowInputs, 'value')
  if (!inputs || !isObject(given)) return
  const at = '/parameters/workflowInputs/value'
  for (const name of Object.keys(given)) {
    if (inputs.includes(name)) continue
    const unset = inputs.filter((each) => !Object.hasOwn(given, each))
    const meant = closest(name, unset)
    const path = node.pointer + at
    report.add(node, {
      code: 'unknown-sub-workflow-input',
      level: 'warning',
      at: pointerAt(at, name),
      message: `The sub-workflow declares no input ${shown(name)}. It has ${inputs.slice(0, 8).join(', ') || 'none'}`,
      fix:
        meant === undefined
          ? undefined
          : patch(`Rename it to ${meant}`, [
              { op: 'move', from: pointerAt(path, name), path: pointerAt(path, meant) },
            ]),
    })
  }
  for (const name of inputs) {
    if (Object.hasOwn(given, name)) continue
    report.add(node, {
      code: 'missing-sub-workflow-input',
      level: 'warning',
      at,
      message: `The sub-workflow declares the input ${shown(name)}, which this node does not pass. Add it`,
    })
  }
}
