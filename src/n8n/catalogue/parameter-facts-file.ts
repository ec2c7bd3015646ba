/**
 * @module The shape of `parameter-facts.json`: the parameters that n8n requires before it publishes a node.
 * `scripts/parameter-facts.ts` writes it and `parameter-checks.ts` reads it; no other code depends on the row layout.
 */
import type { Conditions, ParameterRow } from './catalogue-file.ts'

/**
 * `s`: required string or option. `m`: required multi-select. `a`: required identifier (letters, digits, underscores);
 * `b`: identifier with a default. `f<n>`: at least n entries. `l<i>`: required resource locator with the modes at
 * index i. `o<i>`: optional resource locator.
 */
export type WantedRow = [kind: string, ...names: string[]]

/** Parameters that n8n shows under the same conditions. */
export type WantedGroup = [show: Conditions | null, hide: Conditions | null, ...wanted: WantedRow[]]

export interface ParameterFactsRow {
  /** type versions */
  v: number[]
  /** parameters used in conditions, each after its dependencies, and required parameters with a default */
  p?: ParameterRow[]
  w: WantedGroup[]
}

/** A resource locator mode and the pattern that the entire value must match. */
export type LocatorMode = [mode: string, pattern: string]

export interface ParameterFactsFile {
  locators: LocatorMode[][]
  nodes: Record<string, ParameterFactsRow[]>
}
