/**
 * @module Restores workflows that stay in n8n: their error workflow and saving of executions, and without the success
 * report node. Changes that the user made in n8n since then are preserved.
 */
import { and, eq, isNotNull, ne, or } from 'drizzle-orm'
import type { Db } from '../../db/client.ts'
import { deployments, type SettingsBefore } from '../../db/schema/deployments.ts'
import type { Log } from '../../http/log.ts'
import { type Connection, type InstanceConnections, toAppError } from '../../instances/connections.ts'
import { withoutSuccessReport } from '../../instances/success-report.ts'
import { isN8nError, N8nError } from '../../n8n/api/transport.ts'
import { toN8nWorkflow } from '../../n8n/sendable/workflow.ts'
import { settingsToRestore } from './error-handling.ts'

interface RestorableDeployment {
  id: string
  n8nWorkflowId: string | null
  settingsBefore: SettingsBefore | null
}

const columns = {
  id: deployments.id,
  instanceId: deployments.instanceId,
  n8nWorkflowId: deployments.n8nWorkflowId,
  settingsBefore: deployments.settingsBefore,
}

export class SettingsRestorer {
  readonly #db: Db
  readonly #connections: Pick<InstanceConnections, 'open'>
  readonly #log: Log

  constructor(db: Db, options: { connections: Pick<InstanceConnections, 'open'>; log: Log }) {
    this.#db = db
    this.#connections = options.connections
    this.#log = options.log
  }

  /**
   * Restores one workflow that was deployed in place. Does nothing for a workflow that was only tracked.
   * @throws {AppError} `instance-*`
   */
  async ofDeployment(userId: string, id: string): Promise<void> {
    const wasDeployed = or(isNotNull(deployments.settingsBefore), ne(deployments.status, 'tracking'))
    const [row] = await this.#db.read
      .select(columns)
      .from(deployments)
      .where(
        and(
          eq(deployments.userId, userId),
          eq(deployments.id, id),
          eq(deployments.managed, false),
          isNotNull(deployments.n8nWorkflowId),
          wasDeployed,
        ),
      )
    const connection = row && (await this.#connections.open(userId, row.instanceId))
    if (!row || !connection) return
    try {
      await restoreSettings(connection, row)
    } catch (error) {
      throw error instanceof N8nError ? toAppError(error) : error
    }
  }

  /**
   * Reads all workflows on an instance before its rows are deleted.
   * @returns a function that restores them over an open connection and skips what n8n rejects
   */
  async onInstance(userId: string, instanceId: string): Promise<(connection: Connection) => Promise<void>> {
    const rows = await this.#db.read
      .select(columns)
      .from(deployments)
      .where(
        and(
          eq(deployments.userId, userId),
          eq(deployments.instanceId, instanceId),
          isNotNull(deployments.n8nWorkflowId),
          or(isNotNull(deployments.settingsBefore), ne(deployments.status, 'tracking')),
        ),
      )
    return async (connection) => {
      for (const row of rows) {
        try {
          await restoreSettings(connection, row)
        } catch (error) {
          if (!(error instanceof N8nError)) throw error
          const { operation, kind, status } = error
          this.#log('warn', 'settings-not-restored', { deploymentId: row.id, operation, kind, status })
          if (kind === 'unreachable' || kind === 'timeout' || kind === 'unauthorized') return
        }
      }
    }
  }
}

/** @throws {N8nError} */
async function restoreSettings(
  { instance, client }: Connection,
  { n8nWorkflowId, settingsBefore }: RestorableDeployment,
): Promise<void> {
  if (n8nWorkflowId === null) return
  const live = await client.getWorkflow(n8nWorkflowId).catch((error: unknown) => {
    if (isN8nError(error, 'not-found')) return undefined
    throw error
  })
  if (!live || live.isArchived) return
  const own = withoutSuccessReport(live)
  const change = settingsToRestore(live.settings, settingsBefore, instance.reporterWorkflowId)
  if (own === live && change === null) return
  const { settings: acceptedSettings } = await client.capabilities()
  const { body } = toN8nWorkflow({ ...own }, { settings: change ?? {}, acceptedSettings })
  // A user's draft stays a draft: publish again only if the current content is published.
  const isPublished =
    live.active && (live.activeVersionId === null || live.activeVersionId === live.versionId)
  await client.updateWorkflow(n8nWorkflowId, body, { publishIfActive: isPublished && own !== live })
}
