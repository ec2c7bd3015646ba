/** @module Where a node that calls any URL sends its request, and the credential with it. Pure. */
import { ownValue } from './display-options.ts'

export interface Destination {
  /** With its port; null when n8n decides it at run time. */
  host: string | null
  /** What tells two destinations apart, where the secret can be read on the way included. */
  key: string
  /** What messages call it; null when n8n decides it at run time. */
  label: string | null
  /** The parameter that holds the URL, as a path below `parameters`. */
  parameter: string[]
  /** What n8n computes at run time to know where it goes. */
  computed: string[]
}

/** The text with the constants that it reads filled in. */
type FillIn = (text: string) => string

/** Node type without its tool form → parameters, of which the first that is set holds the URL. */
const URL_PARAMETERS: ReadonlyMap<string, string[][]> = new Map([
  ['n8n-nodes-base.httpRequest', [['url']]],
  ['n8n-nodes-base.git', [['sourceRepository'], ['options', 'targetRepository']]],
  ['@n8n/n8n-nodes-langchain.toolHttpRequest', [['url']]],
  ['n8n-nodes-base.graphql', [['endpoint']]],
  ['@n8n/n8n-nodes-langchain.mcpClient', [['endpointUrl']]],
  ['@n8n/n8n-nodes-langchain.mcpClientTool', [['endpointUrl'], ['sseEndpoint']]],
  ['@n8n/n8n-nodes-langchain.mcpRegistryClientTool', [['endpointUrl']]],
])
/** Nodes of one service that can be pointed at another server. */
const OTHER_SERVER = [
  ['options', 'baseURL'],
  ['options', 'endpointUrl'],
]
const PROXIES = [
  ['options', 'proxy'],
  ['requestOptions', 'proxy'],
]
const PAGINATION = ['options', 'pagination', 'pagination']
const unencrypted = 'http://'

/** Undefined for a node that sends its credential to the service that the credential is for. */
export function destinationOf(node: unknown, fillIn: FillIn = (text) => text): Destination | undefined {
  const type = ownValue(node, 'type')
  if (typeof type !== 'string') return undefined
  const parameters = ownValue(node, 'parameters')
  const own = URL_PARAMETERS.get(type) ?? URL_PARAMETERS.get(type.replace(/(Hitl)?Tool$/, ''))
  const url = firstSet(parameters, own ?? OTHER_SERVER)
  const proxy = firstSet(parameters, PROXIES)
  if (!url) {
    if (own?.[0]) return { host: null, key: '= ', label: null, parameter: own[0], computed: [] }
    return proxy && destinationAt(proxy.value, proxy.parameter, fillIn)
  }
  const first = destinationAt(url.value, url.parameter, fillIn)
  return withNextPage(proxy ? throughProxy(first, proxy.value, fillIn) : first, parameters, fillIn)
}

function firstSet(parameters: unknown, candidates: readonly string[][]) {
  for (const parameter of candidates) {
    const value = parameter.reduce<unknown>(ownValue, parameters)
    if (typeof value === 'string' && value.trim() !== '') return { value: value.trim(), parameter }
  }
  return undefined
}

function destinationAt(value: string, parameter: string[], fillIn: FillIn): Destination {
  const url = literalUrl(fillIn(value))
  if (!url) return { host: null, key: `= ${value}`, label: null, parameter, computed: [value] }
  const key = url.protocol === 'http:' ? `${unencrypted}${url.host}` : url.host
  return { host: url.host, key, label: key, parameter, computed: [] }
}

function throughProxy(to: Destination, value: string, fillIn: FillIn): Destination {
  const proxy = /^(=|\w+:\/\/)/.test(value) ? literalUrl(fillIn(value)) : urlOf(`${unencrypted}${value}`)
  return {
    ...to,
    computed: proxy ? to.computed : [...to.computed, value],
    key: `${to.key} through ${proxy?.host ?? value}`,
    label:
      to.label &&
      `${to.label} through ${proxy ? `the proxy ${proxy.host}` : 'a proxy that is decided at run time'}`,
  }
}

/** The next page of what the server itself names goes where its answer says; any other is named by the workflow. */
function withNextPage(to: Destination, parameters: unknown, fillIn: FillIn): Destination {
  const pagination = PAGINATION.reduce<unknown>(ownValue, parameters)
  const next = firstSet(pagination, [['nextURL']])?.value
  if (ownValue(pagination, 'paginationMode') !== 'responseContainsNextURL' || next === undefined) return to
  const url = literalUrl(fillIn(next))
  if (url ? url.host === to.host : /^=\s*\{\{\s*\$response\b/.test(next)) return to
  return {
    ...to,
    computed: url ? to.computed : [...to.computed, next],
    key: `${to.key} and ${url?.host ?? next}`,
    label:
      to.label && `${to.label} and ${url?.host ?? 'a host of further pages that is decided at run time'}`,
  }
}

/** Not more is seen on the way than before: only encryption was added. */
export const isSentTo = (keys: { has(key: string): boolean }, { key }: Destination): boolean =>
  keys.has(key) || keys.has(`${unencrypted}${key}`)

/**
 * The host, with its scheme, that is written out in a URL parameter. An expression counts only where the authority has ended before its
 * first computed part: `https://example.com{{ … }}` may become `https://example.com.elsewhere.net`.
 */
function literalUrl(value: string): URL | null {
  if (!value.startsWith('=')) return urlOf(value)
  const text = value.slice(1).trim()
  const computedAt = text.indexOf('{{')
  if (computedAt < 0) return urlOf(text)
  if (computedAt > 0) return urlBeforeComputed(text.slice(0, computedAt))
  const [first = '', inner = ''] = /^\{\{([^{}]*(?:\$\{[^{}]*\}[^{}]*)*)\}\}/.exec(text) ?? []
  const expression = inner.trim()
  const template = /^`([^`]*)`$/.exec(expression)?.[1]
  if (template !== undefined) {
    const end = template.indexOf('${')
    return end < 0 ? urlOf(template) : urlBeforeComputed(template.slice(0, end))
  }
  const [, , literal, rest = ''] = /^(["'])([^"'\\]*)\1(.*)$/s.exec(expression) ?? []
  if (literal === undefined) return null
  if (rest.trim() === '') return literalUrl(`=${literal}${text.slice(first.length)}`)
  return concatenated.test(rest) ? urlBeforeComputed(literal) : null
}

/** `+ a.b + 'c'`, without an operator that could choose another first part. */
const concatenated = /^(?:\s*\+\s*(?:[\w$.[\]]+|"[^"\\]*"|'[^'\\]*'|\(?[\w$.]+\([\w$.[\]"']*\)\)?))+\s*$/

const urlBeforeComputed = (prefix: string): URL | null =>
  /^https?:\/\/[^/?#\\]+[/?#]/i.test(prefix) ? urlOf(prefix) : null

function urlOf(text: string): URL | null {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return null
  const url = new URL(text)
  // A placeholder such as `{tenant}` is filled in when it runs.
  return /[{}]|%7b/i.test(url.host) ? null : url
}
