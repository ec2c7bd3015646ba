import type { Read } from '../db/replica.ts'
import type { Catalogue } from '../n8n/catalogue/catalogue.ts'
import type {
  CostFilter,
  Costs,
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
import type { Filter, RunFilter } from '../runs/sources.ts'
import { costs } from './costs.ts'
import { credentialStats } from './credentials.ts'
import { errorGroup, errorGroups } from './errors.ts'
import { nodeStats, nodeTypeStats } from './nodes.ts'
import { type BoundedRange, boundedRange } from '../runs/period.ts'
import { modelStats, promptStats } from './prompts.ts'
import { series } from './series.ts'
import { summarize } from './summary.ts'
import { type RankedWorkflow, rankWorkflows, type WorkflowRanking, workflowStats } from './workflows.ts'

const defaultLimit = 50

/**
 * Statistics of a user's executions. Exact at any moment, even before pending executions are rolled up. Every method takes
 * the owner first. An execution counts at its start; without a known start, at its end, else when it was first received.
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
    return this.#read((db) => summarize(db, userId, withoutPeriod(filter), range, this.#now()))
  }

  /** @throws {AppError} `invalid` for more than `maxBuckets` buckets */
  async series(userId: string, filter: SeriesFilter = {}): Promise<Series> {
    const { interval = 'day', perBucket = 1, timeZone = 'UTC' } = filter
    return this.#read((db) =>
      series(db, userId, withoutPeriod(filter), this.#range(filter), { interval, perBucket, timeZone }),
    )
  }

  async workflows(userId: string, filter: WorkflowStatsFilter = {}): Promise<WorkflowStats> {
    const { limit = defaultLimit, sort = 'runs', minRuns = 0 } = filter
    return this.#read((db) =>
      workflowStats(db, userId, withoutPeriod(filter), this.#range(filter), { limit, sort, minRuns }),
    )
  }

  /** The first workflows of each ranking, without their usage and incidents. */
  async rankWorkflows<R extends [WorkflowRanking, ...WorkflowRanking[]]>(
    userId: string,
    { rankings, minRuns = 0, ...filter }: RunFilter & { rankings: R; minRuns?: number | undefined },
  ): Promise<{ [Index in keyof R]: RankedWorkflow[] }> {
    return this.#read((db) =>
      rankWorkflows(db, userId, withoutPeriod(filter), this.#range(filter), { rankings, minRuns }),
    )
  }

  /** `nodeType` selects one type, not the workflows that contain it. */
  async nodeTypes(userId: string, filter: NodeTypeStatsFilter = {}): Promise<NodeTypeStats> {
    const { limit = defaultLimit, sort = 'used' } = filter
    return this.#read((db) =>
      nodeTypeStats(db, userId, withoutPeriod(filter), this.#range(filter), { limit, sort }),
    )
  }

  /** Nodes of one workflow. `nodeType` selects nodes. */
  async nodes(userId: string, filter: NodeStatsFilter): Promise<NodeStats> {
    const { limit = defaultLimit, sort = 'executions', workflowId } = filter
    return this.#read((db) =>
      nodeStats(db, userId, { ...withoutPeriod(filter), workflowId }, this.#range(filter), { limit, sort }),
    )
  }

  /** All credentials of the user. A filter other than the period selects those bound to a matching deployment. */
  async credentials(userId: string, filter: CredentialStatsFilter = {}): Promise<CredentialStats> {
    const { limit = defaultLimit, sort = 'authenticationFailures' } = filter
    const catalogue = await this.#loadCatalogue()
    return this.#read((db) =>
      credentialStats(db, userId, withoutPeriod(filter), this.#range(filter), {
        limit,
        sort,
        catalogue,
      }),
    )
  }

  async prompts(userId: string, filter: PromptStatsFilter = {}): Promise<PromptStats> {
    const { limit = defaultLimit, sort = 'runs' } = filter
    return this.#read((db) =>
      promptStats(db, userId, withoutPeriod(filter), this.#range(filter), { limit, sort }),
    )
  }

  async models(userId: string, filter: ModelStatsFilter = {}): Promise<ModelStats> {
    const { limit = defaultLimit, sort = 'runs' } = filter
    return this.#read((db) =>
      modelStats(db, userId, withoutPeriod(filter), this.#range(filter), { limit, sort }),
    )
  }

  async costs(userId: string, filter: CostFilter = {}): Promise<Costs> {
    const { limit = defaultLimit, by = 'model' } = filter
    return this.#read((db) => costs(db, userId, withoutPeriod(filter), this.#range(filter), { by, limit }))
  }

  async errors(userId: string, filter: ErrorGroupsFilter = {}): Promise<ErrorGroups> {
    const { limit = defaultLimit, sort = 'runs', state = 'unresolved', q } = filter
    return this.#read((db) =>
      errorGroups(db, userId, withoutPeriod(filter), this.#range(filter), { limit, sort, state, q }),
    )
  }

  /** Null when the user has no such group. A group without failures in the period has zeros. */
  async error(userId: string, fingerprint: string, filter: RunFilter = {}): Promise<ErrorGroupDetail | null> {
    return this.#read((db) =>
      errorGroup(db, userId, fingerprint, withoutPeriod(filter), this.#range(filter), this.#now()),
    )
  }

  #range(filter: RunFilter): BoundedRange {
    return boundedRange(filter, this.#now())
  }
}

const withoutPeriod = ({
  workflowId,
  deploymentId,
  instanceId,
  tag,
  nodeType,
  include,
}: RunFilter): Filter => ({
  workflowId,
  deploymentId,
  instanceId,
  tag,
  nodeType,
  include,
})
