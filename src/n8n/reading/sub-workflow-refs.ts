/** @module Finds and replaces the references from a workflow to the workflows that it calls. Pure. */
import { isExpression } from '../catalogue/display-options.ts'
import { type Place, type Repairs, shown } from '../structure/repairs.ts'
import { isObject, type JsonObject } from '../../lib/json-object.ts'

/** Node types that call the workflow in `parameters.workflowId`. */
const callers = new Set([
  'n8n-nodes-base.executeWorkflow',
  '@n8n/n8n-nodes-langchain.toolWorkflow',
  '@n8n/n8n-nodes-langchain.retrieverWorkflow',
])
/** Triggers that a workflow needs so that other workflows can call it. */
const calledBy = new Set(['n8n-nodes-base.executeWorkflowTrigger', 'n8n-nodes-base.errorTrigger'])
const noErrorWorkflow = 'DEFAULT'

export interface SubWorkflowRef {
  /** Absent for the error workflow in the settings. */
  node?: string
  pointer: string
  /** The ID as written: the ID of a workflow in an n8n or in Flowkeep. */
  id: string
  /** The name that n8n's editor displayed for it. */
  name?: string
  /** n8n publishes the caller only if the called workflow is published. */
  mustBePublished: boolean
}

/** References from enabled nodes. Excludes expressions, evaluated at run time, and URLs, which n8n does not resolve. */
export function subWorkflowRefs({
  nodes,
  settings,
}: {
  nodes?: unknown
  settings?: unknown
}): SubWorkflowRef[] {
  const refs: SubWorkflowRef[] = []
  for (const [index, node] of (Array.isArray(nodes) ? nodes : []).entries()) {
    if (!isCaller(node) || node.disabled === true) continue
    const { workflowId } = node.parameters
    const { id, name } = referenceOf(workflowId)
    if (id === undefined || idInUrl(id) !== undefined) continue
    refs.push({
      node: shown(String(node.name)),
      pointer: `/nodes/${index}/parameters/workflowId`,
      id,
      ...(name !== undefined && { name }),
      mustBePublished: node.type === 'n8n-nodes-base.executeWorkflow',
    })
  }
  const errorWorkflow = isObject(settings) ? settings.errorWorkflow : undefined
  if (typeof errorWorkflow === 'string' && errorWorkflow !== '' && errorWorkflow !== noErrorWorkflow) {
    refs.push({ pointer: '/settings/errorWorkflow', id: errorWorkflow, mustBePublished: false })
  }
  return refs
}

/** A copy of the workflow with the IDs in `ids` replaced, including in disabled nodes. */
export function withSubWorkflows(workflow: JsonObject, ids: ReadonlyMap<string, string>): JsonObject {
  if (ids.size === 0) return workflow
  const { nodes, settings } = workflow
  const replaced: JsonObject = { ...workflow }
  if (Array.isArray(nodes)) {
    replaced.nodes = nodes.map((node: unknown) => {
      if (!isCaller(node)) return node
      const { workflowId } = node.parameters
      const { id } = referenceOf(workflowId)
      const other = id === undefined ? undefined : ids.get(id)
      if (other === undefined || other === id) return node
      const parameters = { ...node.parameters, workflowId: referring(workflowId, other) }
      return Object.assign({}, node, { parameters })
    })
  }
  if (isObject(settings) && typeof settings.errorWorkflow === 'string') {
    const { errorWorkflow } = settings
    replaced.settings = { ...settings, errorWorkflow: ids.get(errorWorkflow) ?? errorWorkflow }
  }
  return replaced
}

/** A URL of n8n's editor, such as `https://n8n.example.com/workflow/fV6eYdjsPcDPPZcN`. */
const editorUrl = /^\s*https?:\/\/[^\s?#]*\/workflow\/([\w-]{1,64})\/?(?:[?#]\S*)?\s*$/i

const idInUrl = (value: string): string | undefined => editorUrl.exec(value)?.[1]

/**
 * Reports a reference by URL, which n8n treats as an unknown ID.
 * @returns the repaired node; undefined if it is unchanged
 */
export function checkReference(
  node: JsonObject,
  place: Place,
  label: string,
  repairs: Repairs,
): JsonObject | undefined {
  if (!isCaller(node) || node.disabled === true) return undefined
  const { parameters } = node
  const { id: url = '' } = referenceOf(parameters.workflowId)
  const id = idInUrl(url)
  if (id === undefined) return undefined
  const applied = repairs.report({
    code: 'sub-workflow-url',
    place: place.at('parameters').at('workflowId'),
    node: label,
    message: `${JSON.stringify(label)} references a workflow by URL, which n8n treats as an ID. Use the ID ${id}`,
    n8n: `Node "${label}" references workflow ${url} which is not published`,
    fix: `Use the ID ${id} of the URL`,
  })
  return applied
    ? { ...node, parameters: { ...parameters, workflowId: referring(parameters.workflowId, id) } }
    : undefined
}

/** Whether other workflows can call it. */
export const canBeCalled = (nodeTypes: readonly string[]): boolean =>
  nodeTypes.some((type) => calledBy.has(type))

type Caller = JsonObject & { parameters: JsonObject }

function isCaller(node: unknown): node is Caller {
  if (
    !isObject(node) ||
    typeof node.type !== 'string' ||
    !callers.has(node.type) ||
    !isObject(node.parameters)
  )
    return false
  const { source } = node.parameters
  return source === undefined || source === 'database'
}

/** A string, or a resource locator `{ __rl, mode, value }`. */
function referenceOf(workflowId: unknown): { id?: string; name?: string } {
  const value = isObject(workflowId) ? workflowId.value : workflowId
  if (typeof value !== 'string' || value.trim() === '' || isExpression(value)) return {}
  const name = isObject(workflowId) ? workflowId.cachedResultName : undefined
  return { id: value, ...(typeof name === 'string' && name !== '' && { name: shown(name) }) }
}

function referring(workflowId: unknown, id: string): unknown {
  if (!isObject(workflowId)) return id
  // The link from n8n's editor points to the other n8n.
  const { cachedResultUrl: _, ...locator } = workflowId
  return { ...locator, ...(locator.mode === 'url' && { mode: 'id' }), value: id }
}
