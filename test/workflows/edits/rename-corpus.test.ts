/** Renames every node of real workflows to an awkward name: the check finds nothing new, and the names come back. */
import { describe, expect, test } from 'vitest'
import { checkWorkflow } from '../../../src/check/run.ts'
import { isObject, type JsonObject, listOf } from '../../../src/lib/json-object.ts'
import { applyEdits } from '../../../src/workflows/edits/apply.ts'
import { corpusWorkflows } from '../../check/corpus-files.ts'

const corpus = corpusWorkflows()

/** Names that only one node has. */
function namesIn({ nodes }: JsonObject): string[] {
  const names = listOf(nodes).flatMap((node) =>
    isObject(node) && typeof node.name === 'string' && node.name !== '' ? [node.name] : [],
  )
  return names.filter((name) => names.indexOf(name) === names.lastIndexOf(name))
}

function renamed(workflow: JsonObject, renames: readonly [string, string][]): JsonObject {
  const result = applyEdits(
    workflow,
    renames.map(([node, name]) => ({ op: 'renameNode', node, name })),
  )
  if (result.failure) throw new Error(result.failure.message)
  return result.workflow
}

/** Names are part of the pointers into connections. */
async function findingsOf(workflow: JsonObject): Promise<string[]> {
  const { findings } = await checkWorkflow(workflow)
  return findings
    .map(({ code, pointer }) => `${code} ${pointer.replace(/^\/connections\/.*/s, '/connections')}`)
    .toSorted()
}

describe.skipIf(corpus.length === 0)('real workflows', () => {
  test.each(corpus)('%s', async (_, workflow) => {
    const renames = namesIn(workflow).map((name, index): [string, string] => [
      name,
      `${name} "${index}" it's \\ é漢 \`\${x}\` }} {{ */`,
    ])
    const awkward = renamed(workflow, renames)
    expect(await findingsOf(awkward)).toEqual(await findingsOf(workflow))
    const back = renamed(
      awkward,
      renames.map(([name, other]) => [other, name]),
    )
    const withBrackets = JSON.stringify(workflow).replaceAll(/\$node\.([A-Za-z_$][\w$]*)/g, '$node[\\"$1\\"]')
    expect(back).toEqual(
      JSON.stringify(back) === JSON.stringify(workflow) ? workflow : JSON.parse(withBrackets),
    )
  })
})
