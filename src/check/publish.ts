/**
 * @module Finds what stops n8n from publishing or starting a workflow, as n8n's own checks do. Measured on n8n 2.41.1.
 * `n8n/structure` finds what stops n8n from creating it. Pure.
 */
import { isObject, type JsonObject, pointerTo } from '../lib/json-object.ts'
import { isExpression } from '../n8n/catalogue/display-options.ts'
import type { Finding } from '../n8n/checks/finding.ts'
import { brokenSchedules } from '../n8n/checks/schedule-checks.ts'
import { shown } from '../n8n/structure/repairs.ts'
import type { FactsOf, NodeFacts } from './facts/node-facts.ts'
import { WorkflowModel } from './model.ts'
import { describeNode, type InstalledTypes, isCommunityType, noInstalledTypes } from './node-types.ts'
import { missingCredentials } from './parameters/credentials.ts'
import { parameterIssues } from './parameters/issues.ts'
import { toMessage } from './parameters/messages.ts'
import { resolveNode, type ResolvedNode } from './parameters/resolve.ts'
import { webhooksOf } from './parameters/webhooks.ts'

export interface PublishContext {
  installed?: InstalledTypes
  /** `attached`: reports missing ones, as n8n does. Otherwise Flowkeep attaches them when it deploys. */
  credentials?: 'attached'
  /** `POST orders` → name of the other published workflow on the instance that uses the webhook */
  webhooks?: ReadonlyMap<string, string>
  /** n8n ID of a workflow on the instance → whether it is published. Undefined where the instance is not known. */
  published?: ReadonlyMap<string, boolean>
  /** n8n ID of the workflow itself, which may call itself. */
  id?: string
}

const manualTriggers = new Set(['n8n-nodes-base.manualTrigger', '@n8n/n8n-nodes-langchain.manualChatTrigger'])
const callerType = 'n8n-nodes-base.executeWorkflow'
const maximumN8nChars = 300
const failed = 'Internal server error'

interface Checked {
  node: JsonObject
  name: string
  pointer: string
  report: (finding: Omit<Finding, 'node'>) => void
}

export const checkPublish = (workflow: JsonObject, facts: FactsOf, context: PublishContext = {}): Finding[] =>
  publishFindings(new WorkflowModel(workflow, facts), context)

export function publishFindings({ json, facts, nodes }: WorkflowModel, context: PublishContext): Finding[] {
  const { installed = noInstalledTypes } = context
  const connected = connectedNodes(json.connections)
  const webhooks = new Map<string, string>()
  const findings: Finding[] = []
  let start: Start = 'none'
  let idle: Partial<Finding> | undefined
  for (const { json: node, index, pointer, values } of nodes) {
    if (typeof node.type !== 'string') continue
    const name = typeof node.name === 'string' ? node.name : `#${index}`
    const report: Checked['report'] = (finding) => findings.push({ node: shown(name), ...finding })
    const checked = { node, name, pointer, report }
    // n8n also resolves the types and parameters of disabled nodes.
    const described = describeNode(node, checked.pointer, facts, installed, report)
    const known = described ?? versionless(node.type, facts)
    start = later(start, startOf(node, known))
    idle ??= idleTrigger(checked, known)
    if (!described) continue
    const resolved = resolveNode(node, described, isObject(node.parameters) ? values.scope : undefined)
    reportUnreadable(checked, resolved)
    if (node.disabled === true) continue
    if (connected.has(name) || described.canStart) checkConfiguration(checked, resolved, context)
    checkWebhooks(checked, resolved, webhooks, context)
    checkSubWorkflow(checked, resolved, context)
    checkSchedules(checked)
  }
  if (start !== 'trigger') findings.push(start === 'none' ? { ...noTrigger, ...idle } : neverStarted)
  return findings
}

function reportUnreadable({ pointer, report }: Checked, { unreadable }: ResolvedNode): void {
  for (const place of unreadable) {
    const message = `n8n cannot read the parameter ${shown(place.slice(1))}. Give its entries the structure that the node expects`
    report({
      code: 'invalid-parameter',
      level: 'error',
      pointer: `${pointer}/parameters${place}`,
      message,
      n8n: failed,
    })
  }
}

/** What n8n checks for each enabled node that is connected or can start the workflow. */
function checkConfiguration(checked: Checked, resolved: ResolvedNode, context: PublishContext): void {
  const { pointer, report } = checked
  if (context.credentials === 'attached') checkCredentials(checked, resolved)
  if (resolved.unreadable.length > 0) return
  const { issues, names } = parameterIssues(resolved.facts, resolved.values, resolved.context)
  const n8n = `Missing or invalid required parameters: ${names.join(', ')}`.slice(0, maximumN8nChars)
  const reported = new Set<string>()
  for (const issue of issues) {
    if (reported.has(issue.pointer)) continue
    reported.add(issue.pointer)
    report({
      code: ['missing', 'too-few'].includes(issue.problem) ? 'missing-parameter' : 'invalid-parameter',
      level: 'error',
      pointer: `${pointer}/parameters${issue.pointer}`,
      message: toMessage(issue),
      n8n: issue.problem === 'unreadable' ? 'Error validating node parameters' : n8n,
    })
  }
}

function checkCredentials({ node, pointer, report }: Checked, resolved: ResolvedNode): void {
  for (const { type, credentialName, displayName } of missingCredentials(node, resolved)) {
    const isMissing = type === 'missing'
    report({
      code: 'credential-missing',
      level: 'error',
      pointer: pointerTo(`${pointer}/credentials`, credentialName),
      message: isMissing
        ? `The node requires a credential of type ${credentialName}. Attach one`
        : `The credential ${credentialName} has no ID. Attach a credential that exists on the n8n server`,
      n8n: `${isMissing ? 'Missing required credential' : 'Credential not configured'}: ${displayName}`,
    })
  }
}

/** n8n refuses a webhook path that another node or another published workflow uses. */
function checkWebhooks(
  { node, name, pointer, report }: Checked,
  resolved: ResolvedNode,
  known: Map<string, string>,
  { webhooks }: PublishContext,
): void {
  const place = 'path' in resolved.values ? '/parameters/path' : '/webhookId'
  const conflict = (code: string, message: string) =>
    report({
      code,
      level: 'error',
      pointer: pointer + place,
      message,
      n8n: 'There is a conflict with one of the webhooks.',
    })
  for (const { method, path } of webhooksOf(node, resolved)) {
    const key = `${method} ${path}`
    const [other, workflow] = [known.get(key), webhooks?.get(key)]
    known.set(key, other ?? name)
    const used = shown(key)
    if (other !== undefined) {
      conflict(
        'duplicate-webhook-path',
        `"${shown(other)}" already uses the webhook ${used}. Change the path`,
      )
      return
    }
    if (workflow !== undefined) {
      conflict(
        'webhook-path-taken',
        `The published workflow "${shown(workflow)}" already uses the webhook ${used}. Change the path, or unpublish that workflow`,
      )
      return
    }
  }
}

function checkSubWorkflow(
  { node, name, pointer, report }: Checked,
  { values }: ResolvedNode,
  context: PublishContext,
): void {
  if (node.type !== callerType) return
  const { workflowId, source } = values
  const id = isObject(workflowId) ? workflowId.value : workflowId
  if (!id || (typeof source === 'string' && source !== '' && source !== 'database')) return
  const at = `${pointer}/parameters/workflowId`
  if (typeof id !== 'string') {
    if (!isObject(workflowId)) return
    const message = 'n8n cannot read a workflow ID that is not a string. Put it in quotation marks'
    report({ code: 'invalid-parameter', level: 'error', pointer: `${at}/value`, message, n8n: failed })
    return
  }
  const { published } = context
  if (isExpression(id) || !published || id === context.id || published.get(id) === true) return
  const message = published.has(id)
    ? `The workflow ${shown(id)} that this node calls is not published. Publish it first`
    : `The n8n server has no workflow ${shown(id)}. Set the ID of a published workflow`
  const n8n = `Cannot publish workflow: Node "${shown(name)}" references workflow ${shown(id)} which is not published`
  report({ code: 'sub-workflow-not-published', level: 'error', pointer: at, message, n8n })
}

function checkSchedules({ node, pointer, report }: Checked): void {
  const parameters = isObject(node.parameters) ? node.parameters : {}
  for (const { pointer: place, text } of brokenSchedules(String(node.type), parameters)) {
    report({
      code: 'invalid-schedule',
      level: 'error',
      pointer: `${pointer}/parameters${place}`,
      message: text,
    })
  }
}

/** `resume`: n8n publishes the workflow, but the node only resumes executions. */
type Start = 'none' | 'resume' | 'trigger'
const starts: Start[] = ['none', 'resume', 'trigger']
const later = (a: Start, b: Start): Start => (starts.indexOf(a) < starts.indexOf(b) ? b : a)

function versionless(type: string, facts: FactsOf): NodeFacts | undefined {
  const known = facts.nodeType(type)
  return known?.describe(known.defaultVersion)
}

function startOf({ type, disabled }: JsonObject, facts: NodeFacts | undefined): Start {
  const name = String(type)
  if (disabled === true || manualTriggers.has(name)) return 'none'
  // An unknown built-in type is reported as such.
  if (!facts) return !isCommunityType(name) || /trigger/i.test(name) ? 'trigger' : 'none'
  if (!facts.canStart) return 'none'
  return facts.isTrigger || facts.isPolling ? 'trigger' : 'resume'
}

/** What to say instead of `noTrigger` if the workflow has a trigger that n8n does not start. */
function idleTrigger(
  { node, name, pointer }: Checked,
  facts: NodeFacts | undefined,
): Partial<Finding> | undefined {
  const at = { node: shown(name), pointer }
  if (manualTriggers.has(String(node.type)) && node.disabled !== true) {
    const message =
      'Only the editor starts this workflow, because its trigger is manual. Add another trigger, or deploy it with "publish": false'
    return { ...at, message }
  }
  if (node.disabled !== true || startOf({ ...node, disabled: false }, facts) !== 'trigger') return undefined
  const message =
    'This trigger is disabled, so n8n cannot publish the workflow. Enable it, or deploy it with "publish": false'
  return { ...at, message }
}

const noTrigger: Finding = {
  code: 'no-trigger',
  level: 'error',
  pointer: '/nodes',
  message:
    'This workflow has no trigger, so n8n cannot publish it. Add a trigger, or deploy it with "publish": false',
  n8n: 'Workflow cannot be activated because it has no trigger node.',
}

const neverStarted: Finding = {
  code: 'no-trigger',
  level: 'warning',
  pointer: '/nodes',
  message: 'This workflow has no enabled trigger, so nothing starts it. Add a trigger',
}

/** Names of nodes that n8n counts as connected: with any list of outputs, or as a target. */
function connectedNodes(connections: unknown): Set<string> {
  const names = new Set<string>()
  for (const [from, byType] of Object.entries(isObject(connections) ? connections : {})) {
    for (const slots of Object.values(isObject(byType) ? byType : {})) {
      names.add(from)
      for (const target of (Array.isArray(slots) ? slots : []).flat()) {
        if (isObject(target) && typeof target.node === 'string') names.add(target.node)
      }
    }
  }
  return names
}
