/** @module Webhooks that n8n does not register, or registers for one of two nodes. */
import { isExpression } from '../../n8n/catalogue/display-options.ts'
import { shown } from '../../n8n/structure/repairs.ts'
import type { CheckedNode, WorkflowModel } from '../model.ts'
import type { Report } from '../report.ts'

export function checkWebhooks(model: WorkflowModel, report: Report): void {
  const taken = new Map<string, CheckedNode>()
  for (const node of model.nodes) {
    if (!node.isEnabled || node.type !== 'n8n-nodes-base.webhook' || !node.facts) continue
    const path = node.values.get('path')
    const { webhookId } = node.json
    if (isExpression(path)) continue
    if ((path ?? '') === '' && (typeof webhookId !== 'string' || webhookId === '')) {
      report.add(node, {
        code: 'webhook-without-path',
        level: 'error',
        at: '/parameters/path',
        message: 'The webhook has no path, so n8n does not register it. Set one',
      })
      continue
    }
    if (typeof path !== 'string' || path === '') continue
    const methods = node.values.get('httpMethod')
    for (const method of Array.isArray(methods) ? (methods as unknown[]) : [methods]) {
      const key = `${String(method)} ${path.replaceAll(/^\/|\/$/g, '')}`
      const other = taken.get(key)
      if (other) {
        report.add(node, {
          code: 'duplicate-webhook-path',
          level: 'error',
          at: '/parameters/path',
          message: `"${shown(other.name)}" has the same method and path, so n8n calls only one of them. Change the path`,
        })
      } else taken.set(key, node)
    }
  }
}
