/**
 * @module Computes signatures of the nodes that an expression depends on, directly or through their inputs. Expressions are
 * not evaluated, so any change to these nodes changes the signature. Pure and linear in the workflow size.
 */
import { isContainer } from '../../lib/json-object.ts'
import { ownValue } from '../catalogue/display-options.ts'
import type { WorkflowGraph } from './workflow-graph.ts'
import { canonicalJson } from '../../lib/canonical-json.ts'

/** Returns the same number for equal strings. */
export type Intern = (text: string) => number

export function createIntern(): Intern {
  const numbers = new Map<string, number>()
  return (text) => {
    const number = numbers.get(text) ?? numbers.size
    numbers.set(text, number)
    return number
  }
}

/** Nodes whose parameters do not affect data. */
const silent = new Set(
  ['scheduleTrigger', 'cron', 'interval', 'manualTrigger', 'noOp', 'wait'].map(
    (each) => `n8n-nodes-base.${each}`,
  ),
)
/** `$` variables that do not depend on nodes. */
const ambient = new Set(
  'now today vars env secrets execution workflow jmespath if ifEmpty max min not'.split(' '),
)
/** `$` variables that read the node's input. */
const input = new Set(
  'json input binary data item items itemIndex runIndex position prevNode fromAI'.split(' '),
)

const mention = /(?<![\w$])([$_])(?:\(|([A-Za-z]\w*)\s*([.[(]?))/g
const quotedName = /\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|`((?:[^`\\$]|\\.)*)`)\s*[\])]/y
const plainName = /\w+/y

class Mentioned {
  readonly names = new Set<string>()
  readsInput = false
  /** The node's own parameters, or an unknown variable. */
  readsItself = false
  /** A node with a computed name. */
  readsAny = false

  add(text: string): void {
    for (const { 0: found, 1: sigil, 2: word, 3: next, index } of text.matchAll(mention)) {
      const end = index + found.length
      const isByName =
        word === undefined || (word === 'node' && next === '[') || (word === 'items' && next === '(')
      const name = isByName
        ? nameAt(quotedName, text, end)
        : word === 'node' && next === '.'
          ? nameAt(plainName, text, end)
          : undefined
      if (name !== undefined) this.names.add(name)
      else if (sigil === '_' || (word !== undefined && ambient.has(word))) continue
      else if (word === undefined || word === 'node') this.readsAny = true
      else if (input.has(word)) this.readsInput = true
      else this.readsItself = true
    }
  }
}

function nameAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at
  const found = pattern.exec(text)
  return found ? (found[1] ?? found[2] ?? found[3] ?? found[0]).replaceAll(/\\(.)/g, '$1') : undefined
}

export class ExpressionInputs {
  readonly #graph: WorkflowGraph
  readonly #intern: Intern
  #signatures: number[] | undefined

  /** @param intern shared by all workflows to compare */
  constructor(graph: WorkflowGraph, intern: Intern) {
    this.#graph = graph
    this.#intern = intern
  }

  /** Equal if everything that the node's expressions read, directly or indirectly, is equal. */
  signature(index: number, expressions: readonly string[]): string {
    const mentioned = new Mentioned()
    for (const each of expressions) {
      if (each.startsWith('=')) mentioned.add(each)
      // An agent fills in placeholders in braces.
      else if (each.includes('{')) mentioned.readsInput = true
    }
    const roots = this.#mentionedNodes(mentioned)
    if (mentioned.readsInput) roots.push(...this.#graph.allSources(index))
    if (mentioned.readsItself) roots.push(index)
    this.#signatures ??= this.#sign()
    const signatures = this.#signatures
    return [...new Set(roots.map((each) => String(signatures[each])))].toSorted().join(' ')
  }

  #mentionedNodes({ names, readsAny }: Mentioned): number[] {
    const indexes = [...names].flatMap((name) => this.#graph.named(name))
    if (readsAny) indexes.push(this.#graph.nodes.length)
    return indexes
  }

  /** A signature per node that includes its sources, plus one for all nodes together. */
  #sign(): number[] {
    const { nodes } = this.#graph
    const own = [...nodes.map((node) => this.#intern(canonicalJson(contentOf(node)))), this.#intern('all')]
    const sources = nodes.map((node, index) => {
      const mentioned = new Mentioned()
      for (const text of textsIn(ownValue(node, 'parameters'))) mentioned.add(text)
      return [...this.#graph.allSources(index), ...this.#mentionedNodes(mentioned)]
    })
    sources.push([...nodes.keys()])
    const signatures: number[] = []
    for (const loop of loops(sources)) {
      const members = loop.toSorted((a, b) => (own[a] ?? 0) - (own[b] ?? 0))
      const places = new Map(members.map((member, place) => [member, place]))
      const text = members.map((member) => {
        const from = new Set(
          (sources[member] ?? []).map((each) =>
            places.has(each) ? `-${places.get(each)}` : String(signatures[each]),
          ),
        )
        return `${own[member]}:${[...from].toSorted().join(',')}`
      })
      const signature = this.#intern(text.join(';'))
      for (const member of members) signatures[member] = signature
    }
    return signatures
  }
}

function contentOf(node: unknown): unknown {
  const type = ownValue(node, 'type')
  const isSilent = typeof type === 'string' && silent.has(type)
  const facts = ['disabled', 'onError', 'continueOnFail'].map((name) => ownValue(node, name) ?? null)
  return [type ?? null, ...facts, isSilent ? null : (ownValue(node, 'parameters') ?? null)]
}

function* textsIn(value: unknown): Generator<string> {
  const open = [value]
  while (open.length > 0) {
    const each = open.pop()
    if (typeof each === 'string') yield each
    else if (isContainer(each)) for (const inner of Object.values(each)) open.push(inner)
  }
}

/** Strongly connected components (Tarjan), each after its sources. */
function* loops(sources: readonly (readonly number[])[]): Generator<number[]> {
  const found = new Map<number, { order: number; lowest: number; isOpen: boolean }>()
  const open: number[] = []
  const visit = (node: number) => {
    const state = { order: found.size, lowest: found.size, isOpen: true }
    found.set(node, state)
    open.push(node)
    return { node, state, next: 0 }
  }
  for (const root of sources.keys()) {
    if (found.has(root)) continue
    const path = [visit(root)]
    for (let top = path.at(-1); top; top = path.at(-1)) {
      const source = sources[top.node]?.[top.next]
      if (source !== undefined) {
        top.next += 1
        const known = found.get(source)
        if (!known) path.push(visit(source))
        else if (known.isOpen) top.state.lowest = Math.min(top.state.lowest, known.order)
        continue
      }
      path.pop()
      const { state } = top
      const caller = path.at(-1)
      if (caller) caller.state.lowest = Math.min(caller.state.lowest, state.lowest)
      if (state.lowest < state.order) continue
      const loop = open.splice(open.lastIndexOf(top.node))
      for (const member of loop) {
        const closed = found.get(member)
        if (closed) closed.isOpen = false
      }
      yield loop
    }
  }
}
