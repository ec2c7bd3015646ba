/**
 * @module Substituted for `@standard-community/standard-json` and `standard-openapi` by `wrangler.toml`. The packages import
 * the converters of six schema libraries when they need one, and a bundle then holds all of zod, evaluated lazily. The
 * routes are described by zod alone.
 */
import { isContainer } from '../lib/json-object.ts'
import * as z from 'zod'

type Options = Parameters<typeof z.toJSONSchema>[1]
type Json = Record<string, unknown>

export const toJsonSchema = async (schema: z.ZodType, options?: Options) => z.toJSONSchema(schema, options)

/** A schema as OpenAPI 3.1 writes it: those with a `ref` in their metadata are components. */
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

/** Part of the packages' interface. Nothing registers another library. */
export function loadVendor(): void {}
