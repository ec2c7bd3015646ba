/** @module The inputs and outputs of a node. */
import { connectionsOf } from '../facts/connections.ts'
import type { ConnectionFacts } from '../facts/node-facts.ts'
import { type CheckedNode, MAIN } from '../model.ts'
import { isLegal } from '../values/parameter-values.ts'

export interface Ports {
  /** Undefined if unknown. */
  inputs: readonly ConnectionFacts[] | undefined
  outputs: readonly ConnectionFacts[] | undefined
}

const cache = new WeakMap<CheckedNode, Ports>()
const errors: ConnectionFacts = { type: MAIN }

export function portsOf(node: CheckedNode): Ports {
  let ports = cache.get(node)
  if (!ports) {
    ports = readPorts(node)
    cache.set(node, ports)
  }
  return ports
}

const counts = new WeakMap<readonly ConnectionFacts[], ReadonlyMap<string, number>>()
const none: readonly ConnectionFacts[] = []

/** Type → number of ports. */
export function countsOf(ports: readonly ConnectionFacts[] = none): ReadonlyMap<string, number> {
  let found = counts.get(ports)
  if (!found) {
    found = new Map([...Map.groupBy(ports, ({ type }) => type)].map(([type, all]) => [type, all.length]))
    counts.set(ports, found)
  }
  return found
}

function readPorts({ facts, json, version, values }: CheckedNode): Ports {
  if (!facts) return { inputs: undefined, outputs: undefined }
  const read = (name: string) => values.get(name)
  // Reported at the parameter.
  if ('cases' in facts.outputs && !isLegal('mode', values)) return { inputs: undefined, outputs: undefined }
  const inputs = connectionsOf(facts.inputs, version, read)
  const outputs = connectionsOf(facts.outputs, version, read)
  const hasErrors = json.onError === 'continueErrorOutput' && outputs?.some(({ type }) => type === MAIN)
  return { inputs, outputs: hasErrors && outputs ? [...outputs, errors] : outputs }
}
