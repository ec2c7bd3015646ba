/** @module The packages of an installed n8n, as an oracle. `N8N_MODULES` is the `node_modules` folder. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

export const n8nModules = process.env.N8N_MODULES ?? ''

/** A description of n8n, as its functions read it. */
export interface Description {
  name: string
  version: number | number[]
  defaultVersion?: number
  properties: { name: string; default?: unknown }[]
  credentials?: unknown[]
}

type Issues = Record<string, string[]>
interface NodeHelpers {
  getNodeParameters: (
    properties: unknown,
    parameters: unknown,
    withDefaults: boolean,
    withHidden: boolean,
    node: unknown,
    description: unknown,
  ) => Record<string, unknown>
  getNodeParametersIssues: (
    properties: unknown,
    node: unknown,
    description: unknown,
  ) => { parameters?: Issues } | null
}

export interface Oracle {
  helpers: NodeHelpers
  validateNodeCredentials: (
    node: unknown,
    nodeType: { description: unknown },
  ) => { type: string; displayName: string; credentialName: string }[]
  validateFieldType: (name: string, value: unknown, type: string, options?: unknown) => { valid: boolean }
  types: string[]
  versionsOf: (type: string) => number[]
  describe: (type: string, version: unknown) => Description | undefined
}

/** With the tool forms of the node types, as n8n generates them. */
export function loadOracle(): Oracle {
  const load = createRequire(path.join(n8nModules, 'index.js'))
  const n8n = load('n8n-workflow')
  // Without the time limit, which a busy machine exceeds on harmless patterns.
  load(path.join(n8nModules, 'n8n-workflow/dist/cjs/safe-regex.js')).setSafeRegexEngine({
    test: (pattern: string, input: string, flags?: string) => new RegExp(pattern, flags).test(input),
  })
  const tools = load(path.join(n8nModules, 'n8n/dist/tool-generation/index.js'))
  const descriptions = new Map<string, Description[]>()
  for (const pack of ['n8n-nodes-base', '@n8n/n8n-nodes-langchain']) {
    const file = path.join(n8nModules, pack, 'dist/types/nodes.json')
    const nodes: Description[] = JSON.parse(readFileSync(file, 'utf8'))
    const known = { nodes: Object.fromEntries(nodes.map(({ name }) => [name, {}])), credentials: {} }
    const types = { nodes, credentials: [] }
    tools.createAiTools(types, known)
    tools.createHitlTools(types, known)
    for (const node of nodes) {
      const name = `${pack}.${node.name}`
      const described = descriptions.get(name) ?? []
      described.push({ ...node, name })
      descriptions.set(name, described)
    }
  }
  const versionsOf = (type: string) => (descriptions.get(type) ?? []).flatMap(({ version }) => version)
  return {
    helpers: n8n.NodeHelpers,
    validateNodeCredentials: n8n.validateNodeCredentials,
    validateFieldType: n8n.validateFieldType,
    types: [...descriptions.keys()],
    versionsOf,
    describe(type, version) {
      const all = descriptions.get(type) ?? []
      const fallback = all.find(({ defaultVersion }) => defaultVersion)?.defaultVersion
      const wanted = version || (fallback ?? Math.max(...versionsOf(type)))
      return (
        all.find((each) => [each.version].flat().some((one) => one === wanted)) ??
        (all.length === 1 ? all[0] : undefined)
      )
    },
  }
}
