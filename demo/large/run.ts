/** @module Simulates one run of a workflow node by node, in n8n's format. */
import type { NodeError } from './faults.ts'
import type { Flow, FlowNode } from './flow.ts'
import type { Json } from './nodes.ts'
import type { Random } from './random.ts'
import type { DemoWorkflow } from './workflow.ts'

export interface PlannedFault {
  node: string
  error: NodeError
}

type Behaviour = Pick<DemoWorkflow, 'branches' | 'items' | 'loops' | 'sigma'>

export interface SimulatedRun {
  endedAtMs: number
  /** For n8n's execution object. */
  data: Json
  /** All nodes that can occur in `data`. */
  nodes: { name: string; type: string }[]
}

const betweenNodesMs = 1
const noItem = { json: {} }

/** Follows the links from the trigger. At a branch, the workflow's weights decide, or the path to the fault. */
export function simulate(
  flow: Flow,
  behaviour: Behaviour,
  { startedAtMs, fault, stopAfter }: { startedAtMs: number; fault: PlannedFault | null; stopAfter?: number },
  random: Random,
): SimulatedRun {
  const run = new Simulation(flow, behaviour, startedAtMs, fault, random)
  run.follow(stopAfter ?? Number.POSITIVE_INFINITY)
  if (fault && !run.failure) throw new Error(`No run reaches "${fault.node}"`)
  return {
    endedAtMs: Math.round(run.atMs),
    data: {
      resultData: {
        runData: run.runData,
        lastNodeExecuted: run.lastNode,
        ...(run.failure && { error: run.failure }),
      },
    },
    nodes: flow.nodes.map(({ name, kind }) => ({ name, type: kind.type })),
  }
}

interface NodeRunStart {
  atMs: number
  /** Position of the node run, across all nodes. */
  index: number
}

class Simulation {
  atMs: number
  runData: Record<string, Json[]> = {}
  lastNode = ''
  failure: Json | null = null
  readonly #flow: Flow
  readonly #behaviour: Behaviour
  readonly #fault: PlannedFault | null
  readonly #random: Random
  /** Slows down or speeds up the whole run. */
  readonly #pace: number
  /** The nodes on the way to the fault. */
  readonly #towards: Set<string>
  /** Nodes left to run, with their input items. */
  readonly #given = new Map<string, number>()
  #index = 0

  constructor(
    flow: Flow,
    behaviour: Behaviour,
    startedAtMs: number,
    fault: PlannedFault | null,
    random: Random,
  ) {
    this.#flow = flow
    this.#behaviour = behaviour
    this.#fault = fault
    this.#random = random
    this.#pace = random.factor(behaviour.sigma ?? 0.3)
    this.#towards = fault ? ancestors(flow, fault.node) : new Set()
    this.atMs = startedAtMs
  }

  follow(stopAfter: number): void {
    const main = this.#flow.nodes
      .filter(({ parent }) => parent === null)
      .toSorted((a, b) => a.column - b.column || a.row - b.row)
    const [trigger] = main
    if (!trigger) return
    this.#given.set(trigger.name, 1)
    for (const node of main) {
      const given = this.#given.get(node.name)
      if (given === undefined || this.runData[node.name]) continue
      this.#pass(node, given)
      if (this.failure || Object.keys(this.runData).length >= stopAfter) return
    }
  }

  /** Runs the node and passes on its output. */
  #pass(node: FlowNode, given: number): void {
    const outputItems = this.#run(node, given)
    if (this.failure || outputItems === 0) return
    if (node.kind.isLoop) {
      this.#loop(node, given)
      if (!this.failure) this.#passOn(node.name, 0, given)
      return
    }
    const outputs = node.kind.outputs ?? 1
    this.#passOn(node.name, outputs === 1 ? 0 : this.#choose(node, outputs), outputItems)
  }

  #passOn(name: string, output: number, items: number): void {
    for (const link of this.#flow.links) {
      if (link.type !== 'main' || link.from !== name || link.output !== output) continue
      this.#given.set(link.to, Math.max(items, this.#given.get(link.to) ?? 0))
    }
  }

  #choose({ name }: FlowNode, outputs: number): number {
    const leads = (output: number) =>
      this.#flow.links.some(
        (link) => link.from === name && link.output === output && this.#towards.has(link.to),
      )
    const right = Array.from({ length: outputs }, (_, output) => output).filter(leads)
    const [only] = right
    if (only !== undefined)
      return right.length === 1 ? only : (right[this.#random.whole(0, right.length - 1)] ?? only)
    return this.#random.weighted(this.#behaviour.branches?.[name] ?? Array.from({ length: outputs }, () => 1))
  }

  /** The nodes between the loop's second output and its input. */
  #loop(loop: FlowNode, given: number): void {
    const body: FlowNode[] = []
    let next = this.#flow.links.find((link) => link.from === loop.name && link.output === 1)?.to
    while (next !== undefined && next !== loop.name) {
      const name: string = next
      body.push(this.#flow.node(name))
      next = this.#flow.links.find((link) => link.type === 'main' && link.from === name)?.to
    }
    const range = this.#behaviour.loops?.[loop.name]
    const batches = range ? this.#random.whole(...range) : given
    const failsIn = this.#random.whole(1, batches)
    for (let batch = 1; batch <= batches; batch += 1) {
      for (const node of body) {
        this.#run(node, 1, batch === failsIn)
        if (this.failure) return
      }
      this.#record(loop, { atMs: this.atMs, index: this.#index++ }, 1)
    }
  }

  /** @returns the number of output items */
  #run(node: FlowNode, given: number, mayFail = true): number {
    const { name, kind } = node
    const start = { atMs: this.atMs, index: this.#index++ }
    this.lastNode = name
    if (mayFail && this.#fault?.node === name) {
      this.atMs += this.#fault.error.ms * this.#random.factor(0.15)
      this.#fail(node, start, this.#fault.error, node)
      return 0
    }
    const range = this.#behaviour.items?.[name]
    const isOnTheWay = this.#towards.has(name)
    const outputItems = range ? Math.max(this.#random.whole(...range), isOnTheWay ? 1 : 0) : given
    const perItem = kind.credential !== undefined && !range && !/postgres|Sheets|Trigger/.test(kind.type)
    this.atMs += Math.max(1, kind.ms * this.#pace * this.#random.factor(0.3) * (perItem ? given ** 0.9 : 1))
    this.#runBelow(node, Math.min(given, 8), mayFail)
    if (this.failure) {
      if (this.#fault) this.#fail(node, start, this.#fault.error, this.#flow.node(this.#fault.node))
      return 0
    }
    this.#record(node, start, outputItems)
    this.atMs += betweenNodesMs
    return outputItems
  }

  /** The model runs before and after each tool, memory first and last. */
  #runBelow(node: FlowNode, rounds: number, mayFail: boolean): void {
    const below = this.#flow.children(node.name)
    if (below.length === 0) return
    const use = ({ name }: FlowNode) => this.#flow.links.find((link) => link.from === name)?.type ?? ''
    const model = below.find((each) => use(each) === 'ai_languageModel')
    const tools = below.filter((each) => use(each) === 'ai_tool')
    const others = below.filter((each) => each !== model && !tools.includes(each))
    const call = (each: FlowNode | undefined) => {
      if (each && !this.failure) this.#run(each, 1, mayFail)
    }
    for (let round = 0; round < rounds && !this.failure; round += 1) {
      for (const each of others.filter((other) => use(other) !== 'ai_outputParser')) call(each)
      call(model)
      for (const tool of tools) {
        if (this.#random.chance(0.3) && !this.#towards.has(tool.name)) continue
        call(tool)
        call(model)
      }
      for (const each of others.filter((other) => use(other) === 'ai_outputParser')) call(each)
    }
    this.lastNode = node.name
  }

  #record({ name }: FlowNode, start: NodeRunStart, items: number): void {
    const use = this.#flow.links.find((link) => link.from === name && link.type !== 'main')?.type ?? 'main'
    ;(this.runData[name] ??= []).push({
      startTime: Math.round(start.atMs),
      executionTime: Math.round(this.atMs - start.atMs),
      executionIndex: start.index,
      executionStatus: 'success',
      data: { [use]: [Array.from({ length: items }, () => noItem)] },
    })
  }

  #fail({ name }: FlowNode, start: NodeRunStart, error: NodeError, origin: FlowNode): void {
    const failure = {
      name: error.name,
      message: error.message,
      description: error.description,
      httpCode: error.httpCode,
      timestamp: Math.round(this.atMs),
      node: { name: origin.name, type: origin.kind.type },
    }
    ;(this.runData[name] ??= []).push({
      startTime: Math.round(start.atMs),
      executionTime: Math.round(this.atMs - start.atMs),
      executionIndex: start.index,
      executionStatus: 'error',
      error: failure,
    })
    this.failure = failure
  }
}

/** A node, its predecessors and its parents. */
function ancestors(flow: Flow, name: string): Set<string> {
  const found = new Set([name])
  for (const each of found) {
    for (const link of flow.links) {
      if (link.to === each && link.type === 'main') found.add(link.from)
      if (link.from === each && link.type !== 'main') found.add(link.to)
    }
  }
  return found
}
