/** @module A minimal node that n8n publishes, made from facts. */
import { type JsonObject, pointerTo } from '../../lib/json-object.ts'
import type { LocatorModeFacts, PropertyFacts } from '../facts/node-facts.ts'
import { parameterIssues } from '../parameters/issues.ts'
import { resolveNode } from '../parameters/resolve.ts'
import type { Operation } from './operation.ts'
import { isRequired } from './shape.ts'

const sample = '={{ $json.value }}'
const mostRounds = 8

/** Gives required parameters a value until n8n has no issue with the node. */
export function exampleOf(operation: Operation): JsonObject {
  const { facts, version, fixed } = operation
  const parameters: JsonObject = Object.fromEntries(fixed)
  const node = {
    type: facts.name,
    typeVersion: version,
    name: facts.displayName,
    position: [0, 0],
    parameters,
  }
  for (let round = 0; round < mostRounds; round++) {
    const resolved = resolveNode(node, facts)
    const { issues } = parameterIssues(resolved.facts, resolved.values, resolved.context)
    const wanted = facts.properties.filter((property) => {
      const at = pointerTo('', property.name)
      const displayed = resolved.displayed.get(at)
      if (displayed && displayed.facts !== property) return false
      const isMissing = displayed !== undefined && !displayed.isGiven && isRequired(property)
      return isMissing || issues.some(({ pointer }) => pointer === at || pointer.startsWith(`${at}/`))
    })
    if (wanted.length === 0) break
    for (const property of wanted) parameters[property.name] = sampleOf(property)
  }
  return node
}

function sampleOf(property: PropertyFacts): unknown {
  const { type = 'string', typeOptions = {}, options = [], modes = [] } = property
  switch (type) {
    case 'options':
      return (options.find(({ value }) => value !== '') ?? { value: 'value' }).value
    case 'multiOptions':
      return [options[0]?.value ?? 'value']
    case 'resourceLocator':
    case 'workflowSelector':
    case 'agentSelector':
      return { __rl: true, ...locator(modes) }
    case 'resourceMapper':
      return { mappingMode: 'autoMapInputData', value: null, matchingColumns: [], schema: [] }
    case 'fixedCollection':
      return sampleGroups(property)
    case 'collection':
      return Object.fromEntries(
        options.filter((each) => each.required).map((each) => [each.name, sampleOf(each)]),
      )
    case 'number':
      return typeOptions.minValue ?? 1
    case 'boolean':
      return true
    case 'json':
      return '{}'
    case 'dateTime':
      return '2030-01-01T00:00:00'
    default:
      return valueOf(property)
  }
}

function valueOf({ validateType, typeOptions }: PropertyFacts): unknown {
  const value = validateType === 'string-alphanumeric' ? 'value' : validateType === 'number' ? 1 : sample
  return typeOptions?.multipleValues ? [value] : value
}

/** An expression passes every pattern. */
function locator(modes: readonly LocatorModeFacts[]): JsonObject {
  const simple =
    modes.find(({ name }) => name === 'id') ?? modes.find(({ type }) => type !== 'list') ?? modes[0]
  return { mode: simple?.name ?? 'id', value: sample }
}

function sampleGroups({ options = [], typeOptions = {} }: PropertyFacts): JsonObject {
  const [group] = options
  if (!group) return {}
  const entry = Object.fromEntries(
    (group.values ?? [])
      .filter((each) => each.required || !typeOptions.multipleValues)
      .map((each) => [each.name, each.required ? sampleOf(each) : each.default]),
  )
  const entries = Array.from({ length: Math.max(typeOptions.minRequiredFields ?? 1, 1) }, () => entry)
  return { [group.name]: typeOptions.multipleValues || typeOptions.minRequiredFields ? entries : entry }
}
