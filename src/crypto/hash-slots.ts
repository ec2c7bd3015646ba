/**
 * @module Limits concurrent password hashes. A lane is a client network, a device or a session: lanes take turns, and a lane
 * with fewer wrong passwords goes first, so that no lane can hold up another.
 */
import { AppError } from '../errors.ts'
import { sleep } from '../lib/retry.ts'

/** Maximum time that a slot or a place in the queue is held: a canceled request on Workers may never release it. */
const leaseMs = 10_000
/** A caller that has not polled for this time may have been canceled, and does not hold up others. */
const staleMs = 1000
const pollMs = 25
/** A lane may take this part of the queue. */
const laneShare = 1 / 4
const maxLanes = 1000

interface Waiter {
  lane: string
  /** Hashes that the lane had or waits for, since its last correct password. The lowest rank goes first. */
  rank: number
  seenAt: number
}

export interface HashSlots {
  /** @throws {AppError} `too-many-requests` when no slot becomes free in time */
  run<T>(lane: string, work: () => Promise<T>): Promise<T>
  /** After a correct password. */
  forgive(lane: string): void
}

/**
 * Runs at most `maxInFlight` jobs at the same time. Waiting callers poll: in workerd, a promise that another request
 * settles does not wake them.
 */
export function createHashSlots({
  maxInFlight,
  maxWaiting,
  maxWaitMs,
}: {
  maxInFlight: number
  maxWaiting: number
  maxWaitMs: number
}): HashSlots {
  const held = new Map<symbol, number>()
  /** In order of arrival. */
  const waiting = new Set<Waiter>()
  /** Hashes of each lane since its last correct password, the most recent lane last. */
  const spent = new Map<string, number>()

  const waitingIn = (lane: string) => [...waiting].filter((waiter) => waiter.lane === lane).length

  function removeCanceled(): void {
    const oldest = Date.now() - leaseMs
    for (const [slot, since] of held) if (since < oldest) held.delete(slot)
    for (const waiter of waiting) if (waiter.seenAt < oldest) waiting.delete(waiter)
  }

  function goesFirst(waiter: Waiter): boolean {
    const oldest = Date.now() - staleMs
    let isLater = false
    for (const other of waiting) {
      if (other === waiter) isLater = true
      else if (other.seenAt >= oldest && (isLater ? other.rank < waiter.rank : other.rank <= waiter.rank)) {
        return false
      }
    }
    return true
  }

  /** Null when no slot is free, or another caller goes first. */
  function take(waiter: Waiter): symbol | null {
    removeCanceled()
    if (held.size >= maxInFlight || !goesFirst(waiter)) return null
    const slot = Symbol('slot')
    held.set(slot, Date.now())
    const count = (spent.get(waiter.lane) ?? 0) + 1
    spent.delete(waiter.lane)
    spent.set(waiter.lane, count)
    for (const lane of spent.keys()) {
      if (spent.size <= maxLanes) break
      spent.delete(lane)
    }
    return slot
  }

  const busy = () =>
    new AppError('too-many-requests', 'Too many concurrent password checks. Try again shortly', {
      retryAfterSeconds: Math.ceil(maxWaitMs / 1000),
    })

  /** A full queue drops its last caller for one that goes before it. */
  function enqueue(waiter: Waiter): void {
    if (waitingIn(waiter.lane) >= maxWaiting * laneShare) throw busy()
    if (waiting.size >= maxWaiting) {
      const last = [...waiting].reduce<Waiter | null>(
        (worst, each) => (worst && worst.rank > each.rank ? worst : each),
        null,
      )
      if (!last || last.rank <= waiter.rank) throw busy()
      waiting.delete(last)
    }
    waiting.add(waiter)
  }

  async function acquire(lane: string): Promise<symbol> {
    const rank = (spent.get(lane) ?? 0) + waitingIn(lane)
    const waiter = { lane, rank, seenAt: Date.now() }
    const free = take(waiter)
    if (free) return free
    enqueue(waiter)
    const deadline = Date.now() + maxWaitMs
    try {
      while (waiting.has(waiter) && Date.now() < deadline) {
        await sleep(pollMs)
        waiter.seenAt = Date.now()
        const slot = waiting.has(waiter) ? take(waiter) : null
        if (slot) return slot
      }
      throw busy()
    } finally {
      waiting.delete(waiter)
    }
  }

  return {
    async run(lane, work) {
      const slot = await acquire(lane)
      try {
        return await work()
      } finally {
        held.delete(slot)
      }
    },
    forgive: (lane) => void spent.delete(lane),
  }
}
