/** @module Tools that plan deployments, deploy and roll back. */
import { AppError, requireFound } from '../../errors.ts'
import type { Deps } from '../../deps.ts'
import type { Deployment } from '../../deployments/contract.ts'
import type { Plan, PlanRequest } from '../../deployments/plan/contract.ts'
import { hasScopes } from '../../http/scopes.ts'
import { Uuid } from '../../lib/scalars.ts'
import * as z from 'zod'
import { type Argument, id, optional, text, version, type Values } from '../arguments.ts'
import { answer, fenced, inline, named, plain } from '../fence.ts'
import { findingText } from '../findings.ts'
import { tool } from '../tool.ts'

const bindings: Argument<Record<string, string>> = {
  json: {
    type: 'object',
    description: 'Credential type → credential ID, where the plan asks to choose',
  },
  type: z.record(z.string().max(128), Uuid),
}

/** What a plan and its deployment have in common. */
const target = {
  workflowId: id(),
  instanceId: optional(id('Default: the only instance')),
  version: optional(version('Default: current')),
  bindings: optional(bindings),
}

const rollbackOf = optional(id('To roll back to version'))

export const planDeployment = tool({
  name: 'plan_deployment',
  description: 'What deploying would change in n8n, and what blocks it. Changes nothing. Returns a planHash.',
  arguments: { ...target, workflowId: optional(id()), deploymentId: rollbackOf },
  scope: 'deployments:read',
  isReadOnly: true,
  rateClass: 'outgoing',
  async run(deps, userId, { workflowId, deploymentId, ...wanted }) {
    const plan = await deps.deployer.plan(userId, await planRequestOf())
    return answer(
      plain`${plan.ready ? 'Ready' : 'Blocked'}: version ${plan.version} on instance ${plan.instanceId}.`,
      plain`planHash: ${plan.planHash}`,
      ...slotText(plan),
      ...findingText(plan.problems),
      ...liveText(plan),
      ...(plan.webhookUrls.length > 0
        ? ['URLs after deployment:', fenced(plan.webhookUrls.map((url) => inline(url, 500)))]
        : []),
      plan.live?.drifted ? 'Deploying overwrites changes that were made in n8n.' : '',
      plan.ready ? 'Next: deploy with the same arguments and the planHash.' : 'Next: resolve what blocks it.',
    )

    async function planRequestOf(): Promise<PlanRequest> {
      if (deploymentId !== undefined) {
        const found = requireFound(await deps.deployments.find(userId, deploymentId), 'Deployment')
        const { workflowId: deployed, instanceId } = found
        return { workflowId: deployed, instanceId, version: rollbackVersion(wanted.version), rollback: true }
      }
      if (workflowId === undefined)
        throw new AppError('invalid', 'Send workflowId, or deploymentId and version')
      return requestOf(deps, userId, { ...wanted, workflowId })
    }
  },
})

/** @throws {AppError} `invalid` */
function rollbackVersion(version: number | undefined): number {
  if (version === undefined) throw new AppError('invalid', 'Send the version to roll back to')
  return version
}

/** @throws {AppError} `invalid` when the instance is not given and not the only one */
async function requestOf(
  { instances }: Deps,
  userId: string,
  { workflowId, instanceId, version: wanted, bindings: chosen }: Values<typeof target>,
): Promise<PlanRequest> {
  return {
    workflowId,
    instanceId: instanceId ?? (await onlyInstance()),
    ...(wanted !== undefined && { version: wanted }),
    ...(chosen && { bindings: chosen }),
  }

  async function onlyInstance(): Promise<string> {
    const { items } = await instances.list(userId, { limit: 20, after: null })
    const [first, second] = items
    if (!first)
      throw new AppError('invalid', 'There is no n8n instance. Ask the user to connect one in the dashboard')
    if (!second) return first.id
    const errors = items.map((each) => ({
      pointer: '/instanceId',
      detail: hasScopes('instances:read') ? `${each.id} is ${inline(each.name)}` : each.id,
    }))
    throw new AppError('invalid', 'Send the instanceId of one of these instances', { errors })
  }
}

function slotText({ slots }: Plan): string[] {
  if (slots.length === 0) return []
  const lines = slots.map(({ node, type, status, credential, candidates, consentUrl }) => {
    const choices = candidates.map((each) => `${each.id} (${inline(each.name)})`).join(', ')
    const filled = credential ? ` with ${inline(credential.name)}` : ''
    return `${inline(node)}: ${type} ${status}${filled}${
      status === 'ambiguous' ? `; choose one of ${choices}` : ''
    }${consentUrl ? `; the user signs in at ${inline(consentUrl, 500)}` : ''}`
  })
  const isMissing = slots.some(({ status }) => status === 'missing')
  return [
    'Credentials:',
    fenced(lines),
    isMissing ? 'Ask the user to add the missing credentials in the dashboard.' : '',
  ]
}

function liveText({ live }: Plan): string[] {
  if (!live) return []
  if (live.missing) return ['The workflow was deleted in n8n. Deploying creates it again.']
  if (!live.differs || !live.diff) return ['n8n already has this content.']
  const { added, removed, changed } = live.diff
  return [
    plain`n8n has version ${live.version}. Deploying changes:`,
    fenced([
      ...named('added', added),
      ...named('removed', removed),
      ...named(
        'changed',
        changed.map(({ node }) => node),
      ),
    ]),
  ]
}

export const deploy = tool({
  name: 'deploy',
  description:
    'Deploy or roll back what plan_deployment returned: same arguments and planHash. The user may have to approve it.',
  arguments: {
    ...target,
    workflowId: optional(id()),
    deploymentId: rollbackOf,
    planHash: optional(text(64)),
  },
  scope: 'deploy',
  rateClass: 'outgoing',
  async run(deps, userId, { workflowId, planHash, deploymentId, ...wanted }) {
    const { deployer } = deps
    if (deploymentId !== undefined) {
      const version = rollbackVersion(wanted.version)
      return resultText(
        requireFound(await deployer.rollback(userId, deploymentId, version, { planHash }), 'Deployment'),
      )
    }
    if (workflowId === undefined || planHash === undefined)
      throw new AppError('invalid', 'Send workflowId and planHash, or deploymentId and version')
    const request = await requestOf(deps, userId, { ...wanted, workflowId })
    return resultText(await deployer.deployPlan(userId, { ...request, planHash }))
  },
})

function resultText({
  id: deploymentId,
  status,
  version: live,
  step,
  error,
  webhookUrls,
}: Deployment): string {
  return answer(
    plain`Deployment ${deploymentId}: ${status}, version ${live}${step === null ? '' : ','}${step ?? ''}.`,
    error === null ? '' : fenced(inline(error, 2000)),
    status === 'deploying' ? 'It continues in the background. read_workflow shows its status.' : '',
    webhookUrls.length > 0 ? answer('URLs:', fenced(webhookUrls.map((url) => inline(url, 500)))) : '',
  )
}
