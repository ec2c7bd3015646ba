/** @module Reads the filter of the credential list from the URL. */
import { toStorable } from '../../../lib/storable-text.ts'
import { validate } from 'uuid'
import { type Health, type ListFilter } from '../../../credentials/queries.ts'

const healthStates: readonly Health[] = ['invalid', 'untested', 'valid']
const maxChars = 128

export interface ListQuery {
  filter: ListFilter
  /** The last ID of the previous page. */
  after: string | null
  /** Parameters with an invalid value, as `name=value`. */
  ignored: string[]
}

export function readListQuery(query: URLSearchParams): ListQuery {
  const textOf = (name: string) =>
    toStorable(query.get(name) ?? '')
      .trim()
      .slice(0, maxChars)
  const status = textOf('status')
  const isHealth = (healthStates as readonly string[]).includes(status)
  const after = textOf('after')
  return {
    filter: {
      q: textOf('q'),
      status: isHealth ? (status as Health) : null,
      type: textOf('type') || null,
      service: textOf('service') || null,
    },
    after: validate(after) ? after : null,
    ignored: [
      ...(status && !isHealth ? [`status=${status}`] : []),
      ...(after && !validate(after) ? [`after=${after}`] : []),
    ],
  }
}
