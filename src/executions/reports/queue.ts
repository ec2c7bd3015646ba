/**
 * @module An optional queue in front of ingest: the server responds when the queue has stored the reports, and records
 * them later in batches. The queue may deliver a message more than once and in any order; see `ingest`.
 */
import { errorNameOf } from '../../errors.ts'
import { concernsSome, databaseError, movingState } from '../../db/errors.ts'
import type { Log } from '../../http/log.ts'
import { IdParam } from '../../lib/scalars.ts'
import type { ReportResult } from '../contract.ts'
import { cleanJson } from '../record/run-data.ts'
import { readPayload } from './payload.ts'
import type { ReportReceiver } from './receive.ts'

/** The reports of one request, without secrets. Consumers of the previous release read it too. */
export interface QueuedReports {
  instanceId: string
  receivedAtMs: number
  items: unknown[]
}

export interface ReportQueue {
  /** Whether reports should be queued now. Absent if they always should. */
  isNeeded?: () => boolean
  /** Resolves after the message is stored. */
  send(message: QueuedReports, options: { contentType: 'json' }): Promise<unknown>
}

export interface QueuedMessage {
  body: QueuedReports
  /** Deliveries of this message, from 1. */
  attempts: number
  ack(): void
  retry(options: { delaySeconds: number }): void
}

/** Cloudflare accepts 128,000 bytes. */
const maxMessageBytes = 127_000
const firstDelaySeconds = 10
const maxDelaySeconds = 3600

interface QueueDeps {
  queue: ReportQueue
  receiver: Pick<ReportReceiver, 'receive'>
  now: () => Date
  log: Log
}

/** Stores reports directly if they need no queue, do not fit into a message, or the queue is unavailable. */
export const queueReports = ({ queue, receiver, now, log }: QueueDeps): Pick<ReportReceiver, 'receive'> => ({
  async receive(instance, items): Promise<ReportResult[]> {
    if (queue.isNeeded?.() === false) return receiver.receive(instance, items)
    const receivedAt = now()
    const message = {
      instanceId: instance.id,
      receivedAtMs: receivedAt.getTime(),
      items: items.map((item) => cleanJson(item)),
    }
    if (new TextEncoder().encode(JSON.stringify(message)).length > maxMessageBytes)
      return receiver.receive(instance, items)
    try {
      await queue.send(message, { contentType: 'json' })
    } catch (error) {
      log('warn', 'queue-unavailable', { errorName: errorNameOf(error) })
      return receiver.receive(instance, items)
    }
    return items.map((item) => {
      const payload = readPayload(item, receivedAt)
      return payload.ok
        ? { status: 202, created: false, queued: true }
        : { status: 422, created: false, code: payload.code }
    })
  },
})

interface ConsumerDeps {
  receiver: Pick<ReportReceiver, 'receive'>
  instances: {
    /** Existing instances of active accounts. */
    ownersOf(instanceIds: string[]): Promise<Map<string, string>>
    movedTo(instanceId: string): Promise<string | null>
  }
  log: Log
}

/**
 * Records the reports of a batch, one call for each instance, and acknowledges each message after its reports are committed.
 * Messages of deleted instances are dropped.
 */
export async function storeQueued(deps: ConsumerDeps, messages: readonly QueuedMessage[]): Promise<void> {
  const byInstance = Map.groupBy(messages, ({ body }) => body.instanceId)
  const ids = [...byInstance.keys()].filter((id) => IdParam.safeParse({ id }).success)
  const owners = await deps.instances.ownersOf(ids).catch((error: unknown) => {
    retryLater(deps, messages, error)
  })
  if (!owners) return
  for (const [id, ofInstance] of byInstance) {
    const userId = owners.get(id)
    if (userId !== undefined) await storeMessages(deps, { id, userId }, ofInstance)
    else if (ids.includes(id) && (await deps.instances.movedTo(id).catch(() => '')) === null) {
      deps.log('warn', 'queued-reports-dropped', { instanceId: id, messages: ofInstance.length })
      for (const message of ofInstance) message.ack()
    } else retryLater(deps, ofInstance)
  }
}

/** Halves a batch that fails, so that one message that cannot be stored does not hold up the others. */
async function storeMessages(
  deps: ConsumerDeps,
  instance: { id: string; userId: string },
  messages: readonly QueuedMessage[],
): Promise<void> {
  const items = messages.flatMap(({ body }) => body.items)
  const times = messages.flatMap(({ body }) => body.items.map(() => new Date(body.receivedAtMs)))
  try {
    await deps.receiver.receive(instance, items, times)
    for (const message of messages) message.ack()
  } catch (error) {
    const isForAll = !concernsSome(error) || databaseError(error).sqlState === movingState
    if (messages.length === 1 || isForAll) return retryLater(deps, messages, error)
    const half = messages.length >> 1
    await storeMessages(deps, instance, messages.slice(0, half))
    await storeMessages(deps, instance, messages.slice(half))
  }
}

function retryLater({ log }: ConsumerDeps, messages: readonly QueuedMessage[], error?: unknown): void {
  log('warn', 'queued-reports-delayed', {
    messages: messages.length,
    ...(error !== undefined && { errorName: errorNameOf(error), sqlState: databaseError(error).sqlState }),
  })
  for (const message of messages)
    message.retry({
      delaySeconds: Math.min(maxDelaySeconds, firstDelaySeconds * 2 ** (message.attempts - 1)),
    })
}
