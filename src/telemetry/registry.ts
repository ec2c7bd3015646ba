/** @module Metrics of this process or isolate, in memory. */

export type MetricType = 'counter' | 'gauge' | 'histogram'

/** More series of one metric are added up with the label values `other`, so that no caller can fill the memory. */
const maxSeries = 2000

let isRecording = false

export const recordsMetrics = (): boolean => isRecording

/** Counters and histograms stay empty until this is called. */
export function recordMetrics(isOn: boolean): void {
  isRecording = isOn
}

/**
 * Its unit is the end of its name. A counter's name has no `_total`. Label values must come from a small set: routes instead of
 * paths, codes instead of messages, and nothing that identifies a user.
 */
export class Metric {
  readonly name: string
  readonly type: MetricType
  readonly help: string
  readonly labels: readonly string[]
  /** Upper bounds of the buckets of a histogram, without infinity. */
  readonly bounds: readonly number[]
  /**
   * Label values, joined by NUL → the value. A histogram: the observations of each bucket and of the one above all bounds, then
   * their sum.
   */
  readonly series = new Map<string, number[]>()

  constructor(
    type: MetricType,
    name: string,
    help: string,
    labels: readonly string[] = [],
    bounds: readonly number[] = [],
  ) {
    this.type = type
    this.name = name
    this.help = help
    this.labels = labels
    this.bounds = bounds
  }

  /** Counts up. */
  add(by: number, ...labels: string[]): void {
    if (isRecording) this.#value(labels)[0]! += by
  }

  /** Sets a gauge. */
  set(value: number, ...labels: string[]): void {
    this.#value(labels)[0] = value
  }

  /** Adds an observation to a histogram. */
  observe(value: number, ...labels: string[]): void {
    if (!isRecording) return
    const values = this.#value(labels)
    const at = this.bounds.findIndex((bound) => value <= bound)
    values[at < 0 ? this.bounds.length : at]! += 1
    values[this.bounds.length + 1]! += value
  }

  #value(labels: string[]): number[] {
    const key = labels.join('\0')
    const known = this.series.get(key)
    if (known) return known
    if (this.series.size >= maxSeries && labels[0] !== 'other') return this.#value(labels.map(() => 'other'))
    const values = this.type === 'histogram' ? [...this.bounds, 0, 0].map(() => 0) : [0]
    this.series.set(key, values)
    return values
  }
}

/** `seconds` or `bytes`, if the name ends with one of them. */
export const unitOf = (name: string): string | undefined => /_(seconds|bytes)$/.exec(name)?.[1]
