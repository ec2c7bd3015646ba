/** @module Checks what expressions and code refer to: nodes, fields and variables. */
import type { CheckedNode, WorkflowModel } from '../model.ts'
import type { Flow } from '../graph/flow.ts'
import type { OutputFields } from '../graph/fields.ts'
import { replacement, type Report } from '../report.ts'
import { closest } from '../values/closest.ts'
import { shown } from '../../n8n/structure/repairs.ts'
import type { Member } from '../code/members.ts'
import { capturedName, unescaped } from './node-references.ts'
import type { Chunk } from './template.ts'

/** `$('X')`, `$node["X"]`, `$items("X"`; the name is in one of three groups. */
const byName = new RegExp(
  String.raw`\$\(\s*${capturedName}\s*\)|\$node\[\s*${capturedName}\s*\]|\$items\(\s*${capturedName}`,
  'g',
)
const byProperty = /\$node\.([A-Za-z_$][\w$]*)/g
const item = /^\s*\??\.(?:item\b|itemMatching\(|pairedItem\()/
const member = String.raw`\s*(?:\??\.([A-Za-z_$][\w$]*)|(?:\?\.)?\[\s*(?:"([^"\\\]]*)"|'([^'\\\]]*)')\s*\])`
const fieldOfInput = new RegExp(
  String.raw`(?:\$json|\$input\s*\.\s*(?:item|first\(\)|last\(\))\s*\.\s*json)${member}`,
  'g',
)
/** Methods that n8n adds to objects. */
const methods = new Set(
  'isEmpty isNotEmpty hasField compact keepFieldsContaining keys merge removeField removeFieldsContaining toJsonString urlEncode values toString hasOwnProperty length'.split(
    ' ',
  ),
)

/** Names of nodes; a workflow with more references to unknown nodes gets no suggestions for the others. */
const maximumCompared = 10_000

export class References {
  readonly #model: WorkflowModel
  readonly #flow: Flow | undefined
  readonly #fields: OutputFields
  readonly #report: Report
  #compared = 0

  /** @param flow undefined if the connections are broken */
  constructor(model: WorkflowModel, flow: Flow | undefined, fields: OutputFields, report: Report) {
    this.#model = model
    this.#flow = flow
    this.#fields = fields
    this.#report = report
  }

  checkExpression(node: CheckedNode, chunks: readonly Chunk[], at: string, value: string): void {
    if (!node.isEnabled) return
    const isGuarded = value.includes('isExecuted')
    for (const { isCode, text } of chunks) {
      if (!isCode || !text.includes('$')) continue
      for (const match of text.matchAll(byName)) {
        const name = match.slice(1).find((each) => each !== undefined)
        if (name === undefined) continue
        const end = match.index + match[0].length
        const after = text.slice(end, end + 200)
        this.#name(node, unescaped(name), at, { value, raw: name, isItem: item.test(after), isGuarded })
      }
      for (const [, name = ''] of text.matchAll(byProperty)) {
        this.#name(node, name, at, { value, raw: name, isItem: false, isGuarded })
      }
      this.#fieldsOfInput(node, text, at)
    }
  }

  /** The references in code. */
  checkNames(
    node: CheckedNode,
    names: readonly { name: string; isItem: boolean }[],
    at: string,
    code: string,
  ): void {
    if (!node.isEnabled) return
    const isGuarded = code.includes('isExecuted') || /\btry\b/.test(code)
    for (const { name, isItem } of names) {
      this.#name(node, name, at, { value: code, raw: name, isItem, isGuarded })
    }
  }

  #name(
    node: CheckedNode,
    name: string,
    at: string,
    { value, raw, isItem, isGuarded }: { value: string; raw: string; isItem: boolean; isGuarded: boolean },
  ): void {
    const target = this.#model.named(name)
    if (!target) return this.#unknownNode(node, name, raw, at, value)
    if (isGuarded || !this.#flow || this.#report.has(node, 'reference-not-executed', at)) return
    const problem = this.#orderProblem(this.#flow, node, target, isItem)
    if (!problem) return
    this.#report.add(node, { code: 'reference-not-executed', at, ...problem })
  }

  #closestName(name: string): string | undefined {
    if (this.#compared > maximumCompared) return undefined
    this.#compared += this.#model.nodes.length
    return closest(name, this.#model.names())
  }

  #unknownNode(node: CheckedNode, name: string, raw: string, at: string, value: string): void {
    if (this.#report.has(node, 'unknown-node-reference', at)) return
    const meant = this.#closestName(name)
    this.#report.add(node, {
      code: 'unknown-node-reference',
      level: 'error',
      at,
      message: `No node is named "${shown(name)}"${meant === undefined ? '' : `. Did you mean "${shown(meant)}"?`}`,
      n8n: "Referenced node doesn't exist",
      fix:
        meant === undefined || /["'`\\\n]/.test(meant + raw)
          ? undefined
          : replacement(
              `Refer to "${shown(meant)}"`,
              node.pointer + at,
              value.replaceAll(
                new RegExp(`(["'\`])${escaped(raw)}\\1`, 'g'),
                (_, quote: string) => quote + meant + quote,
              ),
            ),
    })
  }

  #orderProblem(
    flow: Flow,
    node: CheckedNode,
    target: CheckedNode,
    isItem: boolean,
  ): { level: 'error' | 'warning'; message: string } | undefined {
    if (target === node || !target.isEnabled || flow.isSubNode(target) || target.isSticky) return undefined
    if (flow.ancestors(node).has(target)) return undefined
    const triggers = flow.startsOf(node)
    if (triggers.length === 0 || !flow.isExact) return undefined
    const [root = node, another] = flow.roots(node)
    if (another) return undefined
    const runs = flow.reachableWithout(root, triggers)
    const name = `"${shown(target.name)}"`
    if (!runs.has(target)) {
      const isLater = flow.ancestors(target).has(root)
      return {
        level: 'error',
        message: isLater
          ? `${name} runs after this node, so it has no data yet`
          : `${name} does not run in the same execution as this node, so it has no data`,
      }
    }
    if (!isItem || !flow.isExact) return undefined
    return {
      level: 'warning',
      message: `There is no connection back to ${name}, so n8n cannot find the matching item. Use first(), or connect the nodes`,
    }
  }

  #fieldsOfInput(node: CheckedNode, text: string, at: string): void {
    const known = text.includes('json') ? this.#inputFields(node) : undefined
    if (!known) return
    for (const match of text.matchAll(fieldOfInput)) this.#field(node, fieldIn(match), known, 'The input', at)
  }

  /** @param base offset of the code that the edits refer to, in `value` */
  checkMembers(node: CheckedNode, members: readonly Member[], at: string, value: string, base: number): void {
    for (const { kind, name, from, message, edit } of members) {
      if (kind === 'field' || message === undefined) {
        if (this.#flow) this.#fieldOf(node, from, name, at)
        continue
      }
      const code = kind === 'date' ? 'unknown-date-syntax' : 'unknown-field'
      if (this.#report.has(node, code, at)) continue
      const fixed = edit && value.slice(0, base + edit.start) + edit.text + value.slice(base + edit.end)
      this.#report.add(node, {
        code,
        level: 'warning',
        at,
        message: shown(message),
        fix: fixed === undefined ? undefined : replacement('Correct it', node.pointer + at, fixed),
      })
    }
  }

  #fieldOf(node: CheckedNode, from: string | undefined, name: string, at: string): void {
    if (from !== undefined) {
      const source = this.#model.named(from)
      const known = source && this.#fields.of(source)
      if (known) this.#field(node, name, known, `"${shown(from)}"`, at)
      return
    }
    const known = this.#inputFields(node)
    if (known) this.#field(node, name, known, 'The input', at)
  }

  #inputFields(node: CheckedNode): ReadonlySet<string> | undefined {
    const [root = node, another] = this.#flow?.roots(node) ?? []
    return another || !this.#flow ? undefined : this.#fields.ofInput(root)
  }

  #field(
    node: CheckedNode,
    name: string | undefined,
    known: ReadonlySet<string>,
    from: string,
    at: string,
  ): void {
    if (name === undefined || known.has(name) || methods.has(name)) return
    const isWebhook = known.has('webhookUrl')
    if (isWebhook && name === 'body') {
      this.#report.add(node, {
        code: 'unknown-field',
        level: 'hint',
        at,
        message: `${from} is a GET request, which rarely has a body. Use query, or set httpMethod of the webhook to POST`,
      })
      return
    }
    const hint = isWebhook
      ? `A webhook puts the data it receives in body and query: use ${known.has('body') ? 'body' : 'query'}.${name}`
      : `It has ${known.size === 0 ? 'no fields' : [...known].slice(0, 8).join(', ')}`
    this.#report.add(node, {
      code: 'unknown-field',
      level: 'warning',
      at,
      message: `${from} has no field ${shown(name)}. ${hint}`,
    })
  }
}

const fieldIn = (match: readonly (string | undefined)[]): string | undefined =>
  match.slice(1).find((each) => each !== undefined)
const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
