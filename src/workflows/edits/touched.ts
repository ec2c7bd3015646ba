/**
 * @module What an edit touches. Edits of an earlier version apply to the current one if the versions since then touched
 * nothing that they touch.
 */
import { isObject, type JsonObject } from '../../lib/json-object.ts'
import { shown } from '../../n8n/structure/repairs.ts'
import { diffNodes, diffWorkflows, nodeLabel, sameJson } from '../diff.ts'

interface Named {
  name: string
  workflow: JsonObject
}

/** Keys of nodes, positions, the settings and the name of the workflow. */
export type Touched = ReadonlySet<string>

export const nodeKey = (name: string): string => `node ${name}`
export const positionKey = (name: string): string => `position ${name}`
export const settingsKey = 'settings'
export const nameKey = 'name'
/** The versions differ too much to compare them. */
const everything = '*'

/**
 * A node is touched if its JSON differs other than in its position, if one of its connections was added or removed, or if
 * its pinned data differs; both under its earlier and its later name.
 */
export function touchedBetween(before: Named, after: Named): Set<string> {
  const nodes = diffNodes(before.workflow, after.workflow)
  const { connections, truncated } = diffWorkflows(before.workflow, after.workflow, nodes)
  const touched = new Set<string>(truncated ? [everything] : [])
  const touch = (name: string) => touched.add(nodeKey(name))
  for (const node of [...nodes.added, ...nodes.removed]) touch(nodeLabel(node))
  for (const { before: earlier, after: later, paths } of nodes.changed) {
    const isMoved = paths.every((path) => /^position(?:\.|$)/.test(path))
    if (isMoved) touched.add(positionKey(nodeLabel(later)))
    else for (const node of [earlier, later]) touch(nodeLabel(node))
  }
  const earlierNames = new Map(
    [...nodes.pairs].map(([later, earlier]) => [nodeLabel(later), nodeLabel(earlier)]),
  )
  for (const { from, to } of [...connections.added, ...connections.removed]) {
    for (const name of [from, to]) {
      touch(name)
      touch(earlierNames.get(name) ?? name)
    }
  }
  for (const name of changedMembers(before.workflow.pinData, after.workflow.pinData)) touch(name)
  if (!sameJson(before.workflow.settings, after.workflow.settings)) touched.add(settingsKey)
  if (before.name !== after.name) touched.add(nameKey)
  return touched
}

function changedMembers(before: unknown, after: unknown): string[] {
  const [older, newer] = [before, after].map((value) => new Map(Object.entries(isObject(value) ? value : {})))
  const names = new Set([...(older?.keys() ?? []), ...(newer?.keys() ?? [])])
  return [...names].filter((name) => !sameJson(older?.get(name), newer?.get(name)))
}

/** Why edits that touch `mine` do not apply after a change that touched `theirs`; null if they do. */
export function conflictOf(mine: Touched, theirs: Touched): string | null {
  if (theirs.has(everything) && mine.size > 0) return 'The versions since then differ too much to be compared'
  for (const each of mine) {
    if (!theirs.has(each)) continue
    if (each === settingsKey) return 'The settings of the workflow changed since then'
    if (each === nameKey) return 'The name of the workflow changed since then'
    const [kind, ...name] = each.split(' ')
    return `The ${kind === 'position' ? 'position of ' : ''}node "${shown(name.join(' '))}" changed since then`
  }
  return null
}
