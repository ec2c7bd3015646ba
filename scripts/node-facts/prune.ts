/** @module Reduces n8n's node descriptions to the rows of a node file: facts without prose. */
import type {
  CredentialRow,
  DescriptionRow,
  NodeFile,
  OptionRow,
  PropertyRow,
} from '../../src/check/facts/node-file.ts'
import type { DisplayOptions } from '../../src/n8n/catalogue/display-options.ts'
import { elided, type PropertyFacts, type WebhookFacts } from '../../src/check/facts/node-facts.ts'
import { connectionsIn } from './connections.ts'

/** A property, an option, or a group, as in n8n's `dist/types/nodes.json`. */
export interface DescribedProperty extends Record<string, unknown> {
  name: string
  displayName?: string
  type?: string
  default?: unknown
  required?: boolean
  displayOptions?: DisplayOptions
  options?: DescribedProperty[]
  values?: DescribedProperty[]
  modes?: {
    name: string
    type: string
    validation?: { type: string; properties?: { regex?: string } }[]
    extractValue?: { regex?: string }
  }[]
  typeOptions?: Record<string, unknown>
}

export interface DescribedNode {
  name: string
  displayName: string
  group: string[]
  version: number | number[]
  defaultVersion?: number
  usableAsTool?: unknown
  hidden?: boolean
  polling?: boolean
  maxNodes?: number
  inputs: string[] | string
  outputs: string[] | string
  inputNames?: string[]
  outputNames?: string[]
  properties: DescribedProperty[]
  credentials?: { name: string; displayName?: string; required?: boolean; displayOptions?: DisplayOptions }[]
  webhooks?: WebhookFacts[]
}

/** Characters of the shortest list of children that descriptions share. */
const smallestTable = 150
/** Longer default texts are prompts, code and style sheets. */
const longestDefault = 120

/** Collects the descriptions of one node type over the versions of n8n, oldest first. */
export class NodeFileBuilder {
  readonly #type: string
  readonly #children = new Map<string, number>()
  readonly #properties = new Map<string, number>()
  readonly #descriptions = new Map<string, number>()
  readonly #versions: NodeFile['versions'] = {}

  constructor(type: string) {
    this.#type = type
  }

  /** @param source of the node's class */
  add(n8nVersion: string, descriptions: DescribedNode[], source: string): void {
    const declared = declaredVersions(source)
    const complete = descriptions.map((each) => ({ ...each, version: [each.version].flat() }))
    for (const [version, implementation] of declared ?? []) {
      if (complete.some((each) => each.version.includes(version))) continue
      // n8n finds the class by its table, even where the description does not list the version.
      const sibling = declared?.findLast(([other, name]) => other !== version && name === implementation)
      complete.find((each) => each.version.includes(sibling?.[0] ?? 0))?.version.push(version)
    }
    for (const each of complete) each.version.sort((a, b) => a - b)
    const indexes = complete
      .toSorted((a, b) => (a.version[0] ?? 0) - (b.version[0] ?? 0))
      .map((each) => indexOf(this.#descriptions, JSON.stringify(this.#row(each, source))))
    const defaultVersion = complete.find((each) => each.defaultVersion !== undefined)?.defaultVersion
    const highest = Math.max(...complete.flatMap((each) => each.version))
    this.#versions[n8nVersion] = {
      d: indexes,
      ...(defaultVersion !== undefined && defaultVersion !== highest && { v: defaultVersion }),
      ...(declared === undefined && complete.length === 1 && { any: 1 }),
    }
  }

  /** One property or description a line, for readable diffs. */
  print(): string {
    const lines = (rows: Iterable<string>) => [...rows].join(',\n')
    const tables = {
      descriptions: this.#descriptions,
      properties: this.#properties,
      children: this.#children,
    }
    const texts = Object.entries(tables).map(([name, rows]) => `"${name}":[\n${lines(rows.keys())}\n]`)
    return `{"type":${JSON.stringify(this.#type)},\n"versions":${JSON.stringify(this.#versions)},\n${texts.join(',\n')}}\n`
  }

  #row(description: DescribedNode & { version: number[] }, source: string): DescriptionRow {
    const { displayName, version, group, credentials = [], webhooks = [], properties } = description
    const indexes = properties.map((each) =>
      indexOf(this.#properties, JSON.stringify(this.#shared(propertyRow(each)))),
    )
    const isTrigger = group.includes('trigger')
    const hasStart = webhooks.length > 0 || description.polling === true || (isTrigger && starts(source))
    return {
      v: version,
      name: displayName.trim(),
      group,
      in: connectionsIn(description, description.inputs, description.inputNames),
      out: connectionsIn(description, description.outputs, description.outputNames),
      ...(credentials.length > 0 && {
        cred: credentials.map(credentialRow),
      }),
      ...(hasStart && { start: 1 as const }),
      ...(webhooks.length > 0 && { hooks: webhooks.map(webhookRow) }),
      ...(sendsAndWaits(description) && { wait: 1 as const }),
      ...(description.polling === true && { poll: 1 as const }),
      ...(Boolean(description.usableAsTool) && { tool: 1 as const }),
      ...(description.hidden === true && { hidden: 1 as const }),
      ...(description.maxNodes !== undefined && { max: description.maxNodes }),
      p: ranges(indexes),
    }
  }

  /** Moves larger lists of children to a table of their own: the same ones occur under several conditions. */
  #shared({ options, fields, groups, ...row }: PropertyRow): PropertyRow {
    const children = { ...(options && { options }), ...(fields && { fields }), ...(groups && { groups }) }
    const text = JSON.stringify(children)
    return text.length < smallestTable
      ? { ...row, ...children }
      : { ...row, children: indexOf(this.#children, text) }
  }
}

/** The description of the default version. */
export function standardDescription(descriptions: DescribedNode[]): DescribedNode {
  const highest = Math.max(...descriptions.flatMap((each) => each.version))
  const version = descriptions.find((each) => each.defaultVersion !== undefined)?.defaultVersion ?? highest
  const found = descriptions.find((each) => [each.version].flat().includes(version)) ?? descriptions[0]
  if (!found) throw new Error('A node type has no description')
  return found
}

/** Versions of a versioned class with the name of each one's implementation. Undefined for a class with one description. */
function declaredVersions(source: string): [number, string][] | undefined {
  if (!source.includes('VersionedNodeType')) return undefined
  const table = /nodeVersions = \{([^}]*)\}/.exec(source)?.[1]
  if (table === undefined) return undefined
  return [...table.matchAll(/([\d.]+): new ([\w.]+)/g)].map(([, version, name = '']) => [
    Number(version),
    name,
  ])
}

/** Whether the class of a trigger has a method that starts workflows. */
const starts = (source: string): boolean =>
  source.includes('VersionedNodeType') || /\b(trigger|webhook|poll)\s*[(=]/.test(source)

export function sendsAndWaits({ name, webhooks = [], properties }: DescribedNode): boolean {
  if (name.endsWith('Tool') || webhooks.length === 0) return false
  return properties.some(
    (each) => each.name === 'operation' && each.options?.some((option) => option['value'] === 'sendAndWait'),
  )
}

function indexOf(rows: Map<string, number>, row: string): number {
  const known = rows.get(row)
  if (known !== undefined) return known
  rows.set(row, rows.size)
  return rows.size - 1
}

/** [0, 1, 2, 5] → `0-2,5` */
function ranges(indexes: number[]): string {
  const parts: [number, number][] = []
  for (const index of indexes) {
    const last = parts.at(-1)
    if (last && index === last[1] + 1) last[1] = index
    else parts.push([index, index])
  }
  return parts.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',')
}

const displayOf = (options: DisplayOptions | undefined) => ({
  ...(options?.show && { show: options.show }),
  ...(options?.hide && { hide: options.hide }),
})

const webhookRow = ({ path, httpMethod, isFullPath, restartWebhook }: WebhookFacts): WebhookFacts => ({
  path,
  ...(httpMethod !== undefined && { httpMethod }),
  ...(isFullPath !== undefined && { isFullPath }),
  ...(restartWebhook !== undefined && { restartWebhook }),
})

const credentialRow = (use: NonNullable<DescribedNode['credentials']>[number]): CredentialRow => ({
  name: use.name,
  ...(use.displayName !== undefined && { displayName: use.displayName }),
  ...(use.required === true && { required: true }),
  ...displayOf(use.displayOptions),
})

function propertyRow(property: DescribedProperty): PropertyRow {
  const { name, displayName = name, type = 'string', required, modes, typeOptions } = property
  const limits = limitsOf(property, typeOptions ?? {})
  return {
    name,
    ...(type !== 'string' && { type }),
    ...(required === true && displayName !== name && { label: displayName }),
    ...(required === true && { required }),
    ...defaultOf(property),
    ...displayOf(property.displayOptions),
    ...(property['noDataExpression'] === true && { noDataExpression: true as const }),
    ...(typeof property['validateType'] === 'string' && { validateType: property['validateType'] }),
    ...(property['ignoreValidationDuringExecution'] === true && {
      ignoreValidationDuringExecution: true as const,
    }),
    ...(property.options && childrenOf(property.options)),
    ...(modes && { modes: modes.map(modeRow) }),
    ...(Object.keys(limits).length > 0 && { typeOptions: limits }),
    ...(Array.isArray(property['credentialTypes']) && {
      credentialTypes: property['credentialTypes'] as string[],
    }),
  }
}

function childrenOf(options: DescribedProperty[]): Pick<PropertyRow, 'options' | 'groups' | 'fields'> {
  if (options.some((each) => each.values)) {
    return { groups: options.map(({ name, values = [] }) => [name, values.map(propertyRow)]) }
  }
  if (options.some((each) => 'value' in each && each.type === undefined))
    return { options: options.map(optionRow) }
  return { fields: options.map(propertyRow) }
}

function optionRow(option: DescribedProperty): OptionRow {
  const value = option['value'] as string | number | boolean
  return option.displayOptions ? { value, ...displayOf(option.displayOptions) } : value
}

function modeRow({ name, type, validation, extractValue }: NonNullable<DescribedProperty['modes']>[number]) {
  const patterns = (validation ?? []).flatMap(({ type: kind, properties }) =>
    kind === 'regex' && properties?.regex !== undefined ? [properties.regex] : [],
  )
  if (patterns.length === 0 && !extractValue?.regex && type === (name === 'list' ? 'list' : 'string'))
    return name
  return {
    name,
    ...(type !== (name === 'list' ? 'list' : 'string') && { type }),
    ...(patterns.length > 0 && { validation: patterns }),
    ...(extractValue?.regex !== undefined && { extractValue: extractValue.regex }),
  }
}

function defaultOf({ default: value }: DescribedProperty): Pick<PropertyRow, 'default' | 'noDefault'> {
  if (value === undefined) return { noDefault: true }
  return value === '' ? {} : { default: shortened(value) }
}

function shortened(value: unknown): unknown {
  if (typeof value === 'string') return value.length > longestDefault ? elided : value
  if (Array.isArray(value)) return value.map(shortened)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, shortened(each)]))
}

const keptTypeOptions = [
  'multipleValues',
  'minRequiredFields',
  'maxAllowedFields',
  'minValue',
  'maxValue',
  'filter',
  'assignment',
  'editor',
  'editorLanguage',
] as const

function limitsOf(
  property: DescribedProperty,
  given: Record<string, unknown>,
): NonNullable<PropertyFacts['typeOptions']> {
  const limits: Record<string, unknown> = {}
  for (const name of keptTypeOptions) if (given[name] !== undefined) limits[name] = given[name]
  if (given['password'] === true) limits['password'] = true
  if (
    given['loadOptionsMethod'] !== undefined ||
    given['loadOptions'] !== undefined ||
    property['allowArbitraryValues']
  ) {
    limits['loadsOptions'] = true
  }
  const mapper = given['resourceMapper'] as { mode?: string; supportAutoMap?: boolean } | undefined
  if (mapper) {
    limits['resourceMapper'] = {
      ...(mapper.mode !== undefined && { mode: mapper.mode }),
      ...(mapper.supportAutoMap !== undefined && { supportAutoMap: mapper.supportAutoMap }),
    }
  }
  return limits
}
