/**
 * @module The shape of `parameter-facts.json`: which parameters n8n wants before it publishes a node, as facts.
 * `scripts/parameter-facts.ts` writes it, `parameter-checks.ts` reads it; nothing else knows the row layout.
 */
import type { Conditions, ParameterRow } from './catalogue-file.ts'

/**
 * `s`: a text or choice that may not be empty. `m`: a choice of several. `a`: letters, digits and underscores only, not
 * empty; `b`: the same of one that has a default. `f` and a number: at least that many entries. `l` and an index: a resource locator that may not be empty, of the
 * modes at that index. `o` and an index: one that may be empty.
 */
export type WantedRow = [kind: string, ...names: string[]]

/** Parameters that n8n shows under the same conditions. */
export type WantedGroup = [show: Conditions | null, hide: Conditions | null, ...wanted: WantedRow[]]

export interface ParameterFactsRow {
  /** type versions */
  v: number[]
  /** parameters that the conditions name, each after those it depends on, and those wanted that have a default */
  p?: ParameterRow[]
  w: WantedGroup[]
}

/** A mode of a resource locator and the pattern that its value has to match as a whole. */
export type LocatorMode = [mode: string, pattern: string]

export interface ParameterFactsFile {
  locators: LocatorMode[][]
  nodes: Record<string, ParameterFactsRow[]>
}
