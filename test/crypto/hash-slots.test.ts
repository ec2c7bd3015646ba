import { describe, expect, test, vi } from 'vitest'
import { createHashSlots } from '../../src/crypto/hash-slots.ts'

/** Slots whose jobs run until `finish`. `started` names the jobs in the order in which they got a slot. */
function gated(options: Partial<Parameters<typeof createHashSlots>[0]> = {}) {
  const slots = createHashSlots({ maxInFlight: 1, maxWaiting: 16, maxWaitMs: 60_000, ...options })
  const started: string[] = []
  const gates: (() => void)[] = []
  let running = 0
  let most = 0
  const run = (lane: string, job = lane, isKnown = false) =>
    slots.run(
      lane,
      async () => {
        started.push(job)
        running += 1
        most = Math.max(most, running)
        await new Promise<void>((resolve) => gates.push(resolve))
        running -= 1
        return job
      },
      isKnown,
    )
  /** Ends the oldest job. */
  const finish = async () => {
    await vi.waitFor(() => expect(gates.length).toBeGreaterThan(0))
    gates.shift()?.()
  }
  return { slots, run, finish, started, gates, most: () => most }
}

const outcome = (work: Promise<string>) =>
  work.then(
    () => 200,
    () => 429,
  )

describe('hash slots', () => {
  test('limit concurrent jobs and serve waiting callers', async () => {
    const { run, finish, most } = gated({ maxInFlight: 2 })
    const all = ['a', 'b', 'c', 'd', 'e'].map((lane) => run(lane))
    for (let done = 0; done < 5; done += 1) await finish()
    expect(await Promise.all(all)).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(most()).toBe(2)
  })

  test('give known lanes every other turn, however many others wait', async () => {
    const { run, finish, started } = gated({ maxWaiting: 4 })
    const lanes = ['a', 'b', 'c', 'd', 'e']
    const jobs = lanes.map((lane) => run(lane))
    await expect(run('f')).rejects.toMatchObject({ code: 'too-many-requests' })
    for (const device of ['known 1', 'known 2', 'known 3']) jobs.push(run(device, device, true))
    for (let done = 0; done < 8; done += 1) await finish()
    await Promise.all(jobs)
    expect(started).toEqual(['a', 'known 1', 'b', 'known 2', 'c', 'known 3', 'd', 'e'])
  })

  test('are free again only after other work that became ready during the hash', async () => {
    const { slots } = gated()
    const order: string[] = []
    const first = slots.run('a', async () => {
      setTimeout(() => order.push('other work'))
    })
    await Promise.all([first, slots.run('b', async () => void order.push('next hash'))])
    expect(order).toEqual(['other work', 'next hash'])
  })

  test('reject callers beyond the queue immediately with a retry time', async () => {
    const { run, finish } = gated({ maxWaiting: 0, maxWaitMs: 3000 })
    const first = run('a')
    await expect(run('b')).rejects.toMatchObject({ code: 'too-many-requests', retryAfterSeconds: 3 })
    await finish()
    await first
  })

  test('reject callers that wait too long, and are free after a failure', async () => {
    const { run, finish, slots } = gated({ maxWaitMs: 1000 })
    const first = run('a')
    await expect(run('b')).rejects.toMatchObject({ code: 'too-many-requests' })
    await finish()
    await first
    await expect(slots.run('a', () => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
    expect(await slots.run('a', async () => 'free')).toBe('free')
  })

  test('lanes take turns', async () => {
    const { run, finish, started } = gated()
    const all = [
      run('a', 'a1'),
      run('a', 'a2'),
      run('a', 'a3'),
      run('a', 'a4'),
      run('b', 'b1'),
      run('b', 'b2'),
    ]
    for (let done = 0; done < 6; done += 1) await finish()
    await Promise.all(all)
    expect(started).toEqual(['a1', 'b1', 'a2', 'b2', 'a3', 'a4'])
  })

  test('four callers of a lane wait; the others are rejected', async () => {
    const { run, finish } = gated()
    const all = Array.from({ length: 24 }, () => outcome(run('a')))
    for (let done = 0; done < 5; done += 1) await finish()
    expect((await Promise.all(all)).filter((status) => status === 200)).toHaveLength(5)
  })

  test('lanes with many wrong passwords fill the queue, and a new lane still gets the next turn', async () => {
    const { run, finish, started } = gated({ maxWaiting: 4 })
    const attackers = ['x1', 'x2', 'x3', 'x4', 'x5']
    for (const lane of attackers) {
      const one = run(lane)
      await finish()
      await one
    }
    const all = [outcome(run('x1'))]
    await vi.waitFor(() => expect(started).toHaveLength(6))
    all.push(...attackers.slice(1).map((lane) => outcome(run(lane))))
    const owner = outcome(run('owner'))
    for (let done = 0; done < 5; done += 1) await finish()
    expect(await owner).toBe(200)
    expect(started.slice(5)).toEqual(['x1', 'owner', 'x2', 'x3', 'x4'])
    expect(await Promise.all(all)).toEqual([200, 200, 200, 200, 429])
  })

  test('a correct password moves a lane back to the front', async () => {
    const { run, finish, slots, started } = gated()
    for (const lane of ['a', 'a', 'b']) {
      const one = run(lane)
      await finish()
      await one
    }
    slots.forgive('a')
    const all = [run('c'), run('b'), run('a')]
    for (let done = 0; done < 3; done += 1) await finish()
    await Promise.all(all)
    expect(started.slice(3)).toEqual(['c', 'a', 'b'])
  })
})
