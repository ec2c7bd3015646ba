/** @module Explains a failed run: cause, node, input, origin, findings, and what fixed the same error before. */
import { differences } from '../../check/json-difference.ts'
import type { NodeFacts } from '../../check/facts/node-facts.ts'
import { loadFacts } from '../../check/facts/load.ts'
import { checkWorkflow } from '../../check/run.ts'
import { credentialsOf } from '../../credentials/node-credentials.ts'
import { isObject, type JsonObject } from '../../lib/json-object.ts'
import { redactParameterStrings } from '../../lib/secrets/redact-json.ts'
import { redact } from '../../lib/secrets/redact.ts'
import { isOpen } from '../../runs/meaning.ts'
import type { Catalogue } from '../../n8n/catalogue/catalogue.ts'
import type { Finding, PatchOperation } from '../../n8n/checks/finding.ts'
import { serviceOf } from '../../n8n/reading/type-labels.ts'
import type { BoundCredential, KnownFix, RunPage } from '../detail-queries.ts'
import type { NodeRun } from '../record/node-runs.ts'
import type { StoredValues } from '../values/capture.ts'
import { inputsOfFailed } from '../values/read.ts'
import type { Diagnosis } from './contract.ts'
import { type Explanation, explain } from './explain.ts'
import { listParameters } from './parameters.ts'
import { type GraphNode, type WorkflowGraph, workflowGraph } from './run-graph.ts'
import { failedNode, nodesOf } from './run-nodes.ts'
import { skippedNodes } from './skip-reasons.ts'
import { toText } from './text.ts'

export interface Failure extends Explanation {
  node: string | null
  message: string
  httpStatus: number | null
  /** The bound credentials; several if the node could use any of them. */
  credentials: BoundCredential[]
}

const promptMaxChars = 2000
const maxChanges = 20

/** Null for a run that did not fail. @param nodes of the run, from `nodesOf` */
export function failureOf(
  page: RunPage,
  graph: WorkflowGraph,
  nodes: readonly NodeRun[],
  catalogue: Catalogue,
): Failure | null {
  const { run } = page
  const node = failedNode(run, nodes)
  const failed = nodes.find(({ name }) => name === node)
  const message = run.error?.message ?? (node === null ? null : (failed?.error?.message ?? null))
  if (message === null) return null
  const httpStatus = page.httpStatus ?? failed?.error?.httpStatus ?? null
  const type = node === null ? null : (failed?.type ?? graph.byName.get(node)?.type ?? null)
  return {
    ...explain({ message, httpStatus, service: serviceOf(type) }),
    node,
    message,
    httpStatus,
    credentials: node === null ? [] : boundTo(graph.byName.get(node), page, catalogue),
  }
}

/** The credentials that a node used in the run. */
export function boundTo(
  node: GraphNode | undefined,
  { deployment, credentials }: RunPage,
  catalogue: Catalogue,
): BoundCredential[] {
  if (!node || !deployment) return []
  return credentialsOf(node.name, node.json, deployment.bindings, catalogue).flatMap(
    (binding) => credentials.find(({ id }) => 'credentialId' in binding && id === binding.credentialId) ?? [],
  )
}

/**
 * @param withText also the texts of the failed node's parameters
 * @param values stored values of the run, for a reader who may see them
 */
export async function diagnose(
  page: RunPage,
  catalogue: Catalogue,
  { withText = false, values = null }: { withText?: boolean; values?: StoredValues | null } = {},
): Promise<Diagnosis> {
  const { run, version } = page
  const graph = workflowGraph(version?.json ?? null)
  const { nodes, omitted } = nodesOf(page.data)
  const failure = failureOf(page, graph, nodes, catalogue)
  const failedAt = failure?.node ?? null
  const [findings, node] = await Promise.all([
    failure && version ? findingsOf(version.json, failedAt) : [],
    failure && failedAt !== null ? describeNode(failedAt, failure, { graph, nodes, withText, values }) : null,
  ])
  const isComplete = nodes.length > 0 && omitted === 0
  const skipped = isComplete ? skippedNodes(graph, nodes, failedAt, isOpen(run.status)) : []
  const diagnosis: Omit<Diagnosis, 'text'> = {
    executionId: run.id,
    workflowId: run.workflowId,
    workflowName: page.workflow?.name ?? null,
    workflowVersion: run.workflowVersion,
    prompt: excerpt(version?.prompt ?? null),
    model: version?.model ?? null,
    status: run.status,
    cause: failure && causeOf(failure),
    advice: failure && failure.advice,
    error: failure && {
      message: redact(failure.message),
      class: page.group?.errorClass ?? null,
      httpStatus: failure.httpStatus,
    },
    node,
    ran: nodes.map(({ name, items }) => ({ name, items })),
    skipped: skipped.map(({ name, reason }) => ({ name, reason })),
    introducedIn: originOf(page),
    findings,
    similar: similarTo(page),
  }
  return { ...diagnosis, text: toText(diagnosis) }
}

async function describeNode(
  name: string,
  failure: Failure,
  {
    graph,
    nodes,
    withText,
    values,
  }: { graph: WorkflowGraph; nodes: readonly NodeRun[]; withText: boolean; values: StoredValues | null },
): Promise<Diagnosis['node']> {
  const node = graph.byName.get(name)
  const run = nodes.find((each) => each.name === name)
  const facts = node && (await factsOf(node))
  const { rows, omitted } = listParameters(node?.json['parameters'], { facts, withText })
  return {
    name,
    type: run?.type ?? node?.type ?? null,
    typeVersion: node ? typeVersionOf(node.json) : null,
    parameters: rows.map(({ pointer, type, length, value }) => ({ pointer, type, length, value })),
    omittedParameters: omitted,
    credentials: failure.credentials.map(({ id, type, name: label, status }) => ({
      id,
      type,
      name: label,
      status,
    })),
    input: run?.input ?? [],
    inputValues: values && inputsOfFailed(values, name),
  }
}

function originOf({ introducedIn, group }: RunPage): Diagnosis['introducedIn'] {
  const before = group?.versionBefore
  return (
    introducedIn && {
      version: introducedIn.version,
      prompt: excerpt(introducedIn.prompt),
      model: introducedIn.model,
      createdAt: introducedIn.createdAt.toISOString(),
      versionBefore: before ? { version: before.version, failures: before.runs } : null,
    }
  )
}

function similarTo({ group, fixes }: RunPage): Diagnosis['similar'] {
  return (
    group && {
      fingerprint: group.fingerprint,
      failures: group.runs,
      firstSeenAt: group.firstSeen?.at.toISOString() ?? null,
      fixes: fixes.map(toFix),
    }
  )
}

const excerpt = (prompt: string | null): string | null =>
  prompt === null ? null : redact(prompt).slice(0, promptMaxChars)

function causeOf({ cause, node, message }: Failure): string {
  if (cause !== null) return cause
  const [firstLine = message] = redact(message).split('\n')
  return node === null ? `The run failed: ${firstLine}` : `${node} failed: ${firstLine}`
}

async function findingsOf(json: JsonObject, node: string | null): Promise<Finding[]> {
  const { findings } = await checkWorkflow(json)
  return findings.filter((each) => each.level === 'error' || (node !== null && each.node === node))
}

const typeVersionOf = (json: JsonObject): number | null =>
  typeof json['typeVersion'] === 'number' ? json['typeVersion'] : null

async function factsOf({ type, json }: Pick<GraphNode, 'type' | 'json'>): Promise<NodeFacts | undefined> {
  const known = (await loadFacts([type])).nodeType(type)
  return known?.describe(typeVersionOf(json) ?? known.defaultVersion)
}

type Fix = NonNullable<Diagnosis['similar']>['fixes'][number]

function toFix(fix: KnownFix): Fix {
  return {
    workflowId: fix.workflow_id,
    workflowName: fix.workflow_name,
    node: fix.node,
    failedIn: fix.failed_in,
    version: fix.version,
    prompt: excerpt(fix.prompt),
    model: fix.model,
    createdAt: new Date(fix.created_ms).toISOString(),
    changes: differences(redactParameterStrings(fix.node_before), redactParameterStrings(fix.node_after))
      .slice(0, maxChanges)
      .map(withoutText),
  }
}

/** Keeps numbers, expressions and short words, such as the name of an operation. */
function withoutText(operation: PatchOperation): PatchOperation {
  return 'value' in operation ? { ...operation, value: withoutTexts(operation.value) } : operation
}

function withoutTexts(value: unknown): unknown {
  if (typeof value === 'string') return value.startsWith('=') || /^[A-Za-z]{1,30}$/.test(value) ? value : null
  if (Array.isArray(value)) return value.map(withoutTexts)
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withoutTexts(member)]))
}
