/** @module Applies edits to a stored workflow: to the expected version, or rebased to the current one. */
import { loadFacts } from '../../check/facts/load.ts'
import { checkWorkflow } from '../../check/run.ts'
import { AppError, requireFound } from '../../errors.ts'
import { parseWorkflow } from '../../n8n/reading/workflow-json.ts'
import type { Workflow } from '../contract.ts'
import type { WorkflowRepository } from '../repository.ts'
import { diffVersions } from '../versions.ts'
import { applyEdits, type Edited, type EditOptions } from './apply.ts'
import type { EditRequest, EditResult } from './contract.ts'
import type { EditFailure } from './failure.ts'
import { markNew } from './new-findings.ts'
import type { EditOperation } from './operations.ts'
import { conflictOf, touchedBetween } from './touched.ts'

/** Another client can store a version each time. */
const maxAttempts = 10

export class WorkflowEdits {
  readonly #workflows: WorkflowRepository

  constructor(workflows: WorkflowRepository) {
    this.#workflows = workflows
  }

  /**
   * @param expected the version that the edits are based on; null: any
   * @returns the result, and the workflow as stored
   * @throws {AppError} `not-found`; `invalid-edit` with the operation; `version-conflict` with `currentVersion`, and whether
   *   the edits would apply to it; `invalid-workflow` and `too-large` for the result
   */
  async apply(
    userId: string,
    id: string,
    expected: number | null,
    request: EditRequest,
  ): Promise<{ result: EditResult; workflow: Workflow }> {
    const { operations, prompt, model, dryRun = false, rebase = false } = request
    const options = await optionsFor(operations)
    const find = async () => requireFound(await this.#workflows.find(userId, id), 'Workflow')
    let current = await find()
    let base: Promise<Pick<Workflow, 'name' | 'workflow'> | null> | undefined
    for (let attempt = 1; ; attempt += 1) {
      const isBehind = expected !== null && expected !== current.version
      if (isBehind) base ??= this.#workflows.findVersion(userId, id, expected)
      const edited = isBehind
        ? rebased((await base) ?? null, current, operations, options)
        : applyEdits(current.workflow, operations, options)
      if ('reason' in edited) throw conflict(current.version, edited.reason)
      if (edited.failure) throw invalidEdit(edited.failure)
      if ((isBehind && !rebase) || attempt > maxAttempts) throw conflict(current.version, null)
      parseWorkflow(edited.workflow)
      const change = {
        workflow: edited.workflow,
        ...(edited.name !== undefined && { name: edited.name }),
        ...(prompt !== undefined && { prompt }),
        ...(model !== undefined && { model }),
      }
      const result = async (stored: Workflow): Promise<EditResult> => {
        const [before, after] = await Promise.all([current.workflow, change.workflow].map(checked))
        return {
          version: stored.version,
          stored: stored.version !== current.version,
          ...(isBehind && { rebasedFrom: expected }),
          diff: diffVersions(current, {
            ...current,
            ...change,
            version: dryRun ? current.version + 1 : stored.version,
          }),
          findings: before && after ? markNew(before, after) : [],
        }
      }
      if (dryRun) return { result: await result(current), workflow: current }
      try {
        const stored = requireFound(
          await this.#workflows.update(userId, id, current.version, change, [], operations),
          'Workflow',
        )
        return { result: await result(stored), workflow: stored }
      } catch (error) {
        const isOutrun = error instanceof AppError && error.code === 'version-conflict'
        if (!isOutrun) throw error
        current = await find()
      }
    }
  }
}

const checked = async (workflow: Workflow['workflow']) => {
  const { findings } = await checkWorkflow(workflow)
  return { workflow, findings }
}

/** New nodes get the newest version of their type. */
async function optionsFor(operations: readonly EditOperation[]): Promise<EditOptions> {
  const types = operations.flatMap((each) => {
    const node = each.op === 'addNode' ? each.node : each.op === 'replaceNode' ? each.with : undefined
    return typeof node?.type === 'string' && node.typeVersion === undefined ? [node.type] : []
  })
  if (types.length === 0) return {}
  const facts = await loadFacts(types)
  return { typeVersion: (type) => facts.nodeType(type)?.defaultVersion }
}

/** Edits of an earlier version, applied to the current one; the reason if that could lose a change. */
function rebased(
  base: Pick<Workflow, 'name' | 'workflow'> | null,
  current: Workflow,
  operations: readonly EditOperation[],
  options: EditOptions,
): Edited | { failure: EditFailure } | { reason: string } {
  if (!base) return { reason: 'The version in If-Match does not exist' }
  const edited = applyEdits(base.workflow, operations, options)
  if (edited.failure) return edited
  const mine = touchedBetween(base, { workflow: edited.workflow, name: edited.name ?? base.name })
  for (const each of edited.named) mine.add(each)
  const reason = conflictOf(mine, touchedBetween(base, current))
  if (reason !== null) return { reason }
  const again = applyEdits(current.workflow, operations, options)
  return again.failure ? { reason: again.failure.message } : again
}

/** @param reason why the edits do not apply to the current version; null if they do */
function conflict(currentVersion: number, reason: string | null): AppError {
  const advice =
    reason === null
      ? 'The edits apply to it: send them again with rebase: true'
      : `${reason}. Read the workflow again and send new edits`
  return new AppError('version-conflict', `The workflow is now at version ${currentVersion}. ${advice}`, {
    extra: { currentVersion, applies: reason === null, reason },
  })
}

function invalidEdit({ index, code, pointer, message }: EditFailure): AppError {
  return new AppError('invalid-edit', `/operations/${index}: ${message}`, {
    errors: [{ pointer: `/operations/${index}${pointer}`, detail: message }],
    extra: { operation: { index, code } },
  })
}
