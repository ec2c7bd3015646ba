/**
 * @module Sets up the error reporter of an instance in n8n, once: a header credential with a webhook token of its own
 * and a published error workflow. Interrupted anywhere, in any way, the next call finds what there is and goes on; one
 * call at a time works on an instance.
 */
import type { Db } from '../db/client.ts'
import { AppError } from '../errors.ts'
import type { N8nClient } from '../n8n/api-client.ts'
import type { N8nWorkflow } from '../n8n/api-shapes.ts'
import { N8nError, type N8nErrorKind } from '../n8n/api-transport.ts'
import type { Connection } from './connections.ts'
import type { Reporter } from './contract.ts'
import { type RememberedReporter, reporterBusy, type ReporterLease, ReporterState } from './reporter-state.ts'
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

/** How long a call waits for another one that sets up the same reporter. */
const patience = { tries: 20, waitMs: 500 }
/** n8n refuses to delete for some 0.2 s after unpublishing. */
const removal = { tries: 5, waitMs: 300 }

export interface ReporterSettings {
  publicUrl: string
  sleep?: (ms: number) => Promise<void>
}

export class ErrorReporter {
  readonly #state: ReporterState
  readonly #publicUrl: string
  readonly #sleep: (ms: number) => Promise<void>

  constructor(db: Db, now: () => Date, settings: ReporterSettings) {
    this.#state = new ReporterState(db, now)
    this.#publicUrl = settings.publicUrl
    this.#sleep = settings.sleep ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms)))
  }

  /**
   * Published, with a token that is valid, when it resolves. Cheap when it was so already.
   * @throws {N8nError}
   * @throws {AppError} `instance-busy` while another call is at it, `not-found`
   */
  async ensureReporter({ instance, client }: Connection): Promise<Reporter> {
    for (let attempt = 0; attempt < patience.tries; attempt += 1) {
      if (attempt > 0) await this.#sleep(patience.waitMs)
      const remembered = await this.#state.read(instance)
      if (!remembered) throw new AppError('not-found', 'No such instance')
      const intact = await this.#intact(instance.id, client, remembered)
      if (intact) return intact
      const lease = await this.#state.lease(instance)
      if (!lease) continue
      try {
        // Another call may have been faster.
        const current = (await this.#state.read(instance)) ?? remembered
        return await this.#setUp(instance.id, client, current, lease)
      } finally {
        await lease.release()
      }
    }
    throw reporterBusy()
  }

  /**
   * Removes it from n8n as far as n8n lets it: what is left stays known, for another time. The workflows that name it
   * go on without. Left alone while another call is setting it up.
   */
  async removeReporter({ instance, client }: Connection): Promise<void> {
    const remembered = await this.#state.read(instance)
    if (!remembered) {
      // The instance is gone; what it was connected with tells where the reporter was.
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

  /** Undefined unless all of it is there as it should be. */
  async #intact(
    instanceId: string,
    client: N8nClient,
    { workflowId, credentialId, isTokenCurrent }: RememberedReporter,
  ): Promise<Reporter | undefined> {
    if (workflowId === null || credentialId === null || !isTokenCurrent) return undefined
    const [workflow, isCredentialThere] = await Promise.all([
      unless('not-found', client.getWorkflow(workflowId)),
      hasCredential(client, credentialId),
    ])
    const wanted = this.#workflow(instanceId, credentialId)
    const isGood =
      isCredentialThere &&
      workflow &&
      !workflow.isArchived &&
      isPublished(workflow) &&
      isAsWanted(workflow, wanted)
    return isGood ? { n8nWorkflowId: workflowId, n8nCredentialId: credentialId } : undefined
  }

  async #setUp(
    instanceId: string,
    client: N8nClient,
    remembered: RememberedReporter,
    lease: ReporterLease,
  ): Promise<Reporter> {
    const earlier = remembered.credentialId
    const isKept = earlier !== null && remembered.isTokenCurrent && (await hasCredential(client, earlier))
    const credentialId = isKept ? earlier : await this.#putCredential(instanceId, client, earlier, lease)
    const wanted = this.#workflow(instanceId, credentialId)
    const found = await this.#findOrCreate(instanceId, client, remembered.workflowId, wanted, lease)
    await lease.keepWorkflow(found.id)
    const workflow = isAsWanted(found, wanted)
      ? found
      : await client.updateWorkflow(found.id, wanted, { publishIfActive: false })
    if (!isPublished(workflow)) await client.publishWorkflow(workflow.id)
    if (earlier !== null && earlier !== credentialId) {
      // Of no use to anybody: its token runs out.
      await client.deleteCredential(earlier).catch(() => undefined)
    }
    return { n8nWorkflowId: workflow.id, n8nCredentialId: credentialId }
  }

  /** The credential with a new token in it; under another id only where n8n cannot change one in place. */
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
        const made = await unless('conflict', client.createCredential({ ...restricted, id }))
        if (!made) await client.updateCredential(id, restricted)
      } else {
        await unless('not-found', client.deleteCredential(id))
        await client.createCredential({ ...restricted, id })
      }
      return id
    }
    // Where n8n can hold a credential to one host, the token goes nowhere else.
    const ours = { allowedHttpRequestDomains: 'domains', allowedDomains: new URL(this.#publicUrl).hostname }
    const kept = can.generation === 'current' ? await unless('rejected', put(ours)) : undefined
    const credentialId = kept ?? (await put({}))
    await lease.keepCredential(credentialId, tokenId)
    return credentialId
  }

  async #findOrCreate(
    instanceId: string,
    client: N8nClient,
    knownId: string | null,
    wanted: ReturnType<typeof reporterWorkflow>,
    lease: ReporterLease,
  ): Promise<N8nWorkflow> {
    const known = knownId === null ? undefined : await unless('not-found', client.getWorkflow(knownId))
    if (known && !known.isArchived) return known
    const [earlier] = await findReporters(instanceId, client)
    if (earlier) return earlier
    await lease.renew()
    await client.createWorkflow(wanted)
    // Whoever lost the lease in the middle of this may have made one as well: all keep the same one.
    const [kept, ...others] = await findReporters(instanceId, client)
    if (!kept) throw new N8nError('server-error', { operation: 'workflow-create', ambiguous: true })
    for (const other of others) await this.#removeWorkflow(client, other.id)
    return kept
  }

  /** What an unanswered request made is removed with what is remembered. @returns whether n8n has neither any more */
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
        if (id !== null) await unless('not-found', client.deleteCredential(id))
      }
      return isGone
    } catch (error) {
      if (error instanceof N8nError) return false
      throw error
    }
  }

  /** Whether it is gone: n8n refuses for a while after it is unpublished. */
  async #removeWorkflow(client: N8nClient, id: string): Promise<boolean> {
    if (!(await unless('not-found', client.unpublishWorkflow(id)))) return true
    for (let attempt = 0; attempt < removal.tries; attempt += 1) {
      if (attempt > 0) await this.#sleep(removal.waitMs)
      if (
        await unless(
          'conflict',
          client.deleteWorkflow(id).then(() => true),
        )
      )
        return true
    }
    return false
  }

  #workflow(instanceId: string, credentialId: string) {
    return reporterWorkflow(instanceId, {
      credentialId,
      webhookUrl: webhookUrlOf(this.#publicUrl, instanceId),
    })
  }
}

/** Of the instance; more than one where a creation went unanswered. All callers see them in the same order. */
async function findReporters(instanceId: string, client: N8nClient): Promise<N8nWorkflow[]> {
  const found = await client.findWorkflows(reporterName)
  return found
    .filter((workflow) => isReporterOf(instanceId, workflow))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
}

/** Undefined for that one failure. */
async function unless<T>(kind: N8nErrorKind, work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (error instanceof N8nError && error.kind === kind) return undefined
    throw error
  }
}

/** Taken for there where n8n cannot be asked. */
async function hasCredential(client: N8nClient, id: string): Promise<boolean> {
  if (!(await client.capabilities()).credentialRead) return true
  return (await unless('not-found', client.getCredential(id))) !== undefined
}
