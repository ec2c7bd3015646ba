/**
 * @module What n8n has as a workflow of ours. What deploying put in is taken out again: ids of credentials, forced
 * settings, our error reporter. What n8n has as it was sent comes out as it was kept. Pure.
 */
import type { Binding } from '../db/schema/deployments.ts'
import { KNOWN_SETTINGS, sendableSettings } from '../n8n/sendable-settings.ts'
import type { JsonObject } from '../n8n/workflow-json.ts'
import { sameJson } from '../workflows/diff.ts'
import { N8nId } from './contract.ts'
import { nodeForm, type RemoteContent, remoteForm, settingsForm } from './remote-form.ts'

/** A version of ours and what was sent to n8n for it. */
export interface Sent {
  original: JsonObject
  body: RemoteContent
}

export interface OwnContentOptions {
  /** Absent for a workflow that was never sent. */
  sent?: Sent
  reporterWorkflowId: string | null
  /** n8n's id of a credential → ours, of those that we put there. */
  ownCredentials: ReadonlyMap<string, string>
}

export interface OwnContent {
  workflow: JsonObject
  /** Of the types whose nodes all use one credential. */
  bindings: Record<string, Binding>
  /** Types of which nodes use several: a deployment binds one credential of a type, so these stay unbound. */
  ambiguousTypes: string[]
}

export function toOwnContent(remote: RemoteContent, options: OwnContentOptions): OwnContent {
  const { sent, ownCredentials } = options
  const idsByType = usedCredentials(remote.nodes)
  const ambiguousTypes = [...idsByType].flatMap(([type, ids]) => (ids.size > 1 ? [type] : [])).toSorted()
  const bindings = [...idsByType].flatMap(([type, ids]): [string, Binding][] => {
    const [id, another] = ids
    if (id === undefined || another !== undefined) return []
    const own = ownCredentials.get(id)
    if (own !== undefined) return [[type, own]]
    return N8nId.safeParse(id).success ? [[type, { n8nCredentialId: id }]] : []
  })
  const bound = new Map(bindings)
  const unchanged = sent ? unchangedParts(remote, sent) : undefined
  const workflow = {
    ...sent?.original,
    name: unchanged ? unchanged.name : remote.name,
    nodes: remote.nodes.map((node) => unchanged?.nodes.get(node) ?? toOwnNode(node, bound)),
    connections: unchanged?.connections ?? remote.connections,
    settings: toOwnSettings(remote.settings ?? {}, options),
  }
  return {
    workflow: Object.fromEntries(Object.entries(workflow).filter(([, value]) => value !== undefined)),
    bindings: Object.fromEntries(bindings),
    ambiguousTypes,
  }
}

/** Parts of the original of which n8n still has what was sent, however untidy they were before. */
function unchangedParts(remote: RemoteContent, { original, body }: Sent) {
  const originals = Array.isArray(original.nodes) ? original.nodes.filter(isObject) : []
  const kept = new Map(originals.map((node) => [node.name, node]))
  const sent = new Map(body.nodes.map((node) => [node.name, node]))
  const nodes = new Map<JsonObject, JsonObject>()
  for (const node of remote.nodes) {
    const [before, own] = [sent.get(node.name), kept.get(node.name)]
    if (!before || !own || !sameJson(contentOf(node), contentOf(before))) continue
    const moved = sameJson(node.position, before.position) ? {} : { position: node.position }
    nodes.set(node, { ...own, ...moved })
  }
  const [now, then] = [remoteForm(remote), remoteForm(body)]
  return {
    nodes,
    name: now.name === then.name ? original.name : remote.name,
    connections: sameJson(now.connections, then.connections) ? original.connections : undefined,
  }
}

/** What a node does and says, without its place, its id and the names of its credentials. */
const contentOf = (node: JsonObject) => ({
  form: nodeForm(node),
  notes: node.notes ?? '',
  notesInFlow: node.notesInFlow ?? false,
})

/** Of a type that is bound, the id means nothing beyond this n8n; of another it tells which of several it was. */
function toOwnNode(node: JsonObject, bound: ReadonlyMap<string, Binding>): JsonObject {
  if (!isObject(node.credentials)) return node
  const credentials = Object.entries(node.credentials).map(([type, entry]): [string, unknown] =>
    isObject(entry) && bound.has(type) ? [type, { name: entry.name }] : [type, entry],
  )
  return { ...node, credentials: Object.fromEntries(credentials) }
}

/** A setting that n8n has as it was sent is as it was kept; our reporter and n8n's defaults are nobody's settings. */
function toOwnSettings(remote: JsonObject, { sent, reporterWorkflowId }: OwnContentOptions): unknown {
  const then = settingsForm(sent?.body.settings)
  const now = settingsForm(remote)
  if (sent && sameJson(now, then)) return sent.original.settings
  const original = sent?.original.settings
  const kept = isObject(original) ? original : sendableSettings(original, KNOWN_SETTINGS).settings
  const settings: JsonObject = {}
  for (const [key, value] of Object.entries(now)) {
    if (sent && sameJson(then[key], value)) {
      if (Object.hasOwn(kept, key)) settings[key] = kept[key]
    } else if (key !== 'errorWorkflow' || value !== reporterWorkflowId) settings[key] = value
  }
  return settings
}

/** Credential type → the n8n ids that nodes name. */
export function usedCredentials(nodes: JsonObject[]): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>()
  for (const { credentials } of nodes) {
    for (const [type, entry] of Object.entries(isObject(credentials) ? credentials : {})) {
      if (!isObject(entry) || typeof entry.id !== 'string') continue
      found.set(type, (found.get(type) ?? new Set()).add(entry.id))
    }
  }
  return found
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
