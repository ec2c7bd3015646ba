/** @module The problems of a plan: findings, with whether each stops the deployment. */
import * as z from 'zod'
import { Finding } from '../../n8n/checks/finding.ts'

export const PlanProblem = Finding.extend({
  blocks: z.boolean().meta({
    description:
      'Whether Flowkeep refuses to deploy the workflow, before anything is sent to n8n. An error that does not block can ' +
      'still make the deployment fail',
  }),
  forceable: z.boolean().meta({
    description: 'Whether `force` with a reason deploys the workflow although the problem blocks it',
  }),
}).meta({ ref: 'PlanProblem' })
export type PlanProblem = z.output<typeof PlanProblem>

/** `refuse`: Flowkeep cannot deploy it. `unless-forced`: n8n refuses to publish it. `try`: n8n decides. */
type Policy = 'refuse' | 'unless-forced' | 'try'

const unverified = 'community-node-unverified'

export const toProblems = (policy: Policy, findings: readonly Finding[]): PlanProblem[] =>
  findings.map((finding) => {
    const blocks = policy !== 'try' && finding.level === 'error' && finding.code !== unverified
    return Object.assign({}, finding, { blocks, forceable: blocks && policy === 'unless-forced' })
  })

/** Errors that only n8n can confirm do not count. */
export const isDeployable = (problems: readonly PlanProblem[]): boolean =>
  problems.every(({ level, code }) => level !== 'error' || code === unverified)

export const isForceable = (problems: readonly PlanProblem[]): boolean =>
  isDeployable(problems.filter(({ forceable }) => !forceable))
