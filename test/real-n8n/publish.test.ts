/**
 * Compares the publish check with a real n8n, for the corpus without credentials, with credentials, and with random
 * changes.
 */
import { seeded } from '../harness/random.ts'
import { expect, test } from 'vitest'
import { loadFacts } from '../../src/check/facts/load.ts'
import type { FactsOf } from '../../src/check/facts/node-facts.ts'
import { checkPublish } from '../../src/check/publish.ts'
import { typesOf } from '../../src/check/types-of.ts'
import { isObject, type JsonObject } from '../../src/lib/json-object.ts'
import { typeVersion } from '../../src/n8n/catalogue/required-credentials.ts'
import type { Finding } from '../../src/n8n/checks/finding.ts'
import { toN8nWorkflow } from '../../src/n8n/sendable/workflow.ts'
import { checkStructure } from '../../src/n8n/structure/structure.ts'
import { corpusWorkflows, isSampleNode } from '../check/corpus-files.ts'
import { mutated, pick } from '../check/mutations.ts'
import { n8nApiKey, n8nUrl, onRealN8n } from './world.ts'

/** The number of changed copies of each workflow. */
const changes = Number(process.env.FLOWKEEP_PUBLISH_CHANGES ?? 1)
/** n8n publishes these, but the workflow never runs. */
const published = new Set(['invalid-schedule'])
const patience = 40

interface Answer {
  status: number
  json: { id?: string; message?: string }
}

async function call(method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await fetch(`${n8nUrl}/api/v1${path}`, {
    method,
    headers: { 'X-N8N-API-KEY': n8nApiKey, 'Content-Type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  return { status: response.status, json: (await response.json()) as Answer['json'] }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** n8n stops the triggers of a workflow before it deletes it. */
async function remove(id: string): Promise<void> {
  for (let left = patience; left > 0; left -= 1) {
    const { status } = await call('DELETE', `/workflows/${id}`)
    if (status === 200 || status === 404) return
    await pause(500)
  }
}

async function verdictOf(body: JsonObject): Promise<Answer> {
  const created = await call('POST', '/workflows', body)
  const { id } = created.json
  if (id === undefined) return created
  const answer = await call('POST', `/workflows/${id}/publish`, {})
  if (answer.status === 200) await call('POST', `/workflows/${id}/unpublish`)
  await remove(id)
  return answer
}

/** Webhooks that no other workflow of this n8n has, nor a copy that it has not released yet. */
function withOwnWebhooks(workflow: JsonObject, suffix: string): JsonObject {
  const nodes = (workflow.nodes as unknown[]).map((node) => {
    if (!isObject(node) || typeof node.webhookId !== 'string') return node
    const { webhookId, parameters } = node
    const { path } = isObject(parameters) ? parameters : {}
    const own = typeof path === 'string' &&
      path !== '' &&
      !path.startsWith('=') && { path: `${path}-${suffix}` }
    return {
      ...node,
      webhookId: `${webhookId}-${suffix}`,
      ...(own && { parameters: { ...(parameters as object), ...own } }),
    }
  })
  return { ...workflow, nodes }
}

/** n8n gives a credential that is an empty text an ID of null, but only from its second use on. */
const plain = (line: string): string =>
  line.replace('Credential not configured:', 'Missing required credential:')

/** `node: line` of each configuration issue in n8n's message. */
function issueLines(message: string): string[] {
  let node = ''
  return message.split('\n').flatMap((line) => {
    node = /^Node "(.*)":$/.exec(line)?.[1] ?? node
    return line.startsWith('  - ') ? [`${node}: ${line.slice(4)}`] : []
  })
}

function disagreement(errors: Finding[], { status, json: { message = '' } }: Answer): string | undefined {
  if (status === 200) return errors.length > 0 ? `published, but ${JSON.stringify(errors[0])}` : undefined
  if (errors.length === 0) return `${status} ${message}`
  const lines = issueLines(message)
  const said = errors.map(({ node, n8n }) => `${node}: ${n8n}`)
  if (lines.length > 0) {
    const missing = lines.filter((line) => !said.some((each) => plain(line).startsWith(plain(each))))
    return missing.length > 0 ? `not predicted: ${missing.join('; ')}` : undefined
  }
  return errors.some(({ n8n }) => n8n !== undefined && message.includes(n8n))
    ? undefined
    : `${message}, but ${said.join('; ')}`
}

/** The default facts of the node's version, or of the default version. */
function factsOf(facts: FactsOf, node: JsonObject) {
  const type = facts.nodeType(String(node.type))
  return type?.describe(typeVersion(node) ?? type.defaultVersion)
}

function withCredentials(facts: FactsOf, workflow: JsonObject): JsonObject {
  const nodes = (workflow.nodes as unknown[]).map((node) => {
    const names = isObject(node) ? (factsOf(facts, node)?.credentials ?? []) : []
    if (!isObject(node) || names.length === 0) return node
    const credentials = Object.fromEntries(names.map(({ name }) => [name, { id: 'none', name }]))
    return { ...node, credentials }
  })
  return { ...workflow, nodes }
}

onRealN8n('FLOWKEEP_CORPUS')('the publish check agrees with a real n8n', () => {
  test('for every workflow of FLOWKEEP_CORPUS and changes of it', { timeout: 7_200_000 }, async () => {
    const files = corpusWorkflows()
    const facts = await loadFacts(files.flatMap(([, workflow]) => typesOf(workflow)))
    const random = seeded(1)
    const changed = (workflow: JsonObject): JsonObject => {
      const copy = structuredClone(withCredentials(facts, workflow))
      const nodes = (copy.nodes as unknown[]).filter(isSampleNode).filter((node) => factsOf(facts, node))
      if (nodes.length === 0) return copy
      const node = pick(random, nodes)
      const { versions = [] } = facts.nodeType(node.type) ?? {}
      Object.assign(node, mutated(random, node, factsOf(facts, node), versions))
      return copy
    }
    const forms: [string, (workflow: JsonObject) => JsonObject][] = [
      ['', (workflow) => workflow],
      ['with credentials', (workflow) => withCredentials(facts, workflow)],
      ...Array.from({ length: changes }, (_, at): [string, typeof changed] => [`change ${at + 1}`, changed]),
    ]
    const started = Date.now().toString(36)
    let counter = 0
    const cases = forms.flatMap(([label, form]) =>
      files.flatMap(([file, workflow]) => {
        const { workflow: repaired, left } = checkStructure(workflow, 'all')
        if (left.length > 0) return []
        counter += 1
        const name = `publish-check ${file} ${label}`
        const { body } = toN8nWorkflow(repaired)
        return [withOwnWebhooks({ ...form({ ...body }), name }, `${started}-${counter}`)]
      }),
    )
    const differences: string[] = []
    const counts = { published: 0, refused: 0 }
    const queue = cases.values()
    const run = async (): Promise<void> => {
      for (const workflow of queue) {
        const findings = checkPublish(workflow, facts, { credentials: 'attached', published: new Map() })
        const errors = findings.filter(({ level, code }) => level === 'error' && !published.has(code))
        const answer = await verdictOf(workflow)
        counts[answer.status === 200 ? 'published' : 'refused'] += 1
        const difference = disagreement(errors, answer)
        if (difference !== undefined) differences.push(`${String(workflow.name)}: ${difference}`)
      }
    }
    await Promise.all([run(), run(), run()])
    console.log(`${cases.length} workflows: ${JSON.stringify(counts)}, ${differences.length} differences`)
    expect(differences).toEqual([])
  })
})
