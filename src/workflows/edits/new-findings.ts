/** @module Distinguishes the findings that an edit caused from earlier ones. */
import { isObject, type JsonObject, listOf, pointerTo, segmentsOf } from '../../lib/json-object.ts'
import { type Finding, worstFirst } from '../../n8n/checks/finding.ts'
import { diffNodes, nodeLabel } from '../diff.ts'

export interface Checked {
  workflow: JsonObject
  findings: readonly Finding[]
}

/** The findings after an edit: new ones first, then the worst. A finding moves with its node. */
export function markNew(before: Checked, after: Checked): (Finding & { isNew: boolean })[] {
  const known = new Set(before.findings.map(({ code, pointer }) => `${code} ${pointer}`))
  const indexes = new Map(listOf(before.workflow.nodes).map((node, index) => [node, index]))
  const nodes = listOf(after.workflow.nodes)
  const { pairs } = diffNodes(before.workflow, after.workflow)
  const earlierNames = new Map([...pairs].map(([node, earlier]) => [nodeLabel(node), nodeLabel(earlier)]))
  const earlierPointer = (pointer: string): string => {
    const [, kind, segment = '', rest = ''] = /^\/(nodes|connections)\/([^/]*)(.*)$/s.exec(pointer) ?? []
    if (kind === 'nodes') {
      const node = nodes[Number(segment)]
      const index = isObject(node) ? indexes.get(pairs.get(node)) : undefined
      return `/nodes/${index ?? '?'}${rest}`
    }
    if (kind !== 'connections') return pointer
    const [, name = ''] = segmentsOf(pointer)
    return pointerTo('/connections', earlierNames.get(name) ?? name) + rest
  }
  return after.findings
    .map((finding) => ({
      ...finding,
      isNew: !known.has(`${finding.code} ${earlierPointer(finding.pointer)}`),
    }))
    .toSorted((a, b) => Number(b.isNew) - Number(a.isNew) || worstFirst(a, b))
}
