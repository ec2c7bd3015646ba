/** @module The statements of every search in the API and the dashboard. */
import { createDb, type Db } from '../../src/db/client.ts'
import type { Gateway } from '../../src/db/gateway/protocol.ts'
import { readRuns } from '../../src/executions/list-queries.ts'
import { search } from '../../src/search/search.ts'
import { readWorkflowList } from '../../src/workflows/list-queries.ts'
import { ExecutionRepository } from '../../src/executions/repository.ts'
import { loadCatalogue } from '../../src/n8n/catalogue/catalogue.ts'
import { WorkflowRepository } from '../../src/workflows/repository.ts'
import { permitAll } from './permit-all.ts'

export interface Statement {
  query: string
  params: unknown[]
}

interface Search {
  name: string
  term: string
  statements: Statement[]
}

const page = { limit: 50, after: null }

/** By their frequency in the data of `fillForSearch`. */
export const terms = {
  rare: ['zyxgate', 'yxgat', 'zyxfault', 'quizzical', 'naivement', '罕見', '鱻字', 'rarenode'],
  common: ['slack', 'morning', 'status code', 'café', '每日报', '权限不', 'uberwach'],
  short: ['a', 'z', 'sl', 'zy', '报', '鱻', '报告', '罕'],
}

/** Runs each search of `userId` once. @returns their statements */
export async function searchesOf(
  gateway: Gateway,
  userId: string,
  words: readonly string[] = Object.values(terms).flat(),
): Promise<Search[]> {
  let sent: Statement[] = []
  const db: Db = createDb({
    databaseUrl: gateway.url,
    timeoutMs: 120_000,
    fetch: async (request) => {
      const body = (await request.clone().json()) as Statement | { queries: Statement[] }
      sent.push(...('queries' in body ? body.queries : [body]))
      return gateway.fetch(request)
    },
  })
  const now = new Date()
  const workflows = new WorkflowRepository(db, () => now, loadCatalogue, { workflows: 1 }, permitAll)
  const executions = new ExecutionRepository(db.read, () => now)
  const searches: Search[] = []
  const add = async (name: string, term: string, search: () => Promise<unknown>) => {
    sent = []
    await search()
    searches.push({ name, term, statements: sent })
  }
  for (const q of words) {
    await add('workflows', q, () => workflows.list(userId, { q }, page))
    await add('workflows, dashboard', q, () => readWorkflowList(db.read, userId, { q }, null, now))
    await add('executions', q, () => executions.list(userId, { q }, page))
    await add('executions, dashboard', q, () => readRuns(db.read, userId, { q }, null, now))
    await add('palette', q, () => search(db.read, userId, q))
  }
  for (const name of ['rareNode', 'slack']) {
    const nodeType = `n8n-nodes-base.${name}`
    await add('node type', nodeType, () => workflows.list(userId, { nodeType }, page))
  }
  for (const credentialType of ['rareApi', 'slackApi'])
    await add('credential type', credentialType, () => workflows.list(userId, { credentialType }, page))
  await add('tag', 'team-7', () => workflows.list(userId, { tag: 'team-7' }, page))
  return searches
}
