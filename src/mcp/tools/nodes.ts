/** @module Tools that find node types and describe how to configure them. */
import { findOperation } from '../../check/describe/describe.ts'
import { exampleOf } from '../../check/describe/example.ts'
import { loadNodeSearch } from '../../check/describe/search.ts'
import { shapeOf } from '../../check/describe/shape.ts'
import { list, object, optional, text, type Values } from '../arguments.ts'
import { answer, fenced, inline } from '../fence.ts'
import { tool } from '../tool.ts'

const perQuery = 5

export const findNodes = tool({
  name: 'find_nodes',
  description: 'Find n8n node types for a task. Send one query per step of the workflow in one call.',
  arguments: { queries: list(text(200), 8, 'Such as "send slack message"') },
  scope: 'workflows:read',
  isReadOnly: true,
  async run(_deps, _userId, { queries }) {
    const search = await loadNodeSearch()
    const lines = queries.flatMap((query) => {
      const found = search.find(query).slice(0, perQuery)
      return [
        `${inline(query)}:`,
        ...(found.length === 0 ? ['  nothing'] : []),
        ...found.map(({ type, trigger, match }) => {
          const does = match.map(({ resource, operation }) => [resource, operation].filter(Boolean).join('.'))
          return `  ${[type, trigger ? '(trigger)' : '', does.join(', ')].filter(Boolean).join(' ')}`
        }),
      ]
    })
    return answer(fenced(lines), 'Next: node_shape with the types and operations that you choose.')
  },
})

const wanted = {
  type: text(200),
  resource: optional(text(100)),
  operation: optional(text(100)),
}

export const nodeShape = tool({
  name: 'node_shape',
  description: 'Parameters, credentials, inputs and outputs of node types, each with a minimal example node.',
  arguments: { nodes: list(object(wanted), 8) },
  scope: 'workflows:read',
  isReadOnly: true,
  async run(_deps, _userId, { nodes }) {
    const shapes = await Promise.all(nodes.map(shapeText))
    return fenced(shapes, 'Ask for fewer nodes.')
  },
})

async function shapeText({ type, ...operation }: Values<typeof wanted>): Promise<string> {
  const full = type.includes('.') ? type : `n8n-nodes-base.${type}`
  const found = await findOperation({ type: full, ...operation })
  if ('operation' in found) {
    const { position: _, ...example } = exampleOf(found.operation)
    return `${JSON.stringify(shapeOf(found.operation))}\nexample: ${JSON.stringify(example)}`
  }
  if (found.missing === 'type') return `${inline(full)}: no such node type. Use find_nodes`
  const legal = found.legal.length > 0 ? `Use one of: ${found.legal.join(', ')}` : `Omit ${found.missing}`
  return `${inline(full)}: no such ${found.missing}. ${legal}`
}
