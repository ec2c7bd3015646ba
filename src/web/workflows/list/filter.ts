/** @module Reads the filters of the workflow list from the URL, and reports invalid ones. */
import { isStorable } from '../../../lib/storable-text.ts'
import { type ListCursor, type ListFilter, readListCursor } from '../../../workflows/list-queries.ts'
import { type ReadinessState, readinessStates } from '../../../workflows/readiness-queries.ts'

export interface ListQuery {
  filter: ListFilter
  /** The valid filters as in the URL, for links. */
  query: Record<string, string>
  cursor: ListCursor | null
  /** Invalid parameters, such as `ready=maybe`. */
  ignored: string[]
}

const texts = { q: 200, node: 256, cred: 128, tag: 64 } as const
const maxShownChars = 40
const isReadiness = (text: string | undefined): text is ReadinessState =>
  readinessStates.some((state) => state === text)

export function readListQuery(params: URLSearchParams): ListQuery {
  const query: Record<string, string> = {}
  const ignored: string[] = []
  let cursor: ListCursor | null = null
  for (const [name, text] of params) {
    const value = text.trim()
    if (value === '') continue
    const limit = Object.hasOwn(texts, name) ? texts[name as keyof typeof texts] : 0
    const isText = value.length <= limit && isStorable(value)
    if (!Object.hasOwn(query, name) && (isText || (name === 'ready' && isReadiness(value)))) {
      query[name] = value
      continue
    }
    if (name === 'after' && cursor === null) cursor = readListCursor(value)
    if (name !== 'after' || cursor === null) ignored.push(`${name}=${value}`.slice(0, maxShownChars))
  }
  const { q, node, cred, tag, ready } = query
  return {
    filter: {
      q,
      nodeType: node,
      credentialType: cred,
      tag,
      readiness: isReadiness(ready) ? ready : undefined,
    },
    query,
    cursor,
    ignored: ignored.slice(0, 5),
  }
}
