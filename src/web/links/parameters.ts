/** @module Reads the parameters of a list from its URL. */
import { isStorable } from '../../lib/storable-text.ts'

export type Checks<Name extends string> = Record<Name, (value: string) => boolean>

export interface ReadParameters<Name extends string> {
  /** The valid parameters, in the order of the URL. */
  query: Partial<Record<Name, string>>
  /** The other parameters, as `name=value`, for `IgnoredFilters`. */
  ignored: string[]
}

const maxShownChars = 40
const maxShown = 5

/** How an ignored parameter is shown. */
export const shownParameter = (name: string, value: string): string =>
  `${name}=${value}`.slice(0, maxShownChars).toWellFormed()

/** The last valid value of a repeated parameter applies; other values are ignored. Empty values count as absent. */
export function readParameters<Name extends string>(
  params: URLSearchParams,
  checks: Checks<Name>,
): ReadParameters<Name> {
  const query: Partial<Record<Name, string>> = {}
  const ignored = new Set<string>()
  for (const [name, text] of params) {
    const value = text.trim()
    if (value === '') continue
    if (!Object.hasOwn(checks, name) || !checks[name as Name](value)) {
      ignored.add(shownParameter(name, value))
      continue
    }
    const earlier = query[name as Name]
    if (earlier !== undefined && earlier !== value) ignored.add(shownParameter(name, earlier))
    query[name as Name] = value
  }
  return { query, ignored: [...ignored].slice(0, maxShown) }
}

export const isText =
  (maxChars: number) =>
  (value: string): boolean =>
    value.length <= maxChars && isStorable(value)

export const isOneOf =
  (values: readonly string[]) =>
  (value: string): boolean =>
    values.includes(value)
