/**
 * @module Counts the work of code without a clock. Three measures, because each misses something: the characters of source that
 * run, by V8's precise block coverage (loops); the elements and characters that built-in functions visit (searches, copies); the
 * bytes that are allocated on the heap, by V8's sampling profiler (copies without a loop).
 */
import { type HeapProfiler, type Profiler, Session } from 'node:inspector'

/** What ran: the server's code and the libraries that receive its input. */
const isMeasured = (url: string) =>
  url.includes('/node_modules/')
    ? /\/node_modules\/(?:hono|zod|acorn|drizzle-orm|jose|pbf|@modelcontextprotocol|hono-openapi|@hono)\//.test(
        url,
      )
    : url.includes('/src/')

const session = new Session()
session.connect()

/** Calls back before it returns, in the same thread. */
function post(method: string, parameters?: object): unknown {
  let result: unknown
  session.post(method, parameters, (error: Error | null, value?: object) => {
    if (error) throw error
    result = value
  })
  return result
}

/** Before the code under test is compiled: only what is compiled later counts its blocks. */
export function startCounting(): void {
  post('Profiler.enable')
  post('HeapProfiler.enable')
  post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
}

const scans = new Map<string, number>()
const count = (name: string, visited: number) => void scans.set(name, (scans.get(name) ?? 0) + visited)

type Method = (this: ArrayLike<unknown>, ...args: unknown[]) => unknown
/** Elements or characters visited. */
type Cost = (receiver: ArrayLike<unknown>, result: unknown, args: readonly unknown[]) => number

const whole: Cost = ({ length }) => length
const found: Cost = ({ length }, result) => (typeof result === 'number' && result >= 0 ? result + 1 : length)
const made: Cost = (_, result) => (result as ArrayLike<unknown>).length
const searchText: Cost = ({ length }, result, [, from]) => {
  const start = typeof from === 'number' ? Math.min(Math.max(from, 0), length) : 0
  return typeof result === 'number' && result >= 0 ? result - start + 1 : length - start
}
/** The functions with a callback are not here: their callbacks are counted. */
const visiting: [string, object, Record<string, Cost>][] = [
  [
    'Array',
    Array.prototype,
    {
      includes: whole,
      indexOf: found,
      lastIndexOf: ({ length }, result) =>
        typeof result === 'number' && result >= 0 ? length - result : length,
      join: whole,
      slice: made,
      splice: ({ length }, _, [start]) =>
        length - (typeof start === 'number' ? Math.min(Math.max(start, 0), length) : 0),
      shift: whole,
      unshift: whole,
      concat: made,
      flat: made,
      reverse: whole,
      toReversed: whole,
      fill: whole,
      toSpliced: made,
      with: whole,
    },
  ],
  [
    'String',
    String.prototype,
    {
      includes: whole,
      indexOf: searchText,
      lastIndexOf: whole,
      split: whole,
      replaceAll: whole,
      normalize: whole,
      toLowerCase: whole,
      toUpperCase: whole,
      trim: () => 1,
      isWellFormed: whole,
      toWellFormed: whole,
      repeat: made,
    },
  ],
  [
    'Uint8Array',
    Object.getPrototypeOf(Uint8Array.prototype) as object,
    // Bytes are copied in words.
    { slice: made, set: (_, __, [from]) => (from as ArrayLike<unknown>).length / 8 },
  ],
]

/** @returns puts the original functions back */
function watchBuiltIns(): () => void {
  const undo: (() => void)[] = []
  const replace = (owner: object, name: string, wrap: (original: Method) => Method) => {
    const descriptor = Object.getOwnPropertyDescriptor(owner, name)
    if (!descriptor) throw new Error(`There is no ${name}`)
    Object.defineProperty(owner, name, { ...descriptor, value: wrap(descriptor.value as Method) })
    undo.push(() => Object.defineProperty(owner, name, descriptor))
  }
  for (const [type, owner, methods] of visiting) {
    for (const [name, cost] of Object.entries(methods)) {
      const label = `${type}.${name}`
      replace(owner, name, (original) => {
        return function (...args) {
          // `splice`, `shift` and others change the length.
          const before = { length: this.length }
          const result = Reflect.apply(original, this, args)
          count(label, cost(before, result, args))
          return result
        }
      })
    }
  }
  // `test`, `match`, `replace`, `search` and `split` call it.
  replace(RegExp.prototype, 'exec', (original) => {
    return function (...args) {
      const pattern = this as unknown as RegExp
      const from = pattern.global || pattern.sticky ? pattern.lastIndex : 0
      const match = Reflect.apply(original, this, args) as RegExpExecArray | null
      const end = match ? match.index + match[0].length : pattern.sticky ? from + 1 : String(args[0]).length
      count('RegExp.exec', Math.max(1, end - from))
      return match
    }
  })
  // Spread, destructuring, and the constructors of Map and Set.
  replace(Object.getPrototypeOf([].values()) as object, 'next', (original) => {
    return function () {
      count('iteration', 1)
      return Reflect.apply(original, this, [])
    }
  })
  for (const name of ['keys', 'values', 'entries']) {
    replace(Object, name, (original) => {
      return function (value) {
        const list = Reflect.apply(original, Object, [value]) as unknown[]
        count(`Object.${name}`, list.length)
        return list
      }
    })
  }
  const json: Record<string, (result: unknown, first: unknown) => number> = {
    parse: (_, text) => String(text).length,
    stringify: (text) => (typeof text === 'string' ? text.length : 1),
  }
  for (const [name, cost] of Object.entries(json)) {
    replace(JSON, name, (original) => {
      return function (...args) {
        const result = Reflect.apply(original, JSON, args)
        count(`JSON.${name}`, cost(result, args[0]))
        return result
      }
    })
  }
  return () => undo.forEach((each) => each())
}

/** Function or built-in → its work. */
export type Work = Map<string, number>

export interface Measured {
  /** Characters of source that ran. */
  run: Work
  /** Elements and characters that built-in functions visited. */
  visited: Work
  /** Bytes. */
  allocated: Work
}

const place = ({ url, functionName }: { url: string; functionName: string }, at: number) =>
  `${url.replace(/^.*\/(?=(?:src|node_modules)\/)/, '')} ${functionName || 'anonymous'}@${at}`

/** Characters of each block, without the blocks in it, times the number of its runs. */
function charactersRun({ ranges }: Profiler.FunctionCoverage): number {
  let sum = 0
  const open: Profiler.CoverageRange[] = []
  const lengthOf = ({ startOffset, endOffset }: Profiler.CoverageRange) => endOffset - startOffset
  for (const range of ranges) {
    while ((open.at(-1)?.endOffset ?? Infinity) <= range.startOffset) open.pop()
    sum += lengthOf(range) * (range.count - (open.at(-1)?.count ?? 0))
    open.push(range)
  }
  return sum
}

function allocatedBelow(head: HeapProfiler.SamplingHeapProfileNode, work: Work): void {
  const pending = [{ node: head, owner: 'other', isOurs: false }]
  for (let visit = pending.pop(); visit; visit = pending.pop()) {
    const { node } = visit
    const { url, lineNumber } = node.callFrame
    // What a built-in function allocates belongs to its caller.
    const isOurs = url === '' ? visit.isOurs : isMeasured(url)
    const owner = url === '' ? visit.owner : place(node.callFrame, lineNumber + 1)
    if (isOurs && node.selfSize > 0) work.set(owner, (work.get(owner) ?? 0) + node.selfSize)
    for (const child of node.children) pending.push({ node: child, owner, isOurs })
  }
}

/** Run the code once before, so that what it loads on first use does not count. */
export async function workOf<Result>(
  act: () => Result | Promise<Result>,
): Promise<Measured & { result: Result }> {
  post('Profiler.takePreciseCoverage')
  post('HeapProfiler.startSampling', {
    samplingInterval: 4096,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  })
  scans.clear()
  const unwatch = watchBuiltIns()
  let result: Result
  try {
    result = await act()
  } finally {
    unwatch()
  }
  const { profile } = post('HeapProfiler.stopSampling') as HeapProfiler.StopSamplingReturnType
  const coverage = post('Profiler.takePreciseCoverage') as Profiler.TakePreciseCoverageReturnType
  const run: Work = new Map()
  for (const { url, functions } of coverage.result) {
    if (!isMeasured(url)) continue
    for (const each of functions) {
      const characters = charactersRun(each)
      if (characters > 0) run.set(place({ url, ...each }, each.ranges[0]?.startOffset ?? 0), characters)
    }
  }
  const allocated: Work = new Map()
  allocatedBelow(profile.head, allocated)
  return { run, visited: new Map(scans), allocated, result }
}

/** Twice the input may take this many times the work. */
const limitOfTwice = 2.5
/** Of the whole: functions below this share are not looked at one by one. */
const share = 0.02
/** Too little to compare, in characters, elements and bytes. */
const negligible = { run: 50_000, visited: 10_000, allocated: 2_000_000 }

const total = (work: Work) => [...work.values()].reduce((sum, each) => sum + each, 0)

/**
 * What grows faster than the input, with the figures for both sizes; empty for linear work.
 * @param input how many times as large the second input is
 */
export function superlinear(once: Measured, twice: Measured, input = 2): string[] {
  const limit = (limitOfTwice * Math.max(input, 2)) / 2
  return (['run', 'visited', 'allocated'] as const).flatMap((measure) => {
    const all = total(twice[measure])
    const growth = (first: number, second: number) =>
      second > limit * first + negligible[measure]
        ? [`${(second / first).toFixed(1)}× ${first} → ${second}`]
        : []
    // Samples of one function are too few.
    const parts = [...(measure === 'allocated' ? [] : twice[measure])].flatMap(([name, second]) =>
      second < share * all
        ? []
        : growth(once[measure].get(name) ?? second, second).map((each) => `${each} ${name}`),
    )
    return [...growth(total(once[measure]), all), ...parts].map((each) => `${measure}: ${each}`)
  })
}

/**
 * What grows faster than the input; empty for linear work.
 * @param prepare the work for an input of a size
 */
export async function growthOf(size: number, prepare: (size: number) => () => unknown): Promise<string> {
  await prepare(8)()
  const once = await workOf(prepare(size))
  const twice = await workOf(prepare(2 * size))
  return superlinear(once, twice).join('\n')
}
