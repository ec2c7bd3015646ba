/** @module The HTTP shapes of releases: workflow versions that go to many instances. */
import * as z from 'zod'
import { deploymentStatuses } from '../db/schema/deployments.ts'
import { releasePhases, releaseStatuses, releaseTargetStatuses } from '../db/schema/releases.ts'
import { EnvironmentName } from '../environments/contract.ts'
import { pageQuery, sliceOf } from '../http/page.ts'
import { Uuid } from '../lib/scalars.ts'

export const maximumTargets = 500
export const maximumWorkflows = 20

const whole = (least: number, most: number) =>
  z
    .number('Must be a whole number')
    .int('Must be a whole number')
    .min(least, `At least ${least}`)
    .max(most, `At most ${most.toLocaleString('en')}`)

const options = {
  canary: whole(0, maximumTargets).default(1).meta({
    description: 'Number of canary instances, which get the release first. 0: no canary',
  }),
  observe: z
    .strictObject({
      seconds: whole(0, 86_400)
        .default(300)
        .meta({ description: 'Minimum time that the runs of the canary are observed, in seconds' }),
      minRuns: whole(0, 100_000).default(0).meta({
        description:
          'How many finished production runs the release waits for. Until then, the failure rate is not checked',
      }),
    })
    .default({ seconds: 300, minRuns: 0 }),
  maxFailureRate: z
    .number('Must be a number')
    .min(0, 'At least 0')
    .max(1, 'At most 1')
    .default(0.1)
    .meta({ description: 'The share of failed runs above which the release halts' }),
  maxFailedTargets: whole(0, maximumTargets)
    .default(0)
    .meta({ description: 'How many targets may fail before the release halts' }),
  concurrency: whole(1, 10)
    .default(5)
    .meta({ description: 'How many targets are deployed at the same time' }),
  dryRun: z
    .boolean()
    .default(false)
    .meta({ description: 'Only plans. Start the release later with its `planHash`' }),
}

const exampleWorkflow = '01934f8e-6b7c-7a10-9c3d-5e2f1a0b4c6d'
const exampleInstances = ['01934f8e-7f00-7b21-8e4f-6a3b2c1d0e9f', '01934f8e-7f01-7b21-8e4f-6a3b2c1d0e9f']

export const NewRelease = z
  .strictObject({
    workflows: z
      .array(
        z.strictObject({
          workflowId: Uuid,
          version: whole(1, 1_000_000_000)
            .optional()
            .meta({ description: 'Default: the current version of the workflow' }),
        }),
      )
      .min(1, 'At least one workflow')
      .max(maximumWorkflows, `At most ${maximumWorkflows} workflows`)
      .refine(
        (given) => new Set(given.map(({ workflowId }) => workflowId)).size === given.length,
        'A workflow can only be released once',
      ),
    instanceIds: z
      .array(Uuid)
      .min(1, 'At least one instance')
      .max(maximumTargets, `At most ${maximumTargets} instances`)
      .refine((given) => new Set(given).size === given.length, 'An instance can only be named once')
      .optional()
      .meta({ description: 'In the order of the release: the first ones are the canary' }),
    environment: EnvironmentName.optional().meta({
      description: 'Instead of `instanceIds`: the instances of this environment, oldest first',
    }),
    ...options,
  })
  .refine(
    ({ instanceIds, environment }) => (instanceIds === undefined) !== (environment === undefined),
    'Send either instanceIds or environment',
  )
  .meta({
    ref: 'NewRelease',
    'x-example': {
      workflows: [{ workflowId: exampleWorkflow }],
      instanceIds: exampleInstances,
      dryRun: true,
    },
  })
export type NewRelease = z.output<typeof NewRelease>

export const NewPromotion = z
  .strictObject({
    from: EnvironmentName.meta({ description: 'The environment whose live versions are released' }),
    to: EnvironmentName,
    workflowIds: z
      .array(Uuid)
      .min(1, 'At least one workflow')
      .max(maximumWorkflows, `At most ${maximumWorkflows} workflows`)
      .optional()
      .meta({ description: 'Only these. Default: every workflow that is live in `from`' }),
    ...options,
  })
  .refine(({ from, to }) => from !== to, 'Must be two different environments')
  .meta({ ref: 'NewPromotion', 'x-example': { from: 'staging', to: 'production', dryRun: true } })
export type NewPromotion = z.output<typeof NewPromotion>

export const ReleaseStart = z
  .strictObject({
    planHash: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'Must be the planHash of the release')
      .meta({ description: 'The `planHash` that was reviewed' }),
  })
  .meta({ ref: 'ReleaseStart', 'x-example': { planHash: 'a1'.repeat(32) } })

export const ReleaseResume = z
  .strictObject({
    skipObservation: z
      .boolean()
      .default(false)
      .meta({ description: 'Deploys the rest without observing the canary any longer' }),
  })
  .meta({ ref: 'ReleaseResume', 'x-example': {} })

const TargetCounts = z
  .object({
    total: z.number().int(),
    blocked: z.number().int().meta({ description: 'Targets whose plan has a problem that blocks it' }),
    pending: z.number().int(),
    deploying: z.number().int(),
    deployed: z.number().int(),
    unchanged: z.number().int(),
    failed: z.number().int(),
    rollingBack: z.number().int(),
    rolledBack: z.number().int(),
    rollbackFailed: z.number().int(),
    kept: z.number().int(),
  })
  .meta({ ref: 'ReleaseTargetCounts' })

export const Release = z
  .object({
    id: z.uuid(),
    status: z.enum(releaseStatuses).meta({
      description:
        '`planning`: the targets are being planned. `planned`: waits to be started, or a target is blocked. `running`: see `phase`. ' +
        '`halted`: stopped with a `reason`. `completed`, `rolling-back`, `rolled-back`',
    }),
    phase: z.enum(releasePhases).meta({
      description:
        '`canary`: the first instances are deployed. `observing`: their runs are watched. `rest`: the others are deployed',
    }),
    reason: z.string().nullable().meta({ description: 'Why it was halted or did not start' }),
    planHash: z
      .string()
      .nullable()
      .meta({ description: 'Covers the plan of every target; null while planning' }),
    workflows: z
      .array(z.object({ workflowId: z.string(), name: z.string(), version: z.number().int() }))
      .meta({ description: 'In the order of deployment: sub-workflows first' }),
    fromEnvironment: z.string().nullable().meta({ description: 'Of a promotion' }),
    toEnvironment: z.string().nullable(),
    canary: z.number().int(),
    observe: z.object({ seconds: z.number().int(), minRuns: z.number().int() }),
    maxFailureRate: z.number(),
    maxFailedTargets: z.number().int(),
    concurrency: z.number().int(),
    targets: TargetCounts,
    problems: z
      .array(
        z.object({
          position: z.number().int(),
          instanceId: z.string(),
          instanceName: z.string(),
          workflowId: z.string(),
          message: z.string(),
        }),
      )
      .meta({ description: 'Why targets are blocked or failed: the first 500' }),
    observation: z
      .object({
        since: z.iso.datetime(),
        finishedRuns: z.number().int(),
        failedRuns: z.number().int(),
      })
      .nullable()
      .meta({ description: 'Production runs of the deployed targets; null before the canary is deployed' }),
    startedAt: z.iso.datetime().nullable(),
    finishedAt: z.iso.datetime().nullable(),
    createdAt: z.iso.datetime(),
  })
  .meta({ ref: 'Release' })
export type Release = z.output<typeof Release>

export const ReleaseSummary = Release.omit({ problems: true, observation: true }).meta({
  ref: 'ReleaseSummary',
})
export type ReleaseSummary = z.output<typeof ReleaseSummary>
export const ReleaseList = sliceOf(ReleaseSummary)
export const ReleaseQuery = z.strictObject({
  ...pageQuery,
  status: z.enum(releaseStatuses).optional(),
})

export const ReleaseTarget = z
  .object({
    position: z.number().int().meta({ description: 'The place in the order of the release, starting at 0' }),
    workflowId: z.uuid(),
    workflowName: z.string(),
    instanceId: z.uuid(),
    instanceName: z.string(),
    canary: z.boolean(),
    status: z.enum(releaseTargetStatuses).meta({
      description:
        '`unchanged`: n8n already had the version. `kept`: the rollback did not overwrite a later change. ' +
        '`rollback-failed`: roll back again after fixing the `error`',
    }),
    action: z
      .enum(['create', 'update', 'none'])
      .nullable()
      .meta({ description: 'What the plan does; null until it is planned' }),
    version: z.number().int().meta({ description: 'The version that the release deploys' }),
    previousVersion: z
      .number()
      .int()
      .nullable()
      .meta({ description: 'The version that was deployed before the release; null when there was none' }),
    previousStatus: z.enum(deploymentStatuses).nullable(),
    deploymentId: z.uuid().nullable(),
    planHash: z.string().nullable(),
    problems: z.array(
      z.object({ code: z.string(), level: z.string(), message: z.string(), blocks: z.boolean() }),
    ),
    error: z.string().nullable().meta({ description: 'What went wrong and what to do next' }),
    finishedAt: z.iso.datetime().nullable(),
  })
  .meta({ ref: 'ReleaseTarget' })
export type ReleaseTarget = z.output<typeof ReleaseTarget>

export const ReleaseTargetList = sliceOf(ReleaseTarget)

/** Ordered by position. The cursor is the last position of the previous page. */
export const ReleaseTargetQuery = z.strictObject({
  limit: pageQuery.limit,
  cursor: z
    .string()
    .regex(/^(0|[1-9]\d{0,3})$/, 'Not a cursor from this list. Use the nextCursor of a page')
    .transform(Number)
    .optional(),
  status: z.enum(releaseTargetStatuses).optional(),
})
