import type { Permit } from '../../src/approvals/approvals.ts'

/** As for a session, which needs no approvals. */
export const permitAll: Permit = (_userId, _change, work) => work()
