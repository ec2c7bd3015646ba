/**
 * @module Facts about node types, in the vocabulary of n8n's node descriptions: names, types, defaults, conditions and
 * legal values, without prose.
 */
import type { Conditions } from '../../n8n/catalogue/catalogue-file.ts'
import type { DisplayOptions } from '../../n8n/catalogue/display-options.ts'

/**
 * Stands for a default text of more than 120 characters, which the facts leave out: n8n's sample code, prompts and style
 * sheets, and the description that a tool starts with.
 */
export const elided = '…'

export interface LocatorModeFacts {
  name: string
  type?: string
  /** Patterns that the whole value must match; n8n adds the anchors. */
  validation?: { regex: string }[]
  extractValue?: string
}

/** One parameter, option, or group of a fixed collection. */
export interface PropertyFacts {
  name: string
  /** Only of required parameters: n8n quotes it in the issue. */
  displayName?: string
  /** such as `string`, `options`, `resourceLocator`, `fixedCollection` */
  type?: string
  default?: unknown
  required?: boolean
  displayOptions?: DisplayOptions
  noDataExpression?: boolean
  validateType?: string
  ignoreValidationDuringExecution?: boolean
  /** Legal value of one entry of an `options` or `multiOptions` parameter. */
  value?: string | number | boolean
  /** Entries of `options`, parameters of a `collection`, groups of a `fixedCollection`. */
  options?: PropertyFacts[]
  /** Parameters of a group of a fixed collection. */
  values?: PropertyFacts[]
  modes?: LocatorModeFacts[]
  typeOptions?: {
    multipleValues?: boolean
    minRequiredFields?: number
    maxAllowedFields?: number
    minValue?: number
    maxValue?: number
    /** The values come from the service at edit time: any value is legal. */
    loadsOptions?: boolean
    resourceMapper?: { mode?: string; supportAutoMap?: boolean }
    filter?: Record<string, unknown>
    assignment?: Record<string, unknown>
    editor?: string
    editorLanguage?: string
    /** The value is a secret. */
    password?: boolean
  }
  /** Credential types that a `credentialsSelect` offers, such as `has:genericAuth`. */
  credentialTypes?: string[]
}

export interface ConnectionFacts {
  /** such as `main`, `ai_languageModel`; `*`: each counted entry names its own type, and whether it is required */
  type: string
  required?: boolean
  maxConnections?: number
  displayName?: string
  /** Node types that may be connected here. */
  filter?: { nodes?: string[]; excludedNodes?: string[] }
  /**
   * Occurs several times: as often as the number at the path of the parameter, or once for each entry of the list or
   * comma-separated text. `default` without a value.
   */
  count?: { of: string; kind: 'number' | 'list' | 'text'; default: number }
}

/** Connections of a node. Where they depend on its parameters, the first case that holds applies: `connectionsOf`. */
export type Connections = readonly ConnectionFacts[] | { cases: readonly ConnectionCase[] }

export interface ConnectionCase {
  /** Path of a parameter, or `@version` → values. Null: the parameter has no value. */
  when?: Conditions
  connections: readonly ConnectionFacts[]
}

export interface CredentialFacts {
  name: string
  /** n8n names the credential by it in its messages. */
  displayName?: string
  required?: boolean
  displayOptions?: DisplayOptions
}

/** Expressions are kept as text. */
export interface WebhookFacts {
  path: string
  httpMethod?: string
  isFullPath?: boolean | string
  /** Active only while an execution waits. */
  restartWebhook?: boolean | string
}

/** What one n8n version knows about one or more type versions of a node type. */
export interface NodeFacts {
  /** such as `n8n-nodes-base.slack` */
  name: string
  displayName: string
  /** typeVersions that this description is for */
  version: readonly number[]
  /** such as `trigger`, `transform` */
  group: readonly string[]
  inputs: Connections
  outputs: Connections
  properties: readonly PropertyFacts[]
  credentials: readonly CredentialFacts[]
  isTrigger: boolean
  /** Has webhooks; `restart` webhooks of waiting nodes do not count. */
  hasWebhook: boolean
  isPolling: boolean
  /** Lets n8n publish: a trigger other than the Evaluation Trigger, polling, or with any webhook, `restart` included. */
  canStart: boolean
  webhooks: readonly WebhookFacts[]
  usableAsTool: boolean
  /** The tool form of a type: `…Tool` or `…HitlTool`. */
  isTool: boolean
  /** n8n no longer offers it for new nodes. */
  isHidden?: boolean
  maxNodes?: number
}

/** One node type in one n8n version. */
export interface NodeTypeFacts {
  name: string
  displayName: string
  /** Ascending. */
  versions: readonly number[]
  defaultVersion: number
  /** Types with a single unversioned description accept every typeVersion. */
  takesAnyVersion: boolean
  /** Undefined for a version that does not exist. */
  describe(typeVersion: number): NodeFacts | undefined
}

/** The loaded facts of the node types of one workflow; synchronous. */
export interface FactsOf {
  /** such as `2.41` */
  n8nVersion: string
  nodeType(name: string): NodeTypeFacts | undefined
  /** Names of all built-in credential types. */
  credentialTypes: ReadonlySet<string>
  /** All type names of this n8n version, for suggestions. */
  typeNames(): Iterable<string>
  /** The same types without their tool forms, with their display names. */
  typeTitles(): Iterable<readonly [type: string, title: string]>
}
