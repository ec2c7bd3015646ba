/** @module Finds drift between n8n and the deployed or tracked version, and adopts the workflow in n8n as a version. */
import { isContainer, type JsonObject } from '../../lib/json-object.ts'
import { deployedVersion } from '../rows.ts'
import { and, eq, sql } from 'drizzle-orm'
import { v7 as uuidv7 } from 'uuid'
import { actorColumns, actorValues } from '../../db/audit.ts'
import type { Db } from '../../db/client.ts'
import {
  deployments,
  type SentVariables,
  type SettingsBefore,
  type SlotBinding,
} from '../../db/schema/deployments.ts'
import { workflows, workflowVersions } from '../../db/schema/workflows.ts'
import { AppError } from '../../errors.ts'
import type { Connection, InstanceConnections } from '../../instances/connections.ts'
import { lostReads, withVariables } from '../../environments/substitute.ts'
import { liveNodes, type N8nWorkflow } from '../../n8n/api/shapes.ts'
import type { Catalogue } from '../../n8n/catalogue/catalogue.ts'
import { FALLBACK_NAME, toN8nWorkflow, withName } from '../../n8n/sendable/workflow.ts'
import { endpointsOf } from '../../n8n/reading/webhook-paths.ts'
import { withSubWorkflows } from '../../n8n/reading/sub-workflow-refs.ts'
import { sameJson } from '../../workflows/diff.ts'
import type { WorkflowRepository } from '../../workflows/repository.ts'
import { type CredentialRefs, slotRefs } from '../remote/credential-refs.ts'
import type { Deployment } from '../contract.ts'
import { errorHandlingOf, namedErrorWorkflow } from '../deploy/error-handling.ts'
import type { Adoption, Drift } from './contract.ts'
import { type Sent, toLocalWorkflow } from '../remote/local-workflow.ts'
import { toRemoteBody } from '../remote/body.ts'
import { ownCredentials } from '../remote/credentials.ts'
import { failed, getWorkflow, missingCredentials } from '../remote/state.ts'
import { SubWorkflows } from '../remote/sub-workflows.ts'
import { diffRemote, isDrift, type RemoteDiff, remoteHash } from '../remote/form.ts'
import { appendVersion, attributeRuns, isDraft, liveVersionOf } from '../version-history.ts'

const columns = {
  id: deployments.id,
  workflowId: deployments.workflowId,
  instanceId: deployments.instanceId,
  version: deployments.version,
  n8nWorkflowId: deployments.n8nWorkflowId,
  status: deployments.status,
  bindings: deployments.bindings,
  intent: deployments.intent,
  deployedHash: deployments.deployedHash,
  settingsBefore: deployments.settingsBefore,
  reportsErrors: deployments.reportsErrors,
  variables: deployments.variables,
  content: workflowVersions.data,
  name: workflowVersions.name,
}

interface Row {
  id: string
  workflowId: string
  instanceId: string
  version: number
  n8nWorkflowId: string
  status: (typeof deployments.$inferSelect)['status']
  bindings: SlotBinding[]
  deployedHash: string | null
  settingsBefore: SettingsBefore | null
  reportsErrors: boolean
  variables: SentVariables | null
  content: JsonObject
  name: string
}

/** The instance, and our ID of each credential that Flowkeep sent there, by its n8n ID. */
interface Opened extends Connection {
  own: Map<string, string>
}

export interface DriftOptions {
  /** Deploys a version over the workflow in n8n; null when the deployment does not exist. */
  deploy: (
    userId: string,
    id: string,
    change: { version: number; publish: boolean },
  ) => Promise<Deployment | null>
  connections: Pick<InstanceConnections, 'open'>
  workflows: WorkflowRepository
  loadCatalogue: () => Promise<Catalogue>
}

export interface Compared {
  drift: Drift
  /** The workflow in n8n, without its success report node; null when n8n has no such workflow. */
  remote: N8nWorkflow | null
  /** The content of the deployed version, with the values of variables that were sent. */
  deployed: JsonObject
  /** The content of the current version, with the same values; null unless the drift has a diff. */
  current: JsonObject | null
  instance: Connection['instance']
}

/** Every method takes the owner first and returns null when the user has no such deployment. */
export class DeploymentDrift {
  readonly #db: Db
  readonly #now: () => Date
  readonly #options: DriftOptions
  readonly #subWorkflows: SubWorkflows

  constructor(db: Db, now: () => Date, options: DriftOptions) {
    this.#db = db
    this.#now = now
    this.#options = options
    this.#subWorkflows = new SubWorkflows(db)
  }

  /** @throws {AppError} `conflict` while an operation is in progress or when it is not in n8n, `instance-*` */
  async find(userId: string, id: string): Promise<Drift | null> {
    const found = await this.#compared(userId, id)
    if (!found) return null
    await this.#save(userId, found)
    return found.drift
  }

  /** The drift with what it compares. @throws {AppError} as `find` */
  async compare(userId: string, id: string): Promise<Compared | null> {
    const found = await this.#compared(userId, id)
    if (!found) return null
    const { row, connection, remote, drift } = found
    const sent = async (content: JsonObject) => (await withVariables(content, row.variables ?? {})).workflow
    const deployed = await sent(row.content)
    const compared = { drift, remote, deployed, instance: connection.instance }
    if (!drift.drifted || !drift.diff) {
      await this.#save(userId, found)
      return { ...compared, current: null }
    }
    const [, [current]] = await this.#db.batch([
      this.#save(userId, found),
      this.#db.read
        .select({ data: workflows.data })
        .from(workflows)
        .where(and(eq(workflows.userId, userId), eq(workflows.id, row.workflowId))),
    ])
    return { ...compared, current: current ? await sent(current.data) : null }
  }

  async #compared(userId: string, id: string) {
    const found = await this.#opened(userId, id)
    if (!found) return null
    const { row, connection } = found
    const remote = await getWorkflow(connection, row.n8nWorkflowId)
    const drift = await this.#driftOf(userId, row, connection, remote)
    return { row, connection, remote, drift, endpoints: remote && (await this.#endpoints(remote)) }
  }

  async #driftOf(userId: string, row: Row, connection: Opened, remote: N8nWorkflow | null): Promise<Drift> {
    const expected = row.status === 'tracking' ? null : row.status === 'active'
    if (!remote) {
      return {
        drifted: true,
        missing: true,
        archived: false,
        published: { expected, actual: false },
        draft: false,
        diff: null,
        credentials: [],
        remoteVersionId: null,
      }
    }
    const diff = await this.#diff(userId, row, connection, remote)
    const isPublishedOtherwise = expected !== null && expected !== remote.active
    const credentials = await missingCredentials(connection.client, remote.nodes).catch(failed)
    return {
      drifted: isPublishedOtherwise || remote.isArchived || isDrift(diff) || credentials.length > 0,
      credentials,
      missing: false,
      archived: remote.isArchived,
      published: { expected, actual: remote.active },
      draft: isDraft(remote),
      diff,
      remoteVersionId: remote.versionId,
    }
  }

  /** A statement that stores the result, unless the deployment has changed since. */
  #save(
    userId: string,
    { row, drift: { drifted }, endpoints }: { row: Row; drift: Drift; endpoints: string[] | null },
  ) {
    const at = this.#now().toISOString()
    return this.#db.execute(sql`
      update deployments set drift_checked_at = ${at}::timestamptz,
        endpoints = coalesce(${endpoints && sql.param(endpoints)}::text[], endpoints),
        drifted_since = case when ${drifted}::boolean then coalesce(drifted_since, ${at}::timestamptz) end
      where user_id = ${userId} and id = ${row.id} and intent is null and status = ${row.status}
        and version = ${row.version}::integer and n8n_workflow_id = ${row.n8nWorkflowId}
        and deployed_hash is not distinct from ${row.deployedHash}`)
  }

  /**
   * Saves the workflow in n8n as a version, or reuses the version with the same content, and records it as deployed.
   * An unpublished draft becomes a version too, but the live version stays recorded. Idempotent.
   * @throws {AppError} `conflict` as `find`, or when it was deleted in n8n; `invalid-workflow`, `too-large`; `instance-*`
   */
  async adopt(userId: string, id: string): Promise<Adoption | null> {
    const found = await this.#opened(userId, id)
    if (!found) return null
    const { row, connection } = found
    const remote = await getWorkflow(connection, row.n8nWorkflowId)
    if (!remote) throw deleted()
    const sent = await this.#sent(userId, row, connection, remote)
    const own = toLocalWorkflow(remote, {
      sent,
      reporterWorkflowId: connection.instance.reporterWorkflowId,
      ownCredentials: connection.own,
    })
    const values = row.variables ?? {}
    const [before, adopted] = [
      await withVariables(row.content, values),
      await withVariables(own.workflow, values),
    ]
    const renamed = remote.name === sent.body.name ? undefined : remote.name
    const version = await this.#versionOf(userId, row, own.workflow, renamed)
    if (version === null) return null
    const recorded = !isDraft(remote)
    if (recorded) {
      const variables = row.variables && adopted.sent
      await this.#record(userId, row, remote, { version, bindings: own.bindings, variables })
    }
    return {
      version,
      live: recorded,
      ambiguousTypes: own.ambiguousTypes,
      lostVariables: lostReads(before, adopted),
    }
  }

  /** The version with this content, or a new one based on the deployed version. */
  async #versionOf(
    userId: string,
    row: Row,
    workflow: JsonObject,
    name: string | undefined,
  ): Promise<number | null> {
    if (sameJson(workflow, row.content)) return row.version
    const edit = { workflow, author: 'n8n' as const, ...(name !== undefined && { name }) }
    return this.#options.workflows.derive(userId, row.workflowId, row.version, edit)
  }

  /**
   * Deploys the recorded version again, published or unpublished as before. Creates the workflow again if it was deleted in n8n.
   * @throws {AppError} `conflict` while an operation is in progress or when it is not in n8n, and as a deployment does
   */
  async overwrite(userId: string, id: string): Promise<Deployment | null> {
    const row = await this.#row(userId, id)
    if (!row) return null
    const { version, status } = row
    if (status !== 'tracking')
      return this.#options.deploy(userId, id, { version, publish: status === 'active' })
    const remote = await getWorkflow(await this.#open(userId, id), row.n8nWorkflowId)
    if (!remote) throw deleted()
    return this.#options.deploy(userId, id, { version, publish: remote.active })
  }

  /** One transaction: updates the row if it is unchanged, then appends the history from the row it has locked. */
  async #record(
    userId: string,
    row: Row,
    remote: N8nWorkflow,
    {
      version,
      bindings,
      variables,
    }: { version: number; bindings: SlotBinding[]; variables: SentVariables | null },
  ): Promise<void> {
    const now = this.#now().toISOString()
    const status = row.status === 'tracking' ? 'tracking' : remote.active ? 'active' : 'inactive'
    const hash = await remoteHash(remote)
    const n8nVersionId = liveVersionOf(remote)
    const endpoints = sql.param(await this.#endpoints(remote))
    const [changed] = await this.#db.batch([
      this.#db.execute(sql`
        update deployments set version = ${version}::integer, bindings = ${JSON.stringify(bindings)}::jsonb,
          variables = ${variables && JSON.stringify(variables)}::jsonb,
          status = ${status}, step = null, error = null, deployed_hash = ${hash}, n8n_version_id = ${n8nVersionId},
          endpoints = ${endpoints}::text[],
          live_since = case when ${status} = 'active' then coalesce(live_since, ${now}::timestamptz) end
        where user_id = ${userId} and id = ${row.id} and intent is null and version = ${row.version}::integer
          and status = ${row.status} and n8n_workflow_id = ${row.n8nWorkflowId}
        returning id`),
      this.#db.execute(sql`
        with appended as (${appendVersion(
          sql`select id, user_id, version, bindings, n8n_version_id from deployments
            where user_id = ${userId} and id = ${row.id} and intent is null and version = ${version}::integer`,
          now,
        )})
        insert into audit_events (id, user_id, action, subject_id, details, ${actorColumns})
        select ${uuidv7()}, ${userId}, 'deployment.adopted', deployment_id,
          jsonb_build_object('version', ${version}::integer), ${actorValues()}
        from appended`),
    ])
    if (changed.rows.length === 0) throw underWay()
    if (n8nVersionId !== null) await attributeRuns(this.#db, row.id, n8nVersionId)
  }

  /** The row with its deployed content. @throws {AppError} `conflict` when n8n has nothing to compare with */
  async #row(userId: string, id: string): Promise<Row | null> {
    const [row] = await this.#db.read
      .select(columns)
      .from(deployments)
      .innerJoin(workflowVersions, deployedVersion)
      .where(and(eq(deployments.userId, userId), eq(deployments.id, id)))
    if (!row) return null
    const { intent, n8nWorkflowId, ...rest } = row
    if (row.status === 'failed') {
      throw new AppError('conflict', 'The last operation failed. Retry it or undeploy it first')
    }
    if (intent !== null) throw underWay()
    if (n8nWorkflowId === null || row.status === 'undeployed') {
      throw new AppError('conflict', 'The workflow is not in n8n. Deploy it first')
    }
    return { ...rest, n8nWorkflowId }
  }

  /** The row and its instance, read at the same time. @throws {AppError} as `#row`, then as `#open` */
  async #opened(userId: string, id: string): Promise<{ row: Row; connection: Opened } | null> {
    const opening = this.#open(userId, id)
    opening.catch(() => undefined)
    const row = await this.#row(userId, id)
    return row && { row, connection: await opening }
  }

  /** @param id of the deployment */
  async #open(userId: string, id: string): Promise<Opened> {
    const instanceId = sql<string>`(select d.instance_id from deployments d where d.user_id = ${userId} and d.id = ${id})`
    const [connection, own] = await Promise.all([
      this.#options.connections.open(userId, instanceId),
      ownCredentials(this.#db, userId, instanceId),
    ])
    if (!connection) throw new AppError('conflict', 'The instance has been deleted')
    return { ...connection, own }
  }

  /** Empty while n8n has exactly the workflow that was sent last, even if today's code would send another one. */
  async #diff(userId: string, row: Row, connection: Opened, remote: N8nWorkflow): Promise<RemoteDiff> {
    const { body } = await this.#sent(userId, row, connection, remote)
    const diff = diffRemote(body, remote)
    if (row.deployedHash === null || row.deployedHash !== (await remoteHash(remote))) return diff
    return { ...diffRemote(remote, remote), cosmetic: diff.cosmetic }
  }

  /** The workflow that deploying the version sends, or the version itself when it is only tracked. */
  async #sent(userId: string, row: Row, connection: Opened, remote: N8nWorkflow): Promise<Sent> {
    const refs = refsOf(row, connection)
    // Earlier releases used this name for every workflow without one.
    const named = withName(row.content, remote.name === FALLBACK_NAME ? remote.name : row.name)
    const substituted = await withVariables(named, row.variables ?? {})
    if (row.status === 'tracking') {
      const { body } = toN8nWorkflow(named)
      for (const node of body.nodes) node.credentials = bindNamed(node.credentials, refs.get(node.name))
      return { original: row.content, body, originals: new Map() }
    }
    const { settings } = await connection.client.capabilities().catch(failed)
    const { settingsBefore, reportsErrors } = row
    const { ids } = await this.#subWorkflows
      .resolve(userId, row.content, row, connection.client)
      .catch(failed)
    const workflow = withSubWorkflows(substituted.workflow, ids)
    const { body } = toRemoteBody(workflow, await this.#options.loadCatalogue(), {
      credentials: refs,
      errorHandling: errorHandlingOf({
        workflow,
        own: namedErrorWorkflow(workflow.settings),
        live: undefined,
        settingsBefore,
        reportsErrors,
        reporterWorkflowId: connection.instance.reporterWorkflowId,
      }),
      acceptedSettings: settings,
      live: { nodes: remote.nodes },
    })
    return { original: row.content, body, originals: substituted.originals }
  }

  async #endpoints(remote: N8nWorkflow): Promise<string[]> {
    return endpointsOf(liveNodes(remote), await this.#options.loadCatalogue())
  }
}

/** The credentials in n8n that the slots are bound to. */
function refsOf({ bindings }: Row, { own }: Opened): CredentialRefs {
  const remoteIds = new Map([...own].map(([n8nId, id]) => [id, n8nId]))
  return slotRefs(bindings, (binding) => {
    const id = 'credentialId' in binding ? remoteIds.get(binding.credentialId) : binding.n8nCredentialId
    return id === undefined ? undefined : { id, name: '' }
  })
}

function bindNamed(credentials: unknown, refs: ReturnType<CredentialRefs['get']>): unknown {
  if (!isContainer(credentials)) return credentials
  return Object.fromEntries(
    Object.entries(credentials).map(([type, entry]) => [type, refs?.get(type) ?? entry]),
  )
}

const deleted = () =>
  new AppError('conflict', 'The workflow no longer exists in n8n. Deploy it again, or delete the deployment')
const underWay = () =>
  new AppError('conflict', 'Another operation is in progress. Wait until it finishes, then try again')
