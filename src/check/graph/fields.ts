/** @module The fields that a node's output can have, where its parameters determine them. */
import { isContainer, listOf } from '../../lib/json-object.ts'
import { ownValue } from '../../n8n/catalogue/display-options.ts'
import { type CheckedNode, entriesOf, MAIN, type WorkflowModel } from '../model.ts'

/** Nodes that pass their input on. */
const passing = new Set([
  'if',
  'filter',
  'switch',
  'noOp',
  'limit',
  'sort',
  'removeDuplicates',
  'stopAndError',
])

const outputs: Readonly<Record<string, string>> = {
  webhook: 'headers params query body webhookUrl executionMode jwtPayload',
  scheduleTrigger:
    'timestamp,Readable date,Readable time,Day of week,Year,Month,Day of month,Hour,Minute,Second,Timezone',
  errorTrigger: 'execution workflow trigger',
}

/** Fields are unknown in workflows with more, since each node can have those of all nodes before it. */
const maximumStored = 100_000

export class OutputFields {
  readonly #model: WorkflowModel
  readonly #known = new Map<CheckedNode, ReadonlySet<string> | undefined>()
  readonly #ofInput = new Map<CheckedNode, ReadonlySet<string> | undefined>()
  /** Fields in all sets together. */
  #stored = 0

  constructor(model: WorkflowModel) {
    this.#model = model
  }

  /** Undefined if unknown. */
  of(node: CheckedNode): ReadonlySet<string> | undefined {
    if (this.#known.has(node)) return this.#known.get(node)
    // A loop is unknown.
    this.#known.set(node, undefined)
    const fields = this.#read(node)
    this.#known.set(node, fields)
    return fields
  }

  /** The fields of the items that the node receives. */
  ofInput(node: CheckedNode): ReadonlySet<string> | undefined {
    if (this.#ofInput.has(node)) return this.#ofInput.get(node)
    const fields = this.#union(node)
    this.#ofInput.set(node, fields)
    return fields
  }

  #union(node: CheckedNode): ReadonlySet<string> | undefined {
    const sources = this.#model.incoming(node).filter(({ type }) => type === MAIN)
    if (sources.length === 0) return undefined
    const all = new Set<string>()
    for (const { source } of sources) {
      const fields = this.of(source)
      this.#stored += fields?.size ?? 0
      if (!fields || this.#stored > maximumStored) return undefined
      for (const field of fields) all.add(field)
    }
    return all
  }

  #read(node: CheckedNode): ReadonlySet<string> | undefined {
    const { json, shortType, type } = node
    if (!type.startsWith('n8n-nodes-base.') || !node.facts || isPinned(this.#model, node)) return undefined
    if (!node.isEnabled) return this.ofInput(node)
    if (json.continueOnFail === true || (json.onError ?? 'stopWorkflow') !== 'stopWorkflow') return undefined
    if (passing.has(shortType)) return this.ofInput(node)
    if (shortType === 'set') return this.#readSet(node)
    const list = Object.hasOwn(outputs, shortType) ? outputs[shortType] : undefined
    if (list === undefined) return undefined
    const fields = new Set(list.split(list.includes(',') ? ',' : ' '))
    if (shortType === 'webhook' && hasNoBody(node)) fields.delete('body')
    return fields
  }

  #readSet(node: CheckedNode): ReadonlySet<string> | undefined {
    const { version, values } = node
    const own = assignedFields(node)
    if (!own) return undefined
    const isOnly =
      version < 3
        ? values.get('keepOnlySet') === true
        : version < 3.3
          ? values.get('include') === 'none'
          : values.get('includeOtherFields') === false
    if (isOnly) return own
    const isAll =
      version < 3 ? values.get('keepOnlySet') === false : (values.get('include') ?? 'all') === 'all'
    const input = isAll ? this.ofInput(node) : undefined
    return input && new Set([...input, ...own])
  }
}

function hasNoBody({ values }: CheckedNode): boolean {
  return values.get('multipleMethods') !== true && values.get('httpMethod') === 'GET'
}

function assignedFields({ version, values }: CheckedNode): ReadonlySet<string> | undefined {
  const fields = new Set<string>()
  if (version >= 3 && values.get('mode') === 'raw') {
    const json = values.get('jsonOutput')
    if (typeof json !== 'string' || json.startsWith('=') || json.includes('{{')) return undefined
    try {
      const parsed: unknown = JSON.parse(json)
      return isContainer(parsed) && !Array.isArray(parsed) ? new Set(Object.keys(parsed)) : undefined
    } catch {
      return undefined
    }
  }
  const options = values.get('options')
  const hasDots = (ownValue(options, 'dotNotation') ?? true) === true
  const lists =
    version < 3
      ? entriesOf(values.get('values')).map(([, list]) => list)
      : version < 3.3
        ? [ownValue(values.get('fields'), 'values')]
        : [ownValue(values.get('assignments'), 'assignments')]
  for (const each of lists.flatMap(listOf)) {
    const name = ownValue(each, 'name')
    if (typeof name !== 'string' || name.startsWith('=')) return undefined
    const [first = ''] = hasDots ? name.split(/[.[]/, 1) : [name]
    fields.add(first)
  }
  return fields
}

const isPinned = ({ json }: WorkflowModel, { name }: CheckedNode): boolean =>
  ownValue(json.pinData, name) !== undefined
