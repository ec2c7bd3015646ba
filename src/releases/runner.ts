/**
 * @module Works on releases: plans the targets, deploys the canary, observes its runs, deploys the rest, rolls back. Any
 * number of workers can work on the same release, in requests and in the scheduled job. What they do is in the audit trail.
 */
import { sql } from 'drizzle-orm'
import { withToken } from '../db/actor.ts'
import type { Log } from '../http/log.ts'
import { errorNameOf } from '../errors.ts'
import { contentHash } from '../lib/canonical-json.ts'
import {
  type ClaimedTarget,
  isWorking,
  type Look,
  type ReleaseProgress,
  startOf,
  type WorkingStatus,
} from './progress.ts'
import type { Attempt, TargetWork } from './target-work.ts'

/** The scheduled job gives each release a share of its time, so that a large one does not hold up the others. */
const sliceMs = 5_000
const releasesPerRun = 20

export interface ReleaseRunnerOptions {
  progress: ReleaseProgress
  targets: TargetWork
  log: Log
  /** How many targets one request works on. Workers limit their subrequests. */
  perRequest: number
  perJob: number
}

export interface Budget {
  budgetMs: number
  /** Targets, shared by everything that uses the budget. */
  targets: number
  signal?: AbortSignal | undefined
}

export class ReleaseRunner {
  readonly #now: () => Date
  readonly #options: ReleaseRunnerOptions
  /** Releases that this process works on in requests. */
  readonly #inProgress = new Set<string>()

  constructor(now: () => Date, options: ReleaseRunnerOptions) {
    this.#now = now
    this.#options = options
  }

  /** Works for one request, unless this process already works on the release. @param until stops in any other status */
  async push(userId: string, id: string, budgetMs: number, until?: WorkingStatus): Promise<void> {
    if (this.#inProgress.has(id)) return
    this.#inProgress.add(id)
    try {
      await this.#work(userId, id, { budgetMs, targets: this.#options.perRequest }, until)
    } finally {
      this.#inProgress.delete(id)
    }
  }

  /** Works on all releases in turn, for the scheduled job. @returns how many targets it worked on */
  async runJob({ budgetMs, signal }: Pick<Budget, 'budgetMs' | 'signal'>): Promise<number> {
    const startedAt = this.#now()
    const leftMs = () => startedAt.getTime() + budgetMs - this.#now().getTime()
    const { perJob, progress, log } = this.#options
    const shared = { targets: perJob }
    // Releases without a target now wait for n8n, for runs or for another worker.
    const idle = new Set<string>()
    const mayContinue = () =>
      leftMs() > 0 && shared.targets > 0 && idle.size < releasesPerRun && !signal?.aborted
    let found: number
    do {
      const due = await progress.due(releasesPerRun, [...idle])
      found = due.length
      for (const { userId, id } of due) {
        if (!mayContinue()) break
        const earlier = shared.targets
        const budget = Object.assign(shared, { budgetMs: Math.min(sliceMs, leftMs()), signal })
        await this.#work(userId, id, budget).catch((error: unknown) => {
          log('error', 'release-stopped', { releaseId: id, errorName: errorNameOf(error) })
        })
        if (shared.targets === earlier) idle.add(id)
      }
    } while (found > 0 && mayContinue())
    return perJob - shared.targets
  }

  async #work(userId: string, id: string, budget: Budget, until?: WorkingStatus): Promise<void> {
    const release = await this.#options.progress.look(userId, id)
    if (release) await withToken(actorOf(release), () => this.#workWhileTime(release, budget, until))
  }

  async #workWhileTime(first: Look, budget: Budget, until: WorkingStatus | undefined): Promise<void> {
    const deadlineMs = this.#now().getTime() + budget.budgetMs
    const hasTime = () => this.#now().getTime() < deadlineMs && budget.targets > 0 && !budget.signal?.aborted
    const { progress } = this.#options
    const { userId, id } = first
    let release: Look | null = first
    while (release) {
      const { status, phase } = release
      if (!isWorking(status) || (until !== undefined && status !== until)) return
      const hasAdvanced = await this.#advance(release)
      if (!hasAdvanced) {
        const waitsForRuns = status === 'running' && phase === 'observing'
        if (waitsForRuns || !hasTime()) return progress.touch(userId, id)
        if ((await this.#workOnTargets(release, status, budget, hasTime)) === 0) return
      }
      release = await progress.look(userId, id)
    }
  }

  /** @returns how many targets were worked on, until there was none to claim or the release halted */
  async #workOnTargets(
    release: Look,
    status: WorkingStatus,
    budget: Budget,
    hasTime: () => boolean,
  ): Promise<number> {
    const { progress } = this.#options
    let worked = 0
    let isStopped = false
    const lane = async () => {
      while (!isStopped && hasTime()) {
        budget.targets -= 1
        const target = await progress.claim(release, status)
        if (!target) {
          budget.targets += 1
          return
        }
        worked += 1
        await this.#workOn(release, status, target)
        if (status === 'running' && release.phase === 'rest' && worked % release.concurrency === 0)
          isStopped ||= await this.#haltIfFailing(release)
      }
    }
    const lanes = await Promise.allSettled(Array.from({ length: release.concurrency }, lane))
    for (const each of lanes) if (each.status === 'rejected') throw each.reason
    return worked
  }

  async #workOn({ workflows }: Look, status: WorkingStatus, target: ClaimedTarget): Promise<void> {
    const { progress, targets } = this.#options
    if (status === 'planning') {
      const index = workflows.findIndex(({ workflowId }) => workflowId === target.workflowId)
      const earlier = new Set(workflows.slice(0, index).map(({ workflowId }) => workflowId))
      const planned = await targets.plan(target, earlier)
      if ('plan' in planned) return progress.savePlan(target, planned.plan, planned.planHash)
      return progress.reschedule(target, planned.waitMs, planned.note)
    }
    const attempt =
      status === 'running'
        ? await targets.deploy(target, (before) => progress.saveBefore(target, before))
        : await targets.rollBack(target, () => progress.beginRollback(target))
    if (attempt) await this.#save(target, status, attempt)
  }

  #save(target: ClaimedTarget, status: 'running' | 'rolling-back', attempt: Attempt): Promise<void> {
    const { progress } = this.#options
    const { deploymentId } = target
    if (attempt.kind === 'later') return progress.reschedule(target, attempt.waitMs, attempt.note)
    if (attempt.kind === 'kept') return progress.end(target, 'kept', { deploymentId, error: attempt.error })
    if (attempt.kind === 'done') {
      return progress.end(target, status === 'running' ? 'deployed' : 'rolled-back', attempt)
    }
    return status === 'running'
      ? progress.fail(target, attempt.deploymentId, attempt.error)
      : progress.end(target, 'rollback-failed', attempt)
  }

  /** The next status or phase, if the release has reached it. @returns whether anything changed */
  async #advance(release: Look): Promise<boolean> {
    const { status, unplanned, rollingBack } = release
    if (status === 'planning') return unplanned === 0 && this.#endPlanning(release)
    if (status === 'running') return this.#advanceRunning(release)
    return rollingBack === 0 && this.#endRollback(release)
  }

  async #endPlanning(release: Look): Promise<boolean> {
    const { progress } = this.#options
    const { userId, id, blocked, autoStart, total } = release
    const planHash = await contentHash(await progress.planHashes(userId, id))
    if (autoStart && blocked === 0) {
      const change = sql`plan_hash = ${planHash}, ${startOf(release.canary, this.#now())}`
      return progress.advance(release, change, { action: 'release.started' })
    }
    const reason =
      blocked === 0
        ? null
        : `${blocked} of ${counted(total, 'target')} ${blocked === 1 ? 'is' : 'are'} blocked. Fix the problems and resume the release to ` +
          'plan them again, or plan one without these instances'
    return progress.advance(release, sql`status = 'planned', plan_hash = ${planHash}, reason = ${reason}`, {
      end: true,
    })
  }

  async #advanceRunning(release: Look): Promise<boolean> {
    const { progress } = this.#options
    const { phase, openCanary, failedCanary, deployedCanary, open, observedMs } = release
    const now = this.#now()
    const observing = sql`observed_from = ${now.toISOString()}::timestamptz`
    if (phase === 'canary') {
      if (openCanary > 0) return false
      if (deployedCanary > 0) return progress.advance(release, sql`phase = 'observing', ${observing}`)
      return failedCanary > 0
        ? progress.halt(release, 'The canary failed. Fix its errors and resume the release, or roll it back')
        : progress.advance(release, sql`phase = 'rest', ${observing}`)
    }
    if (await this.#haltIfFailing(release)) return true
    if (phase === 'observing') {
      const { finished } = await progress.runs(release.userId, release.id)
      const isOver = now.getTime() - (observedMs ?? 0) >= release.observeSeconds * 1000
      return isOver && finished >= release.observeMinRuns && progress.advance(release, sql`phase = 'rest'`)
    }
    if (open > 0) return false
    return progress.advance(
      release,
      sql`status = 'completed', finished_at = ${now.toISOString()}::timestamptz`,
      {
        action: 'release.completed',
        end: true,
      },
    )
  }

  async #haltIfFailing(release: Look): Promise<boolean> {
    const { userId, id, observeMinRuns, maxFailureRate, phase } = release
    const { finished, failed } = await this.#options.progress.runs(userId, id)
    if (finished < Math.max(1, observeMinRuns) || failed / finished <= maxFailureRate) return false
    const whose = phase === 'observing' ? 'the canary' : 'the deployed targets'
    return this.#options.progress.halt(
      release,
      `${failed} of ${counted(finished, 'run')} of ${whose} failed, more than ${Math.round(maxFailureRate * 1000) / 10}%. ` +
        'Fix the workflow and release it again, resume this release, or roll it back',
    )
  }

  #endRollback(release: Look): Promise<boolean> {
    const { progress } = this.#options
    const { rollbackFailed } = release
    if (rollbackFailed > 0) {
      return progress.halt(
        release,
        `${counted(rollbackFailed, 'target')} could not be rolled back. Fix the errors, then roll the release back again`,
      )
    }
    const now = this.#now().toISOString()
    return progress.advance(release, sql`status = 'rolled-back', finished_at = ${now}::timestamptz`, {
      action: 'release.rolled-back',
      end: true,
    })
  }
}

/** The work has the scopes of the request that started it, not of the one that continues it. */
const actorOf = ({ tokenId, tokenName, scopes }: Look) =>
  tokenId === null
    ? undefined
    : { tokenId, name: tokenName ?? '', scopes: new Set(scopes ?? []), expiresAt: null }

const counted = (value: number, one: string) => `${value} ${one}${value === 1 ? '' : 's'}`
