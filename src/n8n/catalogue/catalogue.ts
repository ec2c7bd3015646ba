/** @module Catalogue of the built-in node and credential types of n8n 2.41.1. */
import { readDataFile } from '#data-files'
import type { JsonObject } from '../../lib/json-object.ts'
import { sharedLoad } from '../../lib/shared-load.ts'
import {
  type CatalogueFile,
  CredentialFlag,
  type CredentialRow,
  type DescriptionRow,
  FieldFlag,
  type FieldType,
  NodeFlag,
  type NodeRow,
  toFieldType,
} from './catalogue-file.ts'
import { isFieldDisplayed } from './display-options.ts'

/** `kind`: string, number, boolean, options, json, hidden, fixedCollection. */
export interface CredentialField {
  name: string
  /** n8n's label */
  label?: string
  kind: string
  /** Has no default, and n8n displays it while the fields of `shownWhen` have their defaults. */
  required: boolean
  secret: boolean
  /** Allowed values, if n8n lists them. */
  options?: unknown[]
  /** The value that n8n uses if none is given. */
  default?: unknown
  /** The smallest and the largest value of a number. */
  minimum?: number
  maximum?: number
  /** n8n displays the field only while each of these fields has one of the values. */
  shownWhen?: Record<string, unknown[]>
}

export interface CredentialTypeSummary {
  type: string
  displayName: string
  /** uses OAuth 1 or 2; n8n adds `oauthTokenData` */
  oauth: boolean
}

export interface CredentialType extends CredentialTypeSummary {
  fields: CredentialField[]
  /** node types that can use it, sorted */
  nodeTypes: string[]
  /** the type declares a test request for n8n */
  testable: boolean
}

export interface NodeTypeSummary {
  type: string
  displayName: string
  trigger: boolean
}

export interface NodeType extends NodeTypeSummary {
  /** credential types declared by any version, sorted */
  credentialTypes: string[]
  /** type versions, ascending */
  versions: number[]
  /** n8n has a single description and uses it for any version */
  takesAnyVersion: boolean
  defaultVersion: number
}

/** One version of a node type. */
export interface NodeDescription {
  version: number
  /** tool variant of a node, `…Tool` or `…HitlTool` */
  isTool: boolean
  facts: DescriptionRow
}

/** n8n adds these to every type that the HTTP Request node can use. */
const DOMAIN_FIELDS: FieldType[] = [
  toFieldType([
    'allowedHttpRequestDomains',
    'options',
    FieldFlag.hasDefault,
    ['all', 'domains', 'none'],
    'all',
    null,
    null,
    null,
    'Allowed HTTP Request Domains',
  ]),
  toFieldType([
    'allowedDomains',
    'string',
    0,
    null,
    null,
    { allowedHttpRequestDomains: ['domains'] },
    null,
    null,
    'Allowed Domains',
  ]),
]
const OAUTH_TOKEN_FIELD = toFieldType(['oauthTokenData', 'json', FieldFlag.secret])

interface FoundNode {
  row: NodeRow
  /** of the display name */
  suffix: string
  descriptions: readonly DescriptionRow[]
}

/** The value for a key, found once. Keys without a value are not remembered: they are user input. */
function remembered<Value>(known: Map<string, Value>, key: string, find: () => Value | undefined) {
  const value = known.get(key) ?? find()
  if (value !== undefined) known.set(key, value)
  return value
}

/** Immutable, and so are the facts that it returns. Names are user input, so every lookup uses a Map. */
export class Catalogue {
  readonly #nodes: Map<string, NodeRow>
  readonly #credentials: Map<string, CredentialRow>
  /** credential type → node types that declare it */
  readonly #users = new Map<string, string[]>()
  readonly #nodeTypes = new Map<string, NodeType>()
  readonly #found = new Map<string, FoundNode>()

  constructor(file: CatalogueFile) {
    this.#nodes = new Map(file.nodes.map((row) => [row[0], row]))
    this.#credentials = new Map(file.credentials.map((row) => [row[0], row]))
    for (const row of file.nodes) {
      for (const name of this.#declared(row)) {
        const users = this.#users.get(name)
        if (users) users.push(row[0])
        else this.#users.set(name, [row[0]])
      }
    }
  }

  /** Undefined for a type that is not built into n8n 2.41.1. */
  credentialType(name: string): CredentialType | undefined {
    const row = this.#credentials.get(name)
    if (!row) return undefined
    const rows = this.credentialFields(name)
    const defaults = Object.fromEntries(rows.map((each) => [each.name, each.defaultValue]))
    const fields = new Map<string, CredentialField>()
    for (const each of rows) {
      if (each.kind !== 'notice' && isSettable(each)) fields.set(each.name, toField(each, defaults))
    }
    return {
      ...this.#credentialSummary(row),
      fields: [...fields.values()],
      nodeTypes: this.#users.get(name) ?? [],
      testable: Boolean(row[2] & CredentialFlag.test),
    }
  }

  hasCredentialType(name: string): boolean {
    return this.#credentials.has(name)
  }

  /** Whether the type is not tied to a service, so that nodes can send it to any server. */
  isGenericCredential(name: string): boolean {
    const row = this.#credentials.get(name)
    return row !== undefined && (Boolean(row[2] & CredentialFlag.genericAuth) || GENERIC_TYPES.has(name))
  }

  /**
   * The fields of a type, including inherited ones. As in n8n, a child's field replaces its parent's. In a type without
   * a parent, a name can occur twice if n8n displays one of two fields. Empty for an unknown type.
   */
  credentialFields(name: string): FieldType[] {
    const row = this.#credentials.get(name)
    if (!row) return []
    const [, , , parents, rows] = row
    const ownFields = rows.map(toFieldType)
    const own = takesDomains(row) ? withDomains(ownFields) : ownFields
    if (parents.length === 0) {
      return name === 'oAuth1Api' || name === 'oAuth2Api' ? [...own, OAUTH_TOKEN_FIELD] : own
    }
    const merged = new Map<string, FieldType>()
    for (const field of [...parents.flatMap((parent) => this.credentialFields(parent)), ...own]) {
      if (field.inherited) merged.set(field.name, field)
    }
    return [...merged.values()]
  }

  /** Includes the `…Tool` and `…HitlTool` variants that n8n derives from some nodes. */
  nodeType(name: string): NodeType | undefined {
    return remembered(this.#nodeTypes, name, () => {
      const found = this.#findNode(name)
      return found && this.#toNodeType(name, found)
    })
  }

  #toNodeType(name: string, { row, suffix, descriptions }: FoundNode): NodeType {
    const versions = descriptions.flatMap((each) => each.v).toSorted((a, b) => a - b)
    return {
      type: name,
      displayName: row[1] + suffix,
      trigger: !suffix && isTrigger(row),
      credentialTypes: this.#declared(row),
      versions,
      takesAnyVersion: row[3].length === 1,
      defaultVersion: row[2] ?? Math.max(...versions),
    }
  }

  /**
   * The facts for a type version, or for the default version if `version` is undefined.
   * Undefined if the type or version is unknown.
   */
  nodeDescription(name: string, version: number | undefined): NodeDescription | undefined {
    const found = this.#findNode(name)
    if (!found) return undefined
    const { row, suffix, descriptions } = found
    const wanted = version ?? row[2] ?? Math.max(...descriptions.flatMap((each) => each.v))
    const facts = descriptions.find((each) => each.v.includes(wanted))
    return facts && { version: wanted, isTool: suffix !== '' || name.endsWith('Tool'), facts }
  }

  /** Matches type and display name, ignoring case; an empty `query` matches all. Sorted by type. */
  searchCredentialTypes(query = ''): CredentialTypeSummary[] {
    return [...this.#credentials.values()]
      .filter((row) => contains(row, query))
      .map((row) => this.#credentialSummary(row))
  }

  /** Like `searchCredentialTypes`. Excludes tool variants. */
  searchNodeTypes(query = ''): NodeTypeSummary[] {
    return [...this.#nodes.values()]
      .filter((row) => contains(row, query))
      .map((row) => ({ type: row[0], displayName: row[1], trigger: isTrigger(row) }))
  }

  #findNode(name: string): FoundNode | undefined {
    return remembered(this.#found, name, () => this.#lookUpNode(name))
  }

  #lookUpNode(name: string): FoundNode | undefined {
    const row = this.#nodes.get(name)
    if (row) return { row, suffix: '', descriptions: row[3] }
    // `…HitlTool` first, because it also ends in `…Tool`.
    for (const [ending, flag, suffix] of TOOL_FORMS) {
      const base = name.endsWith(ending) ? this.#nodes.get(name.slice(0, -ending.length)) : undefined
      const descriptions = base?.[3].filter((each) => (each.f ?? 0) & flag) ?? []
      if (base && descriptions.length > 0) return { row: base, suffix, descriptions }
    }
    return undefined
  }

  #declared(row: NodeRow): string[] {
    const names = new Set(row[3].flatMap((each) => each.c ?? []).map(([name]) => name))
    const choosesGeneric = row[3].some((each) => each.p?.some(([name]) => name === 'genericAuthType'))
    if (choosesGeneric) {
      for (const [name, , flags] of this.#credentials.values()) {
        if (flags & CredentialFlag.genericAuth) names.add(name)
      }
    }
    return [...names].toSorted()
  }

  #credentialSummary(row: CredentialRow): CredentialTypeSummary {
    return { type: row[0], displayName: row[1], oauth: this.#isOauth(row) }
  }

  #isOauth([name, , , parents]: CredentialRow): boolean {
    if (name === 'oAuth1Api' || name === 'oAuth2Api') return true
    return parents.some((parent) => {
      const row = this.#credentials.get(parent)
      return row !== undefined && this.#isOauth(row)
    })
  }
}

/** Types without the `genericAuth` flag that are not tied to a service either. */
const GENERIC_TYPES: ReadonlySet<string> = new Set([
  'crypto',
  'httpMultipleHeadersAuth',
  'httpSslAuth',
  'jwtAuth',
  'mcpOAuth2Api',
])

const TOOL_FORMS = [
  ['HitlTool', NodeFlag.sendAndWait, ' HITL Tool'],
  ['Tool', NodeFlag.usableAsTool, ' Tool'],
] as const

function isTrigger(row: NodeRow): boolean {
  return row[3].some((each) => (each.f ?? 0) & NodeFlag.trigger)
}

function contains([type, displayName]: [string, string, ...unknown[]], query: string): boolean {
  const wanted = query.toLowerCase()
  return type.toLowerCase().includes(wanted) || displayName.toLowerCase().includes(wanted)
}

/** A type's own field takes precedence. */
function withDomains(fields: FieldType[]): FieldType[] {
  const names = new Set(fields.map(({ name }) => name))
  return [...fields, ...DOMAIN_FIELDS.filter(({ name }) => !names.has(name))]
}

function takesDomains([, , flags, parents]: CredentialRow): boolean {
  if (flags & (CredentialFlag.authenticate | CredentialFlag.genericAuth)) return true
  return parents.some((parent) => ['oAuth1Api', 'oAuth2Api', 'googleOAuth2Api'].includes(parent))
}

function toField(field: FieldType, defaults: JsonObject): CredentialField {
  const { name, label, kind, secret, hasDefault, defaultValue, minimum, maximum, show } = field
  const options = legalOptions(field)
  return {
    name,
    ...(label !== null && { label }),
    kind,
    required: isRequired(field) && isFieldDisplayed(field, defaults),
    secret,
    ...(options && { options }),
    ...(kind !== 'hidden' && hasDefault && { default: defaultValue }),
    ...(kind === 'number' && minimum !== null && { minimum }),
    ...(kind === 'number' && maximum !== null && { maximum }),
    ...(show && { shownWhen: show }),
  }
}

/** The listed values that n8n's public API accepts (strings only). Undefined if there is no list. */
export function legalOptions({ kind, options }: FieldType): string[] | undefined {
  if (kind !== 'options' || !options) return undefined
  return options.filter((option): option is string => typeof option === 'string')
}

/** False for an option field without a value that n8n's public API accepts. */
const isSettable = (field: FieldType): boolean => legalOptions(field)?.length !== 0

/** n8n fills hidden fields, and a default counts as a value. */
export function isRequired({ kind, required, hasDefault }: FieldType): boolean {
  return required && !hasDefault && kind !== 'hidden'
}

/** Loads the catalogue on first use and caches it for the isolate's lifetime. */
export const loadCatalogue = sharedLoad(
  async () => new Catalogue((await readDataFile('catalogue')) as CatalogueFile),
)
