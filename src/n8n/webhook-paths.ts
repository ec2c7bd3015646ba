/** @module The URL paths that a node answers while its workflow is published. */
import type { NodeDescription } from './catalogue.ts'
import type { WebhookRow } from './catalogue-file.ts'
import { isExpression, ownValue, type Values } from './display-options.ts'

export interface WebhookPaths {
  /** after `/webhook/`, `/form/` or the like, without slashes at the ends; distinct */
  paths: string[]
  /** the same behind the endpoint that serves each: `webhook/orders`, `form/signup`, `mcp/tools`; distinct */
  endpoints: string[]
  /** some path is known only to n8n: an expression, or made of an id that n8n gives out */
  unknown: boolean
}

/** `values`: the node's displayed parameters. */
export function webhookPaths(node: unknown, description: NodeDescription, values: Values): WebhookPaths {
  const paths = new Set<string>()
  const endpoints = new Set<string>()
  let unknown = false
  // A chat trigger answers nobody unless it is public.
  const closed = values.has('public') && values.get('public') !== true
  for (const webhook of closed ? [] : (description.facts.w ?? [])) {
    const path = webhookPath(node, description.version, values, webhook)
    if (path === undefined) {
      unknown = true
      continue
    }
    const [, , , , , endpoint = 'webhook'] = webhook
    paths.add(path)
    endpoints.add(`${endpoint}/${path}`)
  }
  return { paths: [...paths], endpoints: [...endpoints], unknown }
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

function trimSlashes(path: string): string {
  const start = path.startsWith('/') ? 1 : 0
  return path.slice(start, path.endsWith('/') ? Math.max(start, path.length - 1) : undefined)
}

/** The production URL of each endpoint. An instance that was configured to use other endpoints has other URLs. */
export const productionUrls = (baseUrl: string, endpoints: readonly string[]): string[] =>
  endpoints.map((endpoint) => `${baseUrl}/${encodeURI(endpoint.replace(/\/{2,}/, '/'))}`)
