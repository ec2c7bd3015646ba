/**
 * @module Which credential fills which slot of a workflow. Pure: the same rows bind the same way. A secret goes only where
 * somebody has said that it goes: a caller, an earlier deployment, n8n, the workflow's JSON, or a type of one service of
 * which there is one credential.
 */
import type { AvailableCredential } from '../credentials/available.ts'
import type { CredentialChoice, SlotBinding } from '../db/schema/deployments.ts'
import { AppError, type FieldError } from '../errors.ts'
import type { Catalogue } from '../n8n/catalogue.ts'
import { isSentTo } from '../n8n/request-destination.ts'
import { type Slot, type SlotNode, slotKey, type WorkflowSlots } from '../n8n/slots.ts'
import { candidateLimit } from './candidates.ts'

/**
 * `missing`: there is none, or the node names one that the user does not have. `ambiguous`: one must be chosen.
 * `needs-consent`: its owner has to sign in inside n8n. `n8n`: bound to one that only n8n has.
 */
export const slotStatuses = ['bound', 'missing', 'ambiguous', 'needs-consent', 'n8n'] as const
export type SlotStatus = (typeof slotStatuses)[number]

/** Why a slot is filled with its credential: the first that applied, in this order. */
export const slotReasons = ['chosen', 'earlier', 'live', 'name', 'only'] as const
export type SlotReason = (typeof slotReasons)[number]

/** What a caller has chosen: for a node, or for every slot of the type that no other entry names. */
export interface ChosenBinding {
  node?: string | undefined
  type: string
  credential: CredentialChoice
  /** Where it stands in the body. */
  pointer: string
}

/** A workflow of which the bindings are known: what was deployed before, or what n8n has. */
export interface BindingSource {
  reason: 'earlier' | 'live'
  bindings: readonly SlotBinding[]
  content: WorkflowSlots
}

/** The credential went elsewhere before: it goes to another host only when a caller chooses it for the node. */
export interface NewHost {
  credential: CredentialChoice
  /** Empty: nodes of its own service used it. */
  from: (string | null)[]
  /** How many hosts are not in `from`. */
  moreFrom: number
  to: string | null
}

export interface ResolvedSlot extends Slot {
  displayName: string
  status: SlotStatus
  credential: CredentialChoice | null
  reason: SlotReason | null
  newHost?: NewHost
  /** Where to sign in inside n8n, for one that is there and lacks consent. */
  consentUrl?: string
  /** The user's of the type, newest first. */
  candidates: AvailableCredential[]
  /** How many of them an answer lists. */
  candidateLimit: number
}

export interface SlotQuestion {
  wanted: WorkflowSlots
  catalogue: Catalogue
  /** The owner's, newest first: of the slots' types and those chosen. */
  available: readonly AvailableCredential[]
  chosen?: readonly ChosenBinding[]
  /** The first that knows a slot fills it. */
  sources?: readonly BindingSource[]
}

/** @throws {AppError} `invalid` for a choice that fits no slot, is not the owner's, or repeats another */
export function resolveSlots(question: SlotQuestion): ResolvedSlot[] {
  const { wanted, catalogue, available, chosen = [], sources = [] } = question
  const byType = Map.groupBy(available, ({ type }) => type)
  const tracer = new SourceTracer(wanted, sources)
  const slots = [...wanted.slots, ...extraSlots(wanted, chosen, tracer)]
  const choices = readChoices(slots, wanted, chosen, byType)
  const namedInType = Map.groupBy(slots, ({ type }) => type)
  const limit = candidateLimit(slots.length)
  return slots.map((slot): ResolvedSlot => {
    const candidates = byType.get(slot.type) ?? []
    const displayName = catalogue.credentialType(slot.type)?.displayName ?? slot.type
    const described = Object.assign({ displayName, candidates, candidateLimit: limit }, slot)
    const unfilled = (status: SlotStatus, newHost?: NewHost) =>
      Object.assign(described, { status, credential: null, reason: null }, newHost && { newHost })
    const own = choices.forNode.get(slotKey(slot.node.name, slot.type))
    const found = own
      ? ({ credential: own, reason: 'chosen' } as const)
      : (of(choices.forType.get(slot.type), 'chosen') ??
        tracer.trace(slot, (credential) => isThere(credential, candidates)) ??
        of(byName(slot, candidates), 'name') ??
        of(onlyOne(slot, candidates, namedInType.get(slot.type) ?? [], catalogue), 'only'))
    if (!found) {
      return unfilled(slot.named !== null && !isNamed(slot, candidates) ? 'missing' : emptyStatus(candidates))
    }
    const newHost = own ? undefined : tracer.newHost(slot, found.credential)
    if (newHost) return unfilled('ambiguous', newHost)
    return Object.assign(described, { status: filledStatus(found.credential, candidates) }, found)
  })
}

const of = <R extends SlotReason>(credential: CredentialChoice | undefined, reason: R) =>
  credential && { credential, reason }

const emptyStatus = (candidates: AvailableCredential[]): SlotStatus =>
  candidates.length === 0 ? 'missing' : 'ambiguous'

function filledStatus(credential: CredentialChoice, candidates: AvailableCredential[]): SlotStatus {
  if ('n8nCredentialId' in credential) return 'n8n'
  return candidates.find(({ id }) => id === credential.credentialId)?.usable ? 'bound' : 'needs-consent'
}

const isThere = (credential: CredentialChoice, candidates: AvailableCredential[]): boolean =>
  'n8nCredentialId' in credential || candidates.some(({ id }) => id === credential.credentialId)

const withName = (slot: Slot, candidates: AvailableCredential[]) =>
  candidates.filter(({ name }) => name.trim() === slot.named?.name)

const isNamed = (slot: Slot, candidates: AvailableCredential[]): boolean =>
  withName(slot, candidates).length > 0

function byName(slot: Slot, candidates: AvailableCredential[]): CredentialChoice | undefined {
  const [found, another] = withName(slot, candidates)
  return found && !another && isTrusted(found) ? { credentialId: found.id } : undefined
}

/** One that its service has rejected is taken only when somebody says so. */
const isTrusted = ({ status }: AvailableCredential): boolean => status !== 'invalid'

/** Only where the type says whose secret it is, and no node of the workflow asks for another one of the type. */
function onlyOne(
  { type }: Slot,
  candidates: AvailableCredential[],
  ofType: Slot[],
  catalogue: Catalogue,
): CredentialChoice | undefined {
  const [only, another] = candidates
  if (!only || another || !isTrusted(only) || catalogue.isGenericCredential(type)) return undefined
  const isUnopposed = ofType.every(({ named }) => named === null || named.name === only.name.trim())
  return isUnopposed ? { credentialId: only.id } : undefined
}

/** Any type may be bound at a node whose type an expression chooses: those that were chosen, or bound before. */
function extraSlots(wanted: WorkflowSlots, chosen: readonly ChosenBinding[], tracer: SourceTracer): Slot[] {
  const open = new Set(wanted.unresolved.map(({ node }) => node))
  const known = new Set(wanted.slots.map(({ node, type }) => slotKey(node.name, type)))
  const types = new Set(wanted.slots.map(({ type }) => type))
  const extras: Slot[] = []
  const add = (name: string, type: string) => {
    const node = wanted.nodes.get(name)
    const key = slotKey(name, type)
    if (!node || !open.has(name) || known.has(key)) return
    known.add(key)
    extras.push({ node, type, optional: true, named: null })
  }
  for (const { node, type } of chosen) {
    if (node !== undefined) add(node, type)
    else if (!types.has(type)) for (const name of open) add(name, type)
  }
  for (const name of open) for (const type of tracer.typesBoundAt(name)) add(name, type)
  return extras
}

interface Choices {
  forNode: Map<string, CredentialChoice>
  forType: Map<string, CredentialChoice>
}

function readChoices(
  slots: Slot[],
  wanted: WorkflowSlots,
  chosen: readonly ChosenBinding[],
  available: Map<string, AvailableCredential[]>,
): Choices {
  const keys = new Set(slots.map(({ node, type }) => slotKey(node.name, type)))
  const types = new Set(slots.map(({ type }) => type))
  const choices: Choices = { forNode: new Map(), forType: new Map() }
  const errors: FieldError[] = []
  for (const { node, type, credential, pointer } of chosen) {
    const detail =
      misplaced(node, type, keys, types, wanted, slots) ??
      (isThere(credential, available.get(type) ?? [])
        ? undefined
        : `You have no ${type} credential with this id; GET /v1/credentials?type=${type} lists those you have`)
    const [map, key] =
      node === undefined
        ? ([choices.forType, type] as const)
        : ([choices.forNode, slotKey(node, type)] as const)
    if (detail !== undefined) errors.push({ pointer, detail })
    else if (map.has(key)) errors.push({ pointer, detail: repeated(node, type) })
    else map.set(key, credential)
  }
  const [first] = errors
  if (first) throw new AppError('invalid', `${first.pointer}: ${first.detail}`, { errors })
  return choices
}

/** Why an entry fits no slot. */
function misplaced(
  node: string | undefined,
  type: string,
  keys: ReadonlySet<string>,
  types: ReadonlySet<string>,
  wanted: WorkflowSlots,
  slots: Slot[],
): string | undefined {
  if (node === undefined) {
    return types.has(type) ? undefined : `No node needs a ${type} credential; remove the entry`
  }
  if (keys.has(slotKey(node, type))) return undefined
  if (!wanted.nodes.has(node)) {
    return `The workflow has no node ${quoted(node)}; use a node's name as the workflow has it`
  }
  const needed = slots.flatMap((slot) => (slot.node.name === node ? [slot.type] : []))
  return needed.length > 0
    ? `The node ${quoted(node)} takes no ${type} credential; it takes ${needed.join(', ')}`
    : `The node ${quoted(node)} takes no credential; remove the entry`
}

const repeated = (node: string | undefined, type: string) =>
  node === undefined
    ? `${type} has an entry without a node already; name the node, or remove one of them`
    : `The node ${quoted(node)} has an entry for ${type} already; remove one of them`

const maximumQuoted = 120
export const quoted = (name: string): string =>
  `"${name.length > maximumQuoted ? `${name.slice(0, maximumQuoted)}…` : name}"`

/** Tells two credentials apart. */
export const identityOf = (credential: CredentialChoice): string =>
  'n8nCredentialId' in credential ? `n8n:${credential.n8nCredentialId}` : credential.credentialId

interface TracedSource {
  reason: BindingSource['reason']
  bindings: Map<string, SlotBinding>
  content: WorkflowSlots
  nodesById: Map<string, SlotNode>
}

const maxHostsTold = 5

/** Finds what the sources bound, and the hosts that they sent each credential to. */
class SourceTracer {
  readonly #wanted: WorkflowSlots
  readonly #sources: TracedSource[]
  /** Credential that was bound → where requests took it, which may be nowhere. */
  readonly #sent = new Map<string, Map<string, string | null>>()

  constructor(wanted: WorkflowSlots, sources: readonly BindingSource[]) {
    this.#wanted = wanted
    this.#sources = sources.map(({ reason, bindings, content }) => ({
      reason,
      content,
      bindings: new Map(bindings.map((binding) => [slotKey(binding.node, binding.type), binding])),
      nodesById: new Map([...content.nodes.values()].flatMap((node) => (node.id ? [[node.id, node]] : []))),
    }))
    for (const { content, bindings } of sources) {
      const slots = new Set(content.slots.map(({ node, type }) => slotKey(node.name, type)))
      const open = new Set(content.unresolved.map(({ node }) => node))
      for (const binding of bindings) {
        if (!slots.has(slotKey(binding.node, binding.type)) && !open.has(binding.node)) continue
        const identity = identityOf(binding)
        const hosts = this.#sent.get(identity) ?? new Map<string, string | null>()
        this.#sent.set(identity, hosts)
        const destination = content.nodes.get(binding.node)?.destination
        if (destination) hosts.set(destination.key, destination.label)
      }
    }
  }

  trace(slot: Slot, isThere: (credential: CredentialChoice) => boolean) {
    for (const source of this.#sources) {
      const name = this.#nameIn(source, slot.node)
      const binding = name === undefined ? undefined : source.bindings.get(slotKey(name, slot.type))
      if (binding && isThere(binding)) return { credential: choiceOf(binding), reason: source.reason }
    }
    return undefined
  }

  typesBoundAt(name: string): string[] {
    const node = this.#wanted.nodes.get(name)
    if (!node) return []
    return this.#sources.flatMap((source) => {
      const before = this.#nameIn(source, node)
      return [...source.bindings.values()].flatMap((each) => (each.node === before ? [each.type] : []))
    })
  }

  newHost({ node }: Slot, credential: CredentialChoice): NewHost | undefined {
    const sent = this.#sent.get(identityOf(credential))
    if (!sent || !node.destination || isSentTo(sent, node.destination)) return undefined
    const from: (string | null)[] = []
    for (const label of sent.values()) {
      if (from.length === maxHostsTold) break
      from.push(label)
    }
    return { credential, from, moreFrom: sent.size - from.length, to: node.destination.label }
  }

  /** The node of the same name; else the one that was renamed since, which n8n's id of the node tells. */
  #nameIn({ content, nodesById }: TracedSource, node: SlotNode): string | undefined {
    if (content.nodes.has(node.name)) return node.name
    const before = node.id === null ? undefined : nodesById.get(node.id)
    const isRenamed = before?.type === node.type && !this.#wanted.nodes.has(before.name)
    return isRenamed ? before.name : undefined
  }
}

export function choiceOf(binding: CredentialChoice): CredentialChoice {
  return 'n8nCredentialId' in binding
    ? { n8nCredentialId: binding.n8nCredentialId }
    : { credentialId: binding.credentialId }
}

/** Whether both fill the same slots with the same credentials. */
export function sameBindings(a: readonly SlotBinding[], b: readonly SlotBinding[]): boolean {
  const before = new Map(a.map((each) => [slotKey(each.node, each.type), identityOf(each)]))
  return (
    before.size === b.length &&
    b.every((each) => before.get(slotKey(each.node, each.type)) === identityOf(each))
  )
}
