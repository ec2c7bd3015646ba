/**
 * @module Which credential fills which slot of a workflow. Pure: the same rows bind the same way. A secret goes only where
 * somebody has said that it goes: a caller, an earlier deployment, n8n, the workflow's JSON, or a type of one service of
 * which there is one credential.
 */
import type { AvailableCredential } from '../credentials/available.ts'
import type { CredentialChoice } from '../db/schema/deployments.ts'
import { AppError, type FieldError } from '../errors.ts'
import type { Catalogue } from '../n8n/catalogue.ts'
import { type Slot, slotKey, type WorkflowSlots } from '../n8n/slots.ts'
import { type BindingSource, type NewHost, SourceTracer, type Traced } from './binding-sources.ts'
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

export interface Misnamed {
  /** The user's of that name; null: there is none. */
  other: AvailableCredential | null
  /** The JSON named another one, or none, when the credential was bound. */
  isNew: boolean
}

export interface ResolvedSlot extends Slot {
  displayName: string
  status: SlotStatus
  credential: CredentialChoice | null
  reason: SlotReason | null
  newHost?: NewHost
  /** The node's JSON names another credential than the one that fills it since before. */
  misnamed?: Misnamed
  /** Where to sign in inside n8n, for one that is there and lacks consent. */
  consentUrl?: string
  /** What n8n says of the credential, where it was asked. */
  inN8n?: 'gone' | 'consent-unknown'
  /** Of a credential that only n8n has. */
  nameInN8n?: string
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
  const tracer = new SourceTracer(wanted, sources, (type) => catalogue.isGenericCredential(type))
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
    const chosenOne = of(own ?? choices.forType.get(slot.type), 'chosen')
    const traced = chosenOne ? undefined : tracer.trace(slot, (credential) => isThere(credential, candidates))
    const found =
      chosenOne ??
      of(traced?.credential, traced?.reason) ??
      of(byName(slot, candidates), 'name') ??
      of(onlyOne(slot, candidates, namedInType.get(slot.type) ?? [], catalogue), 'only')
    if (!found) {
      return unfilled(
        slot.named !== null && namesakes(slot, candidates).length === 0 ? 'missing' : emptyStatus(candidates),
      )
    }
    const newHost = own ? undefined : tracer.newHost(slot, found.credential)
    if (newHost) return unfilled('ambiguous', newHost)
    const status = filledStatus(found.credential, candidates)
    const misnamed = traced && misnamedOf(slot, traced, candidates)
    return Object.assign(described, { status }, found, misnamed && { misnamed })
  })
}

const of = (credential: CredentialChoice | undefined, reason: SlotReason | undefined) =>
  credential && reason && { credential, reason }

const emptyStatus = (candidates: AvailableCredential[]): SlotStatus =>
  candidates.length === 0 ? 'missing' : 'ambiguous'

function filledStatus(credential: CredentialChoice, candidates: AvailableCredential[]): SlotStatus {
  if ('n8nCredentialId' in credential) return 'n8n'
  return candidates.find(({ id }) => id === credential.credentialId)?.usable ? 'bound' : 'needs-consent'
}

const isThere = (credential: CredentialChoice, candidates: AvailableCredential[]): boolean =>
  'n8nCredentialId' in credential || candidates.some(({ id }) => id === credential.credentialId)

/** As a person reads them: é may be one character or two. */
export const isSameName = (a: string, b: string): boolean =>
  a.trim().normalize('NFC') === b.trim().normalize('NFC')

/** The user's of the name that the node's JSON gives. */
const namesakes = ({ named }: Slot, candidates: AvailableCredential[]): AvailableCredential[] =>
  candidates.filter(({ name }) => named?.name != null && isSameName(name, named.name))

/** Of several that read the same, the one that is the same to the letter. */
function namedOne(slot: Slot, candidates: AvailableCredential[]): AvailableCredential | undefined {
  const alike = namesakes(slot, candidates)
  const found = alike.length > 1 ? alike.filter(({ name }) => name.trim() === slot.named?.name) : alike
  return found.length === 1 ? found[0] : undefined
}

function byName(slot: Slot, candidates: AvailableCredential[]): CredentialChoice | undefined {
  const found = namedOne(slot, candidates)
  return found && isTrusted(found) ? { credentialId: found.id } : undefined
}

function misnamedOf(
  slot: Slot,
  { credential, namedBefore }: Traced,
  candidates: AvailableCredential[],
): Misnamed | undefined {
  const name = slot.named?.name ?? null
  if (name === null) return undefined
  const isNew = namedBefore === null || !isSameName(name, namedBefore)
  const other = namedOne(slot, candidates)
  if (other) {
    const isBound = 'credentialId' in credential && credential.credentialId === other.id
    return isBound ? undefined : { other, isNew }
  }
  // A credential of n8n has the name that n8n gave to the JSON, until the JSON names another one.
  return 'credentialId' in credential || isNew ? { other: null, isNew } : undefined
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
  const isUnopposed = ofType.every(
    ({ named }) => named === null || (named.name !== null && isSameName(named.name, only.name)),
  )
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

export const isFilled = ({ status }: Pick<ResolvedSlot, 'status'>): boolean =>
  status === 'bound' || status === 'n8n'

/** Undefined for a credential of n8n that was not asked for its name. */
export function nameOf({ credential, candidates, nameInN8n }: ResolvedSlot): string | undefined {
  if (credential === null || 'n8nCredentialId' in credential) return nameInN8n
  return candidates.find(({ id }) => id === credential.credentialId)?.name
}
