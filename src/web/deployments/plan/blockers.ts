/** @module The problems of a plan as the page shows them: what blocks it and how to fix that, and its warnings. Pure. */
import type { Plan, PlannedSlot } from '../../../deployments/plan/contract.ts'
import { newCredentialHref } from '../../links/setup.ts'

export interface Blocker {
  what: string
  detail: string
  href?: string
  label?: string
}

/**
 * The errors that block the plan, each with its fix.
 * @param back the plan's URL, where a new credential's form returns
 */
export const blockersOf = (plan: Plan, back: string): Blocker[] =>
  plan.problems.filter(({ level }) => level === 'error').map((problem) => blockerOf(plan, problem, back))

function blockerOf(plan: Plan, { code, node, message }: Plan['problems'][number], back: string): Blocker {
  const slot = plan.slots.find((each) => each.node === node && !isFilled(each))
  if (slot && isOfSlot(code)) {
    const detail = slotProblem(slot, code)
    if (slot.candidates.length === 0 && slot.status === 'missing') {
      const href = newCredentialHref(slot.type, back, slot.named?.name)
      return { what: `No credential for ${node}`, detail, href, label: 'Create credential' }
    }
    return { what: `No credential chosen for ${node}`, detail, href: '#choices', label: 'Choose' }
  }
  if (code === 'webhook-path-taken') {
    const deploymentId = plan.conflicts.find((each) => each.deploymentId)?.deploymentId
    const link = deploymentId && { href: `/deployments/${deploymentId}`, label: 'View deployment' }
    return { what: 'Webhook path already in use', detail: message, ...link }
  }
  return {
    what: node === undefined ? 'n8n would reject the workflow' : `${node} blocks the deployment`,
    detail: message,
    href: `/workflows/${plan.workflowId}/edit#field-workflow`,
    label: 'Edit workflow',
  }
}

export const isFilled = ({ status }: PlannedSlot): boolean => status === 'bound' || status === 'n8n'

export const isOfSlot = (code: string): boolean => code.includes('credential')

/** Why a slot is empty, shown next to its field. */
export function slotProblem(
  { status, named, candidates, displayName, consentUrl }: PlannedSlot,
  code: string | undefined,
): string {
  if (code === 'credential-new-host') {
    return 'The credential would be sent to a new host. Choose it to confirm.'
  }
  if (code === 'credential-rejected')
    return 'The service rejected this credential. Update it, or choose it anyway.'
  if (code === 'n8n-credential-missing') return 'This credential no longer exists in n8n. Choose another one.'
  if (status === 'needs-consent') {
    return consentUrl === undefined
      ? 'Not signed in yet. Deploy, then sign in to the credential in n8n, or choose one from n8n.'
      : `Not signed in yet. Sign in at ${consentUrl}.`
  }
  if (status === 'ambiguous') {
    return candidates.length > 1
      ? `${candidates.length} credentials match. Choose one.`
      : 'Choose the credential to confirm it.'
  }
  if (named?.name) {
    return `No credential is named “${named.name}”.${candidates.length > 0 ? ' Choose one.' : ''}`
  }
  return `You have no ${displayName} credential.`
}

/** Messages that do not block the plan. */
export const warningsOf = (plan: Plan): string[] =>
  plan.problems.flatMap(({ level, message, node }) => {
    if (level === 'error') return []
    return [node === undefined || message.includes(node) ? message : `${node}: ${message}`]
  })
