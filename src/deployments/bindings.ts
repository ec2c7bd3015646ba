/** @module Which credential each type that a workflow needs is bound to. Pure: the same rows bind the same way. */
import type { Binding } from '../db/schema/deployments.ts'
import { AppError, type FieldError } from '../errors.ts'
import { pointerTo } from '../n8n/workflow-json.ts'

export interface HeldCredential {
  id: string
  type: string
  name: string
  status: 'untested' | 'valid' | 'invalid'
  /** False for a type that signs in through OAuth and has no token yet: consent is given inside n8n. */
  usable: boolean
}

export interface Requirement {
  type: string
  displayName: string
  nodes: string[]
  /** OAuth 1 or 2. */
  oauth: boolean
}

/**
 * `missing`: there is none. `ambiguous`: there are several and none was chosen. `needs-n8n`: consent must be given
 * inside n8n; choose a credential that is there.
 */
export const bindingStatuses = ['bound', 'missing', 'ambiguous', 'needs-n8n'] as const

export interface ResolvedBinding extends Requirement {
  status: (typeof bindingStatuses)[number]
  /** Null unless bound. */
  binding: Binding | null
  candidates: HeldCredential[]
}

export interface BindingChoice {
  requirements: Requirement[]
  /** Some nodes choose their credential's type at run time, so that a type beyond the requirements can be of use. */
  hasUnresolved: boolean
  /** The owner's, newest first: of the types required and those chosen. */
  held: HeldCredential[]
  /** What the caller chose, by type. */
  given: Record<string, Binding>
  /** What an earlier deployment was bound to; what is gone or no longer needed is passed over. */
  previous: Record<string, Binding>
}

/**
 * The choice of the caller, else what it was bound to before, else the only credential of the type.
 * @throws {AppError} `invalid` for a choice that is not the owner's, of another type, or that no node needs
 */
export function resolveBindings(choice: BindingChoice): ResolvedBinding[] {
  const { requirements, hasUnresolved, held, given, previous } = choice
  const required = new Set(requirements.map(({ type }) => type))
  const extras = Object.keys(given).filter((type) => !required.has(type))
  const errors: FieldError[] = Object.entries(given).flatMap(([type, binding]) => {
    const pointer = pointerTo('/bindings', type)
    if (!required.has(type) && !hasUnresolved) return [{ pointer, detail: `No node needs a ${type}` }]
    if (typeof binding !== 'string' || find(held, type, binding)) return []
    return [{ pointer, detail: `No such credential of the type ${type}` }]
  })
  const [first] = errors
  if (first) throw new AppError('invalid', `${first.pointer}: ${first.detail}`, { errors })
  const extra = extras.map((type) => ({ type, displayName: type, nodes: [], oauth: false }))
  return [...requirements, ...extra].map((requirement) => {
    const { type } = requirement
    const candidates = held.filter((credential) => credential.type === type)
    const chosen = given[type] ?? stillThere(previous[type], candidates)
    return Object.assign({}, requirement, { candidates }, bind(requirement, chosen, candidates))
  })
}

function bind(
  { oauth }: Requirement,
  chosen: Binding | undefined,
  candidates: HeldCredential[],
): Pick<ResolvedBinding, 'status' | 'binding'> {
  const unbound = (status: ResolvedBinding['status']) => ({ status, binding: null })
  if (typeof chosen === 'object') return { status: 'bound', binding: chosen }
  const usable = candidates.filter((candidate) => candidate.usable)
  if (chosen !== undefined) {
    return usable.some(({ id }) => id === chosen)
      ? { status: 'bound', binding: chosen }
      : unbound('needs-n8n')
  }
  const [only, another] = usable
  if (!only) return unbound(oauth ? 'needs-n8n' : 'missing')
  return another ? unbound('ambiguous') : { status: 'bound', binding: only.id }
}

const find = (held: HeldCredential[], type: string, id: string) =>
  held.find((credential) => credential.id === id && credential.type === type)

function stillThere(binding: Binding | undefined, candidates: HeldCredential[]): Binding | undefined {
  return typeof binding !== 'string' || candidates.some(({ id }) => id === binding) ? binding : undefined
}

/** @throws {AppError} `invalid` with one pointer for each type that is not bound */
export function requireBound(bindings: ResolvedBinding[]): Record<string, Binding> {
  const errors = bindings.flatMap(({ type, displayName, status, candidates }) =>
    status === 'bound'
      ? []
      : [{ pointer: pointerTo('/bindings', type), detail: reasons[status](displayName, candidates) }],
  )
  const [first] = errors
  if (first) throw new AppError('invalid', `${first.pointer}: ${first.detail}`, { errors })
  return Object.fromEntries(bindings.flatMap(({ type, binding }) => (binding ? [[type, binding]] : [])))
}

const reasons = {
  missing: (name: string) => `There is no credential for ${name}: create one first`,
  ambiguous: (name: string, candidates: HeldCredential[]) =>
    `There are ${candidates.length} credentials for ${name}: choose one by its id`,
  'needs-n8n': (name: string) =>
    `${name} takes consent inside n8n: sign in there and choose that credential with { n8nCredentialId }`,
}

export function sameBindings(a: Record<string, Binding>, b: Record<string, Binding>): boolean {
  const types = Object.keys(a)
  const idOf = (binding: Binding | undefined) =>
    typeof binding === 'object' ? `n8n:${binding.n8nCredentialId}` : binding
  return types.length === Object.keys(b).length && types.every((type) => idOf(a[type]) === idOf(b[type]))
}

/** What a node names: the id and name of a credential in n8n. */
export interface N8nCredentialRef {
  id: string
  name: string
}

export type CredentialRefs = ReadonlyMap<string, N8nCredentialRef>
