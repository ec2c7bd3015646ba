/** @module Changes the connections of a workflow. */
import { isContainer, isObject, type JsonObject, ownOf, putOwn } from '../../lib/json-object.ts'
import { isTarget, slotsOf, type Target } from '../../n8n/reading/connection-slots.ts'
import { mergedEntries } from '../../n8n/structure/names.ts'
import { Refusal } from './failure.ts'

export const MAIN = 'main'

const broken = (what: string) =>
  new Refusal(
    'invalid-structure',
    '',
    `The connections of the workflow are broken at ${what}. Apply its fixes first: POST /v1/workflows/{id}/fix`,
  )

/** The targets of one output, created if missing. @throws {Refusal} `invalid-structure` */
export function targetsOf(workflow: JsonObject, from: string, type: string, output: number): unknown[] {
  const byType = objectAt(objectAt(workflow, 'connections', 'connections'), from, from)
  const outputs = ownOf(byType, type) ?? []
  if (!Array.isArray(outputs)) throw broken(from)
  putOwn(byType, type, outputs)
  while (outputs.length <= output) outputs.push([])
  const targets: unknown = outputs[output] ?? []
  if (!Array.isArray(targets)) throw broken(from)
  outputs[output] = targets
  return targets
}

function objectAt(owner: object, key: string, what: string): object {
  const value = ownOf(owner, key) ?? {}
  if (!isObject(value)) throw broken(what)
  putOwn(owner, key, value)
  return value
}

/** Removes targets in place. @returns the number of removed targets */
export function removeTargets(targets: unknown[], isRemoved: (target: Target) => boolean): number {
  const kept = targets.filter((target) => !(isTarget(target) && isRemoved(target)))
  const removed = targets.length - kept.length
  if (removed > 0) targets.splice(0, targets.length, ...kept)
  return removed
}

export function removeNodeConnections(workflow: JsonObject, name: string): void {
  const { connections } = workflow
  if (!isObject(connections)) return
  for (const { targets } of slotsOf(connections)) removeTargets(targets, ({ node }) => node === name)
  Reflect.deleteProperty(connections, name)
}

export function renameInConnections(workflow: JsonObject, name: string, next: string): void {
  const { connections } = workflow
  if (!isObject(connections)) return
  for (const outputs of Object.values(connections)) renameTargets(outputs, name, next)
  renameMember(workflow, 'connections', name, next, mergedEntries)
}

/** In any shape, because n8n's format is often missed by a level. */
function renameTargets(value: unknown, name: string, next: string): void {
  if (!isContainer(value)) return
  if (isTarget(value) && value.node === name) value.node = next
  for (const [key, each] of Object.entries(value)) {
    if (each === name && Array.isArray(value)) value[Number(key)] = next
    else renameTargets(each, name, next)
  }
}

/** Renames a member of an object in place in the order of the members. */
export function renameMember(
  owner: JsonObject,
  key: string,
  name: string,
  next: string,
  merged: (first: unknown, second: unknown) => unknown = (first) => first,
): void {
  const members = ownOf(owner, key)
  if (!isObject(members) || !Object.hasOwn(members, name)) return
  const left = ownOf(members, next)
  const entries = Object.entries(members)
    .filter(([each]) => each !== next)
    .map(([each, value]) => (each === name ? [next, merged(value, left)] : [each, value]))
  putOwn(owner, key, Object.fromEntries(entries))
}
