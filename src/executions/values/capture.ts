/**
 * @module Extracts what the nodes of a run received and returned from n8n's run data: the first items of each output, with
 * long parts truncated and secrets redacted. Takes time in proportion to the limit, not to the data. Pure.
 */
import { isContainer, isObject, type JsonObject, listOf } from '../../lib/json-object.ts'
import { toStorable } from '../../lib/storable-text.ts'
import { nodeText } from '../record/node-runs.ts'
import { cleanJson } from '../record/run-data.ts'

/** As n8n returns it, without the content of files. */
export type StoredItem = {
  json: JsonObject
  binary?: Record<string, JsonObject>
}

export interface StoredOutput {
  /** Connection type, such as `main` or `ai_tool`. */
  type: string
  /** 0-based. */
  index: number
  items: StoredItem[]
  /** Items that the node returned. */
  total: number
  /** Items or parts of items are missing. */
  truncated: boolean
}

/** The output that a node received. */
export interface StoredSource {
  node: string
  /** 0-based, of a main output. */
  output: number
  /** 0-based run of `node`. */
  run: number
  total: number
}

export interface StoredNodeRun {
  /** 0-based. */
  run: number
  hasFailed?: true
  sources: StoredSource[]
  outputs: StoredOutput[]
  /** What a model, tool or memory was asked. */
  asked?: StoredOutput[]
}

export interface StoredNode {
  name: string
  /** More than the stored runs in a loop. */
  totalRuns: number
  /** The last run, and earlier runs that the last run of another node received from. In ascending order. */
  runs: StoredNodeRun[]
}

export interface StoredValues {
  /** The node that started the run; null if unknown. */
  trigger: string | null
  /** In the order in which they first ran. */
  nodes: StoredNode[]
  omittedNodes: number
}

const maxNodes = 200
const maxRuns = 5
const maxSources = 10
const maxOutputs = 20
const maxItems = 20
const maxDepth = 12
/** Around a part that is cut, so that redaction recognizes a secret that the cut divides. */
const contextChars = 4000
const minShareBytes = 512
const minItemBytes = 16

interface Limits {
  stringChars: number
  elements: number
  members: number
}

/** The first with which an item fits. */
const limitsInOrder: readonly Limits[] = [
  { stringChars: 2000, elements: 100, members: 200 },
  { stringChars: 400, elements: 20, members: 60 },
  { stringChars: 80, elements: 3, members: 20 },
]

interface RanNode {
  name: string
  runs: unknown[]
  /** Position of the first run. */
  order: number
  selected: Set<number>
  isUrgent: boolean
}

/**
 * @param runData n8n's `resultData.runData`
 * @param maxBytes of the JSON of the result
 * @returns null without nodes
 */
export function captureValues(runData: JsonObject, maxBytes: number): StoredValues | null {
  const ran = Object.entries(runData)
    .map(([name, runs]): RanNode => {
      const all = listOf(runs)
      return { name, runs: all, order: orderOf(all[0]), selected: new Set(), isUrgent: false }
    })
    .filter(({ runs }) => runs.some(isObject))
    .toSorted((a, b) => a.order - b.order)
  if (ran.length === 0) return null
  const byName = new Map(ran.map((node) => [node.name, node]))
  for (const node of ran) select(node, byName)
  const trigger = ran.find(({ runs }) => sourcesOf(runs[0]).length === 0)
  const [first, urgent, others] = [[] as RanNode[], [] as RanNode[], [] as RanNode[]]
  for (const node of ran.toReversed()) (node === trigger ? first : node.isUrgent ? urgent : others).push(node)
  const stored = new Map<RanNode, StoredNode>()
  let left = maxBytes - sizeOf({ trigger: trigger?.name ?? null, nodes: [], omittedNodes: 0 }) - minShareBytes
  const waiting = [...first, ...urgent, ...others]
  for (const [index, node] of waiting.entries()) {
    if (stored.size === maxNodes || left < minShareBytes) break
    const isFirst = index < first.length + urgent.length
    const share = Math.max(minShareBytes, isFirst ? left / 2 : left / (waiting.length - index))
    const budget = { bytes: Math.min(left, share) }
    const result = toStored(node, budget, byName)
    if (!result) continue
    stored.set(node, result)
    left -= sizeOf(result) + 1
  }
  return {
    trigger: trigger ? nodeText(trigger.name) : null,
    nodes: ran.flatMap((node) => stored.get(node) ?? []),
    omittedNodes: ran.length - stored.size,
  }
}

/** Selects the last run, the last failed one, and the runs of other nodes that these received from. */
function select(node: RanNode, byName: ReadonlyMap<string, RanNode>): void {
  const last = node.runs.findLastIndex(isObject)
  const failed = node.runs.findLastIndex((run) => isObject(run) && isObject(run['error']))
  for (const index of new Set([last, failed])) {
    if (index < 0) continue
    node.selected.add(index)
    if (index === failed) node.isUrgent = true
    for (const { node: name, run } of sourcesOf(node.runs[index])) {
      const source = byName.get(name)
      if (!source || !isObject(source.runs[run])) continue
      source.selected.add(run)
      if (index === failed) source.isUrgent = true
    }
  }
}

function toStored(
  { name, runs, selected }: RanNode,
  budget: { bytes: number },
  byName: ReadonlyMap<string, RanNode>,
): StoredNode | null {
  const node: StoredNode = { name: nodeText(name), totalRuns: runs.length, runs: [] }
  budget.bytes -= sizeOf(node)
  for (const index of [...selected].toSorted((a, b) => b - a).slice(0, maxRuns)) {
    const run = runs[index]
    if (!isObject(run)) continue
    const stored: StoredNodeRun = {
      run: index,
      ...(isObject(run['error']) && { hasFailed: true as const }),
      sources: sourcesOf(run).map(({ node: name, output, run: of }) => ({
        node: nodeText(name),
        output,
        run: of,
        total: totalOf(byName.get(name)?.runs[of], output),
      })),
      outputs: [],
    }
    budget.bytes -= sizeOf(stored) + 1
    if (budget.bytes < 0) break
    const { inputOverride } = run
    if (isObject(inputOverride)) stored.asked = outputsOf(inputOverride, budget)
    stored.outputs = outputsOf(run['data'], budget)
    node.runs.unshift(stored)
  }
  return node.runs.length === 0 ? null : node
}

/** The outputs of a run, as far as the budget goes. */
function outputsOf(data: unknown, budget: { bytes: number }): StoredOutput[] {
  if (!isObject(data)) return []
  const all = Object.entries(data).flatMap(([type, outputs]) =>
    listOf(outputs).map((items, index) => ({ type: nodeText(type), index, items: listOf(items) })),
  )
  const outputs: StoredOutput[] = []
  for (const { type, index, items } of all.slice(0, maxOutputs)) {
    const output: StoredOutput = { type, index, items: [], total: items.length, truncated: false }
    budget.bytes -= sizeOf(output) + 12
    if (budget.bytes < 0) break
    outputs.push(output)
    for (const item of items.slice(0, maxItems)) {
      const fitting = budget.bytes < minItemBytes ? null : fit(item, budget.bytes)
      if (!fitting) break
      output.items.push(fitting.item)
      output.truncated ||= fitting.isCut
      budget.bytes -= fitting.bytes + 1
    }
    output.truncated ||= output.items.length < items.length
  }
  return outputs
}

/** Null when not even a short form fits. */
function fit(item: unknown, bytes: number): { item: StoredItem; isCut: boolean; bytes: number } | null {
  const source = isObject(item) ? item : {}
  for (const limits of limitsInOrder) {
    const copy = new Copy(limits, bytes)
    const json = copy.of(source['json'], 0)
    const binary = copy.binaryOf(source['binary'])
    if (copy.isOver) continue
    const cleaned = copy.cut(cleanJson({ json: isObject(json) ? json : {}, ...(binary && { binary }) }))
    const size = sizeOf(cleaned)
    if (size <= bytes) return { item: cleaned as StoredItem, isCut: copy.isCut, bytes: size }
  }
  return null
}

/** A copy within limits. Stops when it exceeds the budget. */
class Copy {
  isCut = false
  readonly #limits: Limits
  #chars: number

  constructor(limits: Limits, chars: number) {
    this.#limits = limits
    this.#chars = chars
  }

  get isOver(): boolean {
    return this.#chars < 0
  }

  of(value: unknown, depth: number): unknown {
    if (this.isOver) return null
    if (typeof value === 'string') return this.#text(value)
    if (!isContainer(value)) {
      this.#chars -= 4
      return value
    }
    this.#chars -= 2
    if (depth >= maxDepth) {
      this.isCut = true
      return Array.isArray(value) ? [] : {}
    }
    return Array.isArray(value) ? this.#elements(value, depth) : this.#members(value, depth)
  }

  #elements(value: readonly unknown[], depth: number): unknown[] {
    if (value.length > this.#limits.elements) this.isCut = true
    return value.slice(0, this.#limits.elements).map((element) => this.of(element, depth + 1))
  }

  #members(value: object, depth: number): JsonObject {
    const entries = Object.entries(value)
    // Names of a pair decide whether its value is secret.
    const isPair = 'value' in value
    const kept = entries.filter(
      ([key], index) => index < this.#limits.members || (isPair && (key === 'name' || key === 'key')),
    )
    if (kept.length < entries.length) this.isCut = true
    return Object.fromEntries(
      kept.map(([key, member]) => {
        const name = key.length > this.#limits.stringChars ? this.#text(key) : key
        this.#chars -= name.length + 4
        return [name, this.of(member, depth + 1)]
      }),
    )
  }

  #text(text: string): string {
    const { stringChars } = this.#limits
    this.#chars -= Math.min(text.length, stringChars) + 2
    const maxChars = stringChars + contextChars
    return text.length > maxChars ? text.slice(0, maxChars) : cleanEmbedded(text, 0)
  }

  /** What the files are, without their content and location. */
  binaryOf(value: unknown): Record<string, JsonObject> | null {
    if (!isObject(value)) return null
    const files = Object.entries(value).slice(0, this.#limits.elements)
    if (files.length === 0) return null
    this.isCut = true
    return Object.fromEntries(
      files.map(([key, file]) => {
        const of = isObject(file) ? file : {}
        const fields = ['mimeType', 'fileName', 'fileExtension', 'fileType', 'fileSize']
        const known = fields.filter((field) => typeof of[field] === 'string')
        return [this.#text(key), Object.fromEntries(known.map((field) => [field, this.of(of[field], 1)]))]
      }),
    )
  }

  /** Cuts texts after redaction. */
  cut(value: unknown): unknown {
    const { stringChars } = this.#limits
    if (typeof value === 'string') {
      if (value.length <= stringChars) return value
      this.isCut = true
      return `${toStorable(value.slice(0, stringChars))}…`
    }
    if (Array.isArray(value)) return value.map((element) => this.cut(element))
    if (!isContainer(value)) return value
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [this.cut(key), this.cut(member)]))
  }
}

const maxEmbedding = 4

/** Redacts JSON in text by the names of its members. Other text stays, and is redacted later. */
function cleanEmbedded(text: string, depth: number): string {
  if (depth === maxEmbedding || !/^\s*[{["]/.test(text)) return text
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return text
  }
  if (typeof value === 'string') return JSON.stringify(cleanEmbedded(value, depth + 1))
  const cleaned = JSON.stringify(cleanJson(withCleanTexts(value, depth + 1, 0)))
  return cleaned === JSON.stringify(value) ? text : cleaned
}

function withCleanTexts(value: unknown, embedding: number, depth: number): unknown {
  if (typeof value === 'string') return cleanEmbedded(value, embedding)
  if (!isContainer(value)) return value
  if (depth >= 100) return null
  if (Array.isArray(value)) return value.map((element) => withCleanTexts(element, embedding, depth + 1))
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, withCleanTexts(member, embedding, depth + 1)]),
  )
}

function sourcesOf(run: unknown): Omit<StoredSource, 'total'>[] {
  if (!isObject(run)) return []
  return listOf(run['source'])
    .slice(0, maxSources)
    .filter(isObject)
    .flatMap(({ previousNode, previousNodeOutput = 0, previousNodeRun = 0 }) =>
      typeof previousNode === 'string'
        ? [{ node: previousNode, output: indexOf(previousNodeOutput), run: indexOf(previousNodeRun) }]
        : [],
    )
}

const indexOf = (value: unknown): number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0

function totalOf(run: unknown, output: number): number {
  const data = isObject(run) ? run['data'] : undefined
  return isObject(data) ? listOf(listOf(data['main'])[output]).length : 0
}

/** n8n numbers the runs of a workflow. Older versions have only their start. */
function orderOf(run: unknown): number {
  if (!isObject(run)) return 0
  const { executionIndex, startTime } = run
  const order = typeof executionIndex === 'number' ? executionIndex : startTime
  return typeof order === 'number' && Number.isFinite(order) ? order : 0
}

const encoder = new TextEncoder()
const sizeOf = (value: unknown): number => encoder.encode(JSON.stringify(value)).length
