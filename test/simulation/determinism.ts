/**
 * @module Replaces time, timers and randomness of this process, PGlite included, with ones that depend on a seed only.
 * Results of Web Crypto, which come from threads, arrive in the order of the calls.
 */
import { type Random, seeded } from '../harness/random.ts'

const RealDate = Date
/** The global functions, before anything is replaced. */
const turn = setImmediate
/** Turns of the event loop without work after which nothing continues by itself. */
const quietTurns = 8

interface Timer {
  id: number
  atMs: number
  fire: () => void
}

export interface Determinism {
  random: Random
  nowMs: () => number
  /** Moves the clock forward without running timers. */
  advance: (ms: number) => void
  /** Whether a timer is pending. */
  hasTimers: () => boolean
  /** Moves the clock to the next timer and runs it. */
  fireNext: () => void
  /** Resolves when all work waits for the scheduler or for a timer. */
  quiet: () => Promise<void>
  /** Counts as work until it settles. */
  track: <T>(work: () => Promise<T>) => Promise<T>
  restore: () => void
}

const subtleMethods = [
  'encrypt',
  'decrypt',
  'sign',
  'verify',
  'digest',
  'deriveBits',
  'deriveKey',
  'importKey',
  'exportKey',
  'generateKey',
  'wrapKey',
  'unwrapKey',
]

export function beDeterministic(seed: number, startMs: number): Determinism {
  const random = seeded(seed)
  // A stream of its own, so that a change in the number of IDs does not change the schedule.
  const bytesOf = seeded(seed ^ 0x5f356495)
  let nowMs = startMs
  let timers: Timer[] = []
  let lastTimer = 0
  let working = 0
  const undo: (() => void)[] = []

  function replace(target: object, name: string, value: unknown): void {
    const before = Object.getOwnPropertyDescriptor(target, name)
    Object.defineProperty(target, name, { value, configurable: true, writable: true })
    undo.push(() => {
      if (before) Object.defineProperty(target, name, before)
      else Reflect.deleteProperty(target, name)
    })
  }
  function fill<T extends ArrayBufferView>(view: T): T {
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
    for (let index = 0; index < bytes.length; index += 1) bytes[index] = bytesOf() * 256
    return view
  }
  const track: Determinism['track'] = async (work) => {
    working += 1
    try {
      return await work()
    } finally {
      working -= 1
    }
  }

  function SimulatedDate(...given: number[]): Date | string {
    if (!new.target) return new RealDate(nowMs).toString()
    return given.length === 0 ? new RealDate(nowMs) : new RealDate(...(given as [number]))
  }
  Object.assign(SimulatedDate, { now: () => nowMs, parse: RealDate.parse, UTC: RealDate.UTC })
  SimulatedDate.prototype = RealDate.prototype
  replace(globalThis, 'Date', SimulatedDate)

  const setTimer = (fire: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) => {
    const timer = {
      id: (lastTimer += 1),
      atMs: nowMs + Math.max(1, Math.ceil(ms)),
      fire: () => fire(...args),
    }
    timers.push(timer)
    return Object.assign(Object.create({ unref: () => timer, ref: () => timer }), { timer })
  }
  const clearTimer = (handle: { timer?: Timer } | undefined) => {
    timers = timers.filter((each) => each !== handle?.timer)
  }
  replace(globalThis, 'setTimeout', setTimer)
  replace(globalThis, 'clearTimeout', clearTimer)
  replace(AbortSignal, 'timeout', (ms: number) => {
    const aborter = new AbortController()
    setTimer(() => aborter.abort(new DOMException('No answer', 'TimeoutError')), ms)
    return aborter.signal
  })

  replace(Math, 'random', bytesOf)
  replace(crypto, 'getRandomValues', fill)
  replace(crypto, 'randomUUID', () => {
    const bytes = fill(new Uint8Array(16))
    bytes[6] = (bytes[6]! & 0x0f) | 0x40
    bytes[8] = (bytes[8]! & 0x3f) | 0x80
    return Buffer.from(bytes)
      .toString('hex')
      .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
  })

  let delivered: Promise<unknown> = Promise.resolve()
  for (const name of subtleMethods) {
    const method: unknown = Reflect.get(crypto.subtle, name)
    if (typeof method !== 'function') continue
    replace(crypto.subtle, name, (...args: unknown[]) => {
      const result: Promise<unknown> = Reflect.apply(method, crypto.subtle, args)
      const inTurn = delivered.then(() => result)
      delivered = inTurn.catch(() => undefined)
      return track(() => inTurn)
    })
  }

  return {
    random,
    nowMs: () => nowMs,
    advance: (ms) => {
      nowMs += ms
    },
    hasTimers: () => timers.length > 0,
    fireNext: () => {
      const [next] = timers.toSorted((one, other) => one.atMs - other.atMs || one.id - other.id)
      if (!next) return
      timers = timers.filter((each) => each !== next)
      nowMs = Math.max(nowMs, next.atMs)
      next.fire()
    },
    quiet: async () => {
      for (let quiet = 0; quiet < quietTurns; quiet = working === 0 ? quiet + 1 : 0) {
        await new Promise((resolve) => turn(resolve))
      }
    },
    track,
    restore: () => {
      for (const each of undo.toReversed()) each()
    },
  }
}
