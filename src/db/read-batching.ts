/**
 * @module Sends the reads that one request issues together as one HTTP request: a read-only batch, whose statements run
 * one after another. A read never waits for I/O to be batched, and never shares a batch with another request.
 */
import type { NeonQueryFunction, NeonQueryPromise } from '@neondatabase/serverless'
import { AsyncLocalStorage } from 'node:async_hooks'
import { concernsSome } from './errors.ts'

type Client = NeonQueryFunction<false, false>
type Statement = Pick<NeonQueryPromise<boolean, boolean>, 'then'>

interface PendingRead {
  statement: NeonQueryPromise<boolean, boolean>
  resolve: (result: unknown) => void
  reject: (error: unknown) => void
}

/** The reads of one request that are about to be sent, by client. */
type Pending = Map<Client, PendingRead[]>

const requests = new AsyncLocalStorage<Pending>()

/** Everything that `work` reads belongs to one request, including what it starts and does not await. */
export const asOneRequest = <T>(work: () => T): T => requests.run(new Map(), work)

/** The two members of the driver that drizzle calls. */
export function batchReads(client: Client): Client {
  const reading = {
    query: (...statement: Parameters<Client['query']>): Statement => {
      // Lazy, as the driver's are: nothing is sent before `then`.
      // oxlint-disable-next-line unicorn/no-thenable
      return { then: (onResult, onError) => read(client, client.query(...statement)).then(onResult, onError) }
    },
    transaction: (statements: Statement[]) =>
      requests.getStore() ? Promise.all(statements) : asOneRequest(() => Promise.all(statements)),
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return reading as unknown as Client
}

/**
 * Continuations that run before a batch is sent. Enough for a repository that awaits what is already loaded before it
 * reads; a few microseconds.
 */
const turns = 32

/** More are dealt to several batches, which run in parallel. Bounds what one HTTP request takes. */
const maxBatch = 14

function read(client: Client, statement: NeonQueryPromise<boolean, boolean>): Promise<unknown> {
  const pending = requests.getStore()
  if (!pending) return statement
  return new Promise((resolve, reject) => {
    const waiting = pending.get(client)
    if (waiting) waiting.push({ statement, resolve, reject })
    else {
      pending.set(client, [{ statement, resolve, reject }])
      void sendSoon(client, pending)
    }
  })
}

async function sendSoon(client: Client, pending: Pending): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await Promise.resolve()
  const reads = pending.get(client) ?? []
  pending.delete(client)
  const batches = Math.ceil(reads.length / maxBatch)
  for (let batch = 0; batch < batches; batch++) {
    void send(
      client,
      reads.filter((_, index) => index % batches === batch),
    )
  }
}

async function send(client: Client, reads: PendingRead[]): Promise<void> {
  if (reads.length === 1) return sendEach(reads)
  try {
    const results = await client.transaction(
      reads.map(({ statement }) => statement as NeonQueryPromise<false, false>),
      { readOnly: true },
    )
    for (const [index, { resolve }] of reads.entries()) resolve(results[index])
  } catch (error) {
    // One statement that fails or is slow must not fail the others, and its error must be its own.
    if (concernsSome(error)) return sendEach(reads)
    for (const { reject } of reads) reject(error)
  }
}

function sendEach(reads: PendingRead[]): void {
  for (const { statement, resolve, reject } of reads) statement.then(resolve, reject)
}
