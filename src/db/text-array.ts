/** @module Reads arrays of text, as Postgres writes them (array_out), without looking at each character of plain elements. */
import { types } from '@neondatabase/serverless'

/** OID of `text[]`. */
export const textArrayType = 1009

/** Quoted or nested elements, or an array with bounds. */
const needsParser = /["\\]|^(?!\{)|[{}].*[{}].*[{}]/s

const parser = types.getTypeParser(textArrayType) as (text: string) => (string | null)[]

/** @param text e.g. `{a,NULL,"b c"}` */
export function parseTextArray(text: string): (string | null)[] {
  if (needsParser.test(text)) return parser(text)
  if (text === '{}') return []
  const elements: (string | null)[] = text.slice(1, -1).split(',')
  return text.includes('NULL') ? elements.map((each) => (each === 'NULL' ? null : each)) : elements
}
