/** @module A node as JSON Schema 2020-12. */
import type { JsonObject } from '../../lib/json-object.ts'
import type { PropertyFacts } from '../facts/node-facts.ts'
import { canBeDisplayed, credentialTypesOf, isParameter, type Operation } from './operation.ts'
import { isRequired } from './shape.ts'

type Schema = JsonObject

const expression: Schema = { type: 'string', pattern: '^=' }

/**
 * The schema of a node, with the parameters of the operation.
 * @param isStrict Accept only what the facts name. Otherwise as tolerant as n8n: unknown parameters, unlisted values,
 * and expressions anywhere.
 */
export function schemaOf(operation: Operation, isStrict: boolean): Schema {
  const { facts, version, fixed } = operation
  const builder = new SchemaBuilder(operation, isStrict)
  const credentials = credentialTypesOf(operation)
  const parameters = builder.object(facts.properties)
  const properties = parameters['properties'] as JsonObject
  for (const [name, value] of fixed) properties[name] = { const: value }
  const decided = [...fixed].filter(
    ([name, value]) => !facts.properties.some((each) => each.name === name && each.default === value),
  )
  const required = [
    ...new Set([
      ...((parameters['required'] as string[] | undefined) ?? []),
      ...decided.map(([name]) => name),
    ]),
  ]
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: facts.displayName,
    type: 'object',
    properties: {
      type: { const: facts.name },
      typeVersion: isStrict ? { const: version } : { enum: [version, String(version)] },
      name: { type: 'string' },
      parameters: { ...parameters, ...(required.length > 0 && { required }) },
      ...(credentials.length > 0 && { credentials: credentialsSchema(credentials, isStrict) }),
    },
    required: isStrict ? ['type', 'typeVersion', 'parameters'] : ['type', 'parameters'],
    ...(isStrict && { additionalProperties: false }),
  }
}

function credentialsSchema(types: readonly string[], isStrict: boolean): Schema {
  const properties = { id: { type: 'string' }, name: { type: 'string' } }
  const one = isStrict ? { type: 'object', properties, additionalProperties: false } : {}
  return {
    type: isStrict ? 'object' : ['object', 'string', 'array', 'null'],
    properties: Object.fromEntries(types.map((type) => [type, one])),
    ...(isStrict && { additionalProperties: false }),
  }
}

class SchemaBuilder {
  readonly #operation: Operation
  readonly #isStrict: boolean

  constructor(operation: Operation, isStrict: boolean) {
    this.#operation = operation
    this.#isStrict = isStrict
  }

  object(properties: readonly PropertyFacts[]): Schema {
    const possible = properties.filter(
      (each) => isParameter(each) && canBeDisplayed(each.displayOptions, this.#operation),
    )
    const byName = Map.groupBy(possible, ({ name }) => name)
    const required = [...byName].filter(([, each]) =>
      each.every((one) => isRequired(one) && this.#isDecided(one)),
    )
    return {
      type: 'object',
      properties: Object.fromEntries(
        [...byName].map(([name, each]) => [name, anyOf(each.map((one) => this.#value(one)))]),
      ),
      ...(this.#isStrict && required.length > 0 && { required: required.map(([name]) => name) }),
      ...(this.#isStrict && { additionalProperties: false }),
    }
  }

  /** No other parameter can hide it. */
  #isDecided({ displayOptions }: PropertyFacts): boolean {
    const names = [...Object.keys(displayOptions?.show ?? {}), ...Object.keys(displayOptions?.hide ?? {})]
    return names.every((name) => name.startsWith('@') || this.#operation.fixed.has(name.replace(/^\//, '')))
  }

  #value(property: PropertyFacts): Schema {
    const isList = property.typeOptions?.multipleValues === true && property.type !== 'fixedCollection'
    const one = this.#one(property)
    const schema = isList ? { type: 'array', items: one } : one
    const { default: standard } = property
    const isTold =
      typeof standard === 'string'
        ? standard.length < 100 && standard !== '' && standard !== '…'
        : ['number', 'boolean'].includes(typeof standard)
    const described = isTold ? { default: standard } : {}
    if (!this.#isStrict) return { ...tolerant(schema), ...described }
    if (property.noDataExpression || schema['type'] === 'string') return { ...schema, ...described }
    return { anyOf: [schema, expression], ...described }
  }

  #one(property: PropertyFacts): Schema {
    const { type = 'string', typeOptions = {}, options = [], modes = [] } = property
    switch (type) {
      case 'number': {
        const { minValue, maxValue } = typeOptions
        return {
          type: 'number',
          ...(minValue !== undefined && { minimum: minValue }),
          ...(maxValue !== undefined && { maximum: maxValue }),
        }
      }
      case 'boolean':
        return { type: 'boolean' }
      case 'options':
        return this.#listed(property)
      case 'multiOptions':
        return { type: 'array', items: this.#listed(property) }
      case 'collection':
        return this.object(options)
      case 'fixedCollection':
        return {
          type: 'object',
          properties: Object.fromEntries(
            options.map(({ name, values = [] }) => {
              const group = this.object(values)
              return [name, typeOptions.multipleValues ? { type: 'array', items: group } : group]
            }),
          ),
          ...(this.#isStrict && { additionalProperties: false }),
        }
      case 'resourceLocator':
      case 'workflowSelector':
      case 'agentSelector': {
        const names = modes.map(({ name }) => name)
        return {
          type: 'object',
          properties: {
            __rl: { const: true },
            mode: names.length > 0 ? { enum: names } : { type: 'string' },
            value: { type: ['string', 'number'] },
          },
          required: ['mode', 'value'],
        }
      }
      case 'resourceMapper':
        return {
          type: 'object',
          properties: {
            mappingMode: { enum: ['defineBelow', 'autoMapInputData'] },
            value: { type: ['object', 'null'] },
            matchingColumns: { type: 'array', items: { type: 'string' } },
            schema: { type: 'array', items: { type: 'object' } },
          },
          required: ['mappingMode'],
        }
      case 'filter':
        return filterSchema
      case 'assignmentCollection':
        return assignmentSchema
      case 'json':
        return { type: ['string', 'object', 'array'] }
      default:
        return { type: 'string' }
    }
  }

  #listed({ options = [], typeOptions = {} }: PropertyFacts): Schema {
    const values = options
      .filter((each) => canBeDisplayed(each.displayOptions, this.#operation))
      .map(({ value }) => value)
    if (typeOptions.loadsOptions || values.length === 0) return { type: ['string', 'number', 'boolean'] }
    return { enum: [...new Set(values)] }
  }
}

const filterSchema: Schema = {
  type: 'object',
  properties: {
    combinator: { enum: ['and', 'or'] },
    conditions: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          id: { type: 'string' },
          leftValue: {},
          rightValue: {},
          operator: {
            type: 'object',
            properties: {
              type: { enum: ['string', 'number', 'boolean', 'dateTime', 'array', 'object', 'any'] },
              operation: { type: 'string' },
              singleValue: { type: 'boolean' },
            },
            required: ['type', 'operation'],
          },
        },
        required: ['leftValue', 'operator'],
      },
    },
    options: { type: 'object' },
  },
  required: ['conditions'],
}

const assignmentSchema: Schema = {
  type: 'object',
  properties: {
    assignments: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          id: { type: 'string' },
          name: { type: 'string' },
          value: {},
          type: { enum: ['string', 'number', 'boolean', 'array', 'object', 'binary'] },
        },
        required: ['name', 'value'],
      },
    },
  },
}

function anyOf(schemas: Schema[]): Schema {
  const distinct = [...new Map(schemas.map((each) => [JSON.stringify(each), each])).values()]
  const [only = {}] = distinct
  return distinct.length < 2 ? only : { anyOf: distinct }
}

/** n8n compares no value with the listed ones, and takes a text, an expression above all, and most objects anywhere. */
function tolerant(schema: Schema): Schema {
  switch (schema['type']) {
    case 'number':
    case 'boolean':
      return { anyOf: [schema, { type: ['string', 'number', 'boolean', 'null'] }] }
    case 'array':
      return { anyOf: [schema, { type: ['string', 'array', 'object', 'null'] }] }
    case 'object': {
      const isCollection = !('required' in schema)
      return { anyOf: [schema, { type: ['string', 'array', 'null', ...(isCollection ? [] : ['object'])] }] }
    }
    default:
      return { anyOf: [schema, { type: ['string', 'number', 'boolean', 'object', 'array', 'null'] }] }
  }
}
