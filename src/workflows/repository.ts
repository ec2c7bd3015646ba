import { and, arrayContains, desc, eq, lt, or, type Placeholder, sql } from 'drizzle-orm'
import type { BatchItem } from 'drizzle-orm/batch'
import { v7 as uuidv7 } from 'uuid'
import type { Change, Permit } from '../approvals/approvals.ts'
import { affecting } from '../approvals/deletion.ts'
import { actorColumns, actorValues, auditEvent } from '../db/audit.ts'
import type { Db } from '../db/client.ts'
import { claimStorage, type StorageQuotas, withinStorage } from '../budgets/storage.ts'
import { type CreationKey, idempotentCreate, type Quota } from '../db/idempotent-create.ts'
import { deleteUnlessUsed, findDeletable } from '../db/guarded-delete.ts'
import { workflows, workflowVersions } from '../db/schema/workflows.ts'
import { workflowHolds } from '../db/search.ts'
import { AppError } from '../errors.ts'
import { encodeCursor, type Page, type Slice } from '../http/page.ts'
import { hasScopes, requireScope } from '../http/scopes.ts'
import type { Catalogue } from '../n8n/catalogue/catalogue.ts'
import { extractMetadata, type WorkflowWarning } from '../n8n/reading/metadata.ts'
import { sha256Hex } from '../lib/encoding.ts'
import type { JsonObject } from '../lib/json-object.ts'
import { type ParsedWorkflow, parseWorkflow } from '../n8n/reading/workflow-json.ts'
import {
  type NewWorkflow,
  type Workflow,
  type WorkflowChange,
  type WorkflowFilter,
  type WorkflowSummary,
} from './contract.ts'
import type { EditOperation } from './edits/operations.ts'
import { credentialProblems, hasReadiness } from './readiness-queries.ts'
import { ownedVersions, WorkflowVersions } from './versions.ts'
import {
  anyDiffers,
  columns,
  fittingKeys,
  matchedCount,
  pageOf,
  shortened,
  sizeBytes,
  summaryColumns,
  toSummary,
  toWorkflow,
  type Values,
  versionedFields,
  versionOf,
  versionedText,
  type VersionOrigin,
} from './rows.ts'

const inBody = { pointerPrefix: '/workflow' }

export interface ExtraWrites {
  quota: Quota
  statements: (workflowId: string) => BatchItem<'pg'>[]
}

interface WorkflowQuotas extends StorageQuotas {
  workflows: number
}

/** A user's workflows. Every method takes the owner first and reads only the owner's rows. */
export class WorkflowRepository extends WorkflowVersions {
  #found: ReturnType<typeof findOwned> | undefined
  readonly #db: Db
  readonly #now: () => Date
  readonly #loadCatalogue: () => Promise<Catalogue>
  readonly #quotas: WorkflowQuotas
  readonly #permit: Permit

  constructor(
    db: Db,
    now: () => Date,
    loadCatalogue: () => Promise<Catalogue>,
    quotas: WorkflowQuotas,
    permit: Permit,
  ) {
    super(db)
    this.#db = db
    this.#now = now
    this.#loadCatalogue = loadCatalogue
    this.#quotas = quotas
    this.#permit = permit
  }

  /**
   * @param extraWrites statements of the same transaction
   * @param findings about the request, stored with the warnings
   * @throws {AppError} `invalid-workflow`, `too-large`, `quota-exceeded`, `idempotency-key-reused`, `conflict`
   */
  async create(
    userId: string,
    body: NewWorkflow,
    key?: CreationKey,
    extraWrites?: ExtraWrites,
    findings: readonly WorkflowWarning[] = [],
  ): Promise<Workflow> {
    const parsed = parseWorkflow(body.workflow, inBody)
    const id = uuidv7()
    const createdAt = this.#now()
    const row = {
      name: body.name ?? shortened(parsed.name ?? '') ?? 'Untitled workflow',
      description: body.description ?? null,
      prompt: body.prompt ?? null,
      model: body.model ?? null,
      tags: body.tags ?? [],
      dataRetentionDays: body.dataRetentionDays ?? null,
      requireReplay: body.requireReplay ?? false,
      ...(await this.#extract(parsed, findings)),
      version: 1,
      createdAt,
      updatedAt: createdAt,
    }
    const creation = {
      userId,
      resourceId: id,
      key,
      quota: [
        { table: 'workflows', limit: this.#quotas.workflows },
        ...(extraWrites ? [extraWrites.quota] : []),
      ],
    } as const
    const created = await withinStorage(this.#quotas, () =>
      idempotentCreate(this.#db, creation, [
        this.#db.insert(workflows).values({ id, userId, ...row }),
        this.#copyAsVersion(userId, id, { parent: sql`null::integer` }),
        auditEvent(this.#db, userId, 'workflow.created', id),
        ...(extraWrites?.statements(id) ?? []),
        claimStorage(this.#db, userId, id, this.#quotas),
      ]),
    )
    if (!created.replayed) {
      const { data: workflow, endpoints: _, ...rest } = row
      return toWorkflow({ id, ...rest, workflow })
    }
    const earlier = await this.find(userId, created.id)
    if (!earlier) throw new AppError('conflict', 'The workflow that this request created has been deleted')
    return earlier
  }

  async find(userId: string, id: string): Promise<Workflow | null> {
    this.#found ??= findOwned(this.#db)
    const [row] = await this.#found.execute({ userId, id })
    return row ? toWorkflow(row) : null
  }

  async list(userId: string, filter: WorkflowFilter, page: Page): Promise<Slice<WorkflowSummary>> {
    const { nodeType, credentialType, tag, q, contentHash, readiness } = filter
    const matching = this.#db.$with('matching').as(
      this.#db.read
        .select({ key: sql`${workflows.id}`.as('key'), sizeBytes: sizeBytes(workflows) })
        .from(workflows)
        .where(
          and(
            eq(workflows.userId, userId),
            page.after === null ? undefined : lt(workflows.id, page.after),
            nodeType === undefined ? undefined : arrayContains(workflows.nodeTypes, [nodeType]),
            credentialType === undefined
              ? undefined
              : arrayContains(workflows.requiredCredentialTypes, [credentialType]),
            tag === undefined ? undefined : arrayContains(workflows.tags, [tag]),
            contentHash === undefined ? undefined : eq(workflows.contentHash, contentHash),
            q === undefined ? undefined : workflowHolds(q, sql`${workflows}`),
            readiness === undefined
              ? undefined
              : sql`${workflows.id} in (
                  with ${credentialProblems(userId)}
                  select w.id from workflows w where w.user_id = ${userId} and ${hasReadiness(readiness, sql`w.id`)}
                )`,
          ),
        )
        .orderBy(desc(workflows.id))
        .limit(page.limit + 1),
    )
    const rows = await this.#db.read
      .with(matching)
      .select({ row: summaryColumns, matched: matchedCount })
      .from(workflows)
      .where(and(eq(workflows.userId, userId), sql`${workflows.id} in ${fittingKeys}`))
      .orderBy(desc(workflows.id))
    return pageOf(rows, page.limit, toSummary, (row) => encodeCursor(row.id))
  }

  /** `nodeType` with its package, such as `n8n-nodes-base.slack`. */
  findByNodeType(userId: string, nodeType: string, page: Page): Promise<Slice<WorkflowSummary>> {
    return this.list(userId, { nodeType }, page)
  }

  findByCredentialType(userId: string, credentialType: string, page: Page): Promise<Slice<WorkflowSummary>> {
    return this.list(userId, { credentialType }, page)
  }

  /**
   * Creates the next version, or returns the current one if nothing changes. Data retention is not versioned.
   * @param expected the version that the change is based on; null: any
   * @param findings as in `create`
   * @param operations the edits that the change consists of
   * @throws {AppError} `version-conflict` with `currentVersion` if `expected` is not the current version,
   *   `invalid-workflow`, `too-large`, `quota-exceeded`
   */
  async update(
    userId: string,
    id: string,
    expected: number | null,
    change: WorkflowChange,
    findings: readonly WorkflowWarning[] = [],
    operations?: readonly EditOperation[],
  ): Promise<Workflow | null> {
    const { workflow, ...fields } = change
    // As `force` needs them.
    if (fields.requireReplay === false) {
      requireScope('deploy')
      requireScope('destructive')
    }
    const values: Values = {
      ...Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)),
      ...(workflow !== undefined && (await this.#extract(parseWorkflow(workflow, inBody), findings))),
    }
    return this.#write(userId, id, expected, values, { parent: sql`${workflows.version} - 1`, operations })
  }

  /**
   * Deletes a workflow with its versions and deployments. Workflows in n8n stay.
   * @param options `force`: even if deployments use it
   * @returns whether the workflow existed
   * @throws {AppError} `in-use` with the `dependents`; as `Approvals.permit`
   */
  async delete(userId: string, id: string, { force = false } = {}): Promise<boolean> {
    const subject = async () => {
      const found = await findDeletable(this.#db, 'workflows', { userId, id, force })
      if (found && found.dependents.length > 0) requireScope('deploy')
      return found && affecting(found)
    }
    const change: Change = { kind: 'delete-workflow', subjectId: id, request: { force }, subject }
    // Also deletes the deployments.
    if (force && !hasScopes('deploy')) await subject()
    const deletion = () => deleteUnlessUsed(this.#db, 'workflows', { userId, id, force })
    return (await this.#permit(userId, change, deletion)) ?? false
  }

  /**
   * Creates a version with the content of an earlier one. Null if the workflow or the version does not exist.
   * @throws {AppError} `version-conflict`, as `update`
   */
  async restore(
    userId: string,
    id: string,
    version: number,
    expected: number | null,
  ): Promise<Workflow | null> {
    const earlier = await this.findVersion(userId, id, version)
    if (!earlier) return null
    const { author, name, description, prompt, model, tags, contentHash } = earlier
    const described = await this.#describe(earlier.workflow)
    const values = { name, description, prompt, model, tags, contentHash, ...described }
    return this.#write(userId, id, expected, values, { parent: sql`${version}::integer`, author }, version)
  }

  /**
   * Returns the version with this content, or creates one from `version`. A fix copies name, description, prompt, model and
   * tags. An edit in n8n clears prompt and model, and sets `name` only if it changed in n8n.
   * @returns the version number; null if the workflow or the version does not exist
   * @throws {AppError} `invalid-workflow`, `too-large`
   */
  async derive(
    userId: string,
    id: string,
    version: number,
    {
      workflow,
      author,
      name,
    }: { workflow: Record<string, unknown>; author: 'flowkeep' | 'n8n'; name?: string },
  ): Promise<number | null> {
    const extracted = await this.#extract(parseWorkflow(workflow, inBody))
    const rows = await this.#db.read
      .select({
        version: workflowVersions.version,
        contentHash: workflowVersions.contentHash,
        ...versionedText,
      })
      .from(workflowVersions)
      .where(
        and(
          ownedVersions(userId, id),
          or(eq(workflowVersions.version, version), eq(workflowVersions.contentHash, extracted.contentHash)),
        ),
      )
      .orderBy(desc(workflowVersions.version))
    const from = rows.find((row) => row.version === version)
    if (!from) return null
    const same =
      from.contentHash === extracted.contentHash ? from : rows.find((row) => row.version !== version)
    if (same) return same.version
    const { name: before, description, prompt, model, tags } = from
    const renamed = name === undefined ? undefined : shortened(name)
    const values =
      author === 'n8n'
        ? { prompt: null, model: null, ...(renamed && { name: renamed }) }
        : { name: before, description, prompt, model, tags }
    const created = await this.#write(
      userId,
      id,
      null,
      { ...values, ...extracted },
      { parent: sql`${version}::integer`, author },
    )
    return created?.version ?? null
  }

  async #extract({ workflow, canonical }: ParsedWorkflow, findings?: readonly WorkflowWarning[]) {
    return { ...(await this.#describe(workflow, findings)), contentHash: await sha256Hex(canonical) }
  }

  async #describe(workflow: JsonObject, findings: readonly WorkflowWarning[] = []) {
    const {
      requirements: _,
      unresolved: __,
      ...metadata
    } = extractMetadata(workflow, await this.#loadCatalogue())
    const warnings = [...findings.filter(({ code }) => code !== 'unwrapped-json'), ...metadata.warnings]
    return { ...metadata, warnings, data: workflow }
  }

  /** Does nothing if the version exists. Copies the JSON inside the database. */
  #copyAsVersion(userId: string, id: string, origin: VersionOrigin) {
    const version = this.#db.read.select(versionOf(origin)).from(workflows).where(owned(userId, id))
    return (
      this.#db
        .insert(workflowVersions)
        // As SQL, because drizzle otherwise requires the generated column as well.
        .select(version.getSQL())
        .onConflictDoNothing()
    )
  }

  /**
   * Updates the workflow (compare-and-swap) and copies it as a version, in one transaction.
   * @param restored the version whose content is restored
   */
  async #write(
    userId: string,
    id: string,
    expected: number | null,
    values: Values,
    origin: VersionOrigin,
    restored?: number,
  ): Promise<Workflow | null> {
    const makesVersion = anyDiffers(values, versionedFields)
    const changed = or(makesVersion, anyDiffers(values, ['dataRetentionDays', 'requireReplay']))
    if (changed) {
      const asExpected = expected === null ? undefined : eq(workflows.version, expected)
      const update = this.#db
        .update(workflows)
        .set({
          ...values,
          ...(makesVersion && {
            version: sql`${workflows.version} + case when ${makesVersion} then 1 else 0 end`,
          }),
        })
        .where(and(owned(userId, id), asExpected, changed))
        .returning(columns)
      const copy = this.#copyAsVersion(userId, id, origin)
      const gate = anyDiffers(values, ['requireReplay']) ?? sql`false`
      // Locks the workflow before the event locks the trail, as every other change does.
      const audit = this.#db.execute(sql`
        with changing as (
          select id, user_id, version, ${makesVersion ?? sql`false`} as makes_version, ${gate} as changes_gate
          from workflows where ${and(owned(userId, id), asExpected, changed)} for update
        )
        insert into audit_events (id, user_id, action, subject_id, details, ${actorColumns})
        select uuid_v7(), user_id, event.action, id, event.details, ${actorValues()}
        from changing cross join lateral (values
          (${restored === undefined ? 'workflow.updated' : 'workflow.restored'}::text, makes_version or not changes_gate,
            jsonb_build_object('from', version, 'version', version + makes_version::integer)
              || ${JSON.stringify(restored === undefined ? { fields: changedFields(values) } : { restored })}::jsonb),
          ('workflow.replay-setting', changes_gate, ${JSON.stringify({ requireReplay: values.requireReplay })}::jsonb)
        ) event (action, applies, details)
        where event.applies`)
      const claim = claimStorage(this.#db, userId, id, this.#quotas)
      const [row] = await withinStorage(this.#quotas, async () =>
        makesVersion
          ? (await this.#db.batch([audit, update, copy, claim]))[1]
          : (await this.#db.batch([audit, update]))[1],
      )
      if (row) return toWorkflow(row)
    }
    const current = await this.find(userId, id)
    if (current && expected !== null && current.version !== expected) {
      throw new AppError(
        'version-conflict',
        `The workflow is now at version ${current.version}. Reload it and retry`,
        { extra: { currentVersion: current.version } },
      )
    }
    return current
  }
}

/** The fields of a request that sets the values, for the audit trail. */
const changedFields = (values: Values): string[] =>
  Object.keys(values).flatMap((key) => (key === 'data' ? ['workflow'] : namedFields.has(key) ? [key] : []))
const namedFields: ReadonlySet<string> = new Set([
  'name',
  'description',
  'prompt',
  'model',
  'tags',
  'dataRetentionDays',
])

/** Its SQL is built once. */
const findOwned = (db: Db) =>
  db.read
    .select(columns)
    .from(workflows)
    .where(owned(sql.placeholder('userId'), sql.placeholder('id')))
    .prepare('workflow')

const owned = (userId: string | Placeholder, id: string | Placeholder) =>
  and(eq(workflows.userId, userId), eq(workflows.id, id))
