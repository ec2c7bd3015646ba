/** @module The HTTP shapes of approvals. */
import * as z from 'zod'
import { approvalStatuses } from '../db/schema/approvals.ts'
import { approvalKinds, lendable } from '../http/approvable.ts'
import { pageQuery, sliceOf } from '../http/page.ts'

export const Approval = z
  .object({
    id: z.uuid(),
    kind: z.enum(approvalKinds),
    summary: z.string().meta({ description: 'What approving allows, in one line' }),
    subjectId: z.uuid().meta({ description: 'ID of the workflow, credential, instance or deployment' }),
    request: z
      .record(z.string(), z.unknown())
      .meta({ description: 'What the request asks for, without secrets' }),
    details: z
      .record(z.string(), z.unknown())
      .nullable()
      .meta({ description: 'What would change. Null for a request with an access token' }),
    scopes: z.array(z.enum(lendable)).meta({ description: 'The scopes that the approval grants once' }),
    planHash: z.string().nullable().meta({ description: 'The hash of the deployment plan that is approved' }),
    token: z
      .object({ id: z.uuid(), name: z.string() })
      .meta({ description: 'The access token that asked; it may have been revoked since' }),
    agent: z.string().nullable().meta({ description: 'The program that asked, as it names itself' }),
    status: z.enum(approvalStatuses).meta({
      description:
        '`pending` for 24 hours, then `approved` or `denied` by a person, or `expired`. An approved request can be ' +
        '`used` once, within an hour',
    }),
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime().meta({
      description: 'When it can no longer be decided or used. If `denied`: when the token can ask again',
    }),
    decidedAt: z.iso.datetime().nullable(),
    sessionId: z.uuid().nullable().meta({ description: 'The session that decided it' }),
    usedAt: z.iso.datetime().nullable(),
  })
  .meta({ ref: 'Approval' })
export type Approval = z.output<typeof Approval>

export const ApprovalList = sliceOf(Approval)
export const ApprovalQuery = z.strictObject({
  ...pageQuery,
  status: z.enum(approvalStatuses).optional(),
})
