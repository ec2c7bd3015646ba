/**
 * @module `npm run catalogue [-- --packages <folder>]`: writes `public/data/catalogue.json` from n8n's published
 * packages. Contains facts only, no text from n8n.
 */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import type {
  CatalogueFile,
  CredentialRow,
  DescriptionRow,
  FieldRow,
  NodeRow,
  WebhookRow,
} from '../src/n8n/catalogue/catalogue-file.ts'
import { CredentialFlag, FieldFlag, NodeFlag } from '../src/n8n/catalogue/catalogue-file.ts'
import {
  conditionNames,
  conditions,
  inDependencyOrder,
  type NodeDescription,
  parameterRow,
  type Property,
  versions,
  type Webhook,
} from './catalogue-rows.ts'
import { type NodePackage, nodePackages, readPackages } from './n8n-packages.ts'

const VERSION = '2.41.1'
const OUTPUT = path.join(import.meta.dirname, '../public/data/catalogue.json')

interface CredentialDescription {
  name: string
  displayName: string
  extends?: string[]
  properties: Property[]
  test?: unknown
  authenticate?: unknown
  genericAuth?: boolean
}

/** @param given a folder with the two `.tgz` files; without it, they are downloaded */
async function catalogue(given: string | undefined): Promise<void> {
  const versions = new Map(nodePackages.map((name) => [name, VERSION]))
  const packages = await readPackages<NodeDescription, CredentialDescription>(versions, given)
  const file = toFile(packages)
  const text = print(file)
  await writeFile(OUTPUT, text)
  console.log(
    `${file.nodes.length} node types, ${file.credentials.length} credential types: ${sizesOf(text)} → ${OUTPUT}`,
  )
}

type Unpacked = NodePackage<NodeDescription, CredentialDescription>

/** Node type → its descriptions. */
function nodesOf(packages: Unpacked[]): Map<string, NodeDescription[]> {
  const nodes = new Map<string, NodeDescription[]>()
  for (const { name, nodes: descriptions } of packages) {
    for (const description of descriptions) {
      const type = `${name}.${description.name}`
      nodes.set(type, [...(nodes.get(type) ?? []), description])
    }
  }
  return nodes
}

function toFile(packages: Unpacked[]): CatalogueFile {
  const nodes = nodesOf(packages)
  const credentials = packages.flatMap((each) => each.credentials)
  // Across all types, because a condition may name an inherited field.
  const dependedOn = new Set(credentials.flatMap((each) => each.properties).flatMap(conditionNames))
  return {
    packages: Object.fromEntries(nodePackages.map((name) => [name, VERSION])),
    nodes: [...nodes].map(([type, descriptions]) => nodeRow(type, descriptions)).toSorted(byFirst),
    credentials: credentials.map((each) => credentialRow(each, dependedOn)).toSorted(byFirst),
  }
}

function byFirst(a: [string, ...unknown[]], b: [string, ...unknown[]]): number {
  return a[0] < b[0] ? -1 : 1
}

function nodeRow(type: string, descriptions: NodeDescription[]): NodeRow {
  const ordered = descriptions.toSorted((a, b) => Math.max(...versions(b)) - Math.max(...versions(a)))
  const defaultVersion = descriptions.find((each) => each.defaultVersion !== undefined)?.defaultVersion
  const highest = Math.max(...descriptions.flatMap(versions))
  const standard = ordered.find((each) => versions(each).includes(defaultVersion ?? highest)) ?? ordered[0]
  return [
    type,
    standard?.displayName.trim() ?? type,
    defaultVersion === highest ? null : (defaultVersion ?? null),
    ordered.map((each) => descriptionRow(type, each)),
  ]
}

function descriptionRow(type: string, description: NodeDescription): DescriptionRow {
  const row: DescriptionRow = { v: versions(description) }
  const webhooks = (description.webhooks ?? []).filter((each) => !each.restartWebhook).map(webhookRow)
  const flags =
    (description.group.includes('trigger') ? NodeFlag.trigger : 0) |
    (description.usableAsTool ? NodeFlag.usableAsTool : 0) |
    (sendsAndWaits(description) ? NodeFlag.sendAndWait : 0)
  if (flags) row.f = flags
  if (description.credentials?.length) {
    row.c = description.credentials.map((each) => [
      each.name,
      each.required ? 1 : 0,
      ...conditions(type, each.displayOptions),
    ])
  }
  const needed = neededParameters(description, webhooks)
  if (needed.length > 0) row.p = needed.map((each) => parameterRow(type, each))
  if (webhooks.length > 0) row.w = webhooks
  return row
}

/** Whether n8n derives a `…HitlTool` variant from the node. */
function sendsAndWaits(description: NodeDescription): boolean {
  const operations = description.properties.filter((each) => each.name === 'operation')
  const values = operations.flatMap((each) => each.options ?? []).map((option) => option.value)
  return (description.webhooks?.length ?? 0) > 0 && values.includes('sendAndWait')
}

/** The forms of paths in n8n's own nodes: source parameters, suffix, version below which the suffix applies. */
const WEBHOOK_PATHS = new Map<string, [sources: string[], suffix: string, below?: number]>([
  ['={{$parameter["path"]}}', [['path'], '']],
  ['={{$parameter["path"]}}/n8n-form', [['path'], '/n8n-form']],
  ['={{ $parameter["path"] || $parameter["options"]?.path || $webhookId }}', [['path', 'options.path'], '']],
  [`={{$parameter["path"]}}{{parseFloat($nodeVersion)<2 ? '/sse' : ''}}`, [['path'], '/sse', 2]],
  [`={{$parameter["path"]}}{{parseFloat($nodeVersion)<2 ? '/messages' : ''}}`, [['path'], '/messages', 2]],
])

function webhookRow(webhook: Webhook): WebhookRow {
  const method = webhook.httpMethod.startsWith('=') ? '=httpMethod' : webhook.httpMethod
  const full = webhook.isFullPath ? 1 : 0
  const { nodeType } = webhook
  if (!webhook.path.startsWith('=')) return withEndpoint([method, [], webhook.path, full], nodeType)
  const form = WEBHOOK_PATHS.get(webhook.path)
  if (!form) throw new Error(`Unsupported form of a webhook path: ${webhook.path}`)
  const [sources, suffix, below] = form
  const row: WebhookRow =
    below === undefined ? [method, sources, suffix, full] : [method, sources, suffix, full, below]
  return withEndpoint(row, nodeType)
}

function withEndpoint(row: WebhookRow, endpoint: WebhookRow[5]): WebhookRow {
  const [method, sources, suffix, full, below = null] = row
  return endpoint ? [method, sources, suffix, full, below, endpoint] : row
}

const CREDENTIAL_SELECTORS = ['nodeCredentialType', 'genericAuthType']

/** Parameters used in conditions, directly or indirectly, each after its dependencies. */
function neededParameters(description: NodeDescription, webhooks: WebhookRow[]): Property[] {
  const names = new Set<string>(CREDENTIAL_SELECTORS)
  for (const use of description.credentials ?? []) for (const name of conditionNames(use)) names.add(name)
  for (const [method, sources] of webhooks) {
    for (const name of [method.replace('=', ''), ...sources]) names.add(name)
  }
  // A chat trigger serves a URL only if it is public.
  if (webhooks.length > 0) names.add('public')
  let size = 0
  while (names.size > size) {
    size = names.size
    for (const each of description.properties) {
      if (names.has(each.name)) for (const name of conditionNames(each)) names.add(name)
    }
  }
  return inDependencyOrder(description.properties.filter((each) => names.has(each.name)))
}

function credentialRow(credential: CredentialDescription, dependedOn: Set<string>): CredentialRow {
  const flags =
    (credential.test ? CredentialFlag.test : 0) |
    (credential.authenticate ? CredentialFlag.authenticate : 0) |
    (credential.genericAuth ? CredentialFlag.genericAuth : 0)
  const fields = credential.properties.map((each) => fieldRow(credential.name, each, dependedOn))
  return [credential.name, credential.displayName, flags, credential.extends ?? [], fields]
}

function fieldRow(owner: string, property: Property, dependedOn: Set<string>): FieldRow {
  const hasDefault = property.default !== undefined && property.default !== ''
  const nested = (property.options ?? []).flatMap((option) => option.values ?? [])
  const secret = [property, ...nested].some((each) => each.typeOptions?.password)
  const flags =
    (property.required ? FieldFlag.required : 0) |
    (secret || property.typeOptions?.redactJsonLeaves ? FieldFlag.secret : 0) |
    (property.doNotInherit ? FieldFlag.doNotInherit : 0) |
    (hasDefault ? FieldFlag.hasDefault : 0)
  const options = property.type === 'options' ? (property.options ?? []).map((option) => option.value) : []
  const { show, hide } = property.displayOptions ?? {}
  return [
    property.name,
    property.type,
    flags,
    options.length > 0 ? options : null,
    defaultOf(property, hasDefault, dependedOn),
    ...conditions(owner, { ...(show && { show }), ...(hide && { hide }) }),
    rangeOf(property),
    property.type === 'hidden' || property.type === 'notice' ? null : property.displayName.trim(),
  ]
}

function rangeOf({ typeOptions: { minValue, maxValue } = {} }: Property): Exclude<FieldRow[7], undefined> {
  return minValue === undefined && maxValue === undefined ? null : [minValue ?? null, maxValue ?? null]
}

const isRegistryUrl = (value: unknown): boolean =>
  typeof value === 'string' && value.startsWith('https://registry.')

/** The value that n8n uses if none is given. Omits the package registry's URL, because n8n fills it in. Hidden fields belong to n8n: their defaults only affect conditions. */
function defaultOf(property: Property, hasDefault: boolean, dependedOn: Set<string>): unknown {
  if (dependedOn.has(property.name)) return property.default ?? null
  if (!hasDefault || property.type === 'hidden' || property.type === 'notice') return null
  return isRegistryUrl(property.default) ? null : property.default
}

/** One type per line, so that an n8n upgrade results in a readable diff. */
function print(file: CatalogueFile): string {
  return `{"packages":${JSON.stringify(file.packages)},\n"nodes":[\n${lines(file.nodes)}\n],\n"credentials":[\n${lines(file.credentials)}\n]}\n`
}

function lines(rows: unknown[]): string {
  return rows.map((row) => JSON.stringify(row, withoutNullsAtEnd)).join(',\n')
}

function withoutNullsAtEnd(_key: string, value: unknown): unknown {
  return Array.isArray(value) ? value.slice(0, value.findLastIndex((item) => item !== null) + 1) : value
}

function sizesOf(text: string): string {
  return `${kb(text.length)}, ${kb(gzipSync(text, { level: 9 }).length)} gzipped`
}

function kb(bytes: number): string {
  return `${Math.round(bytes / 1000)} KB`
}

const { values } = parseArgs({ options: { packages: { type: 'string' } } })
await catalogue(values.packages)
