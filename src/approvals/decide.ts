import { AppError, requireFound } from '../errors.ts'
import type { Approval } from './contract.ts'
import type { ApprovalRepository } from './repository.ts'

/** Approves or denies for the person of a session. @throws {AppError} `not-found`, `conflict` when it is not open */
export async function decide(
  approvals: Pick<ApprovalRepository, 'decide' | 'find'>,
  userId: string,
  id: string,
  decision: 'approved' | 'denied',
  sessionId: string,
): Promise<Approval> {
  const isDecided = await approvals.decide(userId, id, decision, sessionId)
  const approval = requireFound(await approvals.find(userId, id), 'Approval')
  if (!isDecided)
    throw new AppError('conflict', `The approval is ${approval.status}, so it cannot be ${decision}`)
  return approval
}
