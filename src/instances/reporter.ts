/**
 * @module Sets up the error reporter of an instance in n8n: a header credential with its own webhook token and a
 * published error workflow. After an interruption, the next call resumes from the current state. A lease allows one
 * call at a time per instance.
 */
import { every, retry, sleep } from '../lib/retry.ts'
import type { Db } from '../db/client.ts'
import { notFound } from '../errors.ts'
import type { N8nClient } from '../n8n/api/client.ts'
import type { N8nWorkflow } from '../n8n/api/shapes.ts'
import { isN8nError, N8nError, type N8nErrorKind } from '../n8n/api/transport.ts'
import type { Connection } from './connections.ts'
import type { Reporter } from './contract.ts'
import { type RememberedReporter, setupBusy, type ReporterLease, ReporterState } from './reporter-state.ts'
import {
  isAsWanted,
  isPublished,
  isReporterOf,
  reporterCredentialId,
  reporterCredentialName,
  reporterName,
  reporterWorkflow,
} from './reporter-workflow.ts'
import { webhookUrlOf } from './repository.ts'

/** How long a call waits for a concurrent setup of the same reporter. */
const patience = { tries: 20, waitMs: 500 }
/** n8n rejects a deletion for about 0.2 s after unpublishing. */
const removal = { tries: 5, waitMs: 300 }

export interface ReporterSettings {
  publicUrl: string
  wait?: (ms: number) => Promise<void>
}

export class ErrorReporter {
  readonly #state: ReporterState
  readonly #publicUrl: string
  readonly #wait: (ms: number) => Promise<void>

  constructor(db: Db, now: () => Date, settings: ReporterSettings) {
    this.#state = new ReporterState(db, now)
    this.#publicUrl = settings.publicUrl
    this.#wait = settings.wait ?? sleep
  }

  /**
   * Ensures that the reporter is published and its token is valid. Cheap when it is already set up.
   * @throws {N8nError}
   * @throws {AppError} `instance-busy` while another call sets it up, `not-found`
   */
  async ensureReporter(connection: Connection): Promise<Reporter> {
    const { instance } = connection
    const opened = {
      workflowId: instance.reporterWorkflowId,
      credentialId: instance.reporterCredentialId,
      isTokenCurrent: instance.isReporterTokenCurrent,
      otelTokenId: instance.otelTokenId,
      otelPrevious: instance.otelPrevious,
    }
    const ensure = async (attempt: number) =>
      this.#ensureUnlessLeased(connection, attempt === 1 ? opened : await this.#state.read(instance))
    const reporter = await retry(ensure, {
      delayMs: every(patience.waitMs),
      maxAttempts: patience.tries,
      wait: this.#wait,
    })
    if (!reporter) throw setupBusy()
    return reporter
  }

  /**
   * Null while another call sets it up.
   * @param remembered may be out of date: the setup reads it again
   */
  async #ensureUnlessLeased(
    { instance, client }: Connection,
    remembered: RememberedReporter | null,
  ): Promise<Reporter | null> {
    if (!remembered) throw notFound('Instance')
    const intact = await this.#intact(instance.id, client, remembered)
    if (intact) return intact
    const lease = await this.#state.lease(instance)
    if (!lease) return null
    try {
      return await this.#setUp(instance.id, client, lease)
    } finally {
      await lease.release()
    }
  }

  /**
   * Removes the reporter from n8n. If n8n refuses, its IDs stay stored for the next attempt. Workflows that name it as
   * their error workflow keep running. Does nothing while another call sets it up.
   */
  async removeReporter({ instance, client }: Connection): Promise<void> {
    const remembered = await this.#state.read(instance)
    if (!remembered) {
      // The instance is deleted. The connection still has the reporter's IDs.
      await this.#remove(instance.id, client, {
        workflowId: instance.reporterWorkflowId,
        credentialId: instance.reporterCredentialId,
      })
      return
    }
    const lease = await this.#state.lease(instance)
    if (!lease) return
    try {
      const isGone = await this.#remove(instance.id, client, remembered)
      if (isGone) await lease.forget()
    } finally {
      await lease.release()
    }
  }

  /** The reporter if it is completely set up, else undefined. */
  async #intact(
    instanceId: string,
    client: N8nClient,
    { workflowId, credentialId, isTokenCurrent }: RememberedReporter,
  ): Promise<Reporter | undefined> {
    if (workflowId === null || credentialId === null || !isTokenCurrent) return undefined
    const [workflow, credentialExists] = await Promise.all([
      unlessError('not-found', client.getWorkflow(workflowId)),
      hasCredential(client, credentialId),
    ])
    const wanted = this.#workflow(instanceId, credentialId)
    const isGood =
      credentialExists &&
      workflow &&
      !workflow.isArchived &&
      isPublished(workflow) &&
      isAsWanted(workflow, wanted)
    return isGood ? { n8nWorkflowId: workflowId, n8nCredentialId: credentialId } : undefined
  }

  async #setUp(instanceId: string, client: N8nClient, lease: ReporterLease): Promise<Reporter> {
    // Another call may have finished the setup first.
    const { remembered } = lease
    const earlier = remembered.credentialId
    const isReusable = earlier !== null && remembered.isTokenCurrent && (await hasCredential(client, earlier))
    const credentialId = isReusable ? earlier : await this.#putCredential(instanceId, client, earlier, lease)
    const wanted = this.#workflow(instanceId, credentialId)
    const found = await this.#findOrCreate(instanceId, client, remembered.workflowId, wanted, lease)
    await lease.saveWorkflow(found.id)
    const workflow = isAsWanted(found, wanted)
      ? found
      : await client.updateWorkflow(found.id, wanted, { publishIfActive: false })
    if (!isPublished(workflow)) await client.publishWorkflow(workflow.id)
    if (earlier !== null && earlier !== credentialId) {
      // No longer used: its token expires.
      await client.deleteCredential(earlier).catch(() => undefined)
    }
    return { n8nWorkflowId: workflow.id, n8nCredentialId: credentialId }
  }

  /** Stores a new token in the credential. The ID changes only when n8n cannot update a credential in place. */
  async #putCredential(
    instanceId: string,
    client: N8nClient,
    earlier: string | null,
    lease: ReporterLease,
  ): Promise<string> {
    const { id: tokenId, token } = await lease.mintToken()
    const credential = {
      name: reporterCredentialName,
      type: 'httpHeaderAuth',
      data: { name: 'Authorization', value: `Bearer ${token}` },
    }
    const can = await client.capabilities()
    const put = async (restriction: Record<string, string>): Promise<string> => {
      const restricted = { ...credential, data: { ...credential.data, ...restriction } }
      if (!can.ownCredentialIds) return (await client.createCredential(restricted)).id
      const id = earlier ?? (await reporterCredentialId(instanceId))
      if (can.credentialUpdate) {
        const created = await unlessError('conflict', client.createCredential({ ...restricted, id }))
        if (!created) await client.updateCredential(id, restricted)
      } else {
        await unlessError('not-found', client.deleteCredential(id))
        await client.createCredential({ ...restricted, id })
      }
      return id
    }
    // Restricts the token to our own host when n8n supports it.
    const ours = { allowedHttpRequestDomains: 'domains', allowedDomains: new URL(this.#publicUrl).hostname }
    const hostBound = can.generation === 'current' ? await unlessError('rejected', put(ours)) : undefined
    const credentialId = hostBound ?? (await put({}))
    await lease.saveCredential(credentialId, tokenId)
    return credentialId
  }

  async #findOrCreate(
    instanceId: string,
    client: N8nClient,
    knownId: string | null,
    wanted: ReturnType<typeof reporterWorkflow>,
    lease: ReporterLease,
  ): Promise<N8nWorkflow> {
    const known = knownId === null ? undefined : await unlessError('not-found', client.getWorkflow(knownId))
    if (known && !known.isArchived) return known
    const [earlier] = await findReporters(instanceId, client)
    if (earlier) return earlier
    await lease.renew()
    await client.createWorkflow(wanted)
    // A call that lost its lease may have created one too. Every call picks the same one.
    const [kept, ...others] = await findReporters(instanceId, client)
    if (!kept) throw new N8nError('server-error', { operation: 'workflow-create', ambiguous: true })
    for (const other of others) await this.#removeWorkflow(client, other.id)
    return kept
  }

  /** Also removes what an unanswered request may have created. @returns whether everything is gone from n8n */
  async #remove(
    instanceId: string,
    client: N8nClient,
    { workflowId, credentialId }: { workflowId: string | null; credentialId: string | null },
  ): Promise<boolean> {
    try {
      const found = await findReporters(instanceId, client)
      const workflowIds = new Set(found.map(({ id }) => id))
      if (workflowId !== null) workflowIds.add(workflowId)
      let isGone = true
      for (const id of workflowIds) isGone = (await this.#removeWorkflow(client, id)) && isGone
      const { ownCredentialIds } = await client.capabilities()
      const ownId = ownCredentialIds ? await reporterCredentialId(instanceId) : null
      for (const id of new Set([credentialId, ownId])) {
        if (id !== null) await unlessError('not-found', client.deleteCredential(id))
      }
      return isGone
    } catch (error) {
      if (error instanceof N8nError) return false
      throw error
    }
  }

  /** Retries, because n8n rejects a deletion shortly after unpublishing. @returns whether the workflow is gone */
  async #removeWorkflow(client: N8nClient, id: string): Promise<boolean> {
    if (!(await unlessError('not-found', client.unpublishWorkflow(id)))) return true
    const remove = async () => {
      await client.deleteWorkflow(id)
      return true
    }
    const isGone = await retry(() => unlessError('conflict', remove()), {
      delayMs: every(removal.waitMs),
      maxAttempts: removal.tries,
      wait: this.#wait,
    })
    return isGone ?? false
  }

  #workflow(instanceId: string, credentialId: string) {
    return reporterWorkflow(instanceId, {
      credentialId,
      webhookUrl: webhookUrlOf(this.#publicUrl, instanceId),
    })
  }
}

/**
 * The reporters of the instance in a stable order. There may be several if the response to a creation was lost.
 */
async function findReporters(instanceId: string, client: N8nClient): Promise<N8nWorkflow[]> {
  const found = await client.findWorkflows(reporterName)
  return found
    .filter((workflow) => isReporterOf(instanceId, workflow))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
}

/** The result of `work`, or undefined when it fails with `kind`. */
async function unlessError<T>(kind: N8nErrorKind, work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (isN8nError(error, kind)) return undefined
    throw error
  }
}

/** Assumes that the credential exists when n8n has no endpoint to check it. */
async function hasCredential(client: N8nClient, id: string): Promise<boolean> {
  if (!(await client.capabilities()).credentialRead) return true
  return (await unlessError('not-found', client.getCredential(id))) !== undefined
}
