/** @module n8n's own functions and descriptions, with the tool forms of the node types as n8n generates them. */
import {
  type DescribedType,
  describedTypes,
  toolGeneration,
  type WorkflowPackage,
  workflowPackage,
} from '../harness/n8n-packages.ts'

export interface Oracle extends WorkflowPackage {
  types: string[]
  versionsOf: (type: string) => number[]
  describe: (type: string, version: unknown) => DescribedType | undefined
}

export function loadOracle(): Oracle {
  const tools = toolGeneration()
  const descriptions = new Map<string, DescribedType[]>()
  for (const [type, nodes] of describedTypes()) {
    const prefix = type.slice(0, type.lastIndexOf('.') + 1)
    const known = { nodes: Object.fromEntries(nodes.map(({ name }) => [name, {}])), credentials: {} }
    const types = { nodes: [...nodes] }
    tools.createAiTools(types, known)
    tools.createHitlTools(types, known)
    for (const node of types.nodes) {
      const name = prefix + node.name
      const described = descriptions.get(name) ?? []
      described.push({ ...node, name })
      descriptions.set(name, described)
    }
  }
  const versionsOf = (type: string) => (descriptions.get(type) ?? []).flatMap(({ version }) => version)
  return {
    ...workflowPackage(),
    types: [...descriptions.keys()],
    versionsOf,
    describe(type, version) {
      const all = descriptions.get(type) ?? []
      const fallback = all.map(({ defaultVersion }) => defaultVersion).find(Boolean)
      const wanted = version || (fallback ?? Math.max(...versionsOf(type)))
      const found = all.find((each) => [each.version].flat().some((one) => one === wanted))
      return found ?? (all.length === 1 ? all[0] : undefined)
    },
  }
}
