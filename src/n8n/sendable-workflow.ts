/**
 * @module A workflow as it is kept → the part that n8n's public API takes (measured on 2.41.1). What n8n would refuse
 * is mended only where no run can come out differently; the rest is an error to show.
 */
import type { FieldError } from '../errors.ts'
import { isObject, sendableConnections } from './sendable-connections.ts'
import { type AcceptedSettings, KNOWN_SETTINGS, sendableSettings } from './sendable-settings.ts'
import { type JsonObject, pointerTo } from './workflow-json.ts'

type Kind = 'string' | 'number' | 'boolean'
const NODE_FIELDS: Record<string, Kind> = {
  webhookId: 'string',
  disabled: 'boolean',
  notesInFlow: 'boolean',
  notes: 'string',
  typeVersion: 'number',
  executeOnce: 'boolean',
  alwaysOutputData: 'boolean',
  retryOnFail: 'boolean',
  maxTries: 'number',
  waitBetweenTries: 'number',
  continueOnFail: 'boolean',
  onError: 'string',
}
/** Fields of a node that are handled one by one. */
const OWN_NODE_FIELDS = new Set(['id', 'name', 'type', 'position', 'parameters', 'credentials'])
/** The editor's and n8n's own, of no effect on a run. */
const BOOKKEEPING = new Set(
  (
    'id name nodes connections settings active activeVersion activeVersionId createdAt updatedAt description hash ' +
    'homeProject isArchived meta nodeGroups parentFolder shared sharedWithProjects sourceWorkflowId tags ' +
    'triggerCount usedCredentials versionCounter versionId'
  ).split(' '),
)
const NODE_BOOKKEEPING = new Set(['color', 'createdAt', 'updatedAt', 'issues', 'selected', 'width', 'height'])

const MAX_NAME_LENGTH = 128
const FALLBACK_NAME = 'Untitled workflow'

/** A node with whatever else n8n takes of it. */
export interface N8nNodeBody extends JsonObject {
  id: string
  name: string
  type: string
  position: number[]
  parameters: JsonObject
}

/** The body of `POST` and `PUT /workflows`. */
export interface N8nWorkflowBody {
  name: string
  nodes: N8nNodeBody[]
  connections: JsonObject
  settings: JsonObject
}

export interface ToN8nWorkflowOptions {
  /** instead of the workflow's own; at most 128 characters */
  name?: string
  /** on top of the workflow's own */
  settings?: JsonObject
  /** default: those of n8n 2.41.1 */
  acceptedSettings?: AcceptedSettings
}

export interface SendableWorkflow {
  body: N8nWorkflowBody
  /** what was mended or left out, by pointer into the workflow given */
  changes: FieldError[]
  /** why n8n would refuse the body; empty when it can be sent */
  errors: FieldError[]
}

/** Pure; the same input gives the same body. The input is not changed, the body may share parts of it. */
export function toN8nWorkflow(workflow: JsonObject, options: ToN8nWorkflowOptions = {}): SendableWorkflow {
  const changes: FieldError[] = []
  const errors: FieldError[] = []
  for (const key of Object.keys(workflow)) {
    if (BOOKKEEPING.has(key) || isEmpty(workflow[key])) continue
    changes.push({ pointer: pointerTo('', key), detail: 'is not sent to n8n' })
  }
  const nodes = sendableNodes(workflow.nodes, changes, errors)
  const names = new Set(nodes.map((node) => node.name))
  return {
    body: {
      name: sendableName(options.name ?? workflow.name, changes),
      nodes,
      connections: sendableConnections(workflow.connections, names, changes, errors),
      settings: {
        ...sendableSettings(workflow.settings, options.acceptedSettings ?? KNOWN_SETTINGS, changes),
        ...options.settings,
      },
    },
    changes,
    errors,
  }
}

function isEmpty(value: unknown): boolean {
  return value === null || value === undefined || (isObject(value) && Object.keys(value).length === 0)
}

function sendableName(name: unknown, changes: FieldError[]): string {
  if (typeof name !== 'string' || name.trim() === '') {
    changes.push({ pointer: '/name', detail: `was missing: ${FALLBACK_NAME}` })
    return FALLBACK_NAME
  }
  if (name.length <= MAX_NAME_LENGTH) return name
  changes.push({ pointer: '/name', detail: `was cut to ${MAX_NAME_LENGTH} characters` })
  return name.slice(0, MAX_NAME_LENGTH).toWellFormed()
}

function sendableNodes(value: unknown, changes: FieldError[], errors: FieldError[]): N8nNodeBody[] {
  if (!Array.isArray(value)) {
    errors.push({ pointer: '/nodes', detail: 'must be an array of nodes' })
    return []
  }
  const given = new Set(value.map((node) => (isObject(node) ? nodeName(node) : undefined)))
  const names = new Set<string>()
  const ids = new Set<string>()
  const nodes: N8nNodeBody[] = []
  for (const [index, node] of value.entries()) {
    const pointer = `/nodes/${index}`
    if (!isObject(node)) {
      errors.push({ pointer, detail: 'must be an object' })
      continue
    }
    if (typeof node.type !== 'string' || node.type === '') {
      errors.push({ pointer: `${pointer}/type`, detail: 'is required: the type of the node' })
      continue
    }
    let name = nodeName(node)
    if (name === undefined) {
      // Connections go by name, so nothing can refer to it yet.
      name = unused(`Node ${index + 1}`, given)
      changes.push({ pointer: `${pointer}/name`, detail: `was missing: ${name}` })
    }
    if (names.has(name))
      errors.push({ pointer: `${pointer}/name`, detail: 'is the name of an earlier node too' })
    names.add(name)
    const id = nodeId(node.id, index, pointer, ids, changes)
    ids.add(id)
    nodes.push({
      id,
      name,
      type: node.type,
      position: nodePosition(node.position, index, pointer, changes),
      parameters: nodeParameters(node.parameters, pointer, changes, errors),
      ...nodeOptions(node, pointer, changes),
    })
  }
  return nodes
}

function nodeName({ name }: JsonObject): string | undefined {
  if (typeof name === 'number') return String(name)
  return typeof name === 'string' && name !== '' ? name : undefined
}

function unused(wanted: string, taken: ReadonlySet<unknown>): string {
  let name = wanted
  for (let suffix = 2; taken.has(name); suffix += 1) name = `${wanted} (${suffix})`
  return name
}

/** Only groups drawn in the editor refer to nodes by id, and those are not sent. */
function nodeId(
  given: unknown,
  index: number,
  pointer: string,
  taken: ReadonlySet<string>,
  changes: FieldError[],
): string {
  if (typeof given === 'string' && given !== '' && !taken.has(given)) return given
  const id = unused(`node-${index + 1}`, taken)
  changes.push({ pointer: `${pointer}/id`, detail: `was missing or taken: ${id}` })
  return id
}

function nodePosition(given: unknown, index: number, pointer: string, changes: FieldError[]): number[] {
  if (Array.isArray(given)) {
    const [x, y] = given.slice(0, 2).map(toNumber)
    if (x !== undefined && y !== undefined) return [x, y]
  }
  changes.push({ pointer: `${pointer}/position`, detail: 'was missing' })
  return [index * 220, 0]
}

function nodeParameters(
  given: unknown,
  pointer: string,
  changes: FieldError[],
  errors: FieldError[],
): JsonObject {
  if (isObject(given)) return given
  const isNone = given === undefined || given === null || (Array.isArray(given) && given.length === 0)
  const target = isNone ? changes : errors
  if (given !== undefined) {
    target.push({
      pointer: `${pointer}/parameters`,
      detail: isNone ? 'was no object: {}' : 'must be an object',
    })
  }
  return {}
}

function nodeOptions(node: JsonObject, pointer: string, changes: FieldError[]): JsonObject {
  const kept: JsonObject = {}
  for (const [key, value] of Object.entries(node)) {
    if (OWN_NODE_FIELDS.has(key) && key !== 'credentials') continue
    const kind = Object.hasOwn(NODE_FIELDS, key) ? NODE_FIELDS[key] : undefined
    const taken = key === 'credentials' ? credentialsOf(value) : kind && convert(value, kind)
    if (taken !== undefined) kept[key] = taken
    if (taken === value || isEmpty(value) || NODE_BOOKKEEPING.has(key)) continue
    const detail = taken === undefined ? 'was left out: n8n refuses it' : `was made a ${kind}`
    changes.push({ pointer: pointerTo(pointer, key), detail })
  }
  return kept
}

function credentialsOf(value: unknown): JsonObject | undefined {
  return isObject(value) ? value : undefined
}

function convert(value: unknown, kind: Kind): unknown {
  if (kind === 'number') return toNumber(value)
  if (kind === 'boolean' && (value === 'true' || value === 'false')) return value === 'true'
  if (kind === 'string' && typeof value === 'number') return String(value)
  return typeof value === kind ? value : undefined
}

function toNumber(value: unknown): number | undefined {
  if (typeof value !== 'number' && (typeof value !== 'string' || value.trim() === '')) return undefined
  const number = Number(value)
  return Number.isFinite(number) ? number : undefined
}
