/** @module The workflows that have to be live on an instance before the one that calls them, in that order. Only reads. */
import type { Connection } from '../instances/connections.ts'
import type { Finding } from '../n8n/finding.ts'
import type { JsonObject } from '../n8n/workflow-json.ts'
import type { Releases } from './release.ts'
import { type Dependency, dependencyFinding, type SubWorkflows } from './sub-workflows.ts'

/** Workflows beyond are not a chain of calls that anybody reads. */
const maximumDependencies = 50

export interface PendingDependency extends Dependency {
  /** What makes it live. */
  action: 'deploy' | 'activate'
}

export interface DependencyOrder {
  /** Those that are not live yet, each after those that it calls itself. */
  pending: PendingDependency[]
  /** Why there is no such order. */
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
        const isThere = dependency.status === 'inactive'
        found.pending.push({ ...dependency, action: isThere ? 'activate' : 'deploy' })
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
    `The workflow ${JSON.stringify(name)} calls one that calls it, and n8n publishes neither before the other. ` +
    'Deploy one of them without the call first, then both',
})
