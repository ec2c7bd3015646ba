/** @module Reduces jose to the algorithms of the sources: A256KW with A256CBC-HS512, HS256, and RS256 for Google's tokens. */
import { parseSync, type SwitchCase, Visitor } from 'oxc-parser'

const algorithms = new Set(['A256KW', 'A256CBC-HS512', 'HS256', 'RS256'])

/** Compression. Without it, `zip` is an unsupported header. */
const deflate = `
import { JOSENotSupported } from '../util/errors.js'
export const compress = null, decompress = null
export function validateZip({ zip }) {
  if (zip !== undefined) throw new JOSENotSupported('Unsupported JWE "zip" (Compression Algorithm) Header Parameter value.')
}`

/** Files of the package that `joseSubset` changes. */
export const joseModules =
  /[\\/]jose[\\/]dist[\\/]webapi[\\/]lib[\\/](asn1|deflate|jwe_algorithms|jws_algorithms|key_management)\.js$/

export function joseSubset(path: string, source: string): string {
  const name = joseModules.exec(path)?.[1]
  if (name === 'deflate') return deflate
  // The algorithms of elliptic curves are resolved from the key.
  if (name === 'asn1') return replaced(source, /if \(entry\.resolve\)[^]*?\n {2}else\n/, '')
  return without(source, name === 'key_management' ? otherKeyManagement : otherAlgorithms)
}

interface Place {
  start: number
  end: number
}

/** Cases of `switch (entry.subtle.name)`. The statements after it wrap with AES. */
function otherKeyManagement(source: string): Place[] {
  const places: Place[] = []
  const isOther = ({ test }: SwitchCase) =>
    test?.type === 'Literal' && ['ECDH', 'RSA-OAEP', 'PBKDF2', 'AES-GCM'].includes(String(test.value))
  new Visitor({
    SwitchStatement: ({ cases }) => void places.push(...cases.filter(isOther)),
  }).visit(parseSync('a.js', source).program)
  return places
}

/** Entries of the tables of algorithms. */
function otherAlgorithms(source: string): Place[] {
  const places: Place[] = []
  new Visitor({
    CallExpression({ callee, arguments: [entries] }) {
      if (callee.type !== 'Identifier' || callee.name !== 'table' || entries?.type !== 'ObjectExpression')
        return
      for (const entry of entries.properties) {
        if (entry.type !== 'Property') continue
        const { key } = entry
        const name = key.type === 'Identifier' ? key.name : key.type === 'Literal' ? String(key.value) : ''
        const comma = source[entry.end] === ',' ? 1 : 0
        if (!algorithms.has(name)) places.push({ start: entry.start, end: entry.end + comma })
      }
    },
  }).visit(parseSync('a.js', source).program)
  return places
}

function without(source: string, find: (source: string) => Place[]): string {
  const places = find(source)
  if (places.length === 0) throw new Error('jose has no algorithms where they are expected')
  return places
    .toSorted((a, b) => b.start - a.start)
    .reduce((rest, { start, end }) => rest.slice(0, start) + rest.slice(end), source)
}

function replaced(source: string, pattern: RegExp, replacement: string): string {
  if (!pattern.test(source)) throw new Error(`jose has no ${pattern.source}`)
  return source.replace(pattern, replacement)
}
