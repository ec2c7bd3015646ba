/** @module Orders the sub-workflows that must be live on an instance before their caller. Only reads. */
import type { JsonObject } from '../../lib/json-object.ts'
import type { Connection } from '../../instances/connections.ts'
import type { Finding } from '../../n8n/checks/finding.ts'
import type { Release, Releases } from '../release.ts'
import { type Dependency, dependencyFinding, type SubWorkflows } from '../remote/sub-workflows.ts'

const maximumDependencies = 50

export interface PendingDependency extends Dependency {
  /** The action that makes it live. */
  action: 'deploy' | 'activate'
  /** The current version. */
  release: Release
}

export interface DependencyOrder {
  /** Sub-workflows that are not live yet, each after the ones it calls. */
  pending: PendingDependency[]
  /** Why no order exists. */
  findings: Finding[]
}

interface Caller {
  workflowId: string
  name: string
  dependencies: Dependency[]
}

export class Dependencies {
  readonly #subWorkflows: SubWorkflows
  readonly #releases: Releases

  constructor(subWorkflows: SubWorkflows, releases: Releases) {
    this.#subWorkflows = subWorkflows
    this.#releases = releases
  }

  /** @throws {N8nError} */
  async order(
    userId: string,
    instanceId: string,
    caller: { workflowId: string; workflow: JsonObject; dependencies: Dependency[] },
    client: Connection['client'],
  ): Promise<DependencyOrder> {
    const found: DependencyOrder = { pending: [], findings: [] }
    const done = new Set<string>()
    const visit = async (from: Caller, path: string[]): Promise<void> => {
      for (const dependency of from.dependencies) {
        const { workflowId, name } = dependency
        if (!dependencyFinding(dependency) || done.has(workflowId)) continue
        if (path.includes(workflowId)) {
          found.findings.push(cycle(dependency))
          continue
        }
        if (done.size >= maximumDependencies) return
        done.add(workflowId)
        const release = await this.#releases.find(userId, workflowId, instanceId, undefined)
        const target = { workflowId, instanceId, n8nWorkflowId: dependency.n8nWorkflowId }
        const { dependencies } = await this.#subWorkflows.resolve(userId, release.workflow, target, client)
        await visit({ workflowId, name, dependencies }, [...path, workflowId])
        const isDeployed = dependency.status === 'inactive'
        found.pending.push({ ...dependency, action: isDeployed ? 'activate' : 'deploy', release })
      }
    }
    await visit({ ...caller, name: String(caller.workflow.name) }, [caller.workflowId])
    return found
  }
}

const cycle = ({ name, nodes }: Dependency): Finding => ({
  code: 'sub-workflow-cycle',
  level: 'error',
  ...(typeof nodes[0] === 'string' && { node: nodes[0] }),
  pointer: '',
  message:
    `The workflow ${JSON.stringify(name)} is part of a cycle of calls, so n8n cannot publish any of its workflows ` +
    'first. Deploy one of them without the call, then deploy them all',
})
