import { deploymentLook, type Look } from './status.tsx'
import type { BoardRow } from '../../deployments/list-queries.ts'

/** How a deployment's state is shown: what is wrong with it before how it was left. */
export function boardLook({ state, status }: Pick<BoardRow, 'state' | 'status'>): Look {
  if (state === 'failing') return { tone: 'fail', word: 'Failing' }
  if (state === 'drifted') return { tone: 'wait', word: 'Changed in n8n' }
  return deploymentLook(status)
}
