/**
 * @module What n8n 2.41.1 refuses to publish. Excludes its check of required node parameters, which are not in the
 * catalogue.
 */
import { NodeFlag } from '../../src/n8n/catalogue/catalogue-file.ts'
import { isDisplayed } from '../../src/n8n/catalogue/display-options.ts'
import { describeNode, displayedParameters } from '../../src/n8n/catalogue/required-credentials.ts'
import type { Json, StubContext } from './n8n-stub-state.ts'
import { isObject, Refusal } from './n8n-stub-validation.ts'

export const MANUAL_TRIGGERS = new Set(['n8n-nodes-base.manualTrigger', 'n8n-nodes-base.manualChatTrigger'])
const RESUMED_BY_WEBHOOK = new Set(['n8n-nodes-base.wait', 'n8n-nodes-base.form'])

/** @throws {Refusal} 400 */
export function checkPublishable(context: StubContext, nodes: Json[], ownId: string): void {
  checkNodeTypes(context, nodes)
  checkCredentials(context, nodes)
  checkSubWorkflows(context, nodes, ownId)
}

function checkNodeTypes(context: StubContext, nodes: Json[]): void {
  const { catalogue } = context
  for (const { type, typeVersion } of nodes) {
    if (isInstalled(context, String(type))) continue
    const known = catalogue.nodeType(String(type))
    if (!known) throw new Refusal(400, `Unrecognized node type: ${String(type)}`)
    if (!known.takesAnyVersion && typeof typeVersion === 'number' && !known.versions.includes(typeVersion)) {
      throw new Refusal(400, `Node type "${String(type)}" is not available in version ${typeVersion}.`)
    }
  }
  if (!nodes.some((node) => node.disabled !== true && startsSomething(context, node))) {
    throw new Refusal(
      400,
      'Workflow cannot be activated because it has no trigger node. At least one is required.',
    )
  }
}

function isInstalled({ state }: StubContext, type: string): boolean {
  const loaded = (state.communityPackages ?? []).filter(({ failedLoading }) => failedLoading !== true)
  return loaded.some(({ types }) => types.includes(type))
}

/** n8n also counts nodes with a webhook for resuming, so it publishes workflows that never run. */
function startsSomething(context: StubContext, node: Json): boolean {
  const type = String(node.type)
  if (MANUAL_TRIGGERS.has(type)) return false
  if (context.catalogue.nodeType(type)?.trigger || RESUMED_BY_WEBHOOK.has(type)) return true
  return Boolean((describeNode(context.catalogue, node)?.facts.f ?? 0) & NodeFlag.sendAndWait)
}

function checkSubWorkflows(context: StubContext, nodes: Json[], ownId: string): void {
  for (const { type, disabled, name, parameters } of nodes) {
    if (type !== 'n8n-nodes-base.executeWorkflow' || disabled === true || !isObject(parameters)) continue
    const { workflowId, source } = parameters
    const id = isObject(workflowId) ? workflowId.value : workflowId
    if (typeof id !== 'string' || id === '' || id.startsWith('=') || (source ?? 'database') !== 'database')
      continue
    if (id === ownId) continue
    if ((context.state.workflows.get(id)?.activeVersionId ?? null) !== null) continue
    throw new Refusal(
      400,
      `Cannot publish workflow: Node "${String(name)}" references workflow ${id} which is not published.`,
    )
  }
}

/** Declared ones only. n8n also checks required parameters, which are not in the catalogue. */
function checkCredentials(context: StubContext, nodes: Json[]): void {
  for (const node of nodes) {
    const description = node.disabled === true ? undefined : describeNode(context.catalogue, node)
    if (!description) continue
    const values = displayedParameters(node, description)
    for (const [type, isRequired, show, hide] of description.facts.c ?? []) {
      if (!isRequired || !isDisplayed({ show, hide }, { values, root: values }, description)) continue
      const attached = isObject(node.credentials) ? node.credentials[type] : undefined
      const problem = attached === undefined ? 'Missing required credential' : 'Credential not configured'
      if (isObject(attached) && typeof attached.id === 'string') continue
      throw new Refusal(
        400,
        `Cannot publish workflow: 1 node have configuration issues:\n\nNode "${String(node.name)}":\n  - ${problem}: ${type}`,
      )
    }
  }
}
