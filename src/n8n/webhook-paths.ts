/** @module The URL paths that a node answers while its workflow is published. */
import type { Catalogue, NodeDescription } from './catalogue.ts'
import type { WebhookRow } from './catalogue-file.ts'
import { isExpression, ownValue, type Values } from './display-options.ts'
import { describeNode, displayedParameters } from './required-credentials.ts'

export interface WebhookPaths {
  /** after `/webhook/`, `/form/` or the like, without slashes at the ends; distinct */
  paths: string[]
  /** what n8n refuses another published workflow: each path with a method; those known only at run time are left out */
  webhooks: { method: string; path: string }[]
  /** where the node is reached, behind what serves it: `webhook/orders`, `form/signup`, `mcp/tools` */
  endpoint: string | undefined
  /** some path is known only to n8n: an expression, or made of an id that n8n gives out */
  unknown: boolean
}

/** `values`: the node's displayed parameters. */
export function webhookPaths(node: unknown, description: NodeDescription, values: Values): WebhookPaths {
  const paths = new Set<string>()
  const webhooks: WebhookPaths['webhooks'] = []
  let endpoint: string | undefined
  let unknown = false
  // A chat trigger answers nobody unless it is public.
  const closed = values.has('public') && values.get('public') !== true
  const rows = closed ? [] : (description.facts.w ?? [])
  for (const [index, row] of rows.entries()) {
    const path = webhookPath(node, description.version, values, row)
    if (path === undefined) {
      unknown = true
      continue
    }
    paths.add(path)
    webhooks.push(...methodsOf(row, values).map((method) => ({ method, path })))
    const [, , , , , base = 'webhook'] = row
    // The others serve the same path, or one that a client gets from the first.
    if (index === 0) endpoint = `${base}/${path}`
  }
  return { paths: [...paths], webhooks, endpoint, unknown }
}

/** The webhooks of the enabled nodes. */
export function webhooksOf(nodes: readonly unknown[], catalogue: Catalogue): WebhookPaths[] {
  return nodes.flatMap((node) => {
    const description = ownValue(node, 'disabled') === true ? undefined : describeNode(catalogue, node)
    if (!description?.facts.w) return []
    return [webhookPaths(node, description, displayedParameters(node, description))]
  })
}

/** Where the nodes are reached while n8n runs them; distinct and sorted. */
export function endpointsOf(nodes: readonly unknown[], catalogue: Catalogue): string[] {
  const endpoints = webhooksOf(nodes, catalogue).map(({ endpoint }) => endpoint)
  return [...new Set(endpoints)].filter((endpoint) => endpoint !== undefined).toSorted()
}

/** n8n gives such a node an id when it comes without one. */
export const hasWebhooks = (node: unknown, catalogue: Catalogue): boolean =>
  describeNode(catalogue, node)?.facts.w !== undefined

function methodsOf([method]: WebhookRow, values: Values): string[] {
  const given = method.startsWith('=') ? (values.get(method.slice(1)) ?? 'GET') : method
  const methods: unknown[] = Array.isArray(given) ? given : [given]
  return methods.filter((each) => typeof each === 'string').filter((each) => !isExpression(each))
}

function webhookPath(
  node: unknown,
  version: number,
  values: Values,
  [, sources, suffix, fullPath, below]: WebhookRow,
): string | undefined {
  const given = sources.map((source) => sourceValue(node, values, source)).find((value) => value !== '') ?? ''
  if (isExpression(given)) return undefined
  const path = trimSlashes(given + (below === undefined || below === null || version < below ? suffix : ''))
  const id = ownValue(node, 'webhookId')
  const webhookId = typeof id === 'string' && id !== '' ? id : undefined
  // A path with parameters (`:id`) has the webhook id before it, to keep it apart from the others.
  const dynamic = path.startsWith(':') || path.includes('/:')
  if (fullPath && !dynamic) return path || webhookId
  return webhookId && `${webhookId}/${path}`
}

function sourceValue(node: unknown, values: Values, source: string): string {
  const [name = '', key] = source.split('.')
  const value = key === undefined ? values.get(name) : option(node, name, key)
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}

function option(node: unknown, name: string, key: string): unknown {
  return ownValue(ownValue(ownValue(node, 'parameters'), name), key)
}

function trimSlashes(text: string): string {
  const path = text.trim()
  const start = path.startsWith('/') ? 1 : 0
  return path.slice(start, path.endsWith('/') ? Math.max(start, path.length - 1) : undefined)
}

/** The production URL of each endpoint. An instance that was configured to use other endpoints has other URLs. */
export const productionUrls = (baseUrl: string, endpoints: readonly string[]): string[] =>
  endpoints.map((endpoint) => `${baseUrl}/${encodeURI(endpoint).replace(/[?#]/g, encodeURIComponent)}`)
