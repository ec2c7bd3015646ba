/** Edits between versions: short, and exact in both directions. */
import { describe, expect, test } from 'vitest'
import { demoWorkflows } from '../../../demo/large/flows.ts'
import { flowsOf } from '../../../demo/large/workflow.ts'
import type { JsonObject } from '../../../src/lib/json-object.ts'
import { applyEdits } from '../../../src/workflows/edits/apply.ts'
import { EditOperation } from '../../../src/workflows/edits/operations.ts'
import { corpusWorkflows } from '../../check/corpus-files.ts'
import { pick } from '../../check/mutations.ts'
import { seeded } from '../../harness/random.ts'
import { changedByModel, isUsable, type Node } from './ai-changes.ts'
import { deriveEdits } from './derive.ts'

type Pair = [older: JsonObject, newer: JsonObject]

const corpus = corpusWorkflows().map(([, workflow]) => workflow)
const demoPairs = demoWorkflows.flatMap((each): Pair[] => {
  const versions = flowsOf(each).map((flow) => flow.json(each.name, (type) => type))
  return versions.slice(1).map((newer, index): Pair => [versions[index] ?? {}, newer])
})

const copyOf = (value: JsonObject): JsonObject => JSON.parse(JSON.stringify(value))

function pairsOf(workflows: readonly JsonObject[], count: number): Pair[] {
  const random = seeded(7)
  const usable = workflows.filter(isUsable)
  const donors = usable.flatMap(({ nodes }): Node[] => nodes)
  return Array.from({ length: count }, (): Pair => {
    const older = copyOf(pick(random, usable))
    return [older, copyOf(changedByModel(older as (typeof usable)[number], random, donors))]
  })
}

/** Sizes of the request bodies. `deriveEdits` applies its edits and compares the result. */
function sizesOf(pairs: readonly Pair[]): { sizes: number[]; underived: number } {
  const sizes: number[] = []
  let underived = 0
  for (const [older, newer] of pairs) {
    const operations = deriveEdits(older, newer)
    if (!operations || !deriveEdits(newer, older)) underived += 1
    if (operations) sizes.push(JSON.stringify({ operations }).length)
  }
  return { sizes: sizes.toSorted((a, b) => a - b), underived }
}

const medianOf = (sorted: readonly number[]): number => sorted[Math.floor(sorted.length / 2)] ?? 0

test('the versions of the demo differ by short edits, which can be undone', () => {
  expect(demoPairs.length).toBeGreaterThan(20)
  const { sizes, underived } = sizesOf(demoPairs)
  expect(underived).toBe(0)
  expect(medianOf(sizes)).toBeLessThan(1_500)
})

test('random changes of the demo workflows are edits of at most 700 characters at the median', () => {
  const { sizes, underived } = sizesOf(
    pairsOf(
      demoPairs.map(([, newer]) => newer),
      200,
    ),
  )
  expect(underived).toBe(0)
  expect(medianOf(sizes)).toBeLessThanOrEqual(700)
})

test('derived edits are valid, and applied and undone they give the same workflow', () => {
  for (const [older, newer] of pairsOf(demoPairs.flat(), 100)) {
    const operations = deriveEdits(older, newer) ?? []
    expect(EditOperation.array().safeParse(operations).success).toBe(true)
    const forward = applyEdits(older, operations)
    if (forward.failure) throw new Error(forward.failure.message)
    const back = deriveEdits(forward.workflow, older)
    expect(back).not.toBeNull()
    expect(deriveEdits(newer, forward.workflow)).toEqual([])
  }
})

describe.skipIf(corpus.length === 0)('real workflows', () => {
  test('500 changes by a model are edits of at most 700 characters at the median', () => {
    const pairs = [...demoPairs, ...pairsOf(corpus, 500)]
    const { sizes, underived } = sizesOf(pairs)
    const whole = pairs.map(([, workflow]) => JSON.stringify({ workflow }).length).toSorted((a, b) => a - b)
    console.log(
      `${pairs.length} pairs: median ${medianOf(sizes)} characters, 90% up to ${sizes[Math.floor(sizes.length * 0.9)]}; ` +
        `whole workflow ${medianOf(whole)}; not expressed in both directions: ${underived}`,
    )
    expect(medianOf(sizes)).toBeLessThanOrEqual(700)
    expect(underived).toBeLessThan(pairs.length / 50)
  })
})
