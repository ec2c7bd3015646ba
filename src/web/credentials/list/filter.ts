/** @module Reads the filter of the credential list from the URL. */
import { isUuid } from '../../../lib/scalars.ts'
import type { Health, ListFilter } from '../../../credentials/queries.ts'
import { type ShortPeriod, periodNamed, shortPeriods } from '../../components/period.ts'
import { isOneOf, isText, readParameters } from '../../links/parameters.ts'

const healthStates: readonly Health[] = ['invalid', 'untested', 'valid']

export interface ListQuery {
  filter: ListFilter
  /** The valid parameters, for links. */
  query: URLSearchParams
  period: ShortPeriod
  /** The last ID of the previous page. */
  after: string | null
  /** Invalid parameters, as `name=value`. */
  ignored: string[]
}

export function readListQuery(params: URLSearchParams): ListQuery {
  const { query, ignored } = readParameters(params, {
    q: isText(128),
    status: isOneOf(healthStates),
    type: isText(128),
    service: isText(128),
    period: isOneOf(shortPeriods.map(({ name }) => name)),
    after: isUuid,
  })
  const { q = '', status, type = null, service = null, period, after = null } = query
  return {
    filter: { q, status: (status as Health | undefined) ?? null, type, service },
    query: new URLSearchParams(query),
    period: periodNamed(period, shortPeriods),
    after,
    ignored,
  }
}
