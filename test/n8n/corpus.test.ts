import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { AppError } from '../../src/errors.ts'
import { loadCatalogue } from '../../src/n8n/catalogue/catalogue.ts'
import { extractMetadata } from '../../src/n8n/reading/metadata.ts'
import { contentHash } from '../../src/lib/canonical-json.ts'
import { parseWorkflow, unwrapWorkflowFile } from '../../src/n8n/reading/workflow-json.ts'

interface Entry {
  file: string
  valid: boolean
  nodes: number
  node_types: string[]
  trigger_types: string[]
}

const folder = process.env.FLOWKEEP_CORPUS ?? ''
const index = path.join(folder, 'index.json')
const present = existsSync(index)
const read = (file: string) => JSON.parse(readFileSync(path.join(folder, file), 'utf8'))
const entries: Entry[] = present ? read('index.json') : []
const valid = entries.filter((entry) => entry.valid)
const catalogue = await loadCatalogue()

describe.skipIf(!present)(`real workflows (skipped without FLOWKEEP_CORPUS): ${valid.length} of them`, () => {
  test('are all accepted and unchanged', async () => {
    const changed: string[] = []
    for (const { file } of valid) {
      const [workflow, ...others] = unwrapWorkflowFile(read(file))
      const before = await contentHash(workflow)
      const after = await contentHash(parseWorkflow(workflow).workflow)
      if (others.length > 0 || after !== before) changed.push(file)
    }
    expect(changed).toEqual([])
  })

  test('have the node types, triggers and node counts of the index', () => {
    const found = valid.map(({ file }) => {
      const { nodeTypes, triggerTypes, nodeCount } = extractMetadata(
        parseWorkflow(read(file)).workflow,
        catalogue,
      )
      return { file, nodes: nodeCount, node_types: nodeTypes, trigger_types: triggerTypes }
    })
    const expected = valid.map(({ file, nodes, node_types, trigger_types }) => ({
      file,
      nodes,
      node_types,
      trigger_types,
    }))
    expect(found).toEqual(expected)
  })

  test('return sorted, distinct lists', () => {
    for (const { file } of valid) {
      const metadata = extractMetadata(parseWorkflow(read(file)).workflow, catalogue)
      const types = metadata.requirements.map((requirement) => requirement.type)
      expect(metadata.requiredCredentialTypes).toEqual(types)
      const lists = [types, metadata.webhookPaths, ...metadata.requirements.map((each) => each.nodes)]
      for (const list of lists) expect(list).toEqual([...new Set(list)].toSorted())
    }
  })

  test('differ from the index', () => {
    expect(() => unwrapWorkflowFile(read('index.json'))).toThrow(AppError)
  })
})
