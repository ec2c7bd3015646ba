/** @module What an operation on a deployment reads of the database: loaded once, passed to its plan, bindings and run. */
import type { Connection, InstanceConnections } from '../instances/connections.ts'
import type { Deployed, Release, Releases } from './release.ts'

export interface DeploymentContext {
  release: Release
  /** The deployment that the release replaces. */
  deployed: Deployed | null
  /** Null when the instance has been deleted. Rejects as `InstanceConnections.open`, where it is awaited. */
  connection: Promise<Connection | null>
}

export interface DeploymentTarget {
  workflowId: string
  instanceId: string
  /** Default: the current one. */
  version?: number | undefined
  /** Codes of findings to repair. */
  fixes?: readonly string[] | undefined
}

export class DeploymentContexts {
  readonly #releases: Releases
  readonly #connections: Pick<InstanceConnections, 'open'>

  constructor(releases: Releases, connections: Pick<InstanceConnections, 'open'>) {
    this.#releases = releases
    this.#connections = connections
  }

  /**
   * @param deployed default: the deployment of the workflow on the instance
   * @throws {AppError} as `Releases.find` and `Releases.deployed`
   */
  async load(
    userId: string,
    { workflowId, instanceId, version, fixes }: DeploymentTarget,
    deployed?: Deployed | null,
  ): Promise<DeploymentContext> {
    const connection = this.open(userId, instanceId)
    const [release, current] = await Promise.all([
      this.#releases.find(userId, workflowId, instanceId, version, fixes),
      deployed === undefined ? this.#releases.deployed(userId, workflowId, instanceId) : deployed,
    ])
    return { release, deployed: current, connection }
  }

  /** A rejection surfaces where the connection is awaited, so that a run can record it. */
  open(userId: string, instanceId: string): Promise<Connection | null> {
    const connection = this.#connections.open(userId, instanceId)
    connection.catch(() => undefined)
    return connection
  }
}
