/** @module Replays a recorded run: its input, the items of nodes that do not run, and how a test differs from it. Pure. */
import { shapeOf } from '../executions/record/data-shape.ts'
import { runDataOf } from '../executions/record/node-runs.ts'
import {
  captureValues,
  type StoredNode,
  type StoredOutput,
  type StoredValues,
} from '../executions/values/capture.ts'
import type { JsonObject } from '../lib/json-object.ts'
import type { N8nExecution } from '../n8n/api/shapes.ts'
import { canonicalJson } from '../lib/canonical-json.ts'
import type { TestNode } from './contract.ts'

export const differenceKinds = ['status', 'items', 'shape', 'values'] as const
export type DifferenceKind = (typeof differenceKinds)[number]

/** More than the values of a run may have. */
const capturedBytes = 128 * 1024

const nodeOf = (values: StoredValues, name: string): StoredNode | undefined =>
  values.nodes.find((node) => node.name === name)

const mainOutputs = (node: StoredNode | undefined): StoredOutput[] =>
  (node?.runs.at(-1)?.outputs ?? [])
    .filter(({ type }) => type === 'main')
    .toSorted((a, b) => a.index - b.index)

/** The items that started the run; null if some of them are not stored. */
export function inputOfRun(values: StoredValues): { trigger: string; items: JsonObject[] } | null {
  const node = values.trigger === null ? undefined : nodeOf(values, values.trigger)
  const output = mainOutputs(node).find(({ total }) => total > 0)
  if (!node || !output || output.truncated) return null
  return { trigger: node.name, items: output.items.map(({ json }) => json) }
}

/** What a node returned in the run; null if it returned nothing or not everything is stored. */
export function itemsOfRun(values: StoredValues, name: string): JsonObject[] | null {
  const [output] = mainOutputs(nodeOf(values, name))
  return output && !output.truncated && output.items.length > 0 ? output.items.map(({ json }) => json) : null
}

/** Adds how each node that ran unchanged differs from the recorded run. Samples are removed: they may contain its values. */
export function compared(
  nodes: readonly TestNode[],
  execution: N8nExecution,
  recorded: StoredValues,
): TestNode[] {
  const now = captureValues(runDataOf(execution.data) ?? {}, capturedBytes)
  const differencesAt = (node: TestNode): DifferenceKind[] | null => {
    const [before, after] = [nodeOf(recorded, node.name), now ? nodeOf(now, node.name) : undefined]
    const isUnknown = !before && recorded.omittedNodes > 0
    return node.treatment !== 'run' || isUnknown ? null : differencesOf(node, before, after)
  }
  return nodes.map((node) => ({
    ...node,
    outputs: node.outputs.map(({ items, shape }) => ({ items, shape, sample: null })),
    differences: differencesAt(node),
  }))
}

function differencesOf(
  { status }: TestNode,
  before: StoredNode | undefined,
  after: StoredNode | undefined,
): DifferenceKind[] | null {
  const stateOf = (node: StoredNode | undefined) =>
    node ? (node.runs.at(-1)?.hasFailed ?? false) : 'not-run'
  const isSame = stateOf(before) === (status === 'not-run' ? 'not-run' : status === 'error')
  if (!isSame) return ['status']
  // Too many other nodes ran to capture its values.
  if (!after && status !== 'not-run') return null
  const found = new Set<DifferenceKind>()
  const [old, fresh] = [mainOutputs(before), mainOutputs(after)]
  for (let index = 0; index < Math.max(old.length, fresh.length); index += 1) {
    const [left, right] = [old[index], fresh[index]]
    if ((left?.total ?? 0) !== (right?.total ?? 0)) found.add('items')
    if (!left || !right || left.items.length === 0 || right.items.length === 0) continue
    if (typesOf(left) !== typesOf(right)) found.add('shape')
    else if (
      !left.truncated &&
      !right.truncated &&
      canonicalJson(left.items) !== canonicalJson(right.items)
    ) {
      found.add('values')
    }
  }
  return [...found]
}

/** The shape without lengths of texts. */
const typesOf = ({ items }: StoredOutput): string | undefined => shapeOf(items)?.replaceAll(/\([\d–]+\)/g, '')
