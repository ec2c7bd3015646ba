/** Reading, checking, comparing, deploying and drawing of workflows. */
import { describe, expect, test } from 'vitest'
import { differences } from '../../src/check/json-difference.ts'
import { applyPatch } from '../../src/check/json-patch.ts'
import { checkWorkflow, fixWorkflow } from '../../src/check/run.ts'
import { diffRemote, remoteForm } from '../../src/deployments/remote/form.ts'
import { withVariables } from '../../src/environments/substitute.ts'
import { workflowGraph } from '../../src/executions/diagnosis/run-graph.ts'
import { parseJson } from '../../src/http/validate.ts'
import { redactParameterStrings } from '../../src/lib/secrets/redact-json.ts'
import { loadCatalogue } from '../../src/n8n/catalogue/catalogue.ts'
import { extractMetadata } from '../../src/n8n/reading/metadata.ts'
import { readSlots } from '../../src/n8n/reading/slots.ts'
import { contentHash } from '../../src/lib/canonical-json.ts'
import { parseWorkflow } from '../../src/n8n/reading/workflow-json.ts'
import { toN8nWorkflow } from '../../src/n8n/sendable/workflow.ts'
import { checkStructure } from '../../src/n8n/structure/structure.ts'
import { layOut } from '../../src/web/workflows/graph/layout.ts'
import { readGraph } from '../../src/web/workflows/graph/model.ts'
import { describeChanges } from '../../src/web/workflows/versions/changes.ts'
import { diffWorkflows } from '../../src/workflows/diff.ts'
import { applyEdits } from '../../src/workflows/edits/apply.ts'
import { touchedBetween } from '../../src/workflows/edits/touched.ts'
import { growthOf } from './work.ts'
import { changed, type Json, nodesOf, renamed, workflowKinds } from './workflows.ts'

const catalogue = await loadCatalogue()
const variables = (workflow: Json) =>
  Object.fromEntries(nodesOf(workflow).map((_, index) => [`V${index}`, `value ${index}`]))
const operations = (workflow: Json) =>
  nodesOf(workflow).flatMap(({ name }, index) =>
    typeof name === 'string' ? [{ op: 'renameNode' as const, node: name, name: `R${index}` }] : [],
  )

/** Calls with the types of parsed input, which the workflows are. */
const works: Record<string, (workflow: Json) => unknown> = {
  'reading and saving': async (workflow) => {
    parseJson(JSON.stringify(workflow))
    parseWorkflow(workflow)
    await contentHash(workflow)
    extractMetadata(workflow, catalogue)
    readSlots(workflow, catalogue)
    redactParameterStrings(workflow)
  },
  'the check': (workflow) => checkWorkflow(workflow),
  'the fixes': async (workflow) => {
    checkStructure(workflow, 'all')
    await fixWorkflow(workflow)
  },
  'the comparison of versions': (workflow) => {
    diffWorkflows(workflow, changed(workflow))
    describeChanges(workflow, changed(workflow))
    touchedBetween({ name: 'a', workflow }, { name: 'a', workflow: changed(workflow) })
  },
  'the comparison of renamed nodes': (workflow) => {
    describeChanges(workflow, renamed(workflow))
    applyPatch(workflow, differences(workflow, renamed(workflow)))
  },
  renames: (workflow) => applyEdits(workflow, operations(workflow)),
  'deploying and drift': async (workflow) => {
    toN8nWorkflow(workflow)
    await withVariables(workflow, variables(workflow))
    diffRemote(remoteForm(workflow as never) as never, changed(workflow) as never)
  },
  'the graph': (workflow) => {
    layOut(readGraph(workflow))
    workflowGraph(workflow)
  },
}

/** Work → kind → a size from which a limit applies. */
const sizes: Record<string, Record<string, number>> = {
  // Flow stops after 500,000 steps.
  'the check': { references: 1200 },
  // The fixes also take at most six rounds.
  'the fixes': { references: 1200, refUnknown: 400 },
  // Draws 1,000 nodes.
  'the graph': { all: 1100, notesOver: 2200 },
}

describe.each(Object.keys(works))('%s', (name) => {
  test.each(Object.keys(workflowKinds))('of %s', async (kind) => {
    const growth = await growthOf(sizes[name]?.[kind] ?? sizes[name]?.['all'] ?? 150, (size) => {
      const workflow = workflowKinds[kind]?.(size) ?? {}
      return () => works[name]?.(workflow)
    })
    expect(growth).toBe('')
  })
})
