/** @module The line and column of each finding in the text of a file. */
import { placesOf } from '../../lib/json-place.ts'
import type { Finding } from '../../n8n/checks/finding.ts'
import type { LocatedFinding } from './command.ts'

/**
 * Uses the closest value that exists, because a finding can point to what is missing.
 * @param json the JSON in the text of the file, which can have a fence or prose around it
 */
export function locate(text: string, json: string, findings: readonly Finding[]): LocatedFinding[] {
  const offset = Math.max(0, text.indexOf(json))
  const lineage = findings.map(({ pointer }) => ancestorsOf(pointer))
  const places = placesOf(json, [...new Set(lineage.flat())])
  const starts = lineStarts(text)
  return findings.map((finding, index) => {
    const pointer = lineage[index]?.find((each) => places.has(each))
    const at = offset + (pointer === undefined ? 0 : (places.get(pointer) ?? 0))
    const line = lineAt(starts, at)
    return { ...finding, line: line + 1, column: at - (starts[line] ?? 0) + 1 }
  })
}

/** The pointer itself first, the root last. */
function ancestorsOf(pointer: string): string[] {
  const all = [pointer]
  for (let at = pointer; at !== ''; ) {
    at = at.slice(0, at.lastIndexOf('/'))
    all.push(at)
  }
  return all
}

function lineStarts(text: string): number[] {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return starts
}

/** The last line that starts at or before the index. */
function lineAt(starts: readonly number[], index: number): number {
  let low = 0
  let high = starts.length - 1
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if ((starts[middle] ?? 0) <= index) low = middle
    else high = middle - 1
  }
  return low
}
