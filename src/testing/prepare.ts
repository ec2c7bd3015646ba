/** @module Builds the scratch copy of a version for a test. */
import { versionToCheck } from '../check/run.ts'
import { loadFacts } from '../check/facts/load.ts'
import type { SlotBinding } from '../db/schema/deployments.ts'
import type { TestRequest } from '../db/schema/test-runs.ts'
import type { CredentialRefs } from '../deployments/remote/credential-refs.ts'
import { savedExecutions, toRemoteBody } from '../deployments/remote/body.ts'
import type { Release } from '../deployments/release.ts'
import { AppError } from '../errors.ts'
import { isObject, type JsonObject, listOf } from '../lib/json-object.ts'
import type { N8nCapabilities } from '../n8n/api/capabilities.ts'
import type { Catalogue } from '../n8n/catalogue/catalogue.ts'
import { slotKey } from '../n8n/reading/slots.ts'
import { type N8nWorkflowBody, toN8nWorkflow } from '../n8n/sendable/workflow.ts'
import { sampleOf } from './sample.ts'
import { type Scratch, toScratch } from './scratch.ts'
import { pinnedItems, triggerItem } from './trigger-items.ts'

/** n8n stops the run after it. */
export const runLimitSeconds = 120

/** Names of the enabled triggers. */
export function triggersOf(workflow: JsonObject, catalogue: Catalogue): string[] {
  return toN8nWorkflow(workflow).body.nodes.flatMap(({ name, type, disabled }) =>
    disabled !== true && isTrigger(type, catalogue) ? [name] : [],
  )
}

const isTrigger = (type: string, catalogue: Catalogue): boolean =>
  catalogue.nodeType(type)?.trigger ?? /trigger|\.(start|cron|interval)$/i.test(type)

/** The items that the trigger outputs. */
export function inputOf(
  { workflow }: Pick<Release, 'workflow'>,
  { trigger, items }: { trigger: string; items: JsonObject[] | undefined },
  now: Date,
): JsonObject[] {
  const node = listOf(workflow['nodes']).find((each) => isObject(each) && each['name'] === trigger)
  const pinned = pinnedItems(workflow, trigger)
  const given = items ?? (pinned.length > 0 ? pinned : [{}])
  const standard = isObject(node) ? triggerItem(node, now) : {}
  return given.map((item) => Object.assign({}, standard, item))
}

export interface Prepared {
  scratch: Scratch
  /** With the webhook that starts it. */
  body: N8nWorkflowBody
}

export interface PrepareOptions {
  release: Release
  trigger: string
  request: TestRequest
  catalogue: Catalogue
  n8nVersion: string | null
  acceptedSettings: N8nCapabilities['settings']
  credentials: CredentialRefs
  /** What a node returned in the replayed run; null if no run is replayed. */
  replayed: (node: string) => JsonObject[] | null
  /** Data of recorded runs, newest first. */
  recorded: readonly unknown[]
  name: string
  /** Secret path of the webhook. */
  path: string
  /** n8n credential that the webhook requires; null if n8n cannot have one. */
  authentication: { id: string; name: string } | null
}

/** @throws {AppError} `invalid-workflow` */
export async function prepare(options: PrepareOptions): Promise<Prepared> {
  const { release, trigger, request, catalogue, name, path, authentication } = options
  const { workflow } = release
  const sendable = toN8nWorkflow(release.substituted.workflow).body
  const facts = await loadFacts(
    sendable.nodes.map(({ type }) => type),
    versionToCheck(options.n8nVersion),
  )
  const shapes = shapesOf(options.recorded)
  const scratch = toScratch(sendable, {
    trigger,
    writes: request.writes,
    facts,
    lacksCredential: lacking(release, request.bindings),
    itemsOf: (node) => {
      const replayed = options.replayed(node)
      if (replayed) return { items: replayed, source: 'recorded' }
      const pinned = pinnedItems(workflow, node)
      if (pinned.length > 0) return { items: pinned, source: 'pinned' }
      const recorded = shapes.get(node)
      return recorded ? { items: [recorded], source: 'recorded' } : null
    },
  })
  const { settings } = sendable
  const { body, errors } = toRemoteBody(
    { name, nodes: scratch.nodes, connections: scratch.connections, settings: copied(settings) },
    catalogue,
    { credentials: options.credentials, acceptedSettings: options.acceptedSettings, name },
  )
  const [first] = errors
  if (first) throw new AppError('invalid-workflow', `${first.pointer} ${first.detail}`, { errors })
  body.nodes.push({
    id: path,
    name: scratch.entry,
    type: 'n8n-nodes-base.webhook',
    typeVersion: 2,
    webhookId: path,
    position: [-220, 0],
    parameters: {
      httpMethod: 'POST',
      path,
      responseMode: scratch.answers ? 'responseNode' : 'onReceived',
      authentication: authentication ? 'headerAuth' : 'none',
      options: {},
    },
    ...(authentication && { credentials: { httpHeaderAuth: authentication } }),
  })
  body.connections = {
    ...body.connections,
    [scratch.entry]: { main: [[{ node: trigger, type: 'main', index: 0 }]] },
  }
  return { scratch, body }
}

/** Settings that change how nodes run. */
function copied({ executionOrder, timezone }: JsonObject): JsonObject {
  return {
    ...(executionOrder !== undefined && { executionOrder }),
    ...(timezone !== undefined && { timezone }),
    executionTimeout: runLimitSeconds,
    ...savedExecutions,
  }
}

/** Whether a node has a slot that it needs and that no binding fills. */
function lacking({ wanted }: Release, bindings: readonly SlotBinding[]): (node: string) => boolean {
  const bound = new Set(bindings.map(({ node, type }) => slotKey(node, type)))
  const boundNodes = new Set(bindings.map(({ node }) => node))
  const lacks = new Set([
    ...wanted.slots
      .filter(({ optional, node, type }) => !optional && !bound.has(slotKey(node.name, type)))
      .map(({ node }) => node.name),
    ...wanted.unresolved.map(({ node }) => node).filter((node) => !boundNodes.has(node)),
  ])
  return (node) => lacks.has(node)
}

/** An item of the latest recorded shape of each node. */
function shapesOf(recorded: readonly unknown[]): ReadonlyMap<string, JsonObject> {
  const shapes = new Map<string, JsonObject>()
  for (const data of recorded) {
    for (const node of isObject(data) ? listOf(data['nodes']).filter(isObject) : []) {
      const { name, output } = node
      const shape = listOf(output).find((each) => typeof each === 'string')
      const sample = typeof shape === 'string' ? sampleOf(shape) : null
      if (typeof name === 'string' && sample && !shapes.has(name)) shapes.set(name, sample)
    }
  }
  return shapes
}
