/**
 * @module Checks a workflow: what n8n rejects, and what it accepts although it does not work as intended. Pure and
 * synchronous: load the facts of `typesOf` and the parser first. Never throws on JSON; the same input gives the same findings.
 */
import type { JsonObject } from '../lib/json-object.ts'
import type { Finding, PatchOperation } from '../n8n/checks/finding.ts'
import { findHardCodedSecrets } from '../n8n/checks/hard-coded-secrets.ts'
import { ownValue } from '../n8n/catalogue/display-options.ts'
import { checkStructure } from '../n8n/structure/structure.ts'
import { checkCode } from './code/check-code.ts'
import { ExpressionChecker } from './expressions/expressions.ts'
import { checkFromAi } from './expressions/from-ai.ts'
import { References } from './expressions/references.ts'
import type { FactsOf } from './facts/node-facts.ts'
import { checkConnections } from './graph/check-connections.ts'
import { checkFlow } from './graph/check-flow.ts'
import { checkWebhooks } from './graph/check-webhooks.ts'
import { OutputFields } from './graph/fields.ts'
import { Flow } from './graph/flow.ts'
import { checkSubWorkflow } from './graph/sub-workflows.ts'
import { differences } from './json-difference.ts'
import { WorkflowModel } from './model.ts'
import { type PublishContext, publishFindings } from './publish.ts'
import { Report } from './report.ts'
import { checkSettings } from './settings/check-settings.ts'
import { checkParameters } from './values/check-parameters.ts'
import { checkPlaceholders, placeholderIn } from './values/placeholders.ts'

/** What is known beyond the workflow itself. */
export interface CheckContext extends PublishContext {
  /** n8n ID of a workflow → the fields that its trigger declares. Without an entry, it accepts any. */
  subWorkflowInputs?: ReadonlyMap<string, readonly string[]>
}

export interface Checked {
  /** At most 200, in the order of the nodes. */
  findings: Finding[]
  /** Those of them that stop n8n from creating or publishing the workflow. */
  refusals: ReadonlySet<Finding>
}

export const check = (workflow: JsonObject, facts: FactsOf, context?: CheckContext): Finding[] =>
  checkWithRefusals(workflow, facts, context).findings

export function checkWithRefusals(workflow: JsonObject, facts: FactsOf, context: CheckContext = {}): Checked {
  const report = new Report()
  const structure = checkStructure(workflow)
  const model = new WorkflowModel(workflow, facts)
  const refusals = [...withOperations(structure.findings, workflow), ...publishFindings(model, context)]
    .flatMap((finding) => report.include(nodeIndex(finding), finding) ?? [])
    .filter(({ level }) => level === 'error')
  // Every rule about the graph would report broken connections again.
  const isConnected = !structure.findings.some(({ pointer }) => pointer.startsWith('/connections'))
  const flow = isConnected ? new Flow(model) : undefined
  const references = new References(model, flow, new OutputFields(model), report)
  const expressions = new ExpressionChecker(report, references)
  for (const node of model.nodes) {
    for (const { path, kind } of findHardCodedSecrets(node.json)) {
      // Reported as a placeholder.
      if (placeholderIn(valueOfPath(node.json, path)) !== undefined) continue
      report.add(node, {
        code: 'hard-coded-secret',
        level: 'warning',
        at: pointerOfPath(path),
        message: `${path} looks like ${kind}. Store it in a credential`,
      })
    }
    if (node.isSticky || !node.isEnabled) continue
    checkParameters(node, facts.credentialTypes, report)
    checkPlaceholders(node, report)
    expressions.check(node)
    checkFromAi(node, model, report)
    checkCode(node, references, report)
    checkSubWorkflow(node, context.subWorkflowInputs, report)
  }
  if (flow) {
    checkConnections(model, report)
    checkFlow(model, flow, report)
  }
  checkWebhooks(model, report)
  checkSettings(model, report)
  return { findings: report.findings(), refusals: new Set(refusals) }
}

/** A repair of the structure applies to all findings with its code. */
function withOperations(findings: readonly Finding[], workflow: JsonObject): Finding[] {
  const known = new Map<string, PatchOperation[]>()
  return findings.map((finding) => {
    const { code, fix } = finding
    if (!fix) return finding
    const operations = known.get(code) ?? differences(workflow, checkStructure(workflow, [code]).workflow)
    known.set(code, operations)
    return operations.length === 0 ? finding : { ...finding, fix: { label: fix.label, operations } }
  })
}

function nodeIndex({ pointer }: Finding): number | undefined {
  const found = /^\/nodes\/(\d+)(?:\/|$)/.exec(pointer)
  return found ? Number(found[1]) : undefined
}

/** Empty if there is no short text at the path. */
function valueOfPath(json: JsonObject, path: string): string {
  const keys = pointerOfPath(path).slice(1).split('/')
  const value = keys.reduce<unknown>((each, key) => ownValue(each, key), json)
  return typeof value === 'string' && value.length < 80 ? value : ''
}

/** `parameters.a[0].b` → `/parameters/a/0/b`. Approximate for keys with dots. */
const pointerOfPath = (path: string): string =>
  `/${path.replaceAll(/\[(\d+)\]/g, '/$1').replaceAll('.', '/')}`
