/** @module Webhooks that n8n publishes but does not register. */
import { isExpression } from '../../n8n/catalogue/display-options.ts'
import type { WorkflowModel } from '../model.ts'
import { replacement, type Report } from '../report.ts'

export function checkWebhooks(model: WorkflowModel, report: Report): void {
  for (const node of model.nodes) {
    if (!node.isEnabled || node.type !== 'n8n-nodes-base.webhook' || !node.facts) continue
    const path = node.values.get('path')
    const { webhookId } = node.json
    if (typeof path === 'string' && /^https?:\/\/|^\/?webhook(?:-test)?\//.test(path)) {
      report.add(node, {
        code: 'webhook-path-as-url',
        level: 'warning',
        at: '/parameters/path',
        message: 'The path must contain only the part of the URL after /webhook/. n8n adds the rest',
        fix: replacement(
          'Remove the start of the URL',
          `${node.pointer}/parameters/path`,
          path.replace(/^(?:https?:\/\/[^/]*)?\/?(?:webhook(?:-test)?\/)?/, ''),
        ),
      })
    }
    if (isExpression(path) || (path ?? '') !== '') continue
    if (typeof webhookId === 'string' && webhookId !== '') continue
    report.add(node, {
      code: 'webhook-without-path',
      level: 'error',
      at: '/parameters/path',
      message: 'The webhook has no path, so n8n does not register it. Set one',
    })
  }
}
