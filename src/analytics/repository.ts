import type { Read } from '../db/replica.ts'
import type { Catalogue } from '../n8n/catalogue.ts'
import type {
  CredentialStats,
  CredentialStatsFilter,
  ErrorGroupDetail,
  ErrorGroups,
  ErrorGroupsFilter,
  ModelStats,
  ModelStatsFilter,
  NodeStats,
  NodeStatsFilter,
  NodeTypeStats,
  NodeTypeStatsFilter,
  PromptStats,
  PromptStatsFilter,
  Series,
  SeriesFilter,
  Summary,
  SummaryFilter,
  WorkflowStats,
  WorkflowStatsFilter,
} from './contract.ts'
import type { Choice, RunFilter } from '../runs/sources.ts'
import { credentialStats } from './credentials.ts'
import { errorGroup, errorGroups } from './errors.ts'
import { nodeStats, nodeTypeStats } from './nodes.ts'
import { type BoundedRange, boundedRange } from '../runs/period.ts'
import { modelStats, promptStats } from './prompts.ts'
import { series } from './series.ts'
import { sumUp } from './summary.ts'
import { workflowStats } from './workflows.ts'

const defaultLimit = 50

/**
 * What a user's executions add up to; exact at any moment, however far the rollups have come. Every method takes the owner
 * first. An execution counts at its start; when that is unknown, at its end, else when it was first heard of.
 */
export class AnalyticsRepository {
  readonly #read: Read
  readonly #now: () => Date
  readonly #loadCatalogue: () => Promise<Catalogue>

  constructor(read: Read, now: () => Date, loadCatalogue: () => Promise<Catalogue>) {
    this.#read = read
    this.#now = now
    this.#loadCatalogue = loadCatalogue
  }

  async summary(userId: string, filter: SummaryFilter = {}): Promise<Summary> {
    const range = { from: filter.from ?? null, to: filter.to ?? null }
    return this.#read((db) => sumUp(db, userId, choiceOf(filter), range, this.#now()))
  }

  /** @throws {AppError} `invalid` for more than `maxBuckets`, and for a time zone that the database does not know */
  async series(userId: string, filter: SeriesFilter = {}): Promise<Series> {
    const { interval = 'day', timeZone = 'UTC' } = filter
    return this.#read((db) =>
      series(db, userId, choiceOf(filter), this.#range(filter), { interval, timeZone }),
    )
  }

  async workflows(userId: string, filter: WorkflowStatsFilter = {}): Promise<WorkflowStats> {
    const { limit = defaultLimit, sort = 'runs', minRuns = 0 } = filter
    return this.#read((db) =>
      workflowStats(db, userId, choiceOf(filter), this.#range(filter), { limit, sort, minRuns }),
    )
  }

  /** `nodeType` chooses the type, not the workflows that contain it. */
  async nodeTypes(userId: string, filter: NodeTypeStatsFilter = {}): Promise<NodeTypeStats> {
    const { limit = defaultLimit, sort = 'used' } = filter
    return this.#read((db) =>
      nodeTypeStats(db, userId, choiceOf(filter), this.#range(filter), { limit, sort }),
    )
  }

  /** Of one workflow. `nodeType` chooses nodes. */
  async nodes(userId: string, filter: NodeStatsFilter): Promise<NodeStats> {
    const { limit = defaultLimit, sort = 'executions', workflowId } = filter
    const choice = { ...choiceOf(filter), workflowId }
    return this.#read((db) => nodeStats(db, userId, choice, this.#range(filter), { limit, sort }))
  }

  /** All of the user's; with a filter beside the period, those bound to a deployment that it chooses. */
  async credentials(userId: string, filter: CredentialStatsFilter = {}): Promise<CredentialStats> {
    const { limit = defaultLimit, sort = 'authenticationFailures' } = filter
    const catalogue = await this.#loadCatalogue()
    return this.#read((db) =>
      credentialStats(db, userId, choiceOf(filter), this.#range(filter), {
        limit,
        sort,
        catalogue,
      }),
    )
  }

  async prompts(userId: string, filter: PromptStatsFilter = {}): Promise<PromptStats> {
    const { limit = defaultLimit, sort = 'runs' } = filter
    return this.#read((db) => promptStats(db, userId, choiceOf(filter), this.#range(filter), { limit, sort }))
  }

  async models(userId: string, filter: ModelStatsFilter = {}): Promise<ModelStats> {
    const { limit = defaultLimit } = filter
    return this.#read((db) => modelStats(db, userId, choiceOf(filter), this.#range(filter), { limit }))
  }

  async errors(userId: string, filter: ErrorGroupsFilter = {}): Promise<ErrorGroups> {
    const { limit = defaultLimit, sort = 'runs' } = filter
    return this.#read((db) => errorGroups(db, userId, choiceOf(filter), this.#range(filter), { limit, sort }))
  }

  /** Null when the user has no such group; one that did not occur in the period has zeros. */
  async error(userId: string, fingerprint: string, filter: RunFilter = {}): Promise<ErrorGroupDetail | null> {
    return this.#read((db) =>
      errorGroup(db, userId, fingerprint, choiceOf(filter), this.#range(filter), this.#now()),
    )
  }

  #range(filter: RunFilter): BoundedRange {
    return boundedRange(filter, this.#now())
  }
}

const choiceOf = ({ workflowId, deploymentId, instanceId, tag, nodeType, include }: RunFilter): Choice => ({
  workflowId,
  deploymentId,
  instanceId,
  tag,
  nodeType,
  include,
})
