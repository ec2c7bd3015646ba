/** @module What routes and pages do with releases: change the state, then let the runner work on it. */
import type { CreationKey } from '../db/idempotent-create.ts'
import { AppError } from '../errors.ts'
import type { NewPromotion, NewRelease, Release } from './contract.ts'
import { isWorking } from './progress.ts'
import type { ReleaseRepository } from './repository.ts'
import type { ReleaseRunner } from './runner.ts'

/** How long a request waits for the plan. */
const planningMs = 15_000
/** How long the work continues after a response. */
const afterMs = 25_000

export interface ReleasingOptions {
  repository: ReleaseRepository
  runner: ReleaseRunner
  defer: (work: Promise<unknown>) => void
  onFailure: (releaseId: string, error: unknown) => void
}

export class Releasing {
  readonly repository: ReleaseRepository
  readonly #options: ReleasingOptions

  constructor(options: ReleasingOptions) {
    this.repository = options.repository
    this.#options = options
  }

  /** @throws {AppError} as `ReleaseRepository.create`; `conflict` when the key's release has been deleted */
  async create(userId: string, body: NewRelease, key?: CreationKey): Promise<Release> {
    return this.#created(userId, key, () => this.repository.create(userId, body, key))
  }

  /** Releases what is live in one environment to the other. @throws {AppError} as `create` and `ReleaseRepository.liveIn` */
  async promote(userId: string, body: NewPromotion, key?: CreationKey): Promise<Release> {
    const { from, to, workflowIds, ...options } = body
    return this.#created(userId, key, async () => {
      const live = await this.repository.liveIn(userId, { from, workflowIds })
      return this.repository.create(userId, { ...options, workflows: live, environment: to }, key, from)
    })
  }

  /** A replay succeeds even if what the body names has since been deleted. */
  async #created(
    userId: string,
    key: CreationKey | undefined,
    create: () => Promise<string>,
  ): Promise<Release> {
    const earlier = key && (await this.repository.findCreated(userId, key))
    const id = earlier ?? (await create())
    await this.#options.runner.push(userId, id, planningMs, 'planning')
    return this.#continued(userId, id)
  }

  /** Null when there is no such release. */
  async find(userId: string, id: string): Promise<Release | null> {
    const release = await this.repository.find(userId, id)
    if (release && isWorking(release.status)) this.#continue(userId, id)
    return release
  }

  async start(userId: string, id: string, planHash: string): Promise<Release> {
    await this.repository.start(userId, id, planHash)
    return this.#continued(userId, id)
  }

  async resume(userId: string, id: string, options: { skipObservation: boolean }): Promise<Release> {
    await this.repository.resume(userId, id, options)
    return this.#continued(userId, id)
  }

  async halt(userId: string, id: string): Promise<Release> {
    await this.repository.halt(userId, id)
    return this.#continued(userId, id)
  }

  async rollBack(userId: string, id: string): Promise<Release> {
    await this.repository.rollBack(userId, id)
    return this.#continued(userId, id)
  }

  async #continued(userId: string, id: string): Promise<Release> {
    const release = await this.find(userId, id)
    if (release) return release
    throw new AppError('conflict', 'The release has been deleted. Create a new one')
  }

  #continue(userId: string, id: string): void {
    const { runner, defer, onFailure } = this.#options
    defer(runner.push(userId, id, afterMs).catch((error: unknown) => onFailure(id, error)))
  }
}
