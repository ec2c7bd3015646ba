import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { AppError } from '../../src/errors.ts'
import { loadCatalogue } from '../../src/n8n/catalogue.ts'
import { extractMetadata } from '../../src/n8n/metadata.ts'
import { contentHash, parseWorkflow, unwrapWorkflowFile } from '../../src/n8n/workflow-json.ts'

interface Entry {
  file: string
  valid: boolean
  nodes: number
  node_types: string[]
  trigger_types: string[]
}

const folder = process.env.FLOWKEEP_CORPUS ?? path.join(import.meta.dirname, '../../../shared/corpus')
const index = path.join(folder, 'index.json')
const present = existsSync(index)
const read = (file: string): unknown => JSON.parse(readFileSync(path.join(folder, file), 'utf8'))
const valid = present ? (read('index.json') as Entry[]).filter((entry) => entry.valid) : []
const catalogue = await loadCatalogue()

describe.skipIf(!present)(`real workflows (skipped without FLOWKEEP_CORPUS): ${valid.length} of them`, () => {
  test('are all taken, and kept as they came', async () => {
    for (const { file } of valid) {
      const [workflow, ...others] = unwrapWorkflowFile(read(file))
      expect(others).toEqual([])
      const before = await contentHash(workflow)
      expect(await contentHash(parseWorkflow(workflow).workflow), file).toBe(before)
    }
  })

  test('have the node types, triggers and node counts that the index lists', () => {
    for (const entry of valid) {
      const { workflow } = parseWorkflow(read(entry.file))
      const { nodeTypes, triggerTypes, nodeCount } = extractMetadata(workflow, catalogue)
      const expected = {
        nodeTypes: entry.node_types,
        triggerTypes: entry.trigger_types,
        nodeCount: entry.nodes,
      }
      expect({ nodeTypes, triggerTypes, nodeCount }, entry.file).toEqual(expected)
    }
  })

  test('yield sorted, distinct lists', () => {
    for (const { file } of valid) {
      const metadata = extractMetadata(parseWorkflow(read(file)).workflow, catalogue)
      const types = metadata.requirements.map((requirement) => requirement.type)
      expect(metadata.requiredCredentialTypes, file).toEqual(types)
      const lists = [types, metadata.webhookPaths, ...metadata.requirements.map((each) => each.nodes)]
      for (const list of lists) expect(list, file).toEqual([...new Set(list)].toSorted())
    }
  })

  test('are not what the index itself holds', () => {
    expect(() => unwrapWorkflowFile(read('index.json'))).toThrow(AppError)
  })
})
