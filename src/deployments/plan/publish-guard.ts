/** @module Stops a deploy that n8n would refuse to publish, before anything is sent to n8n. */
import { AppError } from '../../errors.ts'
import type { Connection } from '../../instances/connections.ts'
import { isN8nError } from '../../n8n/api/transport.ts'
import type { Catalogue } from '../../n8n/catalogue/catalogue.ts'
import type { Finding } from '../../n8n/checks/finding.ts'
import type { Deployed, Release } from '../release.ts'
import { isReplayProblem, replayProblems } from '../replay-gate.ts'
import { startedBy } from '../remote/body.ts'
import { checkOffline, checkOnInstance } from './instance-check.ts'
import { type PlanProblem, toProblems } from './problems.ts'
import { conflictFindings, findWebhookConflicts } from './webhook-conflicts.ts'

/** What a reason overrode. */
export interface Forced {
  reason: string
  codes: string[]
}

/** Whether n8n runs exactly this version, so that it has published it. */
export const isPublished = (deployed: Deployed | null, { version, applied }: Release): boolean =>
  deployed?.status === 'active' && deployed.version === version && applied.length === 0

export interface Candidate {
  release: Pick<Release, 'workflow' | 'applied' | 'replayGate'>
  /** Null when the instance has been deleted. */
  connection: Promise<Connection | null>
  n8nWorkflowId: string | null
}

interface Blocking {
  problems: readonly PlanProblem[]
  /** The version that the check assumes. */
  n8nVersion: string
}

/**
 * The problems that make n8n refuse to publish the release, and a required replay that has not passed. While n8n does not
 * respond: those known without it.
 */
export async function refusalsOf(
  { release, connection: opening, n8nWorkflowId }: Candidate,
  catalogue: Catalogue,
): Promise<Blocking> {
  // The run reports a connection that cannot be opened.
  const connection = await opening.catch(() => null)
  const replay = replayProblems(release)
  if (!connection) return { problems: replay, n8nVersion: '' }
  const { workflow } = release
  const { client, instance } = connection
  const nodes: unknown[] = Array.isArray(workflow.nodes) ? workflow.nodes : []
  const isStarted = startedBy(workflow, catalogue) !== 'nothing'
  const [offline, conflicts] = await Promise.all([
    checkOffline(workflow, instance.n8nVersion),
    isStarted ? orWithoutN8n(() => conflictsOn(connection, catalogue, nodes, n8nWorkflowId), []) : [],
  ])
  const checkThere = async () => {
    const remote = n8nWorkflowId === null ? null : await client.getWorkflow(n8nWorkflowId)
    return checkOnInstance({ workflow, catalogue, connection, remote })
  }
  const { n8nVersion, refusals } =
    offline.refusals.length === 0 ? offline : await orWithoutN8n(checkThere, offline)
  return { problems: [...replay, ...toProblems('unless-forced', [...refusals, ...conflicts])], n8nVersion }
}

async function orWithoutN8n<T>(ask: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (isN8nError(error)) return otherwise
    throw error
  }
}

const conflictsOn = async (
  { client }: Connection,
  catalogue: Catalogue,
  nodes: unknown[],
  ownId: string | null,
): Promise<Finding[]> => conflictFindings(await findWebhookConflicts(client, catalogue, nodes, ownId))

/**
 * @param force the reason to deploy anyway
 * @throws {AppError} `deployment-blocked` with the blocking problems
 */
export function refuseBlocked(
  { problems, n8nVersion }: Blocking,
  force: string | undefined,
): Forced | undefined {
  const blocking = problems.filter(({ forceable }) => forceable)
  const [first] = blocking
  if (!first) return undefined
  if (force !== undefined) return { reason: force, codes: [...new Set(blocking.map(({ code }) => code))] }
  const more = blocking.length > 1 ? ` (and ${blocking.length - 1} more)` : ''
  const reason = isReplayProblem(first)
    ? ''
    : `n8n ${n8nVersion} would refuse to publish or start the workflow: `
  throw new AppError(
    'deployment-blocked',
    `${reason}${first.message}${more}. Nothing was sent to n8n. Fix the ` +
      'problems, or deploy anyway with a reason in force',
    { extra: { problems: blocking, n8nVersion } },
  )
}
