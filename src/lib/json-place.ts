/** @module Where the values of a JSON text are, as lines and columns for people. */
import { pointerOf } from './json-object.ts'

/** A string, a structural character, or a literal. */
const token = /"(?:[^"\\]|\\[^])*"|[{}[\],:]|[^\s{}[\],:"]+/g

/**
 * The index of each value at one of the pointers. Linear; skips pointers without a value.
 * @param text well-formed JSON
 */
export function placesOf(text: string, pointers: readonly string[]): Map<string, number> {
  const wanted = new Set(pointers)
  const depths = new Set(pointers.map((pointer) => pointer.split('/').length - 1))
  const found = new Map<string, number>()
  const path: (string | number)[] = []
  let key: string | null = null
  let expectsKey = false
  const visit = (index: number) => {
    if (!depths.has(path.length)) return
    const pointer = pointerOf(path)
    if (wanted.has(pointer) && !found.has(pointer)) found.set(pointer, index)
  }
  for (const { 0: part, index } of text.matchAll(token)) {
    const top = path.at(-1)
    if (part === '{' || part === '[') {
      visit(index)
      path.push(part === '[' ? 0 : '')
      expectsKey = part === '{'
    } else if (part === '}' || part === ']') {
      path.pop()
      expectsKey = false
    } else if (part === ',') {
      if (typeof top === 'number') path[path.length - 1] = top + 1
      else expectsKey = true
    } else if (part === ':') {
      if (key !== null) path[path.length - 1] = key
    } else if (expectsKey) {
      key = JSON.parse(part) as string
      expectsKey = false
    } else visit(index)
  }
  return found
}

/** Such as "line 3, column 7". */
export function lineAndColumn(text: string, index: number): string {
  const before = text.slice(0, index)
  return `line ${before.split('\n').length}, column ${index - before.lastIndexOf('\n')}`
}
