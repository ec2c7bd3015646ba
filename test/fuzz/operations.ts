/** @module The operations of the OpenAPI document, with its schemas ready for generation and validation. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'

// oxlint-disable-next-line typescript/no-explicit-any -- JSON Schema of any shape
export type Schema = any

export interface Parameter {
  name: string
  in: 'path' | 'query' | 'header'
  required?: boolean
  schema: Schema
}

export interface Operation {
  id: string
  method: string
  path: string
  parameters: Parameter[]
  body?: Schema
  /** Status → media type → check. No check for a body that is not JSON; `4XX` stands for any of them. */
  responses: Map<string, Map<string, ValidateFunction | null>>
  isPublic: boolean
}

/** The schema that a reference names. */
export type Resolve = (schema: Schema) => Schema

// oxlint-disable-next-line typescript/no-explicit-any -- the OpenAPI document
export function operationsOf(document: any): { operations: Operation[]; resolve: Resolve } {
  const resolve: Resolve = (schema) => {
    const reference: string | undefined = schema?.$ref
    if (reference === undefined) return schema
    const target = reference
      .slice(2)
      .split('/')
      .reduce((node, key) => node[key], document)
    return resolve(target)
  }
  const ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: false, inlineRefs: false })
  ajv.addSchema({ $id: 'api', components: { schemas: closed(document.components.schemas) } })
  const compile = (schema: Schema) => ajv.compile(closed(inDocument(schema)))
  const operations = Object.entries<Record<string, Schema>>(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]): Operation => {
      const responses = Object.entries<Schema>(operation.responses).map(([status, response]) => {
        const contents = Object.entries<Schema>(resolve(response).content ?? {}).map(
          ([type, { schema }]) =>
            [type, /^application\/(problem\+)?json$/.test(type) && schema ? compile(schema) : null] as const,
        )
        return [status, new Map(contents)] as const
      })
      const body = operation.requestBody?.content?.['application/json']?.schema
      return {
        id: operation.operationId,
        method: method.toUpperCase(),
        path,
        parameters: (operation.parameters ?? []).map(resolve),
        ...(body && { body }),
        responses: new Map(responses),
        isPublic: operation.security?.length === 0,
      }
    }),
  )
  return { operations, resolve }
}

/** References point into the document that `ajv` knows. */
function inDocument(schema: Schema): Schema {
  return JSON.parse(JSON.stringify(schema).replaceAll('"$ref":"#/components', '"$ref":"api#/components'))
}

/** A copy in which an object has no members but its properties: a response must not contain anything else. */
function closed(schema: Schema): Schema {
  if (Array.isArray(schema)) return schema.map(closed)
  if (typeof schema !== 'object' || schema === null) return schema
  const copy = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [
      key,
      // The members of a problem depend on its code, which `allOf` adds.
      key === 'allOf' || key === 'enum' || key === 'const' || key === 'example' ? value : closed(value),
    ]),
  )
  const isOpen =
    'additionalProperties' in copy || 'allOf' in copy || 'propertyNames' in copy || isProblem(copy)
  return schema.type === 'object' && copy['properties'] && !isOpen
    ? { ...copy, additionalProperties: false }
    : copy
}

const isProblem = (schema: Schema): boolean => 'requestId' in (schema.properties ?? {})
