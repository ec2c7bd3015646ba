/** @module Reads the filters of the workflow list from the URL, and reports invalid ones. */
import { type ListCursor, type ListFilter, readListCursor } from '../../../workflows/list-queries.ts'
import { type ReadinessState, readinessStates } from '../../../workflows/readiness-queries.ts'
import { isOneOf, isText, readParameters } from '../../links/parameters.ts'

export interface ListQuery {
  filter: ListFilter
  /** The valid filters as in the URL, for links. */
  query: Record<string, string>
  cursor: ListCursor | null
  /** Invalid parameters, such as `ready=maybe`. */
  ignored: string[]
}

export function readListQuery(params: URLSearchParams): ListQuery {
  const {
    query: { after, ...query },
    ignored,
  } = readParameters(params, {
    q: isText(200),
    node: isText(256),
    cred: isText(128),
    tag: isText(64),
    ready: isOneOf(readinessStates),
    after: (value) => readListCursor(value) !== null,
  })
  const { q, node, cred, tag, ready } = query
  return {
    filter: {
      q,
      nodeType: node,
      credentialType: cred,
      tag,
      readiness: ready as ReadinessState | undefined,
    },
    query,
    cursor: after === undefined ? null : readListCursor(after),
    ignored,
  }
}
