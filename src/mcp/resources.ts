/** @module Workflows and runs as resources. Lists name them by ID, because clients show these names outside any fence. */
import type { Deps } from '../deps.ts'
import { notFound } from '../errors.ts'
import { requireScope } from '../http/scopes.ts'
import { isUuid } from '../lib/scalars.ts'
import { plain } from './fence.ts'
import { runText } from './tools/runs.ts'
import { outlineText } from './tools/workflows.ts'

const maxListed = 50
const mimeType = 'text/plain'

export const templates = [
  {
    uriTemplate: 'flowkeep://workflows/{id}',
    name: 'workflow',
    description: 'Outline of a workflow',
    mimeType,
  },
  { uriTemplate: 'flowkeep://runs/{id}', name: 'run', description: 'What a run did', mimeType },
]

/** The newest workflows. */
export async function listResources({ workflows }: Deps, userId: string) {
  requireScope('workflows:read')
  const { items } = await workflows.list(userId, {}, { limit: maxListed, after: null })
  return items.map(({ id, version, nodeCount, updatedAt }) => ({
    uri: `flowkeep://workflows/${id}`,
    name: plain`workflows/${id}`,
    description: plain`Version ${version}, changed ${updatedAt}. Nodes: ${nodeCount}`,
    mimeType,
  }))
}

/** @throws {AppError} `not-found` */
export async function readResource(deps: Deps, userId: string, uri: string) {
  const [, kind, id = ''] = /^flowkeep:\/\/(workflows|runs)\/([\w-]+)$/.exec(uri) ?? []
  if (kind === undefined || !isUuid(id)) throw notFound('Resource')
  requireScope(kind === 'runs' ? 'executions:read' : 'workflows:read')
  const text = kind === 'runs' ? await runText(deps, userId, id) : await outlineText(deps, userId, id)
  return { uri, mimeType, text }
}
