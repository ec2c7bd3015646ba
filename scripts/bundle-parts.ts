/** @module What of a bundle comes from where, by its source map. */
import type { OutputChunk } from 'rolldown'

const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** One segment of a source map: numbers in base64 VLQ. */
function decode(segment: string): number[] {
  const numbers: number[] = []
  let [value, shift] = [0, 0]
  for (const digit of segment) {
    const bits = digits.indexOf(digit)
    value += (bits & 31) << shift
    shift += 5
    if (bits & 32) continue
    numbers.push(value & 1 ? -(value >> 1) : value >> 1)
    value = 0
    shift = 0
  }
  return numbers
}

/** Path of a source, relative to the bundle's folder → its code in the bundle. The key '' has the code of no source. */
export function codeBySource({ code, map }: Pick<OutputChunk, 'code' | 'map'>): Map<string, string> {
  const result = new Map<string, string>()
  if (!map) return result.set('', code)
  const lines = code.split('\n')
  let source = 0
  // The lines of a template literal have no segments of their own.
  let name = ''
  for (const [index, mapping] of map.mappings.split(';').entries()) {
    const line = lines[index] ?? ''
    let column = 0
    const add = (end: number) => result.set(name, (result.get(name) ?? '') + line.slice(column, end))
    for (const segment of mapping.split(',').filter(Boolean)) {
      const [columns = 0, sources] = decode(segment)
      add(column + columns)
      column += columns
      if (sources !== undefined) source += sources
      name = sources === undefined ? '' : (map.sources[source] ?? '')
    }
    add(line.length)
  }
  return result
}

/** A package, or a folder or file of `src`. */
export const partOf = (source: string): string =>
  /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source)?.[1] ?? /src\/[^/]+/.exec(source)?.[0] ?? 'bundler'
