/** @module The URL paths that a node serves while its workflow is published. */
import type { JsonObject } from '../../lib/json-object.ts'
import type { Catalogue, NodeDescription } from '../catalogue/catalogue.ts'
import type { WebhookRow } from '../catalogue/catalogue-file.ts'
import { isExpression, ownValue } from '../catalogue/display-options.ts'
import { describeNode, displayedParameters } from '../catalogue/required-credentials.ts'

export interface WebhookPaths {
  /** below the endpoint (`/webhook/`, `/form/`, `/mcp/`), without leading or trailing slashes; distinct */
  paths: string[]
  /** method and path pairs, unique across n8n's published workflows; omits those determined at run time */
  webhooks: { method: string; path: string }[]
  /** endpoint and path, such as `webhook/orders`, `form/signup` or `mcp/tools` */
  endpoint: string | undefined
  /** a path depends on an expression or on an ID that n8n assigns */
  unknown: boolean
}

/** @param values the node's displayed parameters */
export function webhookPaths(node: unknown, description: NodeDescription, values: JsonObject): WebhookPaths {
  const paths = new Set<string>()
  const webhooks: WebhookPaths['webhooks'] = []
  let endpoint: string | undefined
  let unknown = false
  // A chat trigger serves requests only if it is public.
  const closed = 'public' in values && values.public !== true
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
    // Clients start at the first webhook.
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

/** Endpoints of the enabled nodes; distinct and sorted. */
export function endpointsOf(nodes: readonly unknown[], catalogue: Catalogue): string[] {
  const endpoints = webhooksOf(nodes, catalogue).map(({ endpoint }) => endpoint)
  return [...new Set(endpoints)].filter((endpoint) => endpoint !== undefined).toSorted()
}

/** n8n assigns a `webhookId` to such a node if it has none. */
export const hasWebhooks = (node: unknown, catalogue: Catalogue): boolean =>
  describeNode(catalogue, node)?.facts.w !== undefined

function methodsOf([method]: WebhookRow, values: JsonObject): string[] {
  const given = method.startsWith('=') ? (values[method.slice(1)] ?? 'GET') : method
  const methods: unknown[] = Array.isArray(given) ? given : [given]
  return methods.filter((each) => typeof each === 'string').filter((each) => !isExpression(each))
}

function webhookPath(
  node: unknown,
  version: number,
  values: JsonObject,
  [, sources, suffix, fullPath, below]: WebhookRow,
): string | undefined {
  const given = sources.map((source) => sourceValue(node, values, source)).find((value) => value !== '') ?? ''
  if (isExpression(given)) return undefined
  const path = trimSlashes(given + (below === undefined || below === null || version < below ? suffix : ''))
  const id = ownValue(node, 'webhookId')
  const webhookId = typeof id === 'string' && id !== '' ? id : undefined
  // n8n prefixes a path with parameters (`:id`) with the webhook ID.
  const dynamic = path.startsWith(':') || path.includes('/:')
  if (fullPath && !dynamic) return path || webhookId
  return webhookId && `${webhookId}/${path}`
}

function sourceValue(node: unknown, values: JsonObject, source: string): string {
  const [name = '', key] = source.split('.')
  const value = key === undefined ? values[name] : option(node, name, key)
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

/** The production URL of each endpoint. Incorrect for an instance with custom endpoint settings. */
export const productionUrls = (baseUrl: string, endpoints: readonly string[]): string[] =>
  endpoints.map((endpoint) => `${baseUrl}/${encodeURI(endpoint).replace(/[?#]/g, encodeURIComponent)}`)
