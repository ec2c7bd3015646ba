/**
 * @module Parses the hostile body named by the first argument like the server, with a small heap. Prints the result: the
 * pointer of the error, or `accepted`.
 */
import { AppError } from '../../src/errors.ts'
import { parseJson } from '../../src/http/validate.ts'
import { loadCatalogue } from '../../src/n8n/catalogue/catalogue.ts'
import { extractMetadata } from '../../src/n8n/reading/metadata.ts'
import { contentHash } from '../../src/lib/canonical-json.ts'
import { checkJson, parseWorkflow } from '../../src/n8n/reading/workflow-json.ts'
import { diffWorkflows } from '../../src/workflows/diff.ts'
import { hostileBodies } from './hostile-bodies.ts'

const text = hostileBodies[process.argv[2] ?? '']?.() ?? ''
const catalogue = await loadCatalogue()

async function outcome(): Promise<string> {
  try {
    const { value: body } = parseJson(text)
    checkJson(body)
    const { workflow } = parseWorkflow(body)
    await contentHash(workflow)
    extractMetadata(workflow, catalogue)
    const other = parseWorkflow(JSON.parse(text.replaceAll(':1', ':2'))).workflow
    JSON.stringify(diffWorkflows(workflow, other))
    JSON.stringify(diffWorkflows({ nodes: [] }, workflow))
    return 'accepted'
  } catch (error) {
    if (error instanceof AppError) return error.errors?.[0]?.pointer ?? error.code
    throw error
  }
}

process.stdout.write(await outcome())
