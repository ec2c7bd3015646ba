/** @module A workflow in one line per node: what it is and where it leads. Pure. */
import { addTo } from '../lib/grouped.ts'
import { isObject, type JsonObject, listOf } from '../lib/json-object.ts'
import { slotsOf } from '../n8n/reading/connection-slots.ts'
import { inline } from './fence.ts'

/** `Slack [slack 2.3; slackApi] → Done, [1] Retry` */
export function outlineOf(workflow: JsonObject): string[] {
  const targets = targetsOf(workflow['connections'])
  return listOf(workflow['nodes']).flatMap((node) => {
    if (!isObject(node)) return []
    const name = inline(node['name'])
    const isNote = node['type'] === 'n8n-nodes-base.stickyNote'
    if (isNote) {
      const parameters = isObject(node['parameters']) ? node['parameters'] : {}
      const { content } = parameters
      return [
        `${name} [note] ${inline(typeof content === 'string' ? content.replaceAll(/\s+/g, ' ') : '', 120)}`,
      ]
    }
    const about = [
      `${inline(shortType(String(node['type'])))} ${inline(node['typeVersion'] ?? 1)}`,
      ...(isObject(node['credentials']) ? Object.keys(node['credentials']).map((type) => inline(type)) : []),
      ...(node['disabled'] === true ? ['disabled'] : []),
    ]
    const to = targets.get(String(node['name'])) ?? []
    return [`${name} [${about.join('; ')}]${to.length > 0 ? ` → ${to.join(', ')}` : ''}`]
  })
}

/** `n8n-nodes-base.slack` → `slack` */
export const shortType = (type: string): string => type.replace(/^n8n-nodes-base\./, '')

/** Node → the nodes after it, each with the output unless it is the first main one, and the input if it is not the first. */
function targetsOf(connections: unknown): Map<string, string[]> {
  const targets = new Map<string, string[]>()
  for (const { from, type, output, targets: list } of slotsOf(connections)) {
    for (const target of list) {
      if (!isObject(target)) continue
      const label = type === 'main' ? (output > 0 ? `[${output}] ` : '') : `(${inline(type)}) `
      const input = target['index'] ? ` input ${inline(target['index'])}` : ''
      addTo(targets, from, `${label}${inline(target['node'])}${input}`)
    }
  }
  return targets
}
