/**
 * @module Turns a workflow into a scratch copy that can run without harm: a webhook starts it, the trigger's node outputs
 * the given items, and nodes that must not run are replaced by nodes of the same name. Pure.
 */
import type { FactsOf } from '../check/facts/node-facts.ts'
import type { WriteTreatment } from '../db/schema/test-runs.ts'
import { isObject, type JsonObject, listOf } from '../lib/json-object.ts'
import type { N8nNodeBody, N8nWorkflowBody } from '../n8n/sendable/workflow.ts'
import { FreeNames } from '../n8n/structure/names.ts'
import { type Effect, effectOf } from './effects.ts'

/** `input`: outputs the items of the test. `stand-in`: outputs other items instead of running. `skipped`: passes its input on. */
export const treatments = ['run', 'input', 'stand-in', 'skipped'] as const
export type Treatment = (typeof treatments)[number]

export const treatmentReasons = [
  'disabled',
  'writes',
  'unknown-effect',
  'missing-credential',
  'waits',
  'calls-workflow',
  'sub-node',
] as const
export type TreatmentReason = (typeof treatmentReasons)[number]

/** Where the items of a stand-in come from: the version's pinned data, shapes of recorded runs, or its own input. */
export const itemSources = ['pinned', 'recorded', 'input'] as const
export type ItemSource = (typeof itemSources)[number]

export interface TreatedNode {
  name: string
  type: string
  treatment: Treatment
  /** Why it does not run as it is. */
  reason: TreatmentReason | null
  /** Of a stand-in. */
  source: ItemSource | null
}

export interface ScratchOptions {
  /** Name of the trigger to replace. */
  trigger: string
  writes: WriteTreatment
  facts: FactsOf
  /** Whether the node needs a credential that is not bound. */
  lacksCredential: (node: string) => boolean
  /** Items of a node that does not run; null if there are none. */
  itemsOf: (node: string) => { items: JsonObject[]; source: 'pinned' | 'recorded' } | null
}

export interface Scratch {
  nodes: N8nNodeBody[]
  connections: JsonObject
  /** Without nodes that the trigger does not reach. */
  treated: TreatedNode[]
  /** Name of the node that starts it. */
  entry: string
  /** Items of the stand-ins, which the call passes: a stand-in knows its place in the list. */
  standIns: JsonObject[][]
  /** A node in it responds to the call. */
  answers: boolean
}

const noOp = 'n8n-nodes-base.noOp'
const note = 'n8n-nodes-base.stickyNote'
const main = 'main'

interface Link {
  from: string
  output: number
  to: string
  input: number
  type: string
}

/** @param body as n8n accepts it, with unique names */
export function toScratch(
  body: Pick<N8nWorkflowBody, 'nodes' | 'connections'>,
  options: ScratchOptions,
): Scratch {
  const { trigger } = options
  const nodes = body.nodes.filter(({ type }) => type !== note)
  const links = linksOf(body.connections)
  const reached = reachedFrom(trigger, links)
  const subNodes = subNodesOf(links)
  const entry = new FreeNames(nodes.map(({ name }) => name)).free('Flowkeep test')
  const scratch: Scratch = { nodes: [], connections: {}, treated: [], entry, standIns: [], answers: false }
  const kept = new Set<string>()
  for (const node of nodes) {
    if (node.name === trigger) {
      scratch.nodes.push(replaced(node, itemsNode))
      scratch.treated.push(treatedAs(node, 'input'))
    } else if (!reached.has(node.name)) {
      // Expressions may ask whether it has run.
      if (!subNodes.isSubNode(node.name)) scratch.nodes.push(replaced(node, passing))
    } else treat(node, scratch, options, subNodes.of(node.name), { kept, nodes })
  }
  for (const node of nodes) {
    if (reached.has(node.name) || !kept.has(node.name)) continue
    const isDisabled = node['disabled'] === true
    scratch.nodes.push(node)
    scratch.treated.push({
      ...treatedAs(node, isDisabled ? 'skipped' : 'run'),
      reason: isDisabled ? 'disabled' : null,
    })
  }
  scratch.connections = connectionsOf(links, scratch, { trigger, kept })
  return scratch
}

/** Decides on a node in the main flow; with it, on the nodes that serve it. */
function treat(
  node: N8nNodeBody,
  scratch: Scratch,
  options: ScratchOptions,
  serving: readonly string[],
  { kept, nodes }: { kept: Set<string>; nodes: readonly N8nNodeBody[] },
): void {
  const subNodes = nodes.filter(({ name, disabled }) => serving.includes(name) && disabled !== true)
  const reason =
    reasonFor(node, options) ?? (subNodes.some((each) => reasonFor(each, options)) ? 'sub-node' : null)
  if (reason === null) {
    scratch.answers ||= effectOf(node, options.facts) === 'answers'
    scratch.nodes.push(node)
    scratch.treated.push(treatedAs(node, 'run'))
    for (const name of [node.name, ...serving]) kept.add(name)
    return
  }
  const isSkipped = reason === 'disabled' || reason === 'waits' || options.writes === 'disable'
  const found = isSkipped ? null : options.itemsOf(node.name)
  if (!found) {
    scratch.nodes.push(replaced(node, passing))
    scratch.treated.push({
      ...treatedAs(node, isSkipped ? 'skipped' : 'stand-in'),
      reason,
      source: isSkipped ? null : 'input',
    })
    return
  }
  scratch.nodes.push(replaced(node, standIn(scratch.entry, scratch.standIns.length)))
  scratch.standIns.push(found.items)
  scratch.treated.push({ ...treatedAs(node, 'stand-in'), reason, source: found.source })
}

/** Why the node must not run; null if it may. */
function reasonFor(node: N8nNodeBody, options: ScratchOptions): TreatmentReason | null {
  if (node['disabled'] === true) return 'disabled'
  const effect = effectOf(node, options.facts)
  const reason = reasons[effect]
  const mayRun =
    reason === null || (options.writes === 'run' && reason !== 'waits' && reason !== 'calls-workflow')
  if (!mayRun) return reason
  return options.lacksCredential(node.name) ? 'missing-credential' : null
}

const reasons: Record<Effect, TreatmentReason | null> = {
  none: null,
  reads: null,
  answers: null,
  writes: 'writes',
  unknown: 'unknown-effect',
  waits: 'waits',
  // The run of the other workflow would count as a real one, and remain in n8n.
  calls: 'calls-workflow',
}

const treatedAs = ({ name, type }: N8nNodeBody, treatment: Treatment): TreatedNode => ({
  name,
  type,
  treatment,
  reason: null,
  source: null,
})

type Replacement = Pick<N8nNodeBody, 'type' | 'parameters'> & { typeVersion: number }

function replaced(node: N8nNodeBody, replacement: Replacement): N8nNodeBody {
  const { id, name, position, executeOnce, alwaysOutputData } = node
  return {
    id,
    name,
    position,
    ...replacement,
    ...(typeof executeOnce === 'boolean' && { executeOnce }),
    ...(typeof alwaysOutputData === 'boolean' && { alwaysOutputData }),
  }
}

const passing: Replacement = { type: noOp, typeVersion: 1, parameters: {} }
const itemsNode: Replacement = {
  type: 'n8n-nodes-base.splitOut',
  typeVersion: 1,
  parameters: { fieldToSplitOut: 'body.items', options: {} },
}

/** Outputs one of its items for each item that it gets. */
function standIn(entry: string, index: number): Replacement {
  const items = `$(${JSON.stringify(entry)}).first().json.body.standIns[${index}]`
  return {
    type: 'n8n-nodes-base.set',
    typeVersion: 3.4,
    parameters: { mode: 'raw', jsonOutput: `={{ ${items}[$itemIndex % ${items}.length] }}`, options: {} },
  }
}

function linksOf(connections: JsonObject): Link[] {
  const links: Link[] = []
  for (const [from, byType] of Object.entries(connections)) {
    for (const [type, outputs] of Object.entries(isObject(byType) ? byType : {})) {
      for (const [output, targets] of listOf(outputs).entries()) {
        for (const target of listOf(targets).filter(isObject)) {
          links.push({ from, output, to: String(target['node']), input: Number(target['index']), type })
        }
      }
    }
  }
  return links
}

function reachedFrom(start: string, links: readonly Link[]): ReadonlySet<string> {
  const next = Map.groupBy(
    links.filter(({ type }) => type === main),
    ({ from }) => from,
  )
  const reached = new Set([start])
  for (const name of reached) for (const { to } of next.get(name) ?? []) reached.add(to)
  return reached
}

/** Nodes that serve another one through a connection that is not `main`, such as the model of an agent. */
function subNodesOf(links: readonly Link[]) {
  const serving = Map.groupBy(
    links.filter(({ type }) => type !== main),
    ({ to }) => to,
  )
  const subNodes = new Set([...serving.values()].flat().map(({ from }) => from))
  return {
    isSubNode: (name: string) => subNodes.has(name),
    of: (name: string): string[] => {
      const found = new Set([name])
      for (const each of found) for (const { from } of serving.get(each) ?? []) found.add(from)
      found.delete(name)
      return [...found]
    },
  }
}

function connectionsOf(
  links: readonly Link[],
  { nodes }: Scratch,
  { trigger, kept }: { trigger: string; kept: ReadonlySet<string> },
): JsonObject {
  const names = new Set(nodes.map(({ name }) => name))
  const connections = new Map<string, Map<string, JsonObject[][]>>()
  const connect = ({ from, output, to, input, type }: Link) => {
    const byType = connections.get(from) ?? new Map<string, JsonObject[][]>()
    connections.set(from, byType)
    const outputs = byType.get(type) ?? []
    byType.set(type, outputs)
    while (outputs.length <= output) outputs.push([])
    outputs[output]?.push({ node: to, type, index: input })
  }
  for (const link of links) {
    const isKept = names.has(link.from) && names.has(link.to)
    const serves = link.type === main || (kept.has(link.from) && kept.has(link.to))
    if (isKept && serves && link.to !== trigger) connect(link)
  }
  // `fromEntries`, because `__proto__` is a valid node name.
  return Object.fromEntries([...connections].map(([from, byType]) => [from, Object.fromEntries(byType)]))
}
