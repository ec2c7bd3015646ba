/** @module Checks of a plan beyond its slots: what n8n refuses to publish, the API key, credentials that n8n has lost. */
import { missingScopes } from '../instances/connection-test.ts'
import type { Connection } from '../instances/connections.ts'
import type { N8nWorkflow } from '../n8n/api-shapes.ts'
import { N8nError } from '../n8n/api-transport.ts'
import type { Catalogue } from '../n8n/catalogue.ts'
import type { Finding } from '../n8n/finding.ts'
import { extractMetadata } from '../n8n/metadata.ts'
import { checkStructure } from '../n8n/structure.ts'
import { loadParameterFacts } from '../n8n/parameter-checks.ts'
import { checkPublishable } from '../n8n/publish-checks.ts'
import type { JsonObject } from '../n8n/workflow-json.ts'
import { quoted, type ResolvedSlot } from '../workflows/slot-bindings.ts'
import { installedTypes } from './community-nodes.ts'
import type { ErrorHandling } from './error-handling.ts'
import type { PlannedCredential } from './plan-slots.ts'
import { startedBy } from './remote-body.ts'

export interface PlanToCheck {
  workflow: JsonObject
  catalogue: Catalogue
  connection: Connection
  /** As n8n has it already. */
  remote: N8nWorkflow | null
  /** It was asked for. */
  publish: boolean
  errorHandling: ErrorHandling
  credentials: readonly PlannedCredential[]
}

/** @throws {N8nError} */
export async function checkPlan(plan: PlanToCheck): Promise<Finding[]> {
  const { workflow, catalogue, publish, remote } = plan
  const installed = await installedTypes(plan.connection.client, workflow, catalogue, remote)
  const publishing = checkPublishable(workflow, catalogue, await loadParameterFacts(), installed)
  const started = startedBy(workflow, catalogue)
  if (publish && started === 'nothing') publishing.push(noTrigger)
  if (publish && started === 'resume') publishing.push(neverStarted)
  const findings = [
    // What is left unpublished, n8n takes all the same.
    ...(publish ? publishing : publishing.map(asWarning)),
    ...(await scopeFindings(plan)),
    ...errorHandlingFindings(plan.errorHandling),
  ]
  return [...findings, ...warningsOf(workflow, catalogue, findings)]
}

/** An error of what is left unpublished. */
export const asWarning = (finding: Finding): Finding =>
  finding.level === 'error' ? Object.assign({}, finding, { level: 'warning' as const }) : finding

const noTrigger: Finding = {
  code: 'no-trigger',
  level: 'error',
  pointer: '/nodes',
  message:
    'Nothing starts this workflow, so n8n does not publish it. Add a trigger, or deploy it with "publish": false',
  n8n: 'Workflow cannot be activated because it has no trigger node.',
}

const neverStarted: Finding = {
  code: 'no-trigger',
  level: 'warning',
  pointer: '/nodes',
  message: 'n8n publishes this workflow, but nothing starts it: it has no enabled trigger. Add one',
}

/** The warnings of the workflow that no finding says already. */
function warningsOf(workflow: JsonObject, catalogue: Catalogue, findings: readonly Finding[]): Finding[] {
  const said = new Set(findings.map(({ code, node }) => `${code} ${node ?? ''}`))
  const checked = new Set(['unknown-node-type', 'unknown-node-version', 'no-trigger'])
  for (const { code } of checkStructure(workflow).findings) checked.add(code)
  return extractMetadata(workflow, catalogue).warnings.flatMap(({ code, message, node }): Finding[] =>
    checked.has(code) || said.has(`${code} ${node ?? ''}`)
      ? []
      : [{ code, level: 'warning', pointer: '', message, ...(node !== undefined && { node }) }],
  )
}

/** What deploying will call and the API key may not. Nothing where n8n does not tell. */
async function scopeFindings(plan: PlanToCheck): Promise<Finding[]> {
  const { client, instance } = plan.connection
  const endpoints = await client.endpoints()
  if (!endpoints) return []
  const sendsCredentials =
    instance.reporterCredentialId === null ||
    plan.credentials.some(({ action }) => action === 'create' || action === 'update')
  const missing = missingScopes(endpoints, [
    ...['workflow:read', 'workflow:list', 'workflow:update'],
    ...(plan.remote !== null && instance.reporterWorkflowId !== null ? [] : ['workflow:create']),
    ...(plan.publish ? ['workflow:activate'] : []),
    ...(sendsCredentials ? ['credential:create', 'credential:update'] : []),
  ])
  if (missing.length === 0) return []
  const message =
    `The API key of this instance lacks ${missing.join(', ')}, which deploying needs. Create a key with ` +
    'these scopes in n8n and save it for the instance'
  return [{ code: 'missing-scope', level: 'error', pointer: '', message }]
}

function errorHandlingFindings({ by }: ErrorHandling): Finding[] {
  if (by === 'reporter') return []
  const whose =
    by === 'itself'
      ? 'The workflow handles its errors with its own Error Trigger'
      : 'The workflow keeps its own error workflow'
  const message = `${whose}, so n8n does not report failures to Flowkeep: it fetches them by polling, every minute`
  return [{ code: 'errors-by-polling', level: 'hint', pointer: '/settings', message }]
}

/** Credential types of community nodes that this n8n does not have: it refuses to create such a credential. */
export async function unknownTypeFindings(
  client: Connection['client'],
  catalogue: Catalogue,
  slots: readonly ResolvedSlot[],
): Promise<Finding[]> {
  const types = new Set(slots.flatMap(({ type }) => (catalogue.credentialType(type) ? [] : [type])))
  const unknown = new Set<string>()
  for (const type of types) if (!(await hasCredentialType(client, type))) unknown.add(type)
  return slots.flatMap(({ node, type }): Finding[] =>
    unknown.has(type)
      ? [
          {
            ...{ code: 'unknown-credential-type', level: 'error', node: node.name },
            pointer: `/nodes/${node.index}`,
            message:
              `The n8n server does not know the credential type ${type} of ${quoted(node.name)}. Install the community ` +
              'node there that brings it, or use another node',
            n8n: 'req.body.type is not a known type',
          },
        ]
      : [],
  )
}

async function hasCredentialType(client: Connection['client'], type: string): Promise<boolean> {
  try {
    await client.credentialSchema(type)
    return true
  } catch (error) {
    if (!(error instanceof N8nError)) throw error
    if (error.kind === 'forbidden') return true
    if (error.kind === 'not-found' || error.kind === 'rejected') return false
    throw error
  }
}

/** Slots whose credential n8n has lost: deploying creates it again. */
export const lostCredentials = (
  slots: readonly ResolvedSlot[],
  credentialOf: (slot: ResolvedSlot) => PlannedCredential | undefined,
): Finding[] =>
  slots.flatMap((slot): Finding[] =>
    credentialOf(slot)?.isLost
      ? [
          {
            code: 'credential-deleted-in-n8n',
            level: 'warning',
            node: slot.node.name,
            pointer: `/nodes/${slot.node.index}`,
            message: `n8n no longer has the ${slot.displayName} credential of ${quoted(slot.node.name)}. Deploying creates it again`,
          },
        ]
      : [],
  )
