/** @module The order of the workflows of a release: each after the ones that it calls. */
import { AppError } from '../errors.ts'
import type { JsonObject } from '../lib/json-object.ts'
import { subWorkflowRefs } from '../n8n/reading/sub-workflow-refs.ts'

interface Callable {
  workflowId: string
  name: string
  data: JsonObject
}

/** The IDs that the workflow calls its sub-workflows by: of Flowkeep or of an n8n. */
export const calledIds = ({ data }: Pick<Callable, 'data'>): string[] =>
  subWorkflowRefs(data).map(({ id }) => id)

/**
 * Keeps the given order where no call decides.
 * @param known n8n ID → workflow ID
 * @throws {AppError} `conflict` for workflows that call each other
 */
export function inCallOrder<T extends Callable>(
  workflows: readonly T[],
  known: ReadonlyMap<string, string>,
): T[] {
  const byId = new Map(workflows.map((workflow) => [workflow.workflowId, workflow]))
  const ordered = new Set<T>()
  const callers = new Set<T>()
  const visit = (workflow: T): void => {
    if (ordered.has(workflow)) return
    if (callers.has(workflow)) {
      throw new AppError(
        'conflict',
        `The workflow ${JSON.stringify(workflow.name)} is part of a cycle of calls, so none of its workflows can be deployed ` +
          'first. Release them one by one',
      )
    }
    callers.add(workflow)
    for (const id of calledIds(workflow)) {
      const called = byId.get(id) ?? byId.get(known.get(id) ?? '')
      if (called && called !== workflow) visit(called)
    }
    callers.delete(workflow)
    ordered.add(workflow)
  }
  for (const workflow of workflows) visit(workflow)
  return [...ordered]
}
