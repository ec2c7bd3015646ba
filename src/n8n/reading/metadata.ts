/** @module Extracts node types, triggers, webhooks, required credentials and warnings from workflow JSON. Pure. */
import { isObject } from '../../lib/json-object.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import type { Finding } from '../checks/finding.ts'
import { findHardCodedSecrets } from '../checks/hard-coded-secrets.ts'
import {
  describeNode,
  displayedParameters,
  requiredCredentials,
  typeVersion,
  unresolvedReason,
} from '../catalogue/required-credentials.ts'
import { checkStructure } from '../structure/structure.ts'
import { webhookPaths } from './webhook-paths.ts'

/** Stable codes in addition to the `checkStructure` codes; new ones may be added. */
export type WarningCode =
  | 'hard-coded-secret'
  | 'inexact-number'
  | 'no-trigger'
  | 'unknown-credential-type'
  | 'unknown-node-type'
  | 'unknown-node-version'
  | 'unknown-webhook-path'
  | 'unresolved-credential-type'
  | 'unwrapped-json'

/** `message` never contains a secret. `node`: the node name, or `#` and its index if unnamed. */
export interface WorkflowWarning {
  code: string
  message: string
  node?: string
  level?: Finding['level']
  /** JSON pointer into the workflow */
  pointer?: string
}

/** `optional`: no node requires it; some have one attached. */
export interface CredentialRequirement {
  type: string
  nodes: string[]
  optional?: true
}

/** Arrays are sorted and distinct. */
export interface WorkflowMetadata {
  /** of all nodes, including disabled ones and sticky notes */
  nodeTypes: string[]
  /** of the enabled nodes */
  requiredCredentialTypes: string[]
  /** of all triggers, including disabled ones */
  triggerTypes: string[]
  /** paths of enabled triggers, as far as the JSON determines them */
  webhookPaths: string[]
  /** these paths with their endpoint, such as `form/signup` */
  endpoints: string[]
  nodeCount: number
  /** at most 200 */
  warnings: WorkflowWarning[]
  requirements: CredentialRequirement[]
  /** nodes whose credential type n8n determines at run time */
  unresolved: { node: string; reason: string }[]
}

const MAX_WARNINGS = 200
const MAX_SHOWN_LENGTH = 120

/** @param workflow within the limits of `parseWorkflow` */
export function extractMetadata(workflow: Record<string, unknown>, catalogue: Catalogue): WorkflowMetadata {
  const nodes = Array.isArray(workflow.nodes) ? workflow.nodes.filter(isObject) : []
  const found = new Findings()
  nodes.forEach((node, index) => {
    const name = typeof node.name === 'string' && node.name !== '' ? node.name : undefined
    readNode(node, name ?? `#${index}`, catalogue, found)
  })
  if (nodes.length > 0) {
    for (const { code, message, node } of checkStructure(workflow).findings) found.warn(code, message, node)
  }
  if (!found.startable && nodes.length > 0) {
    found.warn('no-trigger', 'The workflow has no enabled trigger, so nothing starts it. Add or enable one')
  }
  return {
    nodeTypes: [...found.nodeTypes].toSorted(),
    requiredCredentialTypes: [...found.requirements.keys()].toSorted(),
    triggerTypes: [...found.triggerTypes].toSorted(),
    webhookPaths: [...found.webhookPaths].toSorted(),
    endpoints: [...found.endpoints].toSorted(),
    nodeCount: nodes.length,
    warnings: found.warnings,
    requirements: [...found.requirements]
      .map(([type, { nodes, required }]): CredentialRequirement => {
        const sorted = [...nodes].toSorted()
        return required ? { type, nodes: sorted } : { type, nodes: sorted, optional: true }
      })
      .toSorted((a, b) => (a.type < b.type ? -1 : 1)),
    unresolved: found.unresolved,
  }
}

class Findings {
  readonly nodeTypes = new Set<string>()
  readonly triggerTypes = new Set<string>()
  readonly webhookPaths = new Set<string>()
  readonly endpoints = new Set<string>()
  readonly requirements = new Map<string, { nodes: Set<string>; required: boolean }>()
  readonly unresolved: { node: string; reason: string }[] = []
  readonly warnings: WorkflowWarning[] = []
  /** The workflow has an enabled trigger. */
  startable = false

  require(type: string, node: string, required: boolean): void {
    const requirement = this.requirements.get(type) ?? { nodes: new Set(), required: false }
    requirement.nodes.add(node)
    requirement.required ||= required
    this.requirements.set(type, requirement)
  }

  warn(code: string, message: string, node?: string): void {
    if (this.warnings.length >= MAX_WARNINGS) return
    this.warnings.push({ code, message, ...(node !== undefined && { node: shown(node) }) })
  }
}

function readNode(node: Record<string, unknown>, label: string, catalogue: Catalogue, found: Findings): void {
  for (const { path, kind } of findHardCodedSecrets(node)) {
    const message = `${shown(path)} looks like ${kind}. Store it in a credential`
    found.warn('hard-coded-secret', message, label)
  }
  const { type } = node
  if (typeof type !== 'string' || type === '') return
  found.nodeTypes.add(type)
  const description = describeNode(catalogue, node)
  warnOfVersion(node, type, label, catalogue, found)
  const trigger = catalogue.nodeType(type)?.trigger ?? isTriggerByName(type)
  if (trigger) found.triggerTypes.add(type)
  if (node.disabled === true) return
  found.startable ||= trigger
  const { required, unresolved } = requiredCredentials(node, description)
  for (const [credentialType, isRequired] of required) {
    found.require(credentialType, label, isRequired)
    if (description && !catalogue.hasCredentialType(credentialType)) {
      const message = `${shown(credentialType)} is not a built-in n8n credential type`
      found.warn('unknown-credential-type', message, label)
    }
  }
  for (const parameter of unresolved) {
    const reason = unresolvedReason(parameter)
    found.unresolved.push({ node: label, reason })
    found.warn('unresolved-credential-type', reason, label)
  }
  if (!description?.facts.w) return
  const values = displayedParameters(node, description)
  const { paths, endpoint, unknown } = webhookPaths(node, description, values)
  for (const path of paths) found.webhookPaths.add(path)
  if (endpoint !== undefined) found.endpoints.add(endpoint)
  if (unknown)
    found.warn(
      'unknown-webhook-path',
      'The webhook URL is known after the workflow is planned or deployed',
      label,
    )
}

function warnOfVersion(
  node: Record<string, unknown>,
  type: string,
  label: string,
  catalogue: Catalogue,
  found: Findings,
): void {
  const nodeType = catalogue.nodeType(type)
  if (!nodeType) {
    const message = `${shown(type)} is not a built-in n8n node. Install it on the n8n server`
    found.warn('unknown-node-type', message, label)
    return
  }
  const version = typeVersion(node)
  if (version === undefined || nodeType.versions.includes(version)) return
  const message = `${type} has no version ${version}. Flowkeep reads it as version ${nodeType.defaultVersion}`
  found.warn('unknown-node-version', message, label)
}

/** For community nodes. n8n also detects triggers by name. */
function isTriggerByName(type: string): boolean {
  return type.toLowerCase().includes('trigger') || type === 'n8n-nodes-base.start'
}

function shown(text: string): string {
  return text.length <= MAX_SHOWN_LENGTH ? text : `${text.slice(0, MAX_SHOWN_LENGTH)}…`
}
