/** Compares the structure check with `POST /workflows` of a real n8n. */
import type { JsonObject } from '../../src/lib/json-object.ts'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { toN8nWorkflow } from '../../src/n8n/sendable/workflow.ts'
import { checkStructure } from '../../src/n8n/structure/structure.ts'
import { unwrapWorkflowFile } from '../../src/n8n/reading/workflow-json.ts'
import { n8nApiKey, onRealN8n, n8nUrl } from './world.ts'

const folder = process.env.FLOWKEEP_CORPUS ?? ''
const more = process.env.FLOWKEEP_WORKFLOWS ?? ''

async function call(method: string, path: string, body?: unknown) {
  const response = await fetch(`${n8nUrl}/api/v1${path}`, {
    method,
    headers: { 'X-N8N-API-KEY': n8nApiKey, 'Content-Type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  return { status: response.status, json: (await response.json()) as { id?: string; message?: string } }
}

/** n8n's reason for a rejection; undefined if it accepts the workflow, which is then deleted. */
async function refusal(body: JsonObject): Promise<string | undefined> {
  const { status, json } = await call('POST', '/workflows', body)
  if (json.id !== undefined) await call('DELETE', `/workflows/${json.id}`)
  return status === 200 ? undefined : (json.message ?? String(status))
}

const NODE_KEYS = new Set(
  (
    'id name type position parameters webhookId disabled notesInFlow notes typeVersion executeOnce ' +
    'alwaysOutputData retryOnFail maxTries waitBetweenTries continueOnFail onError'
  ).split(' '),
)
const SETTING_KEYS = new Set(
  (
    'saveExecutionProgress saveManualExecutions executionTimeout errorWorkflow timezone executionOrder callerPolicy ' +
    'callerIds timeSavedMode timeSavedPerExecution redactionPolicy availableInMCP'
  ).split(' '),
)
const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const without = (object: JsonObject, isKept: (key: string) => boolean) =>
  Object.fromEntries(Object.entries(object).filter(([key, value]) => isKept(key) && value !== null))

/** Removes what has no effect on a run: editor fields, nulls, invalid IDs and positions. */
function withoutBookkeeping(workflow: JsonObject): JsonObject {
  const { name, nodes, connections, settings } = workflow
  return {
    name: name === undefined || name === null || name === '' ? 'structure' : name,
    nodes: (nodes as unknown[]).map((node) => {
      if (!isObject(node)) return node
      const kept = without(node, (key) => NODE_KEYS.has(key))
      if (typeof kept.id !== 'string') delete kept.id
      const { position } = kept
      const isPosition = Array.isArray(position) && position.length === 2 && position.every(Number.isFinite)
      return { ...kept, position: isPosition ? position : [0, 0] }
    }),
    connections: isObject(connections)
      ? Object.fromEntries(
          Object.entries(connections).flatMap(([source, byType]) =>
            byType === null ? [] : [[source, isObject(byType) ? without(byType, () => true) : byType]],
          ),
        )
      : (connections ?? {}),
    settings: isObject(settings)
      ? without(settings, (key) => SETTING_KEYS.has(key) && settings[key] !== 'DEFAULT')
      : (settings ?? {}),
  }
}

function workflowsIn(path: string): [string, JsonObject][] {
  return readdirSync(path)
    .filter((file) => file.endsWith('.json') && file !== 'index.json')
    .flatMap((file): [string, JsonObject][] => {
      try {
        const found = unwrapWorkflowFile(JSON.parse(readFileSync(join(path, file), 'utf8'))) as JsonObject[]
        return found.map((workflow, index) => [`${file}#${index}`, workflow])
      } catch {
        return []
      }
    })
}

/** Small defects to plant in real workflows. n8n accepts some of them. */
const spoilers: [string, (workflow: JsonObject, nodes: JsonObject[], connections: JsonObject) => void][] = [
  ['a renamed node', (_, nodes) => nodes[0] && (nodes[0].name = 'Renamed')],
  ['a name in capitals', (_, nodes) => nodes[0] && (nodes[0].name = String(nodes[0].name).toUpperCase())],
  ['a missing node', (_, nodes) => nodes.pop()],
  ['a duplicate node', (_, nodes) => nodes.push({ ...nodes[0] })],
  ['a duplicate node with another ID', (_, nodes) => nodes.push({ ...nodes[0], id: 'another' })],
  ['no IDs', (_, nodes) => nodes.forEach((node) => delete node.id)],
  ['one ID', (_, nodes) => nodes.forEach((node) => (node.id = 'same'))],
  [
    'versions as text',
    (_, nodes) => nodes.forEach((node) => (node.typeVersion = JSON.stringify(node.typeVersion ?? 1))),
  ],
  ['an empty name', (_, nodes) => nodes[0] && (nodes[0].name = '')],
  ['no type', (_, nodes) => nodes[0] && delete nodes[0].type],
  ['disabled as text', (_, nodes) => nodes[0] && (nodes[0].disabled = 'false')],
  ['no parameters', (_, nodes) => nodes[0] && delete nodes[0].parameters],
  ['parameters as an array', (_, nodes) => nodes[0] && (nodes[0].parameters = [])],
  [
    'connections by ID',
    (workflow, nodes, connections) => {
      const ids = new Map(nodes.map(({ name, id }) => [name, String(id)]))
      workflow.connections = JSON.parse(
        JSON.stringify(
          Object.fromEntries(Object.entries(connections).map(([key, value]) => [ids.get(key) ?? key, value])),
        ),
        (key, value: unknown) => (key === 'node' ? (ids.get(value) ?? value) : value),
      )
    },
  ],
  ['no connections', (workflow) => (workflow.connections = {})],
  ['connections as an array', (workflow) => (workflow.connections = [])],
  [
    'flat outputs',
    (_, __, connections) => {
      for (const byType of Object.values(connections))
        if (isObject(byType) && Array.isArray(byType.main)) byType.main = byType.main.flat()
    },
  ],
  [
    'node names as targets',
    (workflow) =>
      (workflow.connections = { [String((workflow.nodes as JsonObject[])[0]?.name)]: { main: [['x']] } }),
  ],
  ['an empty source', (_, __, connections) => (connections['not there'] = { main: [[]] })],
  ['a long name', (workflow) => (workflow.name = 'n'.repeat(129))],
  ['a timeout as text', (workflow) => (workflow.settings = { executionTimeout: '60' })],
  ['an invalid policy', (workflow) => (workflow.settings = { callerPolicy: 'all' })],
]

onRealN8n('FLOWKEEP_CORPUS')('the structure check agrees with a real n8n', () => {
  async function differencesIn(cases: [string, JsonObject][]): Promise<string[]> {
    const differences: string[] = []
    let refused = 0
    for (const [label, workflow] of cases) {
      const { findings } = checkStructure(workflow)
      const reason = await refusal(withoutBookkeeping(workflow))
      refused += reason === undefined ? 0 : 1
      if (findings.length > 0 !== (reason !== undefined)) {
        differences.push(`${label}: n8n ${reason ?? 'takes it'}; here ${findings[0]?.message ?? 'nothing'}`)
      }
      // The request body with all available repairs.
      const { workflow: repaired, left } = checkStructure(workflow, 'all')
      if (left.length > 0) continue
      const { body } = toN8nWorkflow(repaired)
      const still = await refusal(body as unknown as JsonObject)
      if (still !== undefined) differences.push(`${label}, repaired: n8n ${still}`)
    }
    console.log(`${cases.length} workflows, ${refused} refused by n8n, ${differences.length} differences`)
    return differences
  }

  test('for every workflow of FLOWKEEP_CORPUS', async () => {
    expect(await differencesIn(workflowsIn(folder))).toEqual([])
  })

  test.skipIf(!existsSync(more))('for every workflow of FLOWKEEP_WORKFLOWS', async () => {
    expect(await differencesIn(workflowsIn(more))).toEqual([])
  })

  test('for real workflows with planted defects', async () => {
    const every = workflowsIn(folder).filter(([, workflow]) => JSON.stringify(workflow).length < 20_000)
    const cases = spoilers.flatMap(([what, spoil], offset) =>
      every
        .filter((_, index) => (index + offset) % 12 === 0)
        .map(([label, workflow]): [string, JsonObject] => {
          const copy = structuredClone(workflow)
          spoil(copy, copy.nodes as JsonObject[], (copy.connections ?? {}) as JsonObject)
          return [`${label}, ${what}`, copy]
        }),
    )
    expect(await differencesIn(cases)).toEqual([])
  })
})
