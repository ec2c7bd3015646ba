/**
 * @module The shape of `catalogue.json`: facts about n8n's built-in node and credential types, stored as rows to reduce
 * the bundle size; trailing nulls are omitted. `scripts/catalogue.ts` writes it and `catalogue.ts` reads it; no other code
 * depends on the row layout.
 */

/** n8n's `displayOptions.show` or `.hide`: parameter name → values or `{_cnd}` operators. Any match suffices. */
export type Conditions = Record<string, unknown[]>

/** Bits of a node description row. */
export const NodeFlag = { trigger: 1, usableAsTool: 2, sendAndWait: 4 } as const

/** Bits of a parameter row. `nullable`: an explicit null overrides the default. */
export const ParameterFlag = { nullable: 1, noDataExpression: 2 } as const

/** Bits of a credential type row. */
export const CredentialFlag = { test: 1, authenticate: 2, genericAuth: 4 } as const

/** Bits of a credential field row. `hasDefault`: the default exists and is not an empty string. */
export const FieldFlag = { required: 1, secret: 2, doNotInherit: 4, hasDefault: 8 } as const

/** name, required (0 or 1), show, hide */
export type CredentialUseRow = [
  name: string,
  required: number,
  show?: Conditions | null,
  hide?: Conditions | null,
]

/** Only parameters that affect a credential condition or a webhook path, in dependency order. */
export type ParameterRow = [
  name: string,
  defaultValue: unknown,
  flags: number,
  show?: Conditions | null,
  hide?: Conditions | null,
]

/**
 * A webhook that is active while the workflow is published.
 * `method`: a literal, or `=name` for the value of a parameter.
 * `sources`: parameters to read the path from, in order (dots separate levels); empty if the path is just `suffix`.
 * `fullPath` 0: n8n prefixes the webhook ID. `below`: the suffix applies only to lower type versions.
 * `endpoint`: where n8n serves it, if not below `/webhook/`.
 */
export type WebhookRow = [
  method: string,
  sources: string[],
  suffix: string,
  fullPath: number,
  below?: number | null,
  endpoint?: 'form' | 'mcp',
]

/** A description shared by one or more type versions. */
export interface DescriptionRow {
  /** type versions */
  v: number[]
  /** `NodeFlag` bits */
  f?: number
  /** declared credentials */
  c?: CredentialUseRow[]
  p?: ParameterRow[]
  w?: WebhookRow[]
}

/** `defaultVersion` null: the highest version. */
export type NodeRow = [
  type: string,
  displayName: string,
  defaultVersion: number | null,
  descriptions: DescriptionRow[],
]

/**
 * `defaultValue`: omitted if empty. For a hidden field, present only if a condition depends on it. `options`: the values
 * that n8n lists. `range`: the smallest and the largest number that n8n's editor accepts. `label`: omitted for a hidden
 * field and a notice.
 */
export type FieldRow = [
  name: string,
  kind: string,
  flags: number,
  options?: unknown[] | null,
  defaultValue?: unknown,
  show?: Conditions | null,
  hide?: Conditions | null,
  range?: [minimum: number | null, maximum?: number | null] | null,
  label?: string | null,
]

/** A `FieldRow` by names. */
export interface FieldType {
  name: string
  /** n8n's label of the field. Null if n8n does not show one. */
  label: string | null
  kind: string
  /** n8n's own flag. `isRequired` in `catalogue.ts` also considers the default. */
  required: boolean
  secret: boolean
  inherited: boolean
  hasDefault: boolean
  options: unknown[] | null
  defaultValue: unknown
  show: Conditions | null
  hide: Conditions | null
  /** The range of a number. Null without a limit. */
  minimum: number | null
  maximum: number | null
}

/** n8n gives ports no range. Some types store the port as a string. */
export const isPort = ({ name, kind }: Pick<FieldType, 'name' | 'kind'>): boolean =>
  (kind === 'number' || kind === 'string') && /^port$|_port$|Port$/.test(name)

const portRange: FieldRow[7] = [1, 65_535]

const limitsOf = (range: FieldRow[7]): Pick<FieldType, 'minimum' | 'maximum'> => ({
  minimum: range?.[0] ?? null,
  maximum: range?.[1] ?? null,
})

export const toFieldType = ([
  name,
  kind,
  flags,
  options,
  defaultValue,
  show,
  hide,
  range,
  label,
]: FieldRow): FieldType => ({
  name,
  label: label ?? null,
  kind,
  required: (flags & FieldFlag.required) !== 0,
  secret: (flags & FieldFlag.secret) !== 0,
  inherited: (flags & FieldFlag.doNotInherit) === 0,
  hasDefault: (flags & FieldFlag.hasDefault) !== 0,
  options: options ?? null,
  defaultValue,
  show: show ?? null,
  hide: hide ?? null,
  ...limitsOf(range ?? (isPort({ name, kind }) ? portRange : null)),
})

export type CredentialRow = [
  name: string,
  displayName: string,
  flags: number,
  parents: string[],
  fields: FieldRow[],
]

export interface CatalogueFile {
  /** npm package → source version */
  packages: Record<string, string>
  /** sorted by type */
  nodes: NodeRow[]
  /** sorted by name */
  credentials: CredentialRow[]
}
