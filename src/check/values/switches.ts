/** @module Finds the parameters that are not set but must be for n8n to read another one, such as `sendBody`. */
import { isContainer } from '../../lib/json-object.ts'
import { ownValue } from '../../n8n/catalogue/display-options.ts'
import type { PropertyFacts } from '../facts/node-facts.ts'
import { entriesOf, listOf } from '../model.ts'
import { byName, type ParameterValues } from './parameter-values.ts'

const maximumRounds = 4

/** Values for unset parameters that make n8n read one of the properties. Undefined unless there is one way. */
export function switchesFor(
  candidates: readonly PropertyFacts[],
  values: ParameterValues,
): Record<string, unknown> | undefined {
  const ways = new Map<string, Record<string, unknown>>()
  for (const candidate of candidates) {
    const way = wayFor(candidate, values)
    if (way) ways.set(JSON.stringify(way), way)
  }
  const smallest = Math.min(...[...ways.values()].map((way) => Object.keys(way).length))
  const best = [...ways.values()].filter((way) => Object.keys(way).length === smallest)
  return best.length === 1 ? best[0] : undefined
}

function wayFor(property: PropertyFacts, values: ParameterValues): Record<string, unknown> | undefined {
  const added: Record<string, unknown> = {}
  const given = givenOf(values)
  let level = values
  for (let round = 0; round < maximumRounds; round += 1) {
    if (level.isDisplayed(property)) return Object.keys(added).length > 0 ? added : undefined
    let isStuck = true
    for (const [key, legal] of entriesOf(property.displayOptions?.show)) {
      const name = key.replace(/^\//, '')
      if (name.startsWith('@') || Object.hasOwn(added, name)) continue
      const actual = level.get(name)
      if (listOf(legal).includes(actual)) continue
      const value = onlyValue(name, listOf(legal), values)
      if (value === undefined) return undefined
      added[name] = value
      isStuck = false
    }
    // What was added can itself need a switch.
    for (const name of Object.keys(added)) {
      if (level.with({ ...given, ...added }).displayed(name).length > 0) continue
      const [controlling] = byName(values.properties).get(name) ?? []
      for (const [key, legal] of entriesOf(controlling?.displayOptions?.show)) {
        const needed = key.replace(/^\//, '')
        if (needed.startsWith('@') || Object.hasOwn(added, needed)) continue
        if (listOf(legal).includes(level.get(needed))) continue
        const value = onlyValue(needed, listOf(legal), values)
        if (value === undefined) return undefined
        added[needed] = value
        isStuck = false
      }
    }
    if (isStuck) return undefined
    level = values.with({ ...given, ...added })
  }
  return undefined
}

function onlyValue(name: string, legal: unknown[], values: ParameterValues): unknown {
  const given = values.given(name)
  // Text in place of a boolean is repaired on its own.
  if (given !== undefined && given !== null && given !== '') return undefined
  if (name === 'resource' || name === 'operation' || !byName(values.properties).has(name)) return undefined
  const [value, another] = legal
  return another === undefined && !isContainer(value) ? value : undefined
}

function givenOf(values: ParameterValues): Record<string, unknown> {
  const entries = [...byName(values.properties).keys()].map((name): [string, unknown] => [
    name,
    values.given(name),
  ])
  return Object.fromEntries(
    entries.filter(([name, value]) => value !== undefined && ownValue(entries, name) === undefined),
  )
}
