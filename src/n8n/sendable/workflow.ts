/**
 * @module Converts a saved workflow to the body that n8n's public API accepts (measured on 2.41.1). Omits or fills in only
 * bookkeeping (IDs, positions, editor fields); anything else that n8n rejects is a finding.
 */
import type { FieldError } from '../../errors.ts'
import type { Finding } from '../checks/finding.ts'
import { sendableConnections } from './connections.ts'
import { type AcceptedSettings, KNOWN_SETTINGS, sendableSettings } from './settings.ts'
import { checkStructure, MAX_NAME_LENGTH } from '../structure/structure.ts'
import { NODE_FIELDS, toNumber } from '../structure/nodes.ts'
import { FreeNames } from '../structure/names.ts'
import { isAbsent } from '../structure/repairs.ts'
import { isObject, type JsonObject, pointerTo } from '../../lib/json-object.ts'

/** Fields of n8n and its editor without effect on executions. */
const BOOKKEEPING = new Set(
  (
    'id name nodes connections settings active activeVersion activeVersionId createdAt updatedAt description hash ' +
    'homeProject isArchived meta nodeGroups parentFolder shared sharedWithProjects sourceWorkflowId tags ' +
    'triggerCount usedCredentials versionCounter versionId'
  ).split(' '),
)
/** Editor fields of a node. */
const NODE_BOOKKEEPING = new Set(
  'color createdAt updatedAt issues selected width height extendsCredential'.split(' '),
)
/** Node fields with their own conversion. */
const OWN_NODE_FIELDS = new Set(['id', 'name', 'type', 'position', 'parameters', 'credentials'])

export const FALLBACK_NAME = 'Untitled workflow'

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
  /** overrides the workflow's name; at most 128 characters */
  name?: string
  /** overrides the workflow's settings */
  settings?: JsonObject
  /** default: the settings of n8n 2.41.1 */
  acceptedSettings?: AcceptedSettings
}

export interface SendableWorkflow {
  /** The request body; complete only if no finding is an error. */
  body: N8nWorkflowBody
  /** Omitted or filled-in bookkeeping, with pointers into the input. */
  changes: FieldError[]
  /** What n8n rejects or interprets differently. */
  findings: Finding[]
  /** The findings that block a deployment; empty if the body can be sent. */
  errors: FieldError[]
}

/** Pure and deterministic. Does not modify the input, but the body may share parts of it. */
export function toN8nWorkflow(given: JsonObject, options: ToN8nWorkflowOptions = {}): SendableWorkflow {
  const { workflow, findings } = checkStructure(given, 'all')
  const changes: FieldError[] = []
  for (const key of Object.keys(workflow)) {
    if (BOOKKEEPING.has(key) || isEmpty(workflow[key])) continue
    changes.push({ pointer: pointerTo('', key), detail: 'is not sent to n8n' })
  }
  const nodes = sendableNodes(workflow.nodes, changes)
  const names = new Set(nodes.map((node) => node.name))
  const accepted = options.acceptedSettings ?? KNOWN_SETTINGS
  const settings = sendableSettings(workflow.settings, accepted)
  changes.push(...settings.changes)
  const all = [...findings, ...settings.findings]
  return {
    body: {
      name: options.name ?? sendableName(workflow.name, changes),
      nodes,
      connections: sendableConnections(workflow.connections, names),
      settings: { ...settings.settings, ...options.settings },
    },
    changes,
    findings: all,
    errors: all.flatMap(({ level, pointer, message }) =>
      level === 'error' ? [{ pointer, detail: message }] : [],
    ),
  }
}

/** Sets `name`, truncated to n8n's limit, if the workflow has none. */
export function withName(workflow: JsonObject, name: string): JsonObject {
  if (!isUnnamed(workflow.name)) return workflow
  return { ...workflow, name: Array.from(name).slice(0, MAX_NAME_LENGTH).join('').trim() }
}

const isUnnamed = (name: unknown): boolean =>
  isAbsent(name) || (typeof name === 'string' && name.trim() === '')

function isEmpty(value: unknown): boolean {
  return value === null || value === undefined || (isObject(value) && Object.keys(value).length === 0)
}

function sendableName(name: unknown, changes: FieldError[]): string {
  if (typeof name === 'string' && !isUnnamed(name)) return name
  changes.push({ pointer: '/name', detail: `is missing; set to ${FALLBACK_NAME}` })
  return FALLBACK_NAME
}

function sendableNodes(value: unknown, changes: FieldError[]): N8nNodeBody[] {
  const given = (Array.isArray(value) ? value : []).map((node: unknown) => (isObject(node) ? node : {}))
  const ids = new FreeNames(given.flatMap(({ id }) => (isText(id) ? [id] : [])))
  return given.flatMap((node, index) => {
    const { type, name } = node
    if (!isText(type) || !isText(name)) return []
    const pointer = `/nodes/${index}`
    const { parameters } = node
    return [
      {
        id: nodeId(node.id, index, pointer, ids, changes),
        name,
        type,
        position: nodePosition(node.position, index, pointer, changes),
        parameters: isObject(parameters) ? parameters : {},
        ...nodeOptions(node, pointer, changes),
      },
    ]
  })
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

function nodeId(
  given: unknown,
  index: number,
  pointer: string,
  ids: FreeNames,
  changes: FieldError[],
): string {
  if (isText(given)) return given
  const id = ids.free(`node-${index + 1}`)
  ids.take(id)
  changes.push({ pointer: `${pointer}/id`, detail: `is missing; set to ${id}` })
  return id
}

function nodePosition(given: unknown, index: number, pointer: string, changes: FieldError[]): number[] {
  const [x, y] = (Array.isArray(given) ? given : isObject(given) ? [given.x, given.y] : []).map(toNumber)
  const isGiven = x !== undefined && y !== undefined
  const position = isGiven ? [x, y] : [index * 220, 0]
  const isSame = Array.isArray(given) && given.length === 2 && given[0] === x && given[1] === y
  if (!isSame) changes.push({ pointer: `${pointer}/position`, detail: `is set to [${position.join(', ')}]` })
  return position
}

function nodeOptions(node: JsonObject, pointer: string, changes: FieldError[]): JsonObject {
  const kept: JsonObject = {}
  for (const [key, value] of Object.entries(node)) {
    if (OWN_NODE_FIELDS.has(key) || isEmpty(value)) continue
    if (!Object.hasOwn(NODE_FIELDS, key)) {
      if (NODE_BOOKKEEPING.has(key)) continue
      changes.push({ pointer: pointerTo(pointer, key), detail: 'is omitted: n8n has no such field' })
    } else if (typeof value === NODE_FIELDS[key]) kept[key] = value
  }
  const { credentials } = node
  if (isObject(credentials)) kept.credentials = credentials
  else if (!isEmpty(credentials)) {
    changes.push({ pointer: `${pointer}/credentials`, detail: 'is omitted: credentials are bound by slot' })
  }
  return kept
}
