/** @module The filters of the list, as they stand in its URL. What cannot be read is left out and named. */
import { DeploymentId } from '../../../deployments/contract.ts'
import { type BoardFilter, type BoardState, boardStates } from '../../../deployments/list-queries.ts'

export interface BoardQuery {
  filter: BoardFilter
  /** What was read, as it stands in the URL, for links. */
  query: Record<string, string>
  after: string | null
  /** Names of what was not. */
  ignored: string[]
}

const maximumChars = 200
const isState = (text: string): text is BoardState => boardStates.includes(text as BoardState)
const isId = (text: string) => DeploymentId.safeParse({ id: text }).success

export function readBoardQuery(params: URLSearchParams): BoardQuery {
  const query: Record<string, string> = {}
  const ignored: string[] = []
  let after: string | null = null
  for (const [name, value] of params) {
    if (value === '') continue
    if (name === 'after') after = value
    else if (
      (name === 'q' && value.length <= maximumChars) ||
      (name === 'status' && isState(value)) ||
      ((name === 'wf' || name === 'inst') && isId(value))
    ) {
      query[name] = value
    } else ignored.push(name.slice(0, 40))
  }
  const { q, status, wf, inst } = query
  return {
    filter: {
      state: status === undefined || !isState(status) ? undefined : status,
      workflowId: wf,
      instanceId: inst,
      q: q?.trim() || undefined,
    },
    query,
    after,
    ignored: [...new Set(ignored)].slice(0, 5),
  }
}
