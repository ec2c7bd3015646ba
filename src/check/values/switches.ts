/** @module Finds the parameters that are not set but must be for n8n to read another one, such as `sendBody`. */
import { isContainer, listOf } from '../../lib/json-object.ts'
import type { PropertyFacts } from '../facts/node-facts.ts'
import { entriesOf } from '../model.ts'
import { byName } from '../../n8n/catalogue/parameter-scope.ts'
import { type ParameterValues } from './parameter-values.ts'

type Switches = Record<string, unknown>

const maximumDepth = 5

/** Values for unset parameters that make n8n read one of the properties. Undefined unless there is one way. */
export function switchesFor(
  candidates: readonly PropertyFacts[],
  values: ParameterValues,
): Switches | undefined {
  const ways = new Map<string, Switches>()
  for (const candidate of candidates) {
    const way = require(candidate, {}, values, 0)
    if (!way || Object.keys(way).length === 0) continue
    const level = values.with(way)
    if (level.isDisplayed(candidate) && !hides(level, values)) ways.set(JSON.stringify(way), way)
  }
  const smallest = Math.min(...[...ways.values()].map((way) => Object.keys(way).length))
  const best = [...ways.values()].filter((way) => Object.keys(way).length === smallest)
  return best.length === 1 ? best[0] : undefined
}

/** Whether n8n would then ignore another parameter. */
const hides = (level: ParameterValues, values: ParameterValues): boolean =>
  [...byName(values.properties).keys()].some(
    (name) =>
      values.given(name) !== undefined &&
      values.displayed(name).length > 0 &&
      level.displayed(name).length === 0,
  )

/** The switches that display the property, in addition to those of `way`. */
function require(
  { displayOptions }: PropertyFacts,
  way: Switches,
  values: ParameterValues,
  depth: number,
): Switches | undefined {
  if (depth > maximumDepth) return undefined
  let current = way
  for (const [key, conditions] of entriesOf(displayOptions?.show)) {
    const name = key.replace(/^\//, '')
    if (name.startsWith('@') || Object.hasOwn(current, name)) continue
    const next = requireValue(name, listOf(conditions), current, values, depth)
    if (!next) return undefined
    current = next
  }
  return current
}

function requireValue(
  name: string,
  legal: unknown[],
  way: Switches,
  values: ParameterValues,
  depth: number,
): Switches | undefined {
  const controlling = byName(values.properties).get(name) ?? []
  if (controlling.length === 0) return undefined
  const given = values.given(name)
  const isSet = given !== undefined && given !== null && given !== ''
  for (const property of controlling) {
    const value = isSet ? given : property.default
    const isRight = legal.includes(value)
    if (!isRight && (isSet || !canSet(name, legal))) continue
    const next = isRight ? way : { [name]: legal[0], ...way }
    const found = require(property, next, values, depth + 1)
    if (found) return found
  }
  return undefined
}

/** Only one value, and none that decides what the whole node does. */
const canSet = (name: string, legal: unknown[]): boolean =>
  !/^(?:resource|operation|authentication)$/.test(name) && legal.length === 1 && !isContainer(legal[0])
