/** @module Resolves expressions that read a constant of a Set node. Pure. */
import { isContainer } from '../../lib/json-object.ts'
import { isExpression, ownValue } from '../catalogue/display-options.ts'
import type { WorkflowGraph } from './workflow-graph.ts'

const setNode = 'n8n-nodes-base.set'

interface Reference {
  /** Null: the node's input. */
  node: string | null
  path: string[]
  /** Offset after the reference. */
  end: number
}

/** Match `$('Config').item.json.base` and equivalent forms. */
const patterns = {
  named: /\$\(\s*(["'`])([^"'`\\]*)\1\s*\)/y,
  legacy: /\$node\[\s*(["'`])([^"'`\\]*)\1\s*\]\s*\??\.json\b/y,
  input: /\$input\b/y,
  json: /\$json\b/y,
  item: /\s*\??\.(?:item|(?:first|last)\(\)|all\(\)\[\d+\]|itemMatching\(\d+\))\s*\??\.json\b/y,
  member: /\s*(?:\??\.([A-Za-z_$][\w$]*)|(?:\?\.)?\[\s*(["'])([^"'\\]*)\2\s*\])/y,
  space: /\s*/y,
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at
  return pattern.exec(text)
}

function referenceAt(text: string, at: number): Reference | undefined {
  const named = matchAt(patterns.named, text, at)
  const items = named ?? matchAt(patterns.input, text, at)
  const fields = items
    ? matchAt(patterns.item, text, at + items[0].length)
    : (matchAt(patterns.legacy, text, at) ?? matchAt(patterns.json, text, at))
  if (!fields) return undefined
  let end = fields.index + fields[0].length
  const path: string[] = []
  for (;;) {
    const member = matchAt(patterns.member, text, end)
    if (!member) break
    path.push(member[1] ?? member[3] ?? '')
    end += member[0].length
  }
  const node = named?.[2] ?? (items ? undefined : fields[2])
  return path.length > 0 ? { node: node ?? null, path, end } : undefined
}

export class ExpressionConstants {
  readonly #graph: WorkflowGraph
  readonly #fieldsOf = new Map<number, Map<string, unknown> | undefined>()

  constructor(graph: WorkflowGraph) {
    this.#graph = graph
  }

  /** Replaces references to constants in the expression; leaves other references unchanged. */
  fillIn(index: number, expression: string): string {
    if (!isExpression(expression)) return expression
    const parts: string[] = []
    let done = 0
    for (let at = expression.indexOf('{{'); at >= 0; at = expression.indexOf('{{', at + 2)) {
      if (at < done) continue
      const start = at + 2 + (matchAt(patterns.space, expression, at + 2)?.[0].length ?? 0)
      const isTemplate = expression.startsWith('`${', start)
      const reference = referenceAt(expression, isTemplate ? start + 3 : start)
      const text = reference && this.#constant(index, reference)
      if (!reference || text === undefined) continue
      const next = reference.end + (matchAt(patterns.space, expression, reference.end)?.[0].length ?? 0)
      if (isTemplate && expression[next] === '}') {
        parts.push(expression.slice(done, start + 1), text)
        done = next + 1
      } else if (!isTemplate && expression.startsWith('}}', next)) {
        parts.push(expression.slice(done, at), text)
        done = next + 2
      } else if (!isTemplate && expression[next] === '+') {
        parts.push(expression.slice(done, start), `"${text}"`)
        done = next
      }
    }
    return done === 0 ? expression : parts.join('') + expression.slice(done)
  }

  /** Undefined if the constant contains characters with a meaning in expressions. */
  #constant(index: number, { node, path }: Reference): string | undefined {
    const sources = node === null ? this.#graph.mainSources(index) : this.#graph.named(node)
    const [first, ...others] = sources.map((each) => this.#valueAt(each, path))
    if (first === undefined || /[{}"'`$\\]/.test(first)) return undefined
    // Several nodes can feed this one or share the name.
    return others.every((other) => other === first) ? first : undefined
  }

  #valueAt(index: number, [field = '', ...path]: string[]): string | undefined {
    if (!this.#fieldsOf.has(index)) this.#fieldsOf.set(index, constantFields(this.#graph.nodes[index]))
    const value = path.reduce<unknown>(ownValue, this.#fieldsOf.get(index)?.get(field))
    return typeof value === 'string' ? value : undefined
  }
}

/** The fields that a Set node always outputs. Undefined for other nodes and in doubt. */
function constantFields(node: unknown): Map<string, unknown> | undefined {
  const version = ownValue(node, 'typeVersion')
  if (ownValue(node, 'type') !== setNode || typeof version !== 'number') return undefined
  // A disabled or failed node passes on its input.
  const onError = ownValue(node, 'onError') ?? 'stopWorkflow'
  if (ownValue(node, 'disabled') === true || ownValue(node, 'continueOnFail') === true) return undefined
  if (onError !== 'stopWorkflow') return undefined
  const parameters = ownValue(node, 'parameters')
  const options = ownValue(parameters, 'options') ?? {}
  const dotNotation = ownValue(options, 'dotNotation') ?? true
  if (typeof options !== 'object' || typeof dotNotation !== 'boolean') return undefined
  const mode = version < 3 ? 'manual' : (ownValue(parameters, 'mode') ?? 'manual')
  const assigned =
    mode === 'manual' ? assignments(parameters, version) : mode === 'raw' ? rawEntries(parameters) : undefined
  const fields = new Map<string, unknown>()
  for (const [name, value] of assigned ?? []) {
    if (typeof name !== 'string' || name.startsWith('=')) return undefined
    if (dotNotation && name.includes('[')) return undefined
    const [first = '', ...below] = dotNotation ? name.split('.') : [name]
    // A field set more than once is not constant.
    fields.set(first, fields.has(first) || below.length > 0 ? undefined : value)
  }
  return fields
}

/** Field names and constant values; the value is undefined if it is computed or not a string. */
function assignments(parameters: unknown, version: number): [unknown, unknown][] | undefined {
  const literal = (value: unknown) => (typeof value === 'string' && !isExpression(value) ? value : undefined)
  const listAt = (...path: string[]): unknown[] | undefined => {
    const list = path.reduce<unknown>(ownValue, parameters) ?? []
    return Array.isArray(list) ? list : undefined
  }
  if (version < 3) {
    const kinds = ['boolean', 'number', 'string'].map((kind) => [kind, listAt('values', kind)] as const)
    if (kinds.some(([, list]) => !list)) return undefined
    return kinds.flatMap(([kind, list = []]) =>
      list.map((each): [unknown, unknown] => [
        ownValue(each, 'name'),
        kind === 'string' ? literal(ownValue(each, 'value')) : undefined,
      ]),
    )
  }
  const isOld = version < 3.3
  return (isOld ? listAt('fields', 'values') : listAt('assignments', 'assignments'))?.map((each) => {
    const type = ownValue(each, 'type')
    const isText = isOld
      ? type === undefined || type === 'stringValue'
      : type === undefined || type === 'string'
    return [
      ownValue(each, 'name'),
      isText ? literal(ownValue(each, isOld ? 'stringValue' : 'value')) : undefined,
    ]
  })
}

function rawEntries(parameters: unknown): [string, unknown][] | undefined {
  const json = ownValue(parameters, 'jsonOutput')
  if (typeof json !== 'string' || (isExpression(json) && json.includes('{{'))) return undefined
  try {
    const value: unknown = JSON.parse(json.replace(/^=+/, ''))
    return isContainer(value) ? Object.entries(value) : undefined
  } catch {
    return undefined
  }
}
