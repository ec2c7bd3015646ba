/** @module What a deployment is made of on our side: the workflow's version, what it needs, and what the owner has. */
import { and, desc, eq, inArray } from 'drizzle-orm'
import type { CredentialRepository } from '../credentials/repository.ts'
import type { Db } from '../db/client.ts'
import { credentials } from '../db/schema/credentials.ts'
import { type Binding, deployments } from '../db/schema/deployments.ts'
import { instances } from '../db/schema/instances.ts'
import { workflows, workflowVersions } from '../db/schema/workflows.ts'
import { invalid } from '../errors.ts'
import type { Catalogue } from '../n8n/catalogue.ts'
import { extractMetadata } from '../n8n/metadata.ts'
import type { JsonObject } from '../n8n/workflow-json.ts'
import type { HeldCredential, Requirement } from './bindings.ts'

/** How many credentials of OAuth types are opened to see whether they hold a token. */
const maximumOpened = 20

export interface Release {
  workflowId: string
  instanceId: string
  version: number
  workflow: JsonObject
  contentHash: string
  webhookPaths: string[]
  requirements: Requirement[]
  /** Nodes whose credential type n8n knows only at run time. */
  unresolved: { node: string; reason: string }[]
  /** Newest first. */
  held: HeldCredential[]
}

/** One version of a user's workflow, ready to be bound. Every method takes the owner first. */
export class Releases {
  readonly #db: Db
  readonly #credentials: Pick<CredentialRepository, 'open'>
  readonly #loadCatalogue: () => Promise<Catalogue>

  constructor(
    db: Db,
    credentialRepository: Pick<CredentialRepository, 'open'>,
    loadCatalogue: () => Promise<Catalogue>,
  ) {
    this.#db = db
    this.#credentials = credentialRepository
    this.#loadCatalogue = loadCatalogue
  }

  /**
   * @param version default: the current one
   * @param given its types' credentials are looked up as well
   * @throws {AppError} `invalid` for a workflow, version or instance that is not the user's
   */
  async find(
    userId: string,
    workflowId: string,
    instanceId: string,
    version: number | undefined,
    given: Record<string, Binding> = {},
  ): Promise<Release> {
    const [[row], [instance]] = await this.#db.batch([
      this.#db
        .select({
          version: workflowVersions.version,
          workflow: workflowVersions.data,
          contentHash: workflowVersions.contentHash,
          webhookPaths: workflowVersions.webhookPaths,
        })
        .from(workflows)
        .leftJoin(
          workflowVersions,
          and(
            eq(workflowVersions.workflowId, workflows.id),
            eq(workflowVersions.version, version ?? workflows.version),
          ),
        )
        .where(and(eq(workflows.userId, userId), eq(workflows.id, workflowId))),
      this.#db
        .select({ id: instances.id })
        .from(instances)
        .where(and(eq(instances.userId, userId), eq(instances.id, instanceId))),
    ])
    if (!row) throw invalid('/workflowId', 'No such workflow')
    const { workflow, contentHash, webhookPaths } = row
    if (row.version === null || !workflow) {
      throw invalid('/version', `The workflow has no version ${version}`)
    }
    if (!instance) throw invalid('/instanceId', 'No such instance')
    const catalogue = await this.#loadCatalogue()
    const { requirements, unresolved } = extractMetadata(workflow, catalogue)
    const needed = requirements.map(({ type, nodes }) => {
      const known = catalogue.credentialType(type)
      return { type, displayName: known?.displayName ?? type, nodes, oauth: known?.oauth ?? false }
    })
    const held = await this.#held(userId, needed, Object.keys(given))
    return {
      workflowId,
      instanceId,
      version: row.version,
      workflow,
      contentHash: contentHash ?? '',
      webhookPaths: webhookPaths ?? [],
      requirements: needed,
      unresolved,
      held,
    }
  }

  /** The deployment of the workflow that is, or is to be, on the instance. */
  async deployed(userId: string, workflowId: string, instanceId: string) {
    const found = await this.#db
      .select({
        id: deployments.id,
        version: deployments.version,
        status: deployments.status,
        n8nWorkflowId: deployments.n8nWorkflowId,
        bindings: deployments.bindings,
        deployedHash: deployments.deployedHash,
        settingsBefore: deployments.settingsBefore,
        reportsErrors: deployments.reportsErrors,
      })
      .from(deployments)
      .where(
        and(
          eq(deployments.userId, userId),
          eq(deployments.workflowId, workflowId),
          eq(deployments.instanceId, instanceId),
        ),
      )
      .orderBy(desc(deployments.id))
    return found.find(({ status }) => status !== 'tracking' && status !== 'undeployed') ?? null
  }

  /** Other deployments on the instance by the n8n id of their workflow. */
  async onInstance(userId: string, instanceId: string): Promise<Map<string, string>> {
    const rows = await this.#db
      .select({ id: deployments.id, n8nWorkflowId: deployments.n8nWorkflowId })
      .from(deployments)
      .where(and(eq(deployments.userId, userId), eq(deployments.instanceId, instanceId)))
    return new Map(rows.flatMap(({ id, n8nWorkflowId }) => (n8nWorkflowId ? [[n8nWorkflowId, id]] : [])))
  }

  async #held(userId: string, requirements: Requirement[], more: string[]): Promise<HeldCredential[]> {
    const types = [...new Set([...requirements.map(({ type }) => type), ...more])]
    if (types.length === 0) return []
    const rows = await this.#db
      .select({
        id: credentials.id,
        type: credentials.type,
        name: credentials.name,
        status: credentials.status,
      })
      .from(credentials)
      .where(and(eq(credentials.userId, userId), inArray(credentials.type, types)))
      .orderBy(desc(credentials.id))
    const oauth = new Set(requirements.flatMap(({ type, oauth }) => (oauth ? [type] : [])))
    const opened = new Set(
      rows
        .filter(({ type }) => oauth.has(type))
        .slice(0, maximumOpened)
        .map(({ id }) => id),
    )
    return Promise.all(
      rows.map(async (row) => {
        const usable =
          !oauth.has(row.type) || (opened.has(row.id) && (await this.#needsNoConsent(userId, row.id)))
        return Object.assign(row, { usable })
      }),
    )
  }

  /** It holds a token already, or its kind of grant asks nobody. */
  async #needsNoConsent(userId: string, credentialId: string): Promise<boolean> {
    const opened = await this.#credentials.open(userId, credentialId)
    const data = opened?.data.reveal() ?? {}
    return data.grantType === 'clientCredentials' || Boolean(data.oauthTokenData)
  }
}
