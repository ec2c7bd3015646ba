/**
 * @module Decides which credential fills each slot of a workflow. Pure and deterministic. A binding always has a source: a
 * caller's choice, an earlier deployment, n8n, the workflow's JSON, or the only credential of a type that is tied to one
 * service.
 */
import { normalForm } from '../lib/normal-form.ts'
import type { AvailableCredential } from '../credentials/available.ts'
import type { CredentialChoice } from '../db/schema/deployments.ts'
import type { ChosenCredential } from '../db/schema/environments.ts'
import { type FieldError, requireNone } from '../errors.ts'
import type { Catalogue } from '../n8n/catalogue/catalogue.ts'
import { type Slot, slotKey, type WorkflowSlots } from '../n8n/reading/slots.ts'
import { type BindingSource, identityOf, type NewHost, SourceTracer, type Traced } from './binding-sources.ts'
import { candidateLimit } from './candidates.ts'

/**
 * `missing`: the user has no such credential. `ambiguous`: the caller must choose one. `needs-consent`: the owner must
 * sign in inside n8n. `n8n`: bound to a credential that exists only in n8n.
 */
export const slotStatuses = ['bound', 'missing', 'ambiguous', 'needs-consent', 'n8n'] as const
export type SlotStatus = (typeof slotStatuses)[number]

/** Why a credential fills a slot: the first rule that applied, in this order. */
export const slotReasons = ['chosen', 'instance', 'environment', 'earlier', 'live', 'name', 'only'] as const
export type SlotReason = (typeof slotReasons)[number]

/** A caller's choice for a node, or for all slots of the type without their own entry. */
export interface RequestedBinding {
  node?: string | undefined
  type: string
  credential: CredentialChoice
  /** JSON pointer into the body. */
  pointer: string
}

export interface Misnamed {
  /** The user's credential with that name; null if there is none. */
  other: AvailableCredential | null
  /** The name in the JSON has changed since the credential was bound. */
  isNew: boolean
}

export interface ResolvedSlot extends Slot {
  displayName: string
  status: SlotStatus
  credential: CredentialChoice | null
  reason: SlotReason | null
  newHost?: NewHost
  /** It was chosen for the instance or its environment, but has been deleted. */
  lostChoice?: 'instance' | 'environment'
  /** The user's credential that would fill the slot, but was chosen for other environments or instances only. */
  chosenElsewhere?: AvailableCredential
  /** An earlier deployment already used the credential here. */
  isBoundAlready?: boolean
  /** The node's JSON names a different credential than the earlier binding. */
  misnamed?: Misnamed
  /** Where to sign in inside n8n, with `needs-consent`. */
  consentUrl?: string
  /** Result of the check in n8n, if it ran. */
  inN8n?: 'gone' | 'consent-unknown'
  /** Name of a credential that exists only in n8n. */
  nameInN8n?: string
  /** The user's credentials of the type, newest first. */
  candidates: AvailableCredential[]
  /** Maximum number of candidates in a response. */
  candidateLimit: number
}

export interface SlotQuestion {
  wanted: WorkflowSlots
  catalogue: Catalogue
  /** The owner's credentials of the slot types and chosen types, newest first. */
  available: readonly AvailableCredential[]
  requested?: readonly RequestedBinding[]
  /** In order of precedence. */
  sources?: readonly BindingSource[]
  target?: SlotTarget
}

/** The credentials of the instance and its environment. */
export interface SlotTarget {
  /** In order of precedence. */
  chosen: readonly { by: 'instance' | 'environment'; credentials: readonly ChosenCredential[] }[]
  /** IDs of credentials that fill no slot here unless the caller chooses them or an earlier deployment used them. */
  chosenElsewhere: ReadonlySet<string>
}

/** @throws {AppError} `invalid` for a choice without a matching slot, of another user, or made twice */
export function resolveSlots(question: SlotQuestion): ResolvedSlot[] {
  const { wanted, catalogue, available, requested = [], sources = [], target } = question
  const byType = Map.groupBy(available, ({ type }) => type)
  const tracer = new SourceTracer(wanted, sources, (type) => catalogue.isGenericCredential(type))
  const slots = [...wanted.slots, ...extraSlots(wanted, requested, tracer)]
  const choices = readChoices(slots, wanted, requested, byType)
  const namedInType = Map.groupBy(slots, ({ type }) => type)
  const limit = candidateLimit(slots.length)
  return slots.map((slot): ResolvedSlot => {
    const candidates = byType.get(slot.type) ?? []
    const displayName = catalogue.credentialType(slot.type)?.displayName ?? slot.type
    const described = Object.assign({ displayName, candidates, candidateLimit: limit }, slot)
    const unfilled = (status: SlotStatus, newHost?: NewHost) =>
      Object.assign(described, { status, credential: null, reason: null }, newHost && { newHost })
    const own = choices.forNode.get(slotKey(slot.node.name, slot.type))
    const requestedCredential = of(own ?? choices.forType.get(slot.type), 'chosen')
    const traced = requestedCredential
      ? undefined
      : tracer.trace(slot, (credential) => isThere(credential, candidates))
    const bySource = of(traced?.credential, traced?.reason)
    const byRule =
      bySource ??
      of(byName(slot, candidates), 'name') ??
      of(onlyOne(slot, candidates, namedInType.get(slot.type) ?? [], catalogue), 'only')
    const chosen = requestedCredential ? undefined : chosenFor(slot, byRule?.credential, target, candidates)
    if (chosen && !isThere(chosen.credential, candidates))
      return Object.assign(unfilled('missing'), { lostChoice: chosen.reason })
    const found = requestedCredential ?? chosen ?? byRule
    const elsewhere = found && target && elsewhereOf(found, target, candidates)
    if (elsewhere && !bySource) return Object.assign(unfilled('ambiguous'), { chosenElsewhere: elsewhere })
    if (!found) {
      return unfilled(
        slot.named !== null && namesakes(slot, candidates).length === 0 ? 'missing' : emptyStatus(candidates),
      )
    }
    const newHost = own ? undefined : tracer.newHost(slot, found.credential)
    if (newHost) return unfilled('ambiguous', newHost)
    const status = filledStatus(found.credential, candidates)
    const misnamed = traced && !chosen && misnamedOf(slot, traced, candidates)
    const isBoundAlready = chosen && traced && identityOf(traced.credential) === identityOf(chosen.credential)
    return Object.assign(
      described,
      { status },
      found,
      misnamed && { misnamed },
      elsewhere && { chosenElsewhere: elsewhere },
      isBoundAlready && { isBoundAlready },
    )
  })
}

const of = (credential: CredentialChoice | undefined, reason: SlotReason | undefined) =>
  credential && reason && { credential, reason }

/** The choice of the instance, else of its environment. An entry for the credential comes before one for the type. */
function chosenFor(
  slot: Slot,
  otherwise: CredentialChoice | undefined,
  target: SlotTarget | undefined,
  candidates: AvailableCredential[],
): { credential: { credentialId: string }; reason: 'instance' | 'environment' } | undefined {
  const named = namedOne(slot, candidates)?.id
  const replaced = new Set([
    named,
    otherwise && 'credentialId' in otherwise ? otherwise.credentialId : undefined,
  ])
  for (const { by, credentials } of target?.chosen ?? []) {
    const ofType = credentials.filter(({ type }) => type === slot.type)
    const entry =
      ofType.find(({ insteadOf }) => insteadOf !== undefined && replaced.has(insteadOf)) ??
      ofType.find(({ insteadOf }) => insteadOf === undefined)
    if (entry) return { credential: { credentialId: entry.credentialId }, reason: by }
  }
  return undefined
}

/** The credential, if it was chosen elsewhere but neither here nor in the request. */
function elsewhereOf(
  { credential, reason }: { credential: CredentialChoice; reason: SlotReason },
  { chosenElsewhere }: SlotTarget,
  candidates: AvailableCredential[],
): AvailableCredential | undefined {
  if (reason === 'chosen' || 'n8nCredentialId' in credential) return undefined
  if (!chosenElsewhere.has(credential.credentialId)) return undefined
  return candidates.find(({ id }) => id === credential.credentialId)
}

const emptyStatus = (candidates: AvailableCredential[]): SlotStatus =>
  candidates.length === 0 ? 'missing' : 'ambiguous'

function filledStatus(credential: CredentialChoice, candidates: AvailableCredential[]): SlotStatus {
  if ('n8nCredentialId' in credential) return 'n8n'
  return candidates.find(({ id }) => id === credential.credentialId)?.usable ? 'bound' : 'needs-consent'
}

const isThere = (credential: CredentialChoice, candidates: AvailableCredential[]): boolean =>
  'n8nCredentialId' in credential || candidates.some(({ id }) => id === credential.credentialId)

/** Ignores surrounding whitespace and Unicode normalization. */
export const isSameName = (a: string, b: string): boolean =>
  normalForm(a.trim(), 'NFC') === normalForm(b.trim(), 'NFC')

/** The user's credentials with the name from the node's JSON. */
const namesakes = ({ named }: Slot, candidates: AvailableCredential[]): AvailableCredential[] =>
  candidates.filter(({ name }) => named?.name != null && isSameName(name, named.name))

/** If several names are equal after normalization, prefers the exact match. */
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
  // For a credential in n8n, the JSON has n8n's name for it until it is edited.
  return 'credentialId' in credential || isNew ? { other: null, isNew } : undefined
}

/** A rejected credential requires an explicit choice. */
const isTrusted = ({ status }: AvailableCredential): boolean => status !== 'invalid'

/** Only if the type is tied to a service and no node names another credential of the type. */
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

/** Slots for nodes whose credential type is an expression: the types that were chosen or bound before. */
function extraSlots(
  wanted: WorkflowSlots,
  requested: readonly RequestedBinding[],
  tracer: SourceTracer,
): Slot[] {
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
  for (const { node, type } of requested) {
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
  requested: readonly RequestedBinding[],
  available: Map<string, AvailableCredential[]>,
): Choices {
  const keys = new Set(slots.map(({ node, type }) => slotKey(node.name, type)))
  const types = new Set(slots.map(({ type }) => type))
  const choices: Choices = { forNode: new Map(), forType: new Map() }
  const errors: FieldError[] = []
  for (const { node, type, credential, pointer } of requested) {
    const detail =
      misplaced(node, type, keys, types, wanted, slots) ??
      (isThere(credential, available.get(type) ?? [])
        ? undefined
        : `You have no ${type} credential with this ID. List yours with GET /v1/credentials?type=${type}`)
    const [map, key] =
      node === undefined
        ? ([choices.forType, type] as const)
        : ([choices.forNode, slotKey(node, type)] as const)
    if (detail !== undefined) errors.push({ pointer, detail })
    else if (map.has(key)) errors.push({ pointer, detail: repeated(node, type) })
    else map.set(key, credential)
  }
  requireNone(errors)
  return choices
}

/** Why an entry matches no slot. */
function misplaced(
  node: string | undefined,
  type: string,
  keys: ReadonlySet<string>,
  types: ReadonlySet<string>,
  wanted: WorkflowSlots,
  slots: Slot[],
): string | undefined {
  if (node === undefined) {
    return types.has(type) ? undefined : `No node needs a ${type} credential. Remove the entry`
  }
  if (keys.has(slotKey(node, type))) return undefined
  if (!wanted.nodes.has(node)) {
    return `The workflow has no node ${quoted(node)}. Use the exact name of a node`
  }
  const needed = slots.flatMap((slot) => (slot.node.name === node ? [slot.type] : []))
  return needed.length > 0
    ? `The node ${quoted(node)} does not use a ${type} credential. It uses ${needed.join(', ')}`
    : `The node ${quoted(node)} does not use credentials. Remove the entry`
}

const repeated = (node: string | undefined, type: string) =>
  node === undefined
    ? `${type} already has an entry without a node. Set the node or remove one of the entries`
    : `The node ${quoted(node)} already has an entry for ${type}. Remove one of the entries`

const maximumQuoted = 120
export const quoted = (name: string): string =>
  `"${name.length > maximumQuoted ? `${name.slice(0, maximumQuoted)}…` : name}"`

export const isFilled = ({ status }: Pick<ResolvedSlot, 'status'>): boolean =>
  status === 'bound' || status === 'n8n'

/** Undefined for an n8n credential whose name was not requested. */
export function nameOf({ credential, candidates, nameInN8n }: ResolvedSlot): string | undefined {
  if (credential === null || 'n8nCredentialId' in credential) return nameInN8n
  return candidates.find(({ id }) => id === credential.credentialId)?.name
}
