/** @module Reads the files of node facts, and derives the tool forms of node types as n8n does. */
import type { DisplayOptions } from '../../n8n/catalogue/display-options.ts'
import {
  type ConnectionFacts,
  type CredentialFacts,
  elided,
  type LocatorModeFacts,
  type NodeFacts,
  type NodeTypeFacts,
  type PropertyFacts,
} from './node-facts.ts'
import type {
  ChildrenRow,
  CredentialRow,
  DescriptionRow,
  DisplayRow,
  ModeRow,
  NodeFile,
  OptionRow,
  PropertyRow,
} from './node-file.ts'

/** `@n8n/n8n-nodes-langchain.agent` → `n8n-nodes-langchain/agent` */
export function nodeFileName(type: string): string {
  const dot = type.lastIndexOf('.')
  return `${type.slice(type.lastIndexOf('/', dot) + 1, dot)}/${type.slice(dot + 1)}`
}

export type ToolForm = 'Tool' | 'HitlTool'

/** The type whose tool form has the name. Undefined if the name does not end in `Tool`. */
export function baseOfTool(type: string): { base: string; form: ToolForm } | undefined {
  if (!type.endsWith('Tool')) return undefined
  const form = type.endsWith('HitlTool') ? 'HitlTool' : 'Tool'
  return { base: type.replace(/HitlTool$/, '').replace(/Tool$/, ''), form }
}

const typesOfFile = new WeakMap<NodeFile, Map<string, NodeTypeFacts | undefined>>()

/** Undefined if that version of n8n does not have the type, or not as a tool. The same each time. */
export function readNodeType(file: NodeFile, n8nVersion: string, form?: ToolForm): NodeTypeFacts | undefined {
  const known = typesOfFile.get(file) ?? new Map<string, NodeTypeFacts | undefined>()
  typesOfFile.set(file, known)
  const key = `${n8nVersion} ${form}`
  if (!known.has(key)) known.set(key, toNodeType(file, n8nVersion, form))
  return known.get(key)
}

function toNodeType(file: NodeFile, n8nVersion: string, form?: ToolForm): NodeTypeFacts | undefined {
  const row = file.versions[n8nVersion]
  if (!row) return undefined
  const all = row.d.flatMap((index) => file.descriptions[index] ?? [])
  const rows = form ? all.filter((each) => hasForm(each, form)) : all
  const standard = rows.find((each) => each.v.includes(row.v ?? -1)) ?? rows.at(-1)
  if (!standard) return undefined
  const versions = rows.flatMap((each) => each.v).toSorted((a, b) => a - b)
  const defaultVersion = row.v !== undefined && versions.includes(row.v) ? row.v : (versions.at(-1) ?? 1)
  const name = file.type + (form ?? '')
  const described = new Map<DescriptionRow, NodeFacts>()
  const describe = (typeVersion: number): NodeFacts | undefined => {
    const found = row.any ? rows[0] : rows.find((each) => each.v.includes(typeVersion))
    if (!found) return undefined
    const known = described.get(found)
    if (known) return known
    const facts = toNodeFacts(file, found)
    const result = form ? toTool(facts, form) : facts
    described.set(found, result)
    return result
  }
  return {
    name,
    displayName: standard.name + (form === 'Tool' ? ' Tool' : ''),
    versions,
    defaultVersion,
    takesAnyVersion: row.any === 1,
    describe,
  }
}

/** n8n makes a tool for a person's approval from any node when a workflow names it. */
const hasForm = (row: DescriptionRow, form: ToolForm): boolean =>
  !suppliesData(row) && (form === 'HitlTool' || row.tool === 1)

/** n8n refuses tool forms of nodes that already serve an AI node. */
const suppliesData = ({ out }: DescriptionRow): boolean =>
  ('cases' in out ? out.cases.flatMap(({ connections }) => connections) : out).some(
    ({ type }) => type !== 'main',
  )

function toNodeFacts(file: NodeFile, row: DescriptionRow): NodeFacts {
  return {
    name: file.type,
    displayName: row.name,
    version: row.v,
    group: row.group,
    inputs: row.in,
    outputs: row.out,
    properties: indexesOf(row.p).flatMap((index) => {
      const property = file.properties[index]
      return property ? [toProperty(property, file.children)] : []
    }),
    credentials: (row.cred ?? []).map(toCredential),
    isTrigger: row.group.includes('trigger'),
    canStart: row.start === 1,
    webhooks: row.hooks ?? [],
    hasWebhook: row.hooks?.some((each) => !each.restartWebhook) ?? false,
    isPolling: row.poll === 1,
    usableAsTool: row.tool === 1,
    isTool: false,
    ...(row.hidden === 1 && { isHidden: true }),
    ...(row.max !== undefined && { maxNodes: row.max }),
  }
}

const toCredential = ({ show, hide, ...use }: CredentialRow): CredentialFacts =>
  show || hide ? { ...use, displayOptions: displayOptionsOf({ show, hide }) } : use

/** `0-2,5` → [0, 1, 2, 5] */
function indexesOf(ranges: string): number[] {
  if (ranges === '') return []
  return ranges.split(',').flatMap((range) => {
    const [from = 0, to = from] = range.split('-').map(Number)
    return Array.from({ length: to - from + 1 }, (_, index) => from + index)
  })
}

function displayOptionsOf({
  show,
  hide,
}: { [Key in keyof DisplayRow]: DisplayRow[Key] | undefined }): DisplayOptions {
  const options: DisplayOptions = {}
  if (show) options.show = show
  if (hide) options.hide = hide
  return options
}

const expandedProperties = new WeakMap<PropertyRow, PropertyFacts>()
const expandedChildren = new WeakMap<ChildrenRow, PropertyFacts[]>()

/** Descriptions share their properties, and properties their children. */
function toProperty(row: PropertyRow, shared: ChildrenRow[] = []): PropertyFacts {
  const known = expandedProperties.get(row)
  if (known) return known
  const property: PropertyFacts = { name: row.name, type: row.type ?? 'string' }
  if (row.required) property.displayName = row.label ?? row.name
  if (!row.noDefault) property.default = row.default === undefined ? '' : row.default
  if (row.show || row.hide) property.displayOptions = displayOptionsOf(row)
  if (row.required) property.required = true
  if (row.noDataExpression) property.noDataExpression = true
  if (row.validateType !== undefined) property.validateType = row.validateType
  if (row.ignoreValidationDuringExecution) property.ignoreValidationDuringExecution = true
  if (row.typeOptions) property.typeOptions = row.typeOptions
  if (row.credentialTypes) property.credentialTypes = row.credentialTypes
  const children = toChildren(row.children === undefined ? row : (shared[row.children] ?? {}))
  if (children) property.options = children
  if (row.modes) property.modes = row.modes.map(toMode)
  expandedProperties.set(row, property)
  return property
}

function toChildren(row: ChildrenRow): PropertyFacts[] | undefined {
  const known = expandedChildren.get(row)
  if (known) return known
  const { options, fields, groups } = row
  const children = options?.map(toOption) ?? fields?.map((each) => toProperty(each)) ?? groups?.map(toGroup)
  if (children) expandedChildren.set(row, children)
  return children
}

function toOption(row: OptionRow): PropertyFacts {
  if (typeof row !== 'object') return { name: String(row), value: row }
  const option: PropertyFacts = { name: String(row.value), value: row.value }
  if (row.show || row.hide) option.displayOptions = displayOptionsOf(row)
  return option
}

const toGroup = ([name, values]: [string, PropertyRow[]]): PropertyFacts => ({
  name,
  values: values.map((each) => toProperty(each)),
})

function toMode(row: ModeRow): LocatorModeFacts {
  const { name, type, validation, extractValue } =
    typeof row === 'string' ? ({ name: row } as Exclude<ModeRow, string>) : row
  return {
    name,
    type: type ?? (name === 'list' ? 'list' : 'string'),
    ...(validation && { validation: validation.map((regex) => ({ regex })) }),
    ...(extractValue !== undefined && { extractValue }),
  }
}

const toolConnection: ConnectionFacts = { type: 'ai_tool' }

/** The tool form of a description, with the parameters that n8n adds, hides and replaces. */
function toTool(facts: NodeFacts, form: ToolForm): NodeFacts {
  const common = {
    ...facts,
    name: facts.name + form,
    usableAsTool: form === 'HitlTool' && facts.usableAsTool,
    isTool: true,
  }
  if (form === 'Tool') {
    return {
      ...common,
      displayName: `${facts.displayName} Tool`,
      inputs: [],
      outputs: [toolConnection],
      properties: withToolDescription(facts.properties),
    }
  }
  return {
    ...common,
    inputs: [{ ...toolConnection, displayName: 'Tool', required: true }],
    outputs: [
      {
        ...toolConnection,
        displayName: 'Human review',
        filter: { nodes: ['agent', 'agentTool'].map((name) => `@n8n/n8n-nodes-langchain.${name}`) },
      },
    ],
    properties: forApproval(facts.properties),
  }
}

function withToolDescription(properties: readonly PropertyFacts[]): PropertyFacts[] {
  const names = new Set(properties.map(({ name }) => name))
  if (names.has('toolDescription')) return [...properties]
  const isOptional = names.has('resource') || names.has('operation')
  const added: PropertyFacts[] = [
    {
      name: 'toolDescription',
      displayName: 'Description',
      type: 'string',
      default: elided,
      required: true,
      ...(isOptional && { displayOptions: { show: { descriptionType: ['manual'] } } }),
    },
  ]
  if (isOptional) {
    added.unshift({
      name: 'descriptionType',
      type: 'options',
      default: 'auto',
      noDataExpression: true,
      options: ['auto', 'manual'].map(toOption),
    })
  }
  const position = properties.findLastIndex(({ type }) => type === 'callout') + 1
  return properties.toSpliced(position, 0, ...added)
}

/** n8n fixes the resource, the operation and the kind of response, and asks for a message. */
function forApproval(properties: readonly PropertyFacts[]): PropertyFacts[] {
  const waiting = properties.find(
    ({ name, options, displayOptions }) =>
      name === 'operation' &&
      options?.some(({ value }) => value === 'sendAndWait') &&
      displayOptions?.show?.['resource']?.length,
  )
  const fixed: Record<string, unknown> = {
    resource: waiting?.displayOptions?.show?.['resource']?.[0],
    operation: 'sendAndWait',
    responseType: 'approval',
  }
  const others = properties.flatMap((property): PropertyFacts[] => {
    const { name } = property
    if (name === 'message') return []
    if (!Object.hasOwn(fixed, name)) return [property]
    return fixed[name] === undefined ? [] : [{ name, type: 'hidden', default: fixed[name] }]
  })
  const message: PropertyFacts = {
    name: 'message',
    displayName: 'Message',
    type: 'string',
    default: elided,
    required: true,
  }
  return [message, ...others]
}
