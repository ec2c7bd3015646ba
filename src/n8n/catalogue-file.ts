/**
 * @module The shape of `catalogue.json`: facts about n8n's own node and credential types, as rows to keep the bundle
 * small; nulls at the end of a row are left off. `scripts/catalogue.ts` writes it, `catalogue.ts` reads it; nothing else knows the row layout.
 */

/** n8n's `displayOptions.show` or `.hide`: parameter name → values or `{_cnd}` operators, any of which matches. */
export type Conditions = Record<string, unknown[]>

/** Bits of a node description row. */
export const NodeFlag = { trigger: 1, usableAsTool: 2, sendAndWait: 4 } as const

/** Bits of a parameter row. `nullable`: an explicit null is kept instead of giving way to the default. */
export const ParameterFlag = { nullable: 1, noDataExpression: 2 } as const

/** Bits of a credential type row. */
export const CredentialFlag = { test: 1, authenticate: 2, genericAuth: 4 } as const

/** Bits of a credential field row. `hasDefault`: the default is neither absent nor the empty string. */
export const FieldFlag = { required: 1, secret: 2, doNotInherit: 4, hasDefault: 8 } as const

/** name, required (0 or 1), show, hide */
export type CredentialUseRow = [
  name: string,
  required: number,
  show?: Conditions | null,
  hide?: Conditions | null,
]

/** Only parameters that a credential condition or a webhook path depends on; a parameter follows what it depends on. */
export type ParameterRow = [
  name: string,
  defaultValue: unknown,
  flags: number,
  show?: Conditions | null,
  hide?: Conditions | null,
]

/**
 * A webhook that is live while the workflow is published.
 * `method`: a literal, or `=name` for the parameter that holds it.
 * `sources`: parameters tried in order for the path (dots descend), empty when the path is `suffix` alone.
 * `fullPath` 0: n8n puts the node's webhook id before it. `below`: the suffix applies to lower type versions only.
 * `endpoint`: where n8n serves it, unless below `/webhook/`.
 */
export type WebhookRow = [
  method: string,
  sources: string[],
  suffix: string,
  fullPath: number,
  below?: number | null,
  endpoint?: 'form' | 'mcp',
]

/** One description, shared by the type versions it is for. */
export interface DescriptionRow {
  /** type versions */
  v: number[]
  /** `NodeFlag` bits */
  f?: number
  /** credentials that it declares */
  c?: CredentialUseRow[]
  /** parameters */
  p?: ParameterRow[]
  /** webhooks */
  w?: WebhookRow[]
}

/** A default version of null: the highest. */
export type NodeRow = [
  type: string,
  displayName: string,
  defaultVersion: number | null,
  descriptions: DescriptionRow[],
]

/**
 * The default value of a field that a user sets, unless it is the empty string; of a hidden field only where a
 * condition depends on it. Options are those n8n lists by value.
 */
export type FieldRow = [
  name: string,
  kind: string,
  flags: number,
  options?: unknown[] | null,
  defaultValue?: unknown,
  show?: Conditions | null,
  hide?: Conditions | null,
]

export type CredentialRow = [
  name: string,
  displayName: string,
  flags: number,
  parents: string[],
  fields: FieldRow[],
]

export interface CatalogueFile {
  /** npm package → version that the facts were read from */
  packages: Record<string, string>
  /** sorted by type */
  nodes: NodeRow[]
  /** sorted by name */
  credentials: CredentialRow[]
}
