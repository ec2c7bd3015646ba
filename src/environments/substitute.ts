/**
 * @module Replaces `$vars.NAME` in the expressions and code of a workflow with the value of the variable, as a string literal,
 * because n8n's community edition has no variables. Works on syntax trees: text, strings and comments that mention a
 * variable stay as they are.
 */
import type { AnyNode } from 'acorn'
import { readCode, scripts } from '../check/code/check-code.ts'
import { loadParser, parseScript } from '../check/code/parser.ts'
import { walk } from '../check/code/walk.ts'
import { asStatement, evaluatesItself } from '../check/expressions/expressions.ts'
import { splitTemplate } from '../check/expressions/template.ts'
import type { SentVariables } from '../db/schema/deployments.ts'
import { isContainer, isObject, type JsonObject, pointerTo } from '../lib/json-object.ts'
import { nodeLabel } from '../n8n/reading/slots.ts'

const object = '$vars'

/** A node that reads a variable. */
export interface VariableRead {
  /** Null: by a name that is computed at run time, so that Flowkeep cannot replace it. */
  name: string | null
  node: string
  pointer: string
}

export interface Substituted {
  workflow: JsonObject
  reads: VariableRead[]
  /** Name → the value that was inserted; null for a variable without one. */
  sent: SentVariables
  /** Text as sent → as written, also by place. Null if several texts became the same, or one was written like that. */
  originals: ReadonlyMap<string, string | null>
}

/** @param values name → value; null or absent: not replaced */
export async function withVariables(workflow: JsonObject, values: SentVariables): Promise<Substituted> {
  const nodes: unknown[] = Array.isArray(workflow.nodes) ? workflow.nodes : []
  const mentioned = nodes.map((node) => isObject(node) && mentions(node.parameters))
  if (!mentioned.includes(true)) return { workflow, reads: [], sent: {}, originals: new Map() }
  await loadParser()
  const substitution = new Substitution(values)
  const replaced = nodes.map((node, index) => {
    if (!isObject(node) || !mentioned[index]) return node
    return Object.assign({}, node, { parameters: substitution.parametersOf(node, index) })
  })
  substitution.keepLiteral(nodes)
  const { reads, originals } = substitution
  const names = new Set(reads.flatMap(({ name }) => name ?? []))
  const sent = Object.fromEntries([...names].map((name) => [name, valueOf(values, name)]))
  return { workflow: { ...workflow, nodes: replaced }, reads, sent, originals }
}

/** A copy of a node from n8n. Texts that have not changed since they were sent become what was written. */
export function withoutVariables(
  node: JsonObject,
  { originals }: Pick<Substituted, 'originals'>,
): JsonObject {
  if (originals.size === 0) return node
  const label = String(node.name)
  const restore = (text: string, at: string) =>
    originals.get(placed(label, at, text)) ?? originals.get(text) ?? text
  return { ...node, parameters: mapTexts(node.parameters, restore) }
}

/** The variables that `after` no longer reads in a node that it still has: its text in n8n may contain the value instead. */
export function lostReads(before: Substituted, after: Substituted): { node: string; name: string }[] {
  const nodes: unknown[] = Array.isArray(after.workflow.nodes) ? after.workflow.nodes : []
  const labels = new Set(nodes.map((node, index) => (isObject(node) ? nodeLabel(node, index) : '')))
  const kept = new Set(after.reads.map(({ node, name }) => `${node}\0${name}`))
  const lost = new Map(
    before.reads.flatMap(({ node, name }) => {
      const key = `${node}\0${name}`
      const isLost = name !== null && before.sent[name] !== null && labels.has(node) && !kept.has(key)
      return isLost ? [[key, { node, name }]] : []
    }),
  )
  return [...lost.values()]
}

const valueOf = (values: SentVariables, name: string): string | null =>
  Object.hasOwn(values, name) ? (values[name] ?? null) : null

function mentions(value: unknown): boolean {
  if (typeof value === 'string') return value.includes(object)
  return isContainer(value) && Object.values(value).some(mentions)
}

function mapTexts(value: unknown, map: (text: string, at: string) => string, at = ''): unknown {
  if (typeof value === 'string') return map(value, at)
  if (Array.isArray(value))
    return value.map((item, index) => mapTexts(item, map, pointerTo(at, String(index))))
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, mapTexts(member, map, pointerTo(at, key))]),
  )
}

/** No text contains NUL. */
const placed = (label: string, at: string, text: string): string => `${label}\0${at}\0${text}`

class Substitution {
  readonly reads: VariableRead[] = []
  readonly originals = new Map<string, string | null>()
  readonly #values: SentVariables

  constructor(values: SentVariables) {
    this.#values = values
  }

  parametersOf(node: JsonObject, index: number): unknown {
    const type = String(node.type)
    const shortType = type.slice(type.lastIndexOf('.') + 1)
    const label = nodeLabel(node, index)
    return mapTexts(node.parameters, (text, at) => {
      if (!text.includes(object)) return text
      const place = { node: label, pointer: `/nodes/${index}/parameters${at}` }
      const changed = isCode(shortType, at, text)
        ? this.#inCode(text, place)
        : text.startsWith('=')
          ? `=${this.#inTemplate(text.slice(1), place)}`
          : evaluatesItself({ shortType }, at)
            ? this.#inTemplate(text, place)
            : text
      if (changed !== text) {
        const known = this.originals.get(changed)
        this.originals.set(changed, known === undefined || known === text ? text : null)
        this.originals.set(placed(label, at, changed), text)
      }
      return changed
    })
  }

  /** A text that the workflow also contains as it is sent does not tell whether it was written with a variable. */
  keepLiteral(nodes: readonly unknown[]): void {
    if (this.originals.size === 0) return
    for (const node of nodes) {
      mapTexts(isObject(node) ? node.parameters : undefined, (text) => {
        if (this.originals.has(text)) this.originals.set(text, null)
        return text
      })
    }
  }

  #inTemplate(template: string, place: Place): string {
    let result = ''
    let end = 0
    for (const { isCode: isExpression, text, start } of splitTemplate(template)) {
      if (!isExpression || !text.includes(object)) continue
      const statement = asStatement(text)
      const shift = statement === text ? 0 : 1
      const changed = this.#replaced(statement, place)
      // n8n escapes the first closing brackets within the code.
      const rawEnd = start + text.length + (text.includes('}}') ? 1 : 0)
      const code = changed.slice(shift, changed.length - shift).replace('}}', String.raw`\}}`)
      result += template.slice(end, start) + (changed === statement ? template.slice(start, rawEnd) : code)
      end = rawEnd
    }
    return result + template.slice(end)
  }

  /** n8n removes the `=` before code. */
  #inCode(text: string, place: Place): string {
    const prefix = text.startsWith('=') ? '=' : ''
    return prefix + this.#replaced(text.slice(prefix.length), place)
  }

  #replaced(code: string, place: Place): string {
    const program = parseScript(code)?.program
    if (!program || readCode(program).declared.has(object)) return code
    const found = new Map<AnyNode, string | null>()
    walk(program, (node, parent) => {
      if (node.type === 'Identifier' && node.name === object && isRead(node, parent)) {
        const owner = parent?.type === 'MemberExpression' && parent.object === node ? parent : undefined
        found.set(owner ?? node, (owner && memberName(owner)) ?? null)
      }
    })
    const inOrder = [...found].toSorted(([a], [b]) => a.start - b.start)
    const edits = inOrder.flatMap(([node, name]) => {
      const value = name === null ? null : valueOf(this.#values, name)
      return value === null ? [] : [{ start: node.start, end: node.end, text: literal(value) }]
    })
    const changed = edited(code, edits)
    // The left side of an assignment cannot be a literal.
    const isValid = edits.length === 0 || parseScript(changed)?.program !== undefined
    for (const name of new Set(inOrder.map(([, each]) => each)))
      this.reads.push({ name: isValid ? name : null, ...place })
    return isValid ? changed : code
  }
}

interface Place {
  node: string
  pointer: string
}

/** Members of `@n8n/n8n-nodes-langchain.code`. */
const nested = new Set(['/code/execute/code', '/code/supplyData/code'])

function isCode(shortType: string, at: string, text: string): boolean {
  if (shortType === 'code' && nested.has(at)) return true
  const name =
    shortType === 'aiTransform' ? 'jsCode' : Object.hasOwn(scripts, shortType) && scripts[shortType]
  return at === `/${String(name)}` && (shortType === 'code' || !text.startsWith('={{'))
}

/** Not the name of a member or a property. */
function isRead(node: AnyNode, parent: AnyNode | undefined): boolean {
  if (parent?.type === 'UnaryExpression') return parent.operator !== 'typeof'
  if (parent?.type === 'MemberExpression') return parent.object === node || parent.computed
  return parent?.type === 'Property' ? parent.value === node || parent.computed : true
}

/** Undefined for a computed name. */
function memberName({
  property,
  computed,
}: Extract<AnyNode, { type: 'MemberExpression' }>): string | undefined {
  if (property.type === 'Identifier') return computed ? undefined : property.name
  if (property.type === 'Literal') return typeof property.value === 'string' ? property.value : undefined
  if (property.type !== 'TemplateLiteral' || property.expressions.length > 0) return undefined
  return property.quasis[0]?.value.cooked ?? undefined
}

/**
 * Brackets would end the expression, and n8n rejects the word `constructor` after a period. Some versions of its parser
 * take the two separators for line ends.
 */
const literal = (value: string): string =>
  JSON.stringify(value).replaceAll(
    /[{}\u2028\u2029]|\.(?=\s*constructor)/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

/** @param edits in order */
function edited(code: string, edits: readonly { start: number; end: number; text: string }[]): string {
  let result = ''
  let at = 0
  for (const { start, end, text } of edits) {
    result += code.slice(at, start) + text
    at = end
  }
  return result + code.slice(at)
}
