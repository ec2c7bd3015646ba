/**
 * @module Converts a workflow in n8n to a local one. Removes what deploying added: credential IDs, forced settings, the
 * error reporter. Parts that are unchanged since they were sent become the stored original again. Pure.
 */
import { isObject, type JsonObject } from '../../lib/json-object.ts'
import type { SlotBinding } from '../../db/schema/deployments.ts'
import { type Substituted, withoutVariables } from '../../environments/substitute.ts'
import { KNOWN_SETTINGS, sendableSettings } from '../../n8n/sendable/settings.ts'
import { nodeLabel, slotKey } from '../../n8n/reading/slots.ts'
import { sameJson } from '../../workflows/diff.ts'
import { N8nId } from '../contract.ts'
import { nodeForm, type RemoteContent, remoteForm, settingsForm } from './form.ts'

/** A version and the body that was sent to n8n for it. */
export interface Sent {
  original: JsonObject
  body: RemoteContent
  /** The texts that the values of variables were inserted in. */
  originals: Substituted['originals']
}

export interface LocalWorkflowOptions {
  /** Absent for a workflow that was never sent. */
  sent?: Sent
  reporterWorkflowId: string | null
  /** n8n's ID → our ID of the credentials that Flowkeep sent there. */
  ownCredentials: ReadonlyMap<string, string>
}

export interface LocalWorkflow {
  workflow: JsonObject
  /** Each node's own credentials. */
  bindings: SlotBinding[]
  /** Types for which the nodes use several credentials, so that each node needs its own binding. */
  ambiguousTypes: string[]
}

export function toLocalWorkflow(remote: RemoteContent, options: LocalWorkflowOptions): LocalWorkflow {
  const { sent, ownCredentials } = options
  const bindings = bindingsIn(remote.nodes, ownCredentials)
  const bound = new Set(bindings.map(({ node, type }) => slotKey(node, type)))
  const unchanged = sent ? unchangedParts(remote, sent) : undefined
  const workflow = {
    ...sent?.original,
    name: unchanged ? unchanged.name : remote.name,
    nodes: remote.nodes.map(
      (node, index) =>
        unchanged?.nodes.get(node) ?? toLocalNode(sent ? withoutVariables(node, sent) : node, index, bound),
    ),
    connections: unchanged?.connections ?? remote.connections,
    settings: toLocalSettings(remote.settings ?? {}, options),
  }
  return {
    workflow: Object.fromEntries(Object.entries(workflow).filter(([, value]) => value !== undefined)),
    bindings,
    ambiguousTypes: mixedTypes(remote.nodes),
  }
}

/** The parts of the original that are unchanged in n8n since they were sent. They are restored as written. */
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

/** The behavior and notes of a node, without its position, ID and credential names. */
const contentOf = (node: JsonObject) => ({
  form: nodeForm(node),
  notes: node.notes ?? '',
  notesInFlow: node.notesInFlow ?? false,
})

/** Removes the IDs of bound credentials, which have no meaning outside this n8n. Unbound slots keep theirs. */
function toLocalNode(node: JsonObject, index: number, bound: ReadonlySet<string>): JsonObject {
  if (!isObject(node.credentials)) return node
  const label = nodeLabel(node, index)
  const credentials = Object.entries(node.credentials).map(([type, entry]): [string, unknown] =>
    isObject(entry) && bound.has(slotKey(label, type)) ? [type, { name: entry.name }] : [type, entry],
  )
  return { ...node, credentials: Object.fromEntries(credentials) }
}

/** Sorted. */
function mixedTypes(nodes: readonly JsonObject[]): string[] {
  const idsByType = new Map<string, Set<string>>()
  for (const { credentials } of nodes) {
    for (const [type, entry] of Object.entries(isObject(credentials) ? credentials : {})) {
      if (!isObject(entry) || typeof entry.id !== 'string') continue
      idsByType.set(type, (idsByType.get(type) ?? new Set()).add(entry.id))
    }
  }
  return [...idsByType].flatMap(([type, ids]) => (ids.size > 1 ? [type] : [])).toSorted()
}

/** Restores the original value of unchanged settings. Drops our reporter and n8n's defaults. */
function toLocalSettings(remote: JsonObject, { sent, reporterWorkflowId }: LocalWorkflowOptions): unknown {
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

/** The bindings of nodes in n8n. Skips entries that name no credential. */
export function bindingsIn(
  nodes: readonly JsonObject[],
  ownCredentials: LocalWorkflowOptions['ownCredentials'],
): SlotBinding[] {
  return nodes.flatMap((node, index) =>
    Object.entries(isObject(node.credentials) ? node.credentials : {}).flatMap(
      ([type, entry]): SlotBinding[] => {
        if (!isObject(entry) || typeof entry.id !== 'string') return []
        const slot = { node: nodeLabel(node, index), type }
        const own = ownCredentials.get(entry.id)
        if (own !== undefined) return [{ ...slot, credentialId: own }]
        return N8nId.safeParse(entry.id).success ? [{ ...slot, n8nCredentialId: entry.id }] : []
      },
    ),
  )
}
