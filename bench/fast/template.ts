/**
 * @module Requests that differ only in a unique part. `unique` stands for eight hexadecimal digits that no other request has,
 * `chosen` for one of a list of values in turn.
 */
export const unique = '5eed5eed'
export const chosen = '{chosen}'

export interface Template {
  method: 'GET' | 'POST' | 'PATCH'
  path: string
  headers: Record<string, string>
  body: string | null
  /** Values of `chosen`. */
  values?: string[]
}

const parts = new RegExp(`(${unique}|${chosen.replaceAll(/[{}]/g, '\\$&')})`)

/** @returns a function that fills the text in for each request */
function filler(text: string): (digits: string, value: string) => string {
  const split = text.split(parts)
  if (split.length === 1) return () => text
  return (digits, value) =>
    split.map((part) => (part === unique ? digits : part === chosen ? value : part)).join('')
}

export interface Filled {
  path: string
  body: string | null
}

/** @param first distinguishes the requests of several processes and rounds */
export function requestsOf({ path, body, values = [''] }: Template, first: number): () => Filled {
  const [toPath, toBody] = [filler(path), filler(body ?? '')]
  let made = 0
  return () => {
    const digits = ((first + made) % 0x1_0000_0000).toString(16).padStart(8, '0')
    const value = values[made % values.length] ?? ''
    made += 1
    return { path: toPath(digits, value), body: body === null ? null : toBody(digits, value) }
  }
}
