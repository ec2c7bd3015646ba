/**
 * @module The problems of a plan that need no module of their own: publishing, the scopes of the API key, and what was
 * deleted or archived in n8n. `plan.ts` collects all problems.
 */
import type { JsonObject } from '../../lib/json-object.ts'
import { otherWarnings } from '../../check/warnings.ts'
import { missingScopes } from '../../instances/connection-test.ts'
import type { Connection } from '../../instances/connections.ts'
import type { N8nWorkflow } from '../../n8n/api/shapes.ts'
import { N8nError } from '../../n8n/api/transport.ts'
import type { Catalogue } from '../../n8n/catalogue/catalogue.ts'
import type { Finding } from '../../n8n/checks/finding.ts'
import { extractMetadata } from '../../n8n/reading/metadata.ts'
import { quoted, type ResolvedSlot } from '../../workflows/slot-bindings.ts'
import { checkOnInstance } from './instance-check.ts'
import { type PlanProblem, toProblems } from './problems.ts'
import type { ErrorHandling } from '../deploy/error-handling.ts'
import type { PlannedCredential } from './slots.ts'

export interface PlanToCheck {
  workflow: JsonObject
  catalogue: Catalogue
  connection: Connection
  /** The workflow in n8n. */
  remote: N8nWorkflow | null
  /** Whether the request asks to publish. */
  publish: boolean
  /** Whether n8n runs exactly this version. */
  isPublished: boolean
  errorHandling: ErrorHandling
  credentials: readonly PlannedCredential[]
}

/** @throws {N8nError} */
export async function checkPlan(plan: PlanToCheck): Promise<{ problems: PlanProblem[]; n8nVersion: string }> {
  const { workflow, catalogue, publish, isPublished } = plan
  const { n8nVersion, refusals, others } = await checkOnInstance(plan)
  const problems = [
    ...toProblems(
      isPublished ? 'try' : 'unless-forced',
      // n8n accepts an unpublished workflow with these errors.
      publish ? refusals : refusals.filter(({ code }) => code !== 'no-trigger').map(asWarning),
    ),
    ...toProblems('try', [
      ...(await scopeFindings(plan)),
      ...errorHandlingFindings(plan.errorHandling),
      // Hints do not concern a deployment.
      ...others.filter(({ level }) => level !== 'hint').map(asWarning),
      ...otherWarnings(extractMetadata(workflow, catalogue).warnings),
    ]),
  ]
  return { problems, n8nVersion }
}

/** Downgrades an error for a workflow that is not published. */
export const asWarning = (finding: Finding): Finding =>
  finding.level === 'error' ? Object.assign({}, finding, { level: 'warning' as const }) : finding

/** Missing scopes of the API key. Empty when n8n does not list its endpoints. */
async function scopeFindings(plan: PlanToCheck): Promise<Finding[]> {
  const { client, instance } = plan.connection
  const endpoints = await client.endpoints()
  if (!endpoints) return []
  const sendsCredentials =
    instance.reporterCredentialId === null ||
    plan.credentials.some(({ action }) => action === 'create' || action === 'update')
  const missing = missingScopes(endpoints, [
    'workflow:read',
    'workflow:list',
    'workflow:update',
    ...(plan.remote !== null && instance.reporterWorkflowId !== null ? [] : ['workflow:create']),
    ...(plan.publish ? ['workflow:activate'] : []),
    ...(sendsCredentials ? ['credential:create', 'credential:update'] : []),
  ])
  if (missing.length === 0) return []
  const message =
    `Deploying requires ${missing.join(', ')}, which the API key of this instance is missing. Create a key with ` +
    'these scopes in n8n and save it for the instance'
  return [{ code: 'missing-scope', level: 'error', pointer: '', message }]
}

function errorHandlingFindings({ by }: ErrorHandling): Finding[] {
  if (by === 'reporter') return []
  const reason =
    by === 'itself'
      ? 'The workflow handles its errors with its own Error Trigger'
      : 'The workflow has its own error workflow'
  const message = `${reason}, so n8n does not report failures to Flowkeep. Flowkeep polls for them every minute`
  return [{ code: 'errors-by-polling', level: 'hint', pointer: '/settings', message }]
}

/** Credential types that this n8n does not have, so that it refuses to create the credential. */
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
            code: 'unknown-credential-type',
            level: 'error',
            node: node.name,
            pointer: `/nodes/${node.index}`,
            message:
              `The n8n server does not know the credential type ${type} of ${quoted(node.name)}. Install the community ` +
              'node that provides it, or use another node',
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

/** Slots whose credential was deleted in n8n. Deploying creates it again. */
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

/** The tracked workflow in n8n. Nothing can be deployed to it while it is missing or archived. */
export const trackedFindings = (state: { isGone: boolean; isArchived: boolean }): Finding[] => [
  ...(state.isGone ? [trackedGone] : []),
  ...(state.isArchived ? [archived] : []),
]

const trackedGone: Finding = {
  code: 'n8n-workflow-missing',
  level: 'error',
  pointer: '',
  message: 'The tracked workflow was deleted in n8n. Delete the deployment, then deploy the workflow again',
}

const archived: Finding = {
  code: 'n8n-workflow-archived',
  level: 'error',
  pointer: '',
  message: 'The workflow is archived in n8n, so it cannot be changed or published. Unarchive it in n8n',
}
