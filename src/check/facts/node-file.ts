/**
 * @module The layout of `public/data/nodes/`: one file for each node type with the facts of all supported versions of
 * n8n, and an index. `npm run node-facts` writes them and `node-types.ts` reads them; no other code depends on the layout.
 */
import type { Conditions } from '../../n8n/catalogue/catalogue-file.ts'
import type { Connections, PropertyFacts, WebhookFacts } from './node-facts.ts'

export interface DisplayRow {
  show?: Conditions
  hide?: Conditions
}

/** A value, with the conditions of an option that n8n does not always offer. */
export type OptionRow = string | number | boolean | ({ value: string | number | boolean } & DisplayRow)

/** A name alone: the type `list` for `list`, else `string`. */
export type ModeRow = string | { name: string; type?: string; validation?: string[]; extractValue?: string }

/** At most one of them. */
export interface ChildrenRow {
  /** Values of `options` and `multiOptions`. */
  options?: OptionRow[]
  /** Parameters of a collection. */
  fields?: PropertyRow[]
  /** Groups of a fixed collection. */
  groups?: [name: string, values: PropertyRow[]][]
}

/** Without `type`: `string`. Without `default`: an empty string. */
export interface PropertyRow
  extends DisplayRow,
    ChildrenRow,
    Pick<
      PropertyFacts,
      | 'noDataExpression'
      | 'validateType'
      | 'ignoreValidationDuringExecution'
      | 'typeOptions'
      | 'credentialTypes'
    > {
  name: string
  type?: string
  /** Display name of a required parameter, if it differs from the name. */
  label?: string
  required?: true
  default?: unknown
  noDefault?: true
  /** Index of children that several parameters share. */
  children?: number
  modes?: ModeRow[]
}

export interface CredentialRow extends DisplayRow {
  name: string
  displayName?: string
  required?: true
}

export interface DescriptionRow {
  /** type versions */
  v: number[]
  name: string
  group: string[]
  in: Connections
  out: Connections
  cred?: CredentialRow[]
  start?: 1
  hooks?: WebhookFacts[]
  poll?: 1
  /** usable as a tool */
  tool?: 1
  /** can wait for a person's answer */
  wait?: 1
  hidden?: 1
  /** the most nodes of this type in a workflow */
  max?: number
  /** indexes of the properties, as ranges: `0-4,7` */
  p: string
}

/** The descriptions of one version of n8n. */
export interface VersionRow {
  /** indexes of the descriptions */
  d: number[]
  /** default version, if it is not the highest */
  v?: number
  /** one description for every version */
  any?: 1
}

export interface NodeFile {
  type: string
  /** n8n version → its descriptions */
  versions: Record<string, VersionRow>
  descriptions: DescriptionRow[]
  properties: PropertyRow[]
  children: ChildrenRow[]
}

/** Without `in`: every version of n8n has the type. The other columns describe its newest version. */
export interface IndexRow {
  type: string
  name: string
  v: number[]
  /** n8n versions that have the type */
  in?: string[]
  trigger?: 1
  tool?: 1
  wait?: 1
  hidden?: 1
}

export interface IndexFile {
  /** n8n version → the packages it was read from; oldest first */
  versions: Record<string, { n8n: string; packages: Record<string, string>; humanReview?: 1 }>
  /** Names of all credential types, of every version. */
  credentials: string[]
  types: IndexRow[]
}
