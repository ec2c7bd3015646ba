/** @module Builds the workflow that is sent to n8n: bound credentials in its nodes, and forced settings. Pure. */
import { isObject, type JsonObject } from '../../lib/json-object.ts'
import type { Catalogue } from '../../n8n/catalogue/catalogue.ts'
import { NodeFlag } from '../../n8n/catalogue/catalogue-file.ts'
import { describeNode, requiredCredentials } from '../../n8n/catalogue/required-credentials.ts'
import type { AcceptedSettings } from '../../n8n/sendable/settings.ts'
import { type SendableWorkflow, toN8nWorkflow } from '../../n8n/sendable/workflow.ts'
import { nodeLabel } from '../../n8n/reading/slots.ts'
import type { CredentialRefs, N8nCredentialRef } from './credential-refs.ts'
import { giveWebhookIds } from './webhook-ids.ts'
import { type ErrorHandling, namedErrorWorkflow, noErrorWorkflow } from '../deploy/error-handling.ts'

/** n8n must save executions, because Flowkeep reads them. */
export const savedExecutions = { saveDataSuccessExecution: 'all', saveDataErrorExecution: 'all' } as const

export interface RemoteBodyOptions {
  /** The credentials of the slots. All other credentials are removed from nodes. */
  credentials: CredentialRefs
  /** Default: unchanged. */
  errorHandling?: ErrorHandling
  acceptedSettings?: AcceptedSettings
  /**
   * The workflow in n8n. n8n merges settings, so settings that the version no longer sets must be reset. A node sent
   * without its `webhookId` gets a new one and therefore another URL.
   */
  live?: { settings?: JsonObject | null | undefined; nodes: readonly JsonObject[] } | null | undefined
  /** Replaces the workflow's own name. */
  name?: string
  /** A UUID. The same scope gives nodes without a webhook ID the same one each time. */
  webhookScope?: string
}

export function toRemoteBody(
  workflow: JsonObject,
  catalogue: Catalogue,
  options: RemoteBodyOptions,
): SendableWorkflow {
  const { credentials, errorHandling, acceptedSettings, live, name, webhookScope } = options
  const settingsBefore = live?.settings
  const settings = { ...savedExecutions, ...errorSettings(errorHandling, settingsBefore) }
  const sendable = toN8nWorkflow(withoutCredentials(workflow), {
    settings,
    ...(name !== undefined && { name }),
    ...(acceptedSettings && { acceptedSettings }),
  })
  giveWebhookIds(sendable.body.nodes, live?.nodes ?? [], { catalogue, webhookScope })
  for (const [index, node] of sendable.body.nodes.entries()) {
    const given = givenNode(workflow, node.name, index) ?? node
    const refs = credentials.get(nodeLabel(given, index))
    const bound = refs ? bindNode(given, catalogue, refs) : {}
    if (Object.keys(bound).length > 0) node.credentials = bound
  }
  const resets = Object.entries(SETTING_RESETS).filter(
    ([key, value]) =>
      settingsBefore?.[key] !== undefined &&
      settingsBefore[key] !== value &&
      !Object.hasOwn(sendable.body.settings, key) &&
      (acceptedSettings?.has(key) ?? true),
  )
  sendable.body.settings = { ...Object.fromEntries(resets), ...sendable.body.settings }
  return sendable
}

function errorSettings(
  handling: ErrorHandling | undefined,
  settingsBefore: JsonObject | null | undefined,
): JsonObject {
  if (!handling) return {}
  const { errorWorkflow } = handling
  if (errorWorkflow !== null) return { errorWorkflow }
  return namedErrorWorkflow(settingsBefore) === null ? {} : { errorWorkflow: noErrorWorkflow }
}

/** The values that n8n treats as "not set". */
const SETTING_RESETS: JsonObject = {
  saveExecutionProgress: false,
  saveManualExecutions: true,
  executionTimeout: -1,
  timezone: 'DEFAULT',
  callerPolicy: 'workflowsFromSameOwner',
  callerIds: '',
  timeSavedPerExecution: 0,
  customTelemetryTags: [],
  availableInMCP: false,
}

/** Credential IDs of another n8n have no meaning in this one. */
function withoutCredentials(workflow: JsonObject): JsonObject {
  if (!Array.isArray(workflow.nodes)) return workflow
  const nodes = workflow.nodes.map((node: unknown) => {
    if (!isObject(node)) return node
    const { credentials: _, ...rest } = node
    return rest
  })
  return { ...workflow, nodes }
}

/** The stored node, because its attached credentials show which optional ones it uses. */
function givenNode(workflow: JsonObject, name: string, index: number): JsonObject | undefined {
  const nodes: unknown[] = Array.isArray(workflow.nodes) ? workflow.nodes : []
  const at = nodes[index]
  if (isObject(at) && (at.name === name || nodeLabel(at, index) === `#${index}`)) return at
  return nodes.filter(isObject).find((node) => node.name === name)
}

/** When an expression selects the type, every bound credential is included. */
function bindNode(
  node: JsonObject,
  catalogue: Catalogue,
  refs: ReadonlyMap<string, N8nCredentialRef>,
): JsonObject {
  const { required, unresolved } = requiredCredentials(node, describeNode(catalogue, node))
  return Object.fromEntries(
    [...refs].flatMap(([type, { id, name }]) =>
      unresolved.length > 0 || required.has(type) ? [[type, { id, name }]] : [],
    ),
  )
}

/** n8n publishes these without starting anything, because other workflows call them. */
const PASSIVE_TRIGGERS = new Set(['n8n-nodes-base.errorTrigger', 'n8n-nodes-base.executeWorkflowTrigger'])
/** Only a user in the editor starts these. n8n does not publish them. */
const MANUAL_TRIGGERS = new Set([
  'n8n-nodes-base.manualTrigger',
  'n8n-nodes-base.evaluationTrigger',
  '@n8n/n8n-nodes-langchain.manualChatTrigger',
])
/** These have webhooks for waiting runs. n8n publishes a workflow with one of them as if it could start the workflow. */
const RESUMED_TYPES = new Set(['n8n-nodes-base.wait', 'n8n-nodes-base.form', 'n8n-nodes-base.github'])

/**
 * `nothing`: n8n refuses to publish it. `call`: n8n publishes it, and another workflow calls it. `resume`: n8n publishes
 * it, but nothing starts it.
 */
export type StartedBy = 'trigger' | 'call' | 'resume' | 'nothing'

export function startedBy(workflow: JsonObject, catalogue: Catalogue): StartedBy {
  const nodes: unknown[] = Array.isArray(workflow.nodes) ? workflow.nodes : []
  const enabled = nodes
    .filter(isObject)
    .filter(({ disabled, type }) => disabled !== true && typeof type === 'string')
  const types = enabled.map(({ type }) => String(type))
  const triggers = types.filter((type) => isTrigger(type, catalogue))
  if (triggers.length > 0) return triggers.every((type) => PASSIVE_TRIGGERS.has(type)) ? 'call' : 'trigger'
  const isResumed = enabled.some((node) => {
    const flags = describeNode(catalogue, node)?.facts.f ?? 0
    return RESUMED_TYPES.has(String(node.type)) || (flags & NodeFlag.sendAndWait) !== 0
  })
  return isResumed ? 'resume' : 'nothing'
}

const isTrigger = (type: string, catalogue: Catalogue): boolean =>
  (catalogue.nodeType(type)?.trigger ?? /trigger/i.test(type)) && !MANUAL_TRIGGERS.has(type)

/** Whether nodes of the type start a published workflow. */
export const isStarter = (type: string, catalogue: Catalogue): boolean =>
  isTrigger(type, catalogue) && !PASSIVE_TRIGGERS.has(type)
