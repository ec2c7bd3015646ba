/** @module Determines where a node that can call any URL sends its request and its credential. Pure. */
import { ownValue } from '../catalogue/display-options.ts'

export interface Destination {
  /** With the port; null if determined at run time. */
  host: string | null
  /** Distinguishes destinations, including where the secret can be read in transit. */
  key: string
  /** For messages; null if determined at run time. */
  label: string | null
  /** The parameter with the URL, as a path below `parameters`. */
  parameter: string[]
  /** The expressions that determine the destination at run time. */
  computed: string[]
}

/** The text with the constants that it references filled in. */
type FillIn = (text: string) => string

/** Node type without its tool variant → parameters; the first one that is set contains the URL. */
const URL_PARAMETERS: ReadonlyMap<string, string[][]> = new Map([
  ['n8n-nodes-base.httpRequest', [['url']]],
  ['n8n-nodes-base.git', [['sourceRepository'], ['options', 'targetRepository']]],
  ['@n8n/n8n-nodes-langchain.toolHttpRequest', [['url']]],
  ['n8n-nodes-base.graphql', [['endpoint']]],
  ['@n8n/n8n-nodes-langchain.mcpClient', [['endpointUrl']]],
  ['@n8n/n8n-nodes-langchain.mcpClientTool', [['endpointUrl'], ['sseEndpoint']]],
  ['@n8n/n8n-nodes-langchain.mcpRegistryClientTool', [['endpointUrl']]],
])
/** Nodes of a service that can be configured to use another server. */
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

/** Undefined for a node that sends its credential to the credential's own service. */
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
      `${to.label} through ${proxy ? `the proxy ${proxy.host}` : 'a proxy that is determined at run time'}`,
  }
}

/** The server's response can name the URL of the next page; otherwise the workflow determines it. */
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
      to.label && `${to.label} and ${url?.host ?? 'a host for further pages that is determined at run time'}`,
  }
}

/** Whether the only difference is added encryption, which exposes the secret to no one else. */
export const isSentTo = (keys: { has(key: string): boolean }, { key }: Destination): boolean =>
  keys.has(key) || keys.has(`${unencrypted}${key}`)

/**
 * The scheme and host that a URL parameter spells out. In an expression, the authority must end before the first computed
 * part: `https://example.com{{ … }}` could become `https://example.com.elsewhere.net`.
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

/** `+ a.b + 'c'`, without operators that could change the first part. */
const concatenated = /^(?:\s*\+\s*(?:[\w$.[\]]+|"[^"\\]*"|'[^'\\]*'|\(?[\w$.]+\([\w$.[\]"']*\)\)?))+\s*$/

const urlBeforeComputed = (prefix: string): URL | null =>
  /^https?:\/\/[^/?#\\]+[/?#]/i.test(prefix) ? urlOf(prefix) : null

function urlOf(text: string): URL | null {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return null
  const url = new URL(text)
  // A placeholder such as `{tenant}` is filled in at run time.
  return /[{}]|%7b/i.test(url.host) ? null : url
}
