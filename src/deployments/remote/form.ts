/**
 * @module Normalizes a workflow to the parts that decide how it runs, for both sent and received workflows: equal forms
 * run alike. Ids, positions, notes and credential names are omitted.
 */
import { isObject, type JsonObject } from '../../lib/json-object.ts'
import { KNOWN_SETTINGS, sendableSettings } from '../../n8n/sendable/settings.ts'
import { contentHash } from '../../lib/canonical-json.ts'
import { type ConnectionDiff, connectionsOf, diffWorkflows, sameJson } from '../../workflows/diff.ts'

/** A workflow as sent to or received from n8n. */
export interface RemoteContent {
  name: string
  nodes: JsonObject[]
  connections: JsonObject
  settings?: JsonObject | null | undefined
}

export interface RemoteForm {
  name: string
  /** Sorted by name. Each has its behavior and the n8n IDs of its credentials by type. */
  nodes: JsonObject[]
  /** Sorted. */
  connections: string[]
  /** Settings that differ from n8n's defaults. */
  settings: JsonObject
}

export interface RemoteDiff {
  /** The name in n8n, if it differs. */
  name: string | null
  added: string[]
  removed: string[]
  changed: { node: string; paths: string[] }[]
  connections: { added: ConnectionDiff[]; removed: ConnectionDiff[] }
  settings: string[]
  /** Nodes that were only moved or annotated, and sticky notes. Not drift. */
  cosmetic: string[]
}

const STICKY_NOTE = 'n8n-nodes-base.stickyNote'

/** n8n's defaults for a node. */
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

/** n8n's defaults for a workflow, as its editor writes them. */
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
/** n8n accepts this setting but does not store it. */
const NOT_STORED = 'redactionPolicy'

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

/** SHA-256 of the form, hex: the value of `deployments.deployed_hash`. */
export const remoteHash = (workflow: RemoteContent): Promise<string> => contentHash(remoteForm(workflow))

/** The differences between the deployed workflow and n8n. A renamed node counts as changed, because its ID stays. */
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

/** The behavior of a node. */
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

/** Credential type → its ID in n8n, or null when none is selected. */
function credentialIds(credentials: unknown): JsonObject {
  if (!isObject(credentials)) return {}
  return Object.fromEntries(
    Object.entries(credentials).map(([type, entry]) => [type, isObject(entry) ? (entry.id ?? null) : null]),
  )
}

/** The settings that differ from n8n's defaults. */
export function settingsForm(settings: unknown): JsonObject {
  const { settings: given } = sendableSettings(settings, KNOWN_SETTINGS)
  return Object.fromEntries(
    Object.entries(given).filter(
      ([key, value]) => key !== NOT_STORED && value !== SETTING_DEFAULTS[key] && !isEmptyList(value),
    ),
  )
}

/** The forms of the nodes with their IDs, which identify renamed nodes. */
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
    return sameJson(nodeForm(earlier), nodeForm(node)) && !sameJson(appearanceOf(earlier), appearanceOf(node))
  })
  const gone = expected.nodes.filter((node) => isAnnotation(node) && !names.has(node.name))
  return [...changed, ...gone].map((node) => String(node.name))
}

const appearanceOf = ({ position, notes, notesInFlow }: JsonObject) => ({
  position,
  notes: notes ?? '',
  notesInFlow: notesInFlow ?? false,
})

/** A longer name is replaced by a number, because every connection of its node repeats it. */
const MAX_NAME_CHARS = 500

/** One text per connection. `names` are the nodes in the order of the form. */
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
