/** @module Transfers earlier credential bindings to the nodes of another version of a workflow. Pure. */
import type { CredentialChoice, SlotBinding } from '../db/schema/deployments.ts'
import { createIntern, ExpressionInputs } from '../n8n/reading/expression-inputs.ts'
import { type Destination, isSentTo } from '../n8n/reading/request-destination.ts'
import { type Slot, type SlotNode, slotKey, type WorkflowSlots } from '../n8n/reading/slots.ts'
import { canonicalJson } from '../lib/canonical-json.ts'

/** A workflow with known bindings: an earlier deployment, or the live workflow in n8n. */
export interface BindingSource {
  reason: 'earlier' | 'live'
  bindings: readonly SlotBinding[]
  content: WorkflowSlots
}

/** The node would send the credential to a new host. This requires an explicit choice for the node. */
export interface NewHost {
  credential: CredentialChoice
  /** Previous hosts. Empty: only nodes of its own service used it. */
  from: (string | null)[]
  /** Number of previous hosts omitted from `from`. */
  moreFrom: number
  to: string | null
  /** The URL expressions are unchanged, but their inputs have changed. */
  hasNewInputs: boolean
}

export interface Traced {
  credential: CredentialChoice
  reason: BindingSource['reason']
  /** The credential name in the node's JSON at that time. */
  namedBefore: string | null
}

interface TracedSource {
  reason: BindingSource['reason']
  bindings: Map<string, SlotBinding>
  content: WorkflowSlots
  slots: Map<string, Slot>
  /** Only unique IDs. */
  nodesById: Map<string, SlotNode>
}

interface Sent {
  /** Destination key with inputs → label for messages. */
  to: Map<string, string | null>
  /** The same destination keys without inputs. */
  keys: Set<string>
}

/** A unique key of a credential. */
export const identityOf = (credential: CredentialChoice): string =>
  'n8nCredentialId' in credential ? `n8n:${credential.n8nCredentialId}` : credential.credentialId

export function choiceOf(binding: CredentialChoice): CredentialChoice {
  return 'n8nCredentialId' in binding
    ? { n8nCredentialId: binding.n8nCredentialId }
    : { credentialId: binding.credentialId }
}

const maxListedHosts = 5

/** Finds the bindings of the sources and the hosts that received each credential. */
export class SourceTracer {
  readonly #wanted: WorkflowSlots
  readonly #isGeneric: (type: string) => boolean
  readonly #sources: TracedSource[]
  readonly #wantedInputs: ExpressionInputs
  /** By identity of the bound credential. */
  readonly #sent = new Map<string, Sent>()

  /** @param isGeneric whether a credential type is not tied to a service */
  constructor(
    wanted: WorkflowSlots,
    sources: readonly BindingSource[],
    isGeneric: (type: string) => boolean,
  ) {
    const intern = createIntern()
    this.#wanted = wanted
    this.#wantedInputs = new ExpressionInputs(wanted.graph, intern)
    this.#isGeneric = isGeneric
    this.#sources = sources.map(({ reason, bindings, content }) => ({
      reason,
      content,
      bindings: new Map(bindings.map((binding) => [slotKey(binding.node, binding.type), binding])),
      slots: new Map(content.slots.map((slot) => [slotKey(slot.node.name, slot.type), slot])),
      nodesById: uniqueById(content.nodes.values()),
    }))
    for (const { content, bindings, slots } of this.#sources) {
      const inputs = new ExpressionInputs(content.graph, intern)
      const open = new Set(content.unresolved.map(({ node }) => node))
      for (const [key, binding] of bindings) {
        if (!slots.has(key) && !open.has(binding.node)) continue
        const identity = identityOf(binding)
        const sent: Sent = this.#sent.get(identity) ?? { to: new Map(), keys: new Set() }
        this.#sent.set(identity, sent)
        const node = content.nodes.get(binding.node)
        if (!node?.destination) continue
        sent.to.set(withInputs(node.index, node.destination, inputs).key, node.destination.label)
        sent.keys.add(node.destination.key)
      }
    }
  }

  /** The first binding of the slot whose credential still exists. */
  trace(slot: Slot, isThere: (credential: CredentialChoice) => boolean): Traced | undefined {
    for (const source of this.#sources) {
      const binding = this.#bindingOf(source, slot)
      if (!binding || !isThere(binding)) continue
      const namedBefore = source.slots.get(slotKey(binding.node, binding.type))?.named?.name ?? null
      return { credential: choiceOf(binding), reason: source.reason, namedBefore }
    }
    return undefined
  }

  typesBoundAt(name: string): string[] {
    const node = this.#wanted.nodes.get(name)
    if (!node) return []
    return this.#sources.flatMap((source) => {
      const before = source.content.nodes.get(name) ?? this.#renamed(source, node)
      return [...source.bindings.values()].flatMap((each) => (each.node === before?.name ? [each.type] : []))
    })
  }

  newHost({ node }: Slot, credential: CredentialChoice): NewHost | undefined {
    const sent = this.#sent.get(identityOf(credential))
    if (!sent || !node.destination) return undefined
    if (isSentTo(sent.to, withInputs(node.index, node.destination, this.#wantedInputs))) return undefined
    const from: (string | null)[] = []
    for (const label of sent.to.values()) {
      if (from.length === maxListedHosts) break
      from.push(label)
    }
    const { key, label } = node.destination
    const hasNewInputs = sent.keys.has(key)
    return { credential, from, moreFrom: sent.to.size - from.length, to: label, hasNewInputs }
  }

  /**
   * Matches by name, then by ID (a renamed node). If name and ID match nodes with different credentials, the names were
   * swapped or the IDs regenerated: the node with the more similar parameters wins; a tie matches none.
   */
  #bindingOf(source: TracedSource, { node, type }: Slot): SlotBinding | undefined {
    const named = source.content.nodes.get(node.name)
    const before = named ?? this.#renamed(source, node)
    if (!before) return undefined
    // Another node type may use the secret differently, such as to authenticate callers. With a destination, hosts are compared.
    if (before.type !== node.type && !node.destination && this.#isGeneric(type)) return undefined
    const binding = source.bindings.get(slotKey(before.name, type))
    const sameId = node.id === null ? undefined : source.nodesById.get(node.id)
    if (!named || !sameId || sameId === named || sameId.type !== node.type) return binding
    const other = source.bindings.get(slotKey(sameId.name, type))
    if (!binding || !other || identityOf(binding) === identityOf(other)) return binding
    const likeName = likeness(node, named)
    const likeId = likeness(node, sameId)
    if (likeName === likeId) return undefined
    return likeName > likeId ? binding : other
  }

  /** A renamed node has the same ID. If a node with the old name still exists, this one is a copy. */
  #renamed({ nodesById }: TracedSource, node: SlotNode): SlotNode | undefined {
    const before = node.id === null ? undefined : nodesById.get(node.id)
    return before?.type === node.type && !this.#wanted.nodes.has(before.name) ? before : undefined
  }
}

/** Adds the signature of the expression inputs to the key. */
function withInputs(index: number, destination: Destination, inputs: ExpressionInputs): Destination {
  if (destination.computed.length === 0) return destination
  return { ...destination, key: `${destination.key} from ${inputs.signature(index, destination.computed)}` }
}

/** 2: the same parameters; 1: the same destination; 0: neither. */
function likeness(node: SlotNode, before: SlotNode): number {
  if (canonicalJson(node.parameters ?? {}) === canonicalJson(before.parameters ?? {})) return 2
  return node.destination && node.destination.key === before.destination?.key ? 1 : 0
}

function uniqueById(nodes: Iterable<SlotNode>): Map<string, SlotNode> {
  const byId = Map.groupBy(nodes, ({ id }) => id)
  return new Map(
    [...byId].flatMap(([id, [node, another]]) => (id !== null && node && !another ? [[id, node]] : [])),
  )
}

/** Whether both fill the same slots with the same credentials. */
export function sameBindings(a: readonly SlotBinding[], b: readonly SlotBinding[]): boolean {
  const before = new Map(a.map((each) => [slotKey(each.node, each.type), identityOf(each)]))
  return (
    before.size === b.length &&
    b.every((each) => before.get(slotKey(each.node, each.type)) === identityOf(each))
  )
}
