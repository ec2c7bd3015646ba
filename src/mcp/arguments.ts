/** @module Arguments of tools. Each is defined once, as the JSON Schema that a model reads and the zod schema that checks it. */
import type { JSONObject } from '@modelcontextprotocol/server'
import * as z from 'zod'
import { check } from '../http/validate.ts'
import type { JsonObject } from '../lib/json-object.ts'
import { Uuid } from '../lib/scalars.ts'

export interface Argument<T = unknown> {
  json: JSONObject
  type: z.ZodType<T>
  isOptional?: true
}

export type Arguments = Record<string, Argument>

export type Values<A extends Arguments> = {
  [Name in keyof A]: A[Name] extends { isOptional: true; type: z.ZodType<infer T> }
    ? T | undefined
    : A[Name] extends Argument<infer T>
      ? T
      : never
}

const described = (json: JSONObject, description?: string): JSONObject =>
  description === undefined ? json : { ...json, description }

export const id = (description?: string): Argument<string> => ({
  json: described({ type: 'string' }, description),
  type: Uuid,
})

export const text = (maxChars: number, description?: string): Argument<string> => ({
  json: described({ type: 'string' }, description),
  type: z.string().min(1, 'Must not be empty').max(maxChars, `At most ${maxChars} characters`),
})

export const version = (description?: string): Argument<number> => ({
  json: described({ type: 'integer' }, description),
  type: z.number('Must be a whole number').int('Must be a whole number').min(1, 'At least 1').max(1e9),
})

export const flag = (description?: string): Argument<boolean> => ({
  json: described({ type: 'boolean' }, description),
  type: z.boolean(),
})

export const oneOf = <const T extends string>(values: readonly T[], description?: string): Argument<T> => ({
  json: described({ enum: [...values] }, description),
  type: z.enum(values),
})

export const list = <T>(item: Argument<T>, most: number, description?: string): Argument<T[]> => ({
  json: described({ type: 'array', items: item.json }, description),
  type: z.array(item.type).min(1, 'At least 1').max(most, `At most ${most}`),
})

export const object = <A extends Arguments>(members: A, description?: string): Argument<Values<A>> => ({
  json: described(schemaOf(members), description),
  type: typeOf(members),
})

/** Any JSON object, checked by its reader. */
export const anyObject = (description?: string): Argument<JsonObject> => ({
  json: described({ type: 'object' }, description),
  type: z.record(z.string(), z.unknown()),
})

export const optional = <T>(argument: Argument<T>): Argument<T> & { isOptional: true } => ({
  ...argument,
  isOptional: true,
})

function typeOf<A extends Arguments>(members: A): z.ZodType<Values<A>> {
  const shape = Object.fromEntries(
    Object.entries(members).map(([name, { type, isOptional }]) => [
      name,
      isOptional ? type.optional() : type,
    ]),
  )
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return z.strictObject(shape) as unknown as z.ZodType<Values<A>>
}

export function schemaOf(members: Arguments) {
  const required = Object.keys(members).filter((name) => !members[name]?.isOptional)
  return {
    type: 'object' as const,
    properties: Object.fromEntries(Object.entries(members).map(([name, { json }]) => [name, json])),
    ...(required.length > 0 && { required }),
  }
}

/** @throws {AppError} `invalid` with one entry per error */
export const valuesOf = <A extends Arguments>(members: A, given: unknown): Values<A> =>
  check(typeOf(members), given ?? {}, 'json')
