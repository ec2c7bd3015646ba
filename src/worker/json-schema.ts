/**
 * @module Replaces `@standard-community/standard-json` and `standard-openapi` in the worker, by `wrangler.toml`. These
 * packages import converters for six schema libraries on demand, which would add all of zod to the bundle. The routes only
 * use zod.
 */
import { isContainer } from '../lib/json-object.ts'
import * as z from 'zod'

type Options = Parameters<typeof z.toJSONSchema>[1]
type Json = Record<string, unknown>

export const toJsonSchema = async (schema: z.ZodType, options?: Options) => z.toJSONSchema(schema, options)

/** Converts a schema to OpenAPI 3.1. Schemas with a `ref` in their metadata become components. */
export async function toOpenAPISchema(
  schema: z.ZodType,
  { components = {}, options = {} }: { components?: { schemas?: Json }; options?: Options } = {},
) {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io: 'input', ...options })
  const converted = convert(JSON.parse(JSON.stringify(json)) as Json, components)
  return { schema: converted, components: Object.keys(components).length > 0 ? components : undefined }
}

/** Keywords whose value is one schema, a list of schemas, or a map of names to schemas. */
const nested = {
  one: ['additionalProperties', 'items', 'not', 'if', 'then', 'else', 'propertyNames', 'contains'],
  list: ['allOf', 'anyOf', 'oneOf'],
  map: ['properties', 'patternProperties', '$defs'],
}

function convert(schema: Json, components: { schemas?: Json }): Json {
  const within = (value: unknown) => (isContainer(value) ? convert(value as Json, components) : value)
  for (const key of nested.one) if (schema[key] !== undefined) schema[key] = within(schema[key])
  for (const key of nested.list) {
    const list = schema[key]
    if (Array.isArray(list)) schema[key] = list.map(within)
  }
  for (const key of nested.map) {
    const map = schema[key]
    if (typeof map !== 'object' || map === null) continue
    schema[key] = Object.fromEntries(Object.entries(map).map(([name, value]) => [name, within(value)]))
  }
  const { $defs, ref, $ref, ...rest } = schema
  if ($defs) components.schemas = { ...($defs as Json), ...components.schemas }
  if (typeof $ref === 'string') return { $ref: toComponent($ref.split('/').at(-1) ?? '') }
  if (typeof ref !== 'string') return rest
  components.schemas = { ...components.schemas, [ref]: rest }
  return { $ref: toComponent(ref) }
}

const toComponent = (name: string): string => `#/components/schemas/${name}`

/** Part of the packages' interface. Unused, because no other library is registered. */
export function loadVendor(): void {}
