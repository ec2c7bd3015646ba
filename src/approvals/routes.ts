import { Hono } from 'hono'
import { AppError, requireFound } from '../errors.ts'
import type { AuthEnv } from '../http/auth.ts'
import { describe } from '../http/openapi.ts'
import { toPage } from '../http/page.ts'
import { valid } from '../http/validate.ts'
import { IdParam } from '../lib/scalars.ts'
import { Approval, ApprovalList, ApprovalQuery } from './contract.ts'
import { decide } from './decide.ts'
import type { ApprovalRepository } from './repository.ts'

const tag = 'Approvals'

/** Requires `requireUser`, whose scopes let no access token decide. */
export function approvalRoutes(approvals: ApprovalRepository) {
  return new Hono<AuthEnv>()
    .get(
      '/',
      describe({
        operationId: 'listApprovals',
        tag,
        summary: 'List approvals',
        description:
          'Newest first. An access token sees only the approvals that it asked for, and needs no scope.',
        responses: { 200: ApprovalList },
        errors: ['invalid'],
      }),
      valid('query', ApprovalQuery),
      async (c) => {
        const { status, ...page } = c.req.valid('query')
        return c.json(await approvals.list(c.var.userId, { status }, toPage(page)), 200)
      },
    )
    .get(
      '/:id',
      describe({
        operationId: 'getApproval',
        tag,
        summary: 'Get an approval',
        description:
          'Returns what would change and its status. An access token sees only its own, without `details`.',
        responses: { 200: Approval },
        errors: ['not-found'],
      }),
      valid('param', IdParam),
      async (c) =>
        c.json(requireFound(await approvals.find(c.var.userId, c.req.valid('param').id), 'Approval'), 200),
    )
    .post(
      '/:id/approve',
      describe({
        operationId: 'approveRequest',
        tag,
        summary: 'Approve a request',
        description:
          'The access token that asked can then make exactly this request once, within an hour. Only a session can ' +
          'approve. Fails with `conflict` unless the approval is pending.',
        responses: { 200: Approval },
        errors: ['not-found', 'conflict'],
      }),
      valid('param', IdParam),
      async (c) => c.json(await decided(c.var, c.req.valid('param').id, 'approved'), 200),
    )
    .post(
      '/:id/deny',
      describe({
        operationId: 'denyRequest',
        tag,
        summary: 'Deny a request',
        description:
          'The access token cannot ask for the same request again for 24 hours. An approved request can be denied ' +
          'until it is used. Only a session can deny.',
        responses: { 200: Approval },
        errors: ['not-found', 'conflict'],
      }),
      valid('param', IdParam),
      async (c) => c.json(await decided(c.var, c.req.valid('param').id, 'denied'), 200),
    )

  function decided(
    { userId, sessionId }: AuthEnv['Variables'],
    id: string,
    decision: 'approved' | 'denied',
  ): Promise<Approval> {
    if (sessionId === undefined)
      throw new AppError('insufficient-scope', 'No access token can decide an approval. Sign in')
    return decide(approvals, userId, id, decision, sessionId)
  }
}
