/** @module Random JSON in the place of a workflow. */
import type { JsonObject } from '../../src/lib/json-object.ts'
import type { Random } from '../harness/random.ts'
import { pick } from './mutations.ts'

const keys = (
  'url path options conditions combinator value mode __rl schema mappingMode rule interval field expression parameters ' +
  'headerParameters sendHeaders toString constructor length documentId workflowId source operation resource'
).split(' ')
const plain: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  4.2,
  '',
  '=',
  '={{ $json }}',
  'id',
  '__proto__',
  '{a:1}',
  '2020-01-01',
]

export function randomJson(random: Random, depth = 0): unknown {
  const kind = random()
  if (depth > 4 || kind < 0.4) return pick(random, plain)
  const length = Math.floor(random() * 4)
  if (kind < 0.6) return Array.from({ length }, () => randomJson(random, depth + 1))
  return Object.fromEntries(Array.from({ length }, () => [pick(random, keys), randomJson(random, depth + 1)]))
}

/** @param names of node types of the package n8n-nodes-base */
export function fuzzedWorkflow(random: Random, names: readonly string[]): JsonObject {
  const either = (usual: () => unknown) => (random() < 0.1 ? randomJson(random) : usual())
  const node = () => ({
    id: either(() => 'a'),
    name: either(() => pick(random, ['A', 'B', 'C'])),
    type: either(() => `n8n-nodes-base.${pick(random, names)}`),
    typeVersion: either(() => pick(random, [1, 1.1, 2, 2.2, 4.2, undefined])),
    parameters: Object.fromEntries(
      Array.from({ length: Math.floor(random() * 5) }, () => [pick(random, keys), randomJson(random)]),
    ),
    credentials: either(() => ({})),
    disabled: either(() => false),
  })
  return {
    name: either(() => 'Fuzzed'),
    nodes: either(() => Array.from({ length: 1 + Math.floor(random() * 3) }, () => either(node))),
    connections: either(() => ({ A: { main: [[{ node: 'B', type: 'main', index: 0 }]] } })),
  }
}
