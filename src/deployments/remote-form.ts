/**
 * @module What of a workflow in n8n decides how it runs, in one form for what was sent and what n8n answers: equal
 * forms run alike. Ids, positions, notes and the names of credentials are left out.
 */
import { KNOWN_SETTINGS, sendableSettings } from '../n8n/sendable-settings.ts'
import { contentHash, type JsonObject } from '../n8n/workflow-json.ts'
import { type ConnectionDiff, connectionsOf, diffWorkflows, sameJson } from '../workflows/diff.ts'

/** What is sent to n8n, and what it answers. */
export interface RemoteContent {
  name: string
  nodes: JsonObject[]
  connections: JsonObject
  settings?: JsonObject | null | undefined
}

export interface RemoteForm {
  name: string
  /** by name; each with what it does and, by type, the n8n ids of its credentials */
  nodes: JsonObject[]
  /** sorted */
  connections: string[]
  /** those that differ from n8n's defaults */
  settings: JsonObject
}

export interface RemoteDiff {
  /** The name in n8n where it is another one. */
  name: string | null
  added: string[]
  removed: string[]
  changed: { node: string; paths: string[] }[]
  connections: { added: ConnectionDiff[]; removed: ConnectionDiff[] }
  settings: string[]
  /** Nodes that were only moved or annotated, and sticky notes: no drift. */
  cosmetic: string[]
}

const STICKY_NOTE = 'n8n-nodes-base.stickyNote'

/** What n8n does when a node does not say. */
const NODE_DEFAULTS: JsonObject = {
  typeVersion: 1,
  disabled: false,
  executeOnce: false,
  alwaysOutputData: false,
  retryOnFail: false,
  maxTries: 3,
  waitBetweenTries: 1000,
  continueOnFail: false,
  onError: 'stopWorkflow',
  webhookId: '',
}

/** What n8n does when a workflow does not say, as its editor writes it down. */
const SETTING_DEFAULTS: JsonObject = {
  saveExecutionProgress: false,
  saveManualExecutions: true,
  executionTimeout: -1,
  errorWorkflow: 'DEFAULT',
  timezone: 'DEFAULT',
  callerPolicy: 'workflowsFromSameOwner',
  callerIds: '',
  timeSavedMode: 'fixed',
  timeSavedPerExecution: 0,
  availableInMCP: false,
}
/** n8n takes it and does not keep it. */
const NOT_KEPT = 'redactionPolicy'

export function remoteForm(workflow: RemoteContent): RemoteForm {
  const nodes = workflow.nodes
    .filter((node) => node.type !== STICKY_NOTE)
    .map(nodeForm)
    .toSorted((a, b) => compare(String(a.name), String(b.name)))
  const names = nodes.map(({ name }) => name)
  return {
    name: workflow.name,
    nodes,
    connections: connectionTexts(workflow.connections, names).toSorted(compare),
    settings: settingsForm(workflow.settings),
  }
}

/** SHA-256 of the form, hex: what `deployments.deployed_hash` holds. */
export const remoteHash = (workflow: RemoteContent): Promise<string> => contentHash(remoteForm(workflow))

/** What n8n has and was not deployed so. A renamed node is a changed one: n8n keeps its id. */
export function diffRemote(expected: RemoteContent, actual: RemoteContent): RemoteDiff {
  const nodes = diffWorkflows(identified(expected), identified(actual))
  const [before, after] = [settingsForm(expected.settings), settingsForm(actual.settings)]
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted()
  return {
    name: expected.name === actual.name ? null : actual.name,
    added: nodes.added,
    removed: nodes.removed,
    changed: nodes.changed.flatMap(({ node, paths }) => {
      const own = paths.filter((path) => path !== 'id')
      return own.length > 0 ? [{ node, paths: own }] : []
    }),
    connections: nodes.connections,
    settings: keys.filter((key) => !sameJson(before[key], after[key])),
    cosmetic: cosmeticChanges(expected, actual),
  }
}

export const isDrift = (diff: RemoteDiff): boolean =>
  diff.name !== null ||
  [diff.added, diff.removed, diff.changed, diff.settings].some((each) => each.length > 0) ||
  [diff.connections.added, diff.connections.removed].some((each) => each.length > 0)

/** What one node does. */
export function nodeForm(node: JsonObject): JsonObject {
  const form: JsonObject = { name: node.name, type: node.type, parameters: node.parameters ?? {} }
  for (const [key, byDefault] of Object.entries(NODE_DEFAULTS)) {
    const value = node[key]
    if (value !== undefined && value !== null && value !== byDefault) form[key] = value
  }
  const credentials = credentialIds(node.credentials)
  if (Object.keys(credentials).length > 0) form.credentials = credentials
  return form
}

/** Credential type → its id in n8n, null where none is chosen. */
function credentialIds(credentials: unknown): JsonObject {
  if (!isObject(credentials)) return {}
  return Object.fromEntries(
    Object.entries(credentials).map(([type, entry]) => [type, isObject(entry) ? (entry.id ?? null) : null]),
  )
}

/** The settings that n8n would not have by itself. */
export function settingsForm(settings: unknown): JsonObject {
  const { settings: given } = sendableSettings(settings, KNOWN_SETTINGS)
  return Object.fromEntries(
    Object.entries(given).filter(
      ([key, value]) => key !== NOT_KEPT && value !== SETTING_DEFAULTS[key] && !isEmptyList(value),
    ),
  )
}

/** The forms of the nodes with their ids, which tell a renamed node from another one. */
const identified = ({ nodes, connections }: RemoteContent) => ({
  nodes: nodes
    .filter((node) => node.type !== STICKY_NOTE)
    .map((node) => Object.assign(nodeForm(node), { id: node.id })),
  connections,
})

function cosmeticChanges(expected: RemoteContent, actual: RemoteContent): string[] {
  const before = new Map(expected.nodes.map((node) => [node.name, node]))
  const isAnnotation = (node: JsonObject) => node.type === STICKY_NOTE
  const names = new Set(actual.nodes.map((node) => node.name))
  const changed = actual.nodes.filter((node) => {
    const earlier = before.get(node.name)
    if (!earlier) return isAnnotation(node)
    if (isAnnotation(node)) return !sameJson(earlier, node)
    return sameJson(nodeForm(earlier), nodeForm(node)) && !sameJson(looks(earlier), looks(node))
  })
  const gone = expected.nodes.filter((node) => isAnnotation(node) && !names.has(node.name))
  return [...changed, ...gone].map((node) => String(node.name))
}

const looks = ({ position, notes, notesInFlow }: JsonObject) => ({
  position,
  notes: notes ?? '',
  notesInFlow: notesInFlow ?? false,
})

/** A longer name is a number: it stands in every connection of its node. */
const MAX_NAME_CHARS = 500

/** One text for each connection. `names`: of the nodes, in the form's order. */
function connectionTexts(connections: JsonObject, names: readonly unknown[]): string[] {
  const long = new Map(
    names
      .filter((name) => typeof name === 'string')
      .filter((name) => name.length > MAX_NAME_CHARS)
      .map((name, index) => [name, index]),
  )
  const short = (name: string) => long.get(name) ?? name.slice(0, MAX_NAME_CHARS)
  return connectionsOf({ connections }).map(({ from, type, output, to, input }) =>
    JSON.stringify([short(from), short(type), output, short(to), input]),
  )
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
const isEmptyList = (value: unknown): boolean => Array.isArray(value) && value.length === 0
const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
