/** @module `flowkeep audit verify`: recomputes the audit trails and names the first broken event of each. */
import { type TrailReport, trailOwners, verifyTrail } from '../../users/audit-chain.ts'
import { type CommandInput, exitCode } from '../command.ts'
import { jsonResult, message, plural, result } from '../terminal.ts'
import { withDeps } from './with-deps.ts'

/** Exits with failure when a trail is broken. */
export const auditVerifyCommand = ({ flags, values }: CommandInput): Promise<number> =>
  withDeps(async ({ db, fingerprint, users, now }) => {
    const email = values['user']
    const account = email === undefined ? null : await users.findByEmail(email)
    if (email !== undefined && !account) throw new Error(`No account has the email address ${email}.`)
    const reports: TrailReport[] = []
    for (const userId of account ? [account.user.id] : await trailOwners(db.read))
      reports.push(await verifyTrail(db.read, fingerprint, userId, now()))
    const broken = reports.filter(({ problem }) => problem !== null)
    if (flags.has('json')) jsonResult({ trails: reports, broken: broken.length })
    else {
      for (const { userId, problem } of broken) message(`${userId}: ${describe(problem)}`)
      const events = reports.reduce((sum, report) => sum + report.events, 0)
      result(
        `Verified ${plural(events, 'event')} of ${plural(reports.length, 'account')}: ${plural(broken.length, 'broken trail')}.`,
      )
    }
    return broken.length === 0 ? exitCode.success : exitCode.failure
  })

const describe = (problem: TrailReport['problem']): string =>
  problem === null
    ? ''
    : `event ${problem.seq}${problem.id === null ? '' : ` (${problem.id})`}: ${problem.message}`
