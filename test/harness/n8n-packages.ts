/**
 * @module n8n's own packages, as the oracle of tests. They are not a dependency: N8N_MODULES names the `node_modules`
 * folder of an installed n8n.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { unavailableNodes } from '../../scripts/node-facts/unavailable.ts'

/** Empty: tests that need n8n are skipped. */
export const n8nModules = process.env['N8N_MODULES'] ?? ''

export const skipReason = 'skipped: N8N_MODULES is not set'

export const installedN8nVersion = (): string => {
  const { version }: { version: string } = JSON.parse(
    readFileSync(join(n8nModules, 'n8n/package.json'), 'utf8'),
  )
  return version
}

export interface DescribedType {
  name: string
  version: number | number[]
  properties: Record<string, unknown>[]
  credentials?: Record<string, unknown>[]
  inputs: unknown
  outputs: unknown
  [key: string]: unknown
}

/** Node type → the descriptions of the installed packages, without the nodes that n8n does not load. */
export function describedTypes(): Map<string, DescribedType[]> {
  const types = new Map<string, DescribedType[]>()
  for (const name of ['n8n-nodes-base', '@n8n/n8n-nodes-langchain']) {
    const file = join(n8nModules, name, 'dist/types/nodes.json')
    const nodes: DescribedType[] = JSON.parse(readFileSync(file, 'utf8'))
    for (const node of nodes) {
      if (unavailableNodes.has(node.name)) continue
      const type = `${name}.${node.name}`
      types.set(type, [...(types.get(type) ?? []), node])
    }
  }
  return types
}

export interface NodeHelpers {
  getNodeParameters: (
    properties: unknown,
    values: unknown,
    defaults: boolean,
    hidden: boolean,
    node: unknown,
    type: unknown,
  ) => Record<string, unknown> | null
  getNodeParametersIssues: (
    properties: unknown,
    node: unknown,
    type: unknown,
  ) => { parameters?: Record<string, string[]> } | null
}

export interface WorkflowPackage {
  NodeHelpers: NodeHelpers
  validateNodeCredentials: (node: unknown, type: unknown) => { type: string; displayName: string }[]
}

export function workflowPackage(): WorkflowPackage {
  const load = createRequire(join(n8nModules, 'n8n/package.json'))
  const found: WorkflowPackage = load('n8n-workflow')
  // Without the time limit, which a busy machine exceeds on harmless patterns.
  load(join(n8nModules, 'n8n-workflow/dist/cjs/safe-regex.js')).setSafeRegexEngine({
    test: (pattern: string, input: string, flags?: string) => new RegExp(pattern, flags).test(input),
  })
  return found
}

interface ToolGeneration {
  convertNodeToAiTool: (item: { description: unknown }) => { description: DescribedType }
  convertNodeToHitlTool: (item: { description: unknown }) => { description: DescribedType }
  createAiTools: (types: { nodes: DescribedType[] }, known: object) => void
  createHitlTools: (types: { nodes: DescribedType[] }, known: object) => void
}

export const toolGeneration = (): ToolGeneration =>
  createRequire(join(n8nModules, 'n8n/package.json'))(join(n8nModules, 'n8n/dist/tool-generation'))
