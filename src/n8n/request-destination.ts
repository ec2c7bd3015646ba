/** @module Where a node that calls any URL sends its request, and the credential with it. Pure. */
import { ownValue } from './display-options.ts'

export interface Destination {
  /** With its port; null when n8n decides it at run time. */
  host: string | null
  /** What tells two destinations apart: the host, else the parameter as it is written. */
  key: string
  /** The parameter that holds the URL, as a path below `parameters`. */
  parameter: string[]
}

/** Node type without its tool form → parameters, of which the first that is set holds the URL. */
const URL_PARAMETERS: ReadonlyMap<string, string[][]> = new Map([
  ['n8n-nodes-base.httpRequest', [['url']]],
  ['@n8n/n8n-nodes-langchain.toolHttpRequest', [['url']]],
  ['n8n-nodes-base.graphql', [['endpoint']]],
  ['@n8n/n8n-nodes-langchain.mcpClient', [['endpointUrl']]],
  ['@n8n/n8n-nodes-langchain.mcpClientTool', [['endpointUrl'], ['sseEndpoint']]],
  ['@n8n/n8n-nodes-langchain.mcpRegistryClientTool', [['endpointUrl']]],
])
/** Nodes of one service that can be pointed at another server. */
const BASE_URL_OPTION = ['options', 'baseURL']

/** Undefined for a node that sends its credential to the service that the credential is for. */
export function destinationOf(node: unknown): Destination | undefined {
  const type = ownValue(node, 'type')
  if (typeof type !== 'string') return undefined
  const parameters = ownValue(node, 'parameters')
  const candidates =
    URL_PARAMETERS.get(type) ?? URL_PARAMETERS.get(type.replace(/(Hitl)?Tool$/, '')) ?? undefined
  for (const parameter of candidates ?? [BASE_URL_OPTION]) {
    const value = parameter.reduce<unknown>(ownValue, parameters)
    if (typeof value !== 'string' || value.trim() === '') continue
    const host = literalHost(value.trim())
    return { host, key: host ?? `= ${value.trim()}`, parameter }
  }
  return candidates?.[0] && { host: null, key: '= ', parameter: candidates[0] }
}

/**
 * The host that is written out in a URL parameter. An expression counts only where the authority has ended before its
 * first computed part: `https://example.com{{ … }}` may become `https://example.com.elsewhere.net`.
 */
function literalHost(value: string): string | null {
  if (!value.startsWith('=')) return hostOf(value)
  const text = value.slice(1).trim()
  const computedAt = text.indexOf('{{')
  if (computedAt < 0) return hostOf(text)
  if (computedAt > 0) return hostBeforeComputed(text.slice(0, computedAt))
  const [first = '', inner = ''] = /^\{\{([^{}]*(?:\$\{[^{}]*\}[^{}]*)*)\}\}/.exec(text) ?? []
  const expression = inner.trim()
  const template = /^`([^`]*)`$/.exec(expression)?.[1]
  if (template !== undefined) {
    const end = template.indexOf('${')
    return end < 0 ? hostOf(template) : hostBeforeComputed(template.slice(0, end))
  }
  const [, , literal, rest = ''] = /^(["'])([^"'\\]*)\1(.*)$/s.exec(expression) ?? []
  if (literal === undefined) return null
  if (rest.trim() === '') return literalHost(`=${literal}${text.slice(first.length)}`)
  return concatenated.test(rest) ? hostBeforeComputed(literal) : null
}

/** `+ a.b + 'c'`, without an operator that could choose another first part. */
const concatenated = /^(?:\s*\+\s*(?:[\w$.[\]]+|"[^"\\]*"|'[^'\\]*'|\(?[\w$.]+\([\w$.[\]"']*\)\)?))+\s*$/

const hostBeforeComputed = (prefix: string): string | null =>
  /^https?:\/\/[^/?#\\]+[/?#]/i.test(prefix) ? hostOf(prefix) : null

function hostOf(url: string): string | null {
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) return null
  const { host } = new URL(url)
  // A placeholder such as `{tenant}` is filled in when it runs.
  return /[{}]|%7b/i.test(host) ? null : host
}
