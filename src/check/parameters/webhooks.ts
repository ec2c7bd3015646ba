/** @module The webhooks of a node as n8n registers them when it publishes the workflow. */
import type { JsonObject } from '../../lib/json-object.ts'
import { isExpression, ownValue } from '../../n8n/catalogue/display-options.ts'
import type { WebhookFacts } from '../facts/node-facts.ts'
import { property as read } from '../../n8n/catalogue/paths.ts'
import type { ResolvedNode } from './resolve.ts'

export interface Webhook {
  method: string
  path: string
}

/** Skips webhooks whose path depends on an expression or on an ID that n8n assigns. */
export function webhooksOf(node: JsonObject, { facts, values, context }: ResolvedNode): Webhook[] {
  const id = ownValue(node, 'webhookId')
  const webhookId = typeof id === 'string' && id !== '' ? id : undefined
  const evaluate = (template: unknown): string | undefined =>
    typeof template !== 'string' || !template.startsWith('=')
      ? toText(template)
      : fill(template.slice(1), { values, version: context.version, webhookId })
  return facts.webhooks.flatMap((webhook) => {
    if (webhook.restartWebhook) return []
    const path = pathOf(webhook, evaluate(webhook.path), webhookId)
    const methods = evaluate(webhook.httpMethod ?? 'GET')?.split(',') ?? []
    return path === undefined
      ? []
      : methods.filter(Boolean).map((method) => ({ method: method.trim(), path }))
  })
}

function pathOf(
  { isFullPath }: WebhookFacts,
  given: string | undefined,
  webhookId: string | undefined,
): string | undefined {
  if (given === undefined) return undefined
  const path = given.trim().replace(/^\//, '').replace(/\/$/, '')
  return isFullPath && path ? path : webhookId && (isFullPath ? webhookId : `${webhookId}/${path}`)
}

interface Inputs {
  values: JsonObject
  version: number
  webhookId: string | undefined
}

/** Fills the `{{ … }}` of a template with what the descriptions of n8n use there. */
function fill(template: string, inputs: Inputs): string | undefined {
  let isKnown = true
  const text = template.replace(/\{\{(.*?)\}\}/g, (_, expression: string) => {
    const value = evaluate(expression.trim(), inputs)
    isKnown &&= value !== undefined
    return value ?? ''
  })
  return isKnown ? text : undefined
}

const versionSuffix = /^parseFloat\(\$nodeVersion\)\s*<\s*([\d.]+)\s*\?\s*'([^']*)'\s*:\s*''$/
const accessor = /^\$parameter((?:\["\w+"\]|\?\.\w+)+)$/

/** The first value that is set, of alternatives separated by `||`. Undefined if unknown. */
function evaluate(expression: string, { values, version, webhookId }: Inputs): string | undefined {
  const [, below, suffix = ''] = versionSuffix.exec(expression) ?? []
  if (below !== undefined) return version < Number(below) ? suffix : ''
  let value: unknown
  for (const part of expression.split('||').map((each) => each.trim())) {
    const [, keys] = accessor.exec(part) ?? []
    if (keys !== undefined) value = (keys.match(/\w+/g) ?? []).reduce<unknown>(read, values)
    else if (part === '$webhookId') value = webhookId
    else if (/^"[^"]*"$/.test(part)) value = part.slice(1, -1)
    else return undefined
    if (value) break
  }
  return toText(value)
}

function toText(value: unknown): string | undefined {
  const list: unknown[] = Array.isArray(value) ? value : [value]
  const isText = list.every(
    (each) => (typeof each === 'string' && !isExpression(each)) || typeof each === 'number',
  )
  return isText ? list.join(',') : undefined
}
