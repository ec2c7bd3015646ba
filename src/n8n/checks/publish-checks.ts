/**
 * @module Finds what stops n8n from publishing or starting a workflow, from its JSON alone. Measured on n8n 2.41.1.
 * Structure and credentials are checked elsewhere. Pure.
 */
import { distanceWithin } from '../../lib/edit-distance.ts'
import type { Catalogue, NodeDescription } from '../catalogue/catalogue.ts'
import { NodeFlag } from '../catalogue/catalogue-file.ts'
import type { Finding } from './finding.ts'
import type { ParameterFacts, ParameterIssue } from './parameter-checks.ts'
import { describeNode, typeVersion } from '../catalogue/required-credentials.ts'
import { brokenSchedules } from './schedule-checks.ts'
import { shown } from '../structure/repairs.ts'
import { isObject, type JsonObject } from '../../lib/json-object.ts'

/** Packages of n8n's built-in node types. */
const reservedPrefixes = ['n8n-nodes-base.', '@n8n/n8n-nodes-langchain.']
/** Types that n8n has removed, with the replacement. */
const removedTypes = new Map([
  ['n8n-nodes-base.start', 'n8n 2 has no Start node. Use a Manual Trigger, a Schedule Trigger or a Webhook'],
])
/** Nodes in n8n's custom folder, outside any package. */
const customPrefix = 'CUSTOM.'
const maximumDistance = 2
const n8nMaximumChars = 300

/** Additional node types of an n8n server. */
export interface InstalledTypes {
  types: ReadonlySet<string>
  /** Includes every type from its community packages. */
  isComplete: boolean
}
const none: InstalledTypes = { types: new Set(), isComplete: false }

const isReserved = (type: string): boolean => reservedPrefixes.some((prefix) => type.startsWith(prefix))
/** `@scope/n8n-nodes-foo.bar` → `@scope/n8n-nodes-foo` */
const packageOf = (type: string): string => type.slice(0, Math.max(type.lastIndexOf('.'), 0)) || type

/** Whether the workflow uses a node type from a community package. */
export const hasCommunityNodes = ({ nodes }: { nodes?: unknown }, catalogue: Catalogue): boolean =>
  Array.isArray(nodes) &&
  nodes.some(
    (node) =>
      isObject(node) &&
      typeof node.type === 'string' &&
      !catalogue.nodeType(node.type) &&
      !isReserved(node.type) &&
      !node.type.startsWith(customPrefix),
  )

interface Checked {
  node: JsonObject
  pointer: string
  name: string
  type: string
  findings: Finding[]
}

export function checkPublishable(
  workflow: { nodes?: unknown; connections?: unknown },
  catalogue: Catalogue,
  facts: ParameterFacts,
  installed: InstalledTypes = none,
): Finding[] {
  const nodes: unknown[] = Array.isArray(workflow.nodes) ? workflow.nodes : []
  const connected = connectedNodes(workflow.connections)
  const findings: Finding[] = []
  for (const [index, node] of nodes.entries()) {
    if (!isObject(node) || typeof node.type !== 'string') continue
    const name = typeof node.name === 'string' ? node.name : `#${index}`
    const checked = { node, pointer: `/nodes/${index}`, name, type: node.type, findings }
    // n8n also resolves the types of disabled nodes.
    const description = checkType(checked, catalogue, installed)
    if (!description || node.disabled === true) continue
    const isTriggerLike = Boolean((description.facts.f ?? 0) & NodeFlag.trigger) || description.facts.w
    if (connected.has(name) || isTriggerLike) checkParameters(checked, description, facts)
    checkTrigger(checked)
  }
  return findings
}

/** Undefined for a type or version outside the catalogue. */
function checkType(
  checked: Checked,
  catalogue: Catalogue,
  installed: InstalledTypes,
): NodeDescription | undefined {
  const { node, type } = checked
  const known = catalogue.nodeType(type)
  if (!known) {
    reportUnknownType(checked, catalogue, installed)
    return undefined
  }
  const given = typeVersion(node)
  if (given === undefined) {
    const text = `The node has no typeVersion, so n8n assumes version 1. The current version is ${known.defaultVersion}`
    report(checked, 'warning', 'missing-type-version', '/typeVersion', text)
  }
  const version = given ?? 1
  if (!known.takesAnyVersion && !known.versions.includes(version)) {
    const versions = known.versions.join(', ')
    report(
      checked,
      'error',
      'unknown-node-version',
      '/typeVersion',
      `${type} has no version ${version}. Use one of: ${versions}`,
      `Node type "${type.slice(type.indexOf('.') + 1)}" is not available in version ${version}. Available versions: ${versions}.`,
    )
    return undefined
  }
  return describeNode(catalogue, node)
}

function reportUnknownType(checked: Checked, catalogue: Catalogue, installed: InstalledTypes): void {
  const type = shown(checked.type)
  const n8n = `Unrecognized node type: ${type}`
  if (!isReserved(checked.type)) {
    reportExtension(checked, installed, n8n)
    return
  }
  const removed = removedTypes.get(checked.type)
  const close = removed ? undefined : closestType(checked.type, catalogue)
  const text = removed ?? `n8n has no node type ${type}${close ? `. Did you mean ${close}?` : ''}`
  report(checked, 'error', 'unknown-node-type', '/type', text, n8n)
}

function reportExtension(checked: Checked, installed: InstalledTypes, n8n: string): void {
  if (installed.types.has(checked.type)) return
  const type = shown(checked.type)
  const isCustom = checked.type.startsWith(customPrefix)
  if (installed.isComplete && !isCustom) {
    const from = shown(packageOf(checked.type))
    const text = `${type} is not installed on this n8n server. Install the community package ${from} there, or use another node`
    report(checked, 'error', 'community-node-missing', '/type', text, n8n)
    return
  }
  const remedy = isCustom
    ? 'The n8n API does not list custom nodes'
    : 'n8n 2 lists community packages only for an API key with the communityPackage:list scope'
  const text =
    `Flowkeep cannot verify that this n8n server has the node type ${type}. Without it, n8n refuses to publish. ` +
    `${remedy}. If it is installed, deploy anyway: this finding does not block a deployment`
  report(checked, 'error', 'community-node-unverified', '/type', text, n8n)
}

/** The closest type name by case, package or spelling. */
function closestType(type: string, catalogue: Catalogue): string | undefined {
  const short = (each: string) => each.slice(each.lastIndexOf('.') + 1).toLowerCase()
  const wanted = short(type)
  let best: { type: string; distance: number } | undefined
  for (const { type: each } of catalogue.searchNodeTypes()) {
    const name = short(each)
    const samePackage = each.slice(0, each.lastIndexOf('.')) === type.slice(0, type.lastIndexOf('.'))
    const distance = distanceWithin(wanted, name, maximumDistance) + (samePackage ? 0 : 0.5)
    if (distance <= Math.min(maximumDistance, wanted.length / 3) + 0.5 && distance < (best?.distance ?? 9)) {
      best = { type: each, distance }
    }
  }
  return best?.type
}

function checkParameters(checked: Checked, description: NodeDescription, facts: ParameterFacts): void {
  const issues = facts.issuesOf(checked.type, checked.node.parameters, description)
  const n8n = `Missing or invalid required parameters: ${issues.map(({ name }) => name).join(', ')}`
  for (const issue of issues) {
    const code = issue.problem === 'missing' ? 'missing-parameter' : 'invalid-parameter'
    report(
      checked,
      'error',
      code,
      `/parameters/${issue.name}`,
      toMessage(issue),
      n8n.slice(0, n8nMaximumChars),
    )
  }
}

const toMessage = ({ name, problem }: ParameterIssue) =>
  problem === 'missing'
    ? `The parameter ${name} is required`
    : `The value of parameter ${name} has a format that n8n does not accept`

function checkTrigger(checked: Checked): void {
  const { node, type } = checked
  const parameters = isObject(node.parameters) ? node.parameters : {}
  for (const { pointer, text } of brokenSchedules(type, parameters)) {
    report(checked, 'error', 'invalid-schedule', `/parameters${pointer}`, text)
  }
}

function report(
  { pointer, name, findings }: Checked,
  level: Finding['level'],
  code: string,
  below: string,
  message: string,
  n8n?: string,
): void {
  findings.push({
    code,
    level,
    node: shown(name),
    pointer: pointer + below,
    message,
    ...(n8n !== undefined && { n8n }),
  })
}

/** Names of nodes with at least one connection. */
function connectedNodes(connections: unknown): Set<string> {
  const names = new Set<string>()
  for (const [from, byType] of Object.entries(isObject(connections) ? connections : {})) {
    for (const slots of Object.values(isObject(byType) ? byType : {})) {
      for (const target of (Array.isArray(slots) ? slots : []).flat()) {
        if (!isObject(target) || typeof target.node !== 'string') continue
        names.add(from).add(target.node)
      }
    }
  }
  return names
}
