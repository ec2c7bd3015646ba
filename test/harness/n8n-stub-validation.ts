/** @module The request validation of n8n 2.41.1, in its order. `n8n/stub-conformance.test.ts` verifies it. */
import { type FieldType } from '../../src/n8n/catalogue/catalogue-file.ts'
import type { Catalogue } from '../../src/n8n/catalogue/catalogue.ts'
import type { Generation, Json } from './n8n-stub-state.ts'

/** An error response of n8n. */
export class Refusal extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

type Check = (value: unknown, at: string) => void
const refuse = (at: string, what: string): never => {
  throw new Refusal(400, `request/body${at} ${what}`)
}
const kindOf = (value: unknown) =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : value === undefined ? 'undefined' : typeof value
const is =
  (kind: string): Check =>
  (value, at) => {
    if (kindOf(value) !== kind) refuse(at, `Expected ${kind}, received ${kindOf(value)}`)
  }
const oneOf =
  (...values: string[]): Check =>
  (value, at) => {
    if (typeof value !== 'string' || !values.includes(value)) refuse(at, 'Invalid enum value')
  }
const listOf =
  (item: Check): Check =>
  (value, at) => {
    if (!Array.isArray(value)) refuse(at, `Expected array, received ${kindOf(value)}`)
    else value.forEach((each, index) => item(each, `${at}/${index}`))
  }
const fields =
  (checks: Record<string, Check>, readOnly: string[] = []): Check =>
  (value, at) => {
    is('object')(value, at)
    if (!isObject(value)) return
    for (const key of readOnly) if (key in value) refuse(`${at}/${key}`, 'is read-only')
    for (const [key, each] of Object.entries(value)) {
      const check = Object.hasOwn(checks, key) ? checks[key] : undefined
      if (!check) refuse(at, `Unrecognized key(s) in object: '${key}'`)
      else if (each !== undefined) check(each, `${at}/${key}`)
    }
  }

const text = is('string')
const flag = is('boolean')
const number = is('number')
const anything: Check = () => undefined
const tag: Check = (value, at) => {
  fields({ key: text, value: text })(value, at)
  for (const key of ['key', 'value'])
    if (isObject(value) && !(key in value)) refuse(`${at}/${key}`, 'Required')
}

const node = fields(
  {
    id: text,
    name: text,
    webhookId: text,
    disabled: flag,
    notesInFlow: flag,
    notes: text,
    type: text,
    typeVersion: number,
    executeOnce: flag,
    alwaysOutputData: flag,
    retryOnFail: flag,
    maxTries: number,
    waitBetweenTries: number,
    continueOnFail: flag,
    onError: text,
    position: listOf(number),
    parameters: is('object'),
    credentials: is('object'),
    customTelemetryTags: fields({ tag: listOf(tag) }),
  },
  ['createdAt', 'updatedAt'],
)
const legacySettings: Record<string, Check> = {
  saveExecutionProgress: flag,
  saveManualExecutions: flag,
  saveDataErrorExecution: oneOf('all', 'none'),
  saveDataSuccessExecution: oneOf('all', 'none'),
  executionTimeout: number,
  errorWorkflow: text,
  timezone: text,
  executionOrder: text,
}
const settings: Record<string, Check> = {
  ...legacySettings,
  callerPolicy: oneOf('any', 'none', 'workflowsFromAList', 'workflowsFromSameOwner'),
  callerIds: text,
  timeSavedMode: oneOf('fixed', 'dynamic'),
  timeSavedPerExecution: number,
  redactionPolicy: oneOf('none', 'non-manual', 'manual-only', 'all'),
  availableInMCP: flag,
  customTelemetryTags: listOf(tag),
  binaryMode: oneOf('separate', 'combined'),
  credentialResolverId: text,
}
/** Accepted with 200 but not stored (some only without a license). */
export const IGNORED_SETTINGS = new Set(['binaryMode', 'credentialResolverId', 'redactionPolicy'])
export const SETTING_NAMES: Record<Generation, string[]> = {
  '2.41': Object.keys(settings),
  '2.0': Object.keys(legacySettings),
  '1.x': Object.keys(legacySettings),
}

const READ_ONLY = [
  'id',
  'active',
  'createdAt',
  'updatedAt',
  'isArchived',
  'versionId',
  'triggerCount',
  'meta',
]
const staticData: Check = (value, at) => {
  if (typeof value !== 'string') return
  try {
    JSON.parse(value)
  } catch {
    refuse(at, 'must be a JSON string')
  }
}
const common = { name: text, nodes: listOf(node), connections: is('object'), staticData, shared: is('array') }
const workflowCheck: Record<Generation, Check> = {
  '2.41': fields(
    {
      ...common,
      settings: fields(settings),
      nodeGroups: is('array'),
      pinData: anything,
      projectId: text,
      parentFolderId: anything,
    },
    [...READ_ONLY, 'tags', 'activeVersion'],
  ),
  '2.0': fields({ ...common, settings: fields(legacySettings) }, [...READ_ONLY, 'tags']),
  '1.x': fields({ ...common, settings: fields(legacySettings) }, [...READ_ONLY, 'tags']),
}

export function checkWorkflowBody(body: unknown, generation: Generation, isCreate: boolean): Json {
  requireFields(body, ['name', 'nodes', 'connections', 'settings'])
  if (!isObject(body)) throw new Refusal(400, `request/body Expected object, received ${kindOf(body)}`)
  workflowCheck[generation](body, '')
  const { length } = Array.from(String(body.name))
  if (isCreate && (length < 1 || length > 128)) {
    throw new Refusal(400, 'Workflow name must be 1 to 128 characters long.')
  }
  if (body.projectId !== undefined) throw new Refusal(404, 'Project not found')
  checkStructure(body.nodes as Json[], body.connections as Json)
  return body
}

function requireFields(body: unknown, names: string[]): void {
  // An empty body or the JSON null counts as an empty object.
  const given = body === undefined || body === null ? {} : body
  if (!isObject(given)) return
  for (const name of names) if (!(name in given)) refuse('', `must have required property '${name}'`)
}

function checkStructure(nodes: Json[], connections: Json): void {
  const bad = (what: string): never => {
    throw new Refusal(400, `Workflow structure is invalid. ${what}`)
  }
  const names = new Set<unknown>()
  const ids = new Set<unknown>()
  for (const [index, { id, name, type, position }] of nodes.entries()) {
    const at = `nodes[${index}]`
    if (name === undefined || name === '') bad(`${at}.name`)
    if (type === undefined || type === '') bad(`${at}.type`)
    if (!Array.isArray(position) || position.length !== 2) bad(`${at}.position`)
    if (names.has(name)) bad(`${at}.name (duplicate_node_name)`)
    if (id !== undefined && id !== '' && ids.has(id)) bad(`${at}.id (duplicate_node_id)`)
    names.add(name)
    ids.add(id)
  }
  for (const [source, byType] of Object.entries(connections)) {
    const at = `connections.${source}`
    if (!isObject(byType)) return bad(`${at} (invalid_type)`)
    for (const [type, outputs] of Object.entries(byType)) {
      if (!Array.isArray(outputs)) return bad(`${at}.${type} (invalid_type)`)
      for (const slot of outputs as unknown[]) {
        if (slot !== null && !Array.isArray(slot)) return bad(`${at}.${type} (invalid_type)`)
        for (const target of (slot ?? []) as unknown[]) {
          if (!isObject(target)) return bad(`${at}.${type} (invalid_type)`)
          const isNumbered = Number.isInteger(target.index) && Number(target.index) >= 0
          if (typeof target.type !== 'string' || !isNumbered) bad(`${at}.${type} (invalid_type)`)
          if (!names.has(target.node)) bad(`${at}.${type} (unknown_connection_target)`)
        }
      }
    }
    if (!names.has(source)) bad(`${at} (unknown_connection_source)`)
  }
}

export function checkCredentialBody(body: unknown, generation: Generation): Json {
  requireFields(body, ['name', 'type', 'data'])
  if (!isObject(body)) throw new Refusal(400, `request/body Expected object, received ${kindOf(body)}`)
  const readOnly = generation === '2.41' ? ['createdAt', 'updatedAt'] : ['id', 'createdAt', 'updatedAt']
  for (const key of readOnly) if (key in body) refuse(`/${key}`, 'is read-only')
  if ('id' in body) {
    text(body.id, '/id')
    if (!/^[a-zA-Z0-9_-]{1,16}$/.test(String(body.id)))
      refuse('/id', 'must be 1 to 16 letters, digits, _ or -')
  }
  text(body.name, '/name')
  text(body.type, '/type')
  is('object')(body.data, '/data')
  if (body.projectId !== undefined) throw new Refusal(404, 'Project not found')
  return body
}

/**
 * Validates the data against n8n's schema of the type and its rule for OAuth URLs. Unlike in `checkCredentialData`, an
 * empty value counts as a value, and a default does not.
 */
export function checkCredentialData(catalogue: Catalogue, type: string, data: Json, isPartial = false): void {
  const known = catalogue.credentialType(type)
  if (!known) throw new Refusal(400, 'req.body.type is not a known type')
  const bad = (what: string) => new Refusal(400, `request.body.data ${what}`)
  const schema = catalogue.credentialFields(type).filter(({ kind }) => kind !== 'hidden')
  for (const [name, value] of Object.entries(data)) {
    const rows = schema.filter((field) => field.name === name)
    if (rows.length === 0) throw bad(`is not allowed to have the additional property "${name}"`)
    if (!rows.some((row) => fits(row, value))) throw bad('is not of the type')
    const isUrl = ['authUrl', 'accessTokenUrl', 'requestTokenUrl', 'serverUrl'].includes(name)
    if (known.oauth && isUrl && value !== '' && !/^(=|https?:\/\/.)/.test(String(value))) {
      throw new Refusal(400, 'OAuth url is not a valid URL.')
    }
  }
  if (isPartial) return
  for (const { name, required, show } of schema) {
    const [condition] = Object.entries(show ?? {})
    const isDue = condition === undefined || data[condition[0]] === condition[1][0]
    if (required && isDue && !(name in data)) throw bad(`requires property "${name}"`)
  }
}

function fits({ kind, options }: FieldType, value: unknown): boolean {
  switch (kind) {
    case 'string':
    case 'number':
    case 'boolean':
      return typeof value === kind
    case 'options':
      return typeof value === 'string' && (!Array.isArray(options) || options.includes(value))
    default:
      return true
  }
}
