/** @module Checks workflows for the n8n version of an instance, and applies fixes as new versions. */
import { eq, and } from 'drizzle-orm'
import { type CheckOptions, checkWorkflow, fixWorkflow, versionToCheck } from '../check/run.ts'
import { applyPatch } from '../check/json-patch.ts'
import { otherWarnings } from '../check/warnings.ts'
import type { Db } from '../db/client.ts'
import { instances } from '../db/schema/instances.ts'
import { AppError, notFound } from '../errors.ts'
import type { JsonObject } from '../lib/json-object.ts'
import { type Finding, hasErrors, worstFirst } from '../n8n/checks/finding.ts'
import { parseWorkflow } from '../n8n/reading/workflow-json.ts'
import type { CheckResult, FixRequest } from './check-contract.ts'
import type { Workflow } from './contract.ts'

interface Target {
  instanceId?: string | undefined
  n8nVersion?: string | undefined
}

export class WorkflowChecks {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  /**
   * @param userId null without an account, and then without an instance
   * @throws {AppError} `not-found` for the instance
   */
  async check(
    userId: string | null,
    workflow: JsonObject,
    target: Target,
    isFixed = false,
  ): Promise<CheckResult> {
    const options = await this.#optionsOf(userId, target)
    const { n8nVersion, findings: before, refusals } = await checkWorkflow(workflow, options)
    const checked = { n8nVersion, publishable: refusals.size === 0, findings: before }
    if (!isFixed) return checked
    const fixed = await fixWorkflow(workflow, options)
    const { findings } = await checkWorkflow(fixed.workflow, options)
    return { ...checked, fixed: { workflow: fixed.workflow, applied: labelsOf(fixed.applied), findings } }
  }

  /**
   * The workflow with the requested fixes.
   * @throws {AppError} `not-found` for the instance; `invalid` if a finding does not exist or has no fix
   */
  async fix(userId: string, workflow: JsonObject, { fixes, ...target }: FixRequest): Promise<JsonObject> {
    const options = await this.#optionsOf(userId, target)
    if (fixes === 'all') return (await fixWorkflow(workflow, options)).workflow
    const { findings } = await checkWorkflow(workflow, options)
    const keyOf = ({ code, pointer }: { code: string; pointer: string }) => `${code} ${pointer}`
    // The first of several equal ones.
    const byKey = new Map(findings.toReversed().map((finding) => [keyOf(finding), finding]))
    const operations = fixes.flatMap((requested, index) => {
      const found = byKey.get(keyOf(requested))
      if (found?.fix?.operations) return found.fix.operations
      const detail = found ? 'This finding has no fix' : 'The workflow has no such finding'
      throw new AppError('invalid', detail, { errors: [{ pointer: `/fixes/${index}`, detail }] })
    })
    const fixed = applyPatch(workflow, operations)
    if (fixed) return fixed
    throw new AppError(
      'invalid',
      'These fixes change the same part of the workflow. Apply them one at a time',
    )
  }

  /** The findings of a saved workflow, worst first, with those about how it was sent. */
  async findingsOf({ workflow, warnings }: Pick<Workflow, 'workflow' | 'warnings'>): Promise<Finding[]> {
    const { findings } = await checkWorkflow(workflow)
    return [...findings, ...otherWarnings(warnings)].toSorted(worstFirst)
  }

  async #optionsOf(userId: string | null, { instanceId, n8nVersion }: Target): Promise<CheckOptions> {
    if (n8nVersion !== undefined || instanceId === undefined || userId === null) return { n8nVersion }
    const [instance] = await this.#db.read
      .select({ n8nVersion: instances.n8nVersion })
      .from(instances)
      .where(and(eq(instances.userId, userId), eq(instances.id, instanceId)))
    if (!instance) throw notFound('Instance')
    return { n8nVersion: versionToCheck(instance.n8nVersion) }
  }
}

const labelsOf = (findings: readonly Finding[]): string[] =>
  findings.flatMap(({ fix }) => (fix ? [fix.label] : []))

/** @throws {AppError} `invalid-workflow` with the findings as `problems` if one is an error */
export async function refuseErrors(given: unknown): Promise<void> {
  const { workflow } = parseWorkflow(given, { pointerPrefix: '/workflow' })
  const { findings } = await checkWorkflow(workflow)
  if (!hasErrors(findings)) return
  const errors = findings.filter(({ level }) => level === 'error')
  throw new AppError(
    'invalid-workflow',
    'The workflow has errors. Fix them, or save it without check=strict',
    {
      errors: errors.map(({ pointer, message }) => ({ pointer: `/workflow${pointer}`, detail: message })),
      extra: { problems: findings },
    },
  )
}
