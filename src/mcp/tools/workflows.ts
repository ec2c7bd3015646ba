/** @module Tools that find, read, check and save workflows. */
import type { Deps } from '../../deps.ts'
import { AppError, requireFound } from '../../errors.ts'
import { requireScope } from '../../http/scopes.ts'
import { isObject, type JsonObject, listOf } from '../../lib/json-object.ts'
import { redacted } from '../../lib/secrets/redact.ts'
import { parseWorkflow } from '../../n8n/reading/workflow-json.ts'
import { readWorkflowMember } from '../../n8n/reading/workflow-text.ts'
import type { Workflow } from '../../workflows/contract.ts'
import { anyObject, flag, id, list, optional, text, version } from '../arguments.ts'
import { answer, fenced, inline, plain, refusePlaceholder } from '../fence.ts'
import { findingText } from '../findings.ts'
import { outlineOf, shortType } from '../outline.ts'
import { tool } from '../tool.ts'

const maxFound = 20

export const searchWorkflows = tool({
  name: 'search_workflows',
  description:
    'Find saved workflows by words in their name, prompt or node types; without a query, the newest.',
  arguments: { query: optional(text(200)) },
  scope: 'workflows:read',
  isReadOnly: true,
  rateClass: 'heavy',
  async run({ workflows }, userId, { query }) {
    const { items, nextCursor } = await workflows.list(userId, { q: query }, { limit: maxFound, after: null })
    if (items.length === 0) return 'No workflows found.'
    const lines = items.map((each) => {
      const types = each.nodeTypes.slice(0, 8).map((type) => inline(shortType(type)))
      const tags = each.tags.length > 0 ? ` #${each.tags.map((tag) => inline(tag)).join(' #')}` : ''
      return `${each.id} v${each.version} ${inline(each.name)}${tags} [${types.join(', ')}]`
    })
    return answer(fenced(lines), nextCursor === null ? '' : 'There are more. Search with other words.')
  },
})

export const readWorkflow = tool({
  name: 'read_workflow',
  description: 'Outline of a workflow with its deployments; with nodes, the JSON of these nodes instead.',
  arguments: {
    workflowId: id(),
    nodes: optional(list(text(1000), 20, 'Node names')),
    version: optional(version('Default: current')),
  },
  scope: 'workflows:read',
  isReadOnly: true,
  run: (deps, userId, { workflowId, nodes, version: wanted }) =>
    nodes
      ? nodesText(deps, userId, workflowId, nodes, wanted)
      : outlineText(deps, userId, workflowId, wanted),
})

const find = async ({ workflows }: Deps, userId: string, id: string, wanted: number | undefined) =>
  wanted === undefined
    ? requireFound(await workflows.find(userId, id), 'Workflow')
    : requireFound(await workflows.findVersion(userId, id, wanted), 'Version')

/** The nodes and connections of a workflow, and where it is deployed. */
export async function outlineText(
  deps: Deps,
  userId: string,
  workflowId: string,
  wanted?: number,
): Promise<string> {
  const [workflow, { items: deployed }] = await Promise.all([
    find(deps, userId, workflowId, wanted),
    deps.deployments.list(userId, { workflowId }, { limit: 10, after: null }),
  ])
  const { name, description, prompt, workflow: json } = workflow
  return answer(
    plain`Workflow ${workflowId}, version ${workflow.version}. Nodes: ${workflow.nodeCount}.`,
    ...deployed.map(
      (each) =>
        plain`Deployment ${each.id} on instance ${each.instanceId}: ${each.status}, version ${each.version}.`,
    ),
    fenced(
      [
        `name: ${inline(name)}`,
        ...(description ? [`description: ${inline(description, 500)}`] : []),
        ...(prompt ? [`prompt: ${inline(prompt, 1000)}`] : []),
        ...(isObject(json['settings']) ? [`settings: ${inline(json['settings'], 400)}`] : []),
        ...outlineOf(json),
      ],
      'Ask for the nodes that matter.',
    ),
  )
}

async function nodesText(
  deps: Deps,
  userId: string,
  workflowId: string,
  names: readonly string[],
  wanted: number | undefined,
): Promise<string> {
  const workflow = await find(deps, userId, workflowId, wanted)
  const found = listOf(workflow.workflow['nodes']).filter(
    (node) => isObject(node) && names.includes(String(node['name'])),
  )
  if (found.length === 0)
    throw new AppError('invalid', 'The workflow has no such nodes. Read its outline for their names')
  const text = found.map((node) => JSON.stringify(node))
  return answer(
    plain`Version ${workflow.version}.`,
    `${redacted} replaces secrets.`,
    fenced(text, 'Ask for fewer nodes.', 20_000),
  )
}

const workflowArgument = anyObject('n8n JSON: { nodes, connections }')

export const checkWorkflow = tool({
  name: 'check_workflow',
  description:
    'Find mistakes in a saved workflow or in JSON. With fix, apply the safe fixes: to a saved workflow as a new version.',
  arguments: {
    workflowId: optional(id()),
    workflow: optional(workflowArgument),
    fix: optional(flag()),
    instanceId: optional(id('Check for the n8n version of this instance')),
  },
  scope: 'workflows:read',
  rateClass: 'heavy',
  async run({ workflows, checks }, userId, { workflowId, workflow: given, fix = false, instanceId }) {
    if ((workflowId === undefined) === (given === undefined))
      throw new AppError('invalid', 'Send either workflowId or workflow')
    if (workflowId !== undefined && fix) requireScope('workflows:write')
    const saved =
      workflowId === undefined ? null : requireFound(await workflows.find(userId, workflowId), 'Workflow')
    const json = saved?.workflow ?? parseWorkflow(given, { pointerPrefix: '/workflow' }).workflow
    const { n8nVersion, publishable, findings, fixed } = await checks.check(userId, json, { instanceId }, fix)
    const isFixed = fixed !== undefined && fixed.applied.length > 0
    const updated =
      saved && isFixed
        ? requireFound(
            await workflows.update(userId, saved.id, saved.version, { workflow: fixed.workflow }),
            'Workflow',
          )
        : null
    return answer(
      plain`Checked for n8n ${n8nVersion}. n8n ${publishable ? 'publishes' : 'refuses'} it as sent.`,
      ...findingText(findings),
      ...(isFixed
        ? [
            updated ? plain`Fixed in version ${updated.version}.` : 'With the fixes:',
            fenced(updated ? fixed.applied : [JSON.stringify(fixed.workflow)], 'Save it instead.', 20_000),
            'After the fixes:',
            ...findingText(fixed.findings),
          ]
        : fix
          ? ['Nothing to fix.']
          : []),
    )
  },
})

export const saveWorkflow = tool({
  name: 'save_workflow',
  description:
    'Save a workflow: new, or with workflowId and version as the next version of one. Applies safe fixes. ' +
    'Returns findings. Prefer edit_workflow for changes.',
  arguments: {
    workflow: workflowArgument,
    name: optional(text(200)),
    prompt: optional(text(100_000, 'What the user asked for')),
    model: optional(text(200, 'Your model name')),
    workflowId: optional(id()),
    version: optional(version('Version that you read')),
  },
  scope: 'workflows:write',
  async run({ workflows, checks }, userId, { workflow: given, workflowId, version: expected, ...about }) {
    const text = JSON.stringify({ workflow: given })
    refusePlaceholder(text, 'The workflow', 'Change the other parts with edit_workflow')
    const { workflow: member, findings: readings } = readWorkflowMember(given, text)
    const { workflow: parsed } = parseWorkflow(member, { pointerPrefix: '/workflow' })
    const fixed = await checks.check(userId, parsed, {}, true)
    const { workflow = parsed, applied = [], findings = fixed.findings } = fixed.fixed ?? {}
    const named = Object.fromEntries(Object.entries(about).filter(([, value]) => value !== undefined))
    const saved = await save(workflow)
    return answer(
      plain`Saved ${saved.id}, version ${saved.version}.`,
      applied.length > 0 ? answer('Fixed:', fenced(applied)) : '',
      ...findingText(findings),
      saved.requiredCredentialTypes.length > 0
        ? answer('Credential types that it needs:', fenced(saved.requiredCredentialTypes.join(', ')))
        : '',
      findings.some(({ level }) => level === 'error')
        ? 'Next: correct the errors.'
        : 'Next: plan_deployment.',
    )

    async function save(json: JsonObject): Promise<Workflow> {
      if (workflowId === undefined)
        return workflows.create(userId, { workflow: json, ...named }, undefined, undefined, readings)
      if (expected === undefined)
        throw new AppError('invalid', 'Send the version that your change is based on')
      const change = { workflow: json, ...named }
      return requireFound(await workflows.update(userId, workflowId, expected, change, readings), 'Workflow')
    }
  },
})
