/**
 * @module Limits concurrent password hashes. A lane is a client network, a device or a session: lanes take turns, and a lane
 * with fewer wrong passwords goes first, so that no lane can hold up another. Known devices and sessions have every other
 * turn, so that new networks without end cannot hold them up, and they cannot hold up new networks.
 */
import { AppError } from '../errors.ts'
import { sleep } from '../lib/retry.ts'

/** Maximum time that a slot or a place in the queue is held: a canceled request on Workers may never release it. */
const leaseMs = 10_000
/** A caller that has not polled for this time may have been canceled, and does not hold up others. */
const staleMs = 1000
const pollMs = 25
/** Between two hashes on a runtime with one thread. Long enough for a statement of another request. */
const pauseMs = 50
/** A lane may take this part of the queue. */
const laneShare = 1 / 4
const maxLanes = 1000

interface Waiter {
  lane: string
  isKnown: boolean
  /** Hashes that the lane had or waits for, since its last correct password. The lowest rank goes first. */
  rank: number
  seenAt: number
}

export interface HashSlots {
  /**
   * @param isKnown the lane is a known device or a session
   * @throws {AppError} `too-many-requests` when no slot becomes free in time
   */
  run<T>(lane: string, work: () => Promise<T>, isKnown?: boolean): Promise<T>
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
  defer = (work) => void work,
}: {
  maxInFlight: number
  maxWaiting: number
  maxWaitMs: number
  /** Continues work after the response. */
  defer?: (work: Promise<unknown>) => void
}): HashSlots {
  const held = new Map<symbol, number>()
  /** In order of arrival. */
  const waiting = new Set<Waiter>()
  /** Hashes of each lane since its last correct password, the most recent lane last. */
  const spent = new Map<string, number>()
  let wasKnown = false

  const waitingIn = (lane: string) => [...waiting].filter((waiter) => waiter.lane === lane).length

  function removeCanceled(): void {
    const oldest = Date.now() - leaseMs
    for (const [slot, since] of held) if (since < oldest) held.delete(slot)
    for (const waiter of waiting) if (waiter.seenAt < oldest) waiting.delete(waiter)
  }

  function isBefore(other: Waiter, waiter: Waiter, isLater: boolean): boolean {
    if (other.isKnown !== waiter.isKnown) return other.isKnown !== wasKnown
    return isLater ? other.rank < waiter.rank : other.rank <= waiter.rank
  }

  function goesFirst(waiter: Waiter): boolean {
    const oldest = Date.now() - staleMs
    let isLater = false
    for (const other of waiting) {
      if (other === waiter) isLater = true
      else if (other.seenAt >= oldest && isBefore(other, waiter, isLater)) return false
    }
    return true
  }

  /** Null when no slot is free, or another caller goes first. */
  function take(waiter: Waiter): symbol | null {
    removeCanceled()
    if (held.size >= maxInFlight || !goesFirst(waiter)) return null
    const slot = Symbol('slot')
    held.set(slot, Date.now())
    wasKnown = waiter.isKnown
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

  /** Known lanes and others have a queue each. A full queue drops its last caller for one that goes before it. */
  function enqueue(waiter: Waiter): void {
    if (waitingIn(waiter.lane) >= maxWaiting * laneShare) throw busy()
    const queue = [...waiting].filter(({ isKnown }) => isKnown === waiter.isKnown)
    if (queue.length >= maxWaiting) {
      const last = queue.reduce<Waiter | null>(
        (worst, each) => (worst && worst.rank > each.rank ? worst : each),
        null,
      )
      if (!last || last.rank <= waiter.rank) throw busy()
      waiting.delete(last)
    }
    waiting.add(waiter)
  }

  async function acquire(lane: string, isKnown: boolean): Promise<symbol> {
    const rank = (spent.get(lane) ?? 0) + waitingIn(lane)
    const waiter = { lane, isKnown, rank, seenAt: Date.now() }
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
    async run(lane, work, isKnown = false) {
      const slot = await acquire(lane, isKnown)
      try {
        return await work()
      } finally {
        const release = () => held.delete(slot)
        // A single slot: the hash blocked the thread, and other requests run before the next one.
        if (maxInFlight === 1) defer(sleep(pauseMs).then(release))
        else release()
      }
    },
    forgive: (lane) => void spent.delete(lane),
  }
}
