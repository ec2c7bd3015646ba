/** @module Why a run's page has no nodes to show, in words, and where that is set. Pure. */
import { plural, size } from '../../format.ts'
import type { RunView } from './model.ts'

export interface MissingData {
  title: string
  text: string
  /** In n8n, where it is chosen which runs are saved. */
  settingsUrl: string | null
}

const because = (title: string, text: string, settingsUrl: string | null = null): MissingData => ({
  title,
  text,
  settingsUrl,
})

/** Null when the nodes are there. @param dataDays how long data is kept where the workflow says nothing */
export function missingData({ page, nodes }: RunView, dataDays: number): MissingData | null {
  const { run, data, dataState, workflow, deployment, instance } = page
  if (nodes.length > 0) return null
  if (run.status === 'new') return because('It is queued.', 'n8n starts it once it has room.')
  if (run.status === 'running') {
    return because(
      'It runs.',
      'n8n tells of the nodes once it has ended; this page shows them then by itself.',
    )
  }
  if (run.status === 'waiting') {
    return because('It waits.', 'For a time, a form or a call. Its nodes are shown once it has ended.')
  }
  if (dataState === 'trimmed') {
    const days = plural(workflow?.dataRetentionDays ?? dataDays, 'day')
    return because(`Its data was trimmed after ${days}.`, 'Status, times and the error stay.')
  }
  if (dataState === 'pending') {
    return because(
      'Its nodes are not here yet.',
      'n8n is asked for them with the next poll, within a few minutes.',
    )
  }
  if (dataState === 'there') return otherData(data)
  return because(
    'n8n kept no data for this run.',
    'The workflow\u2019s settings there say which runs are saved.',
    instance && deployment?.n8nWorkflowId
      ? `${instance.baseUrl}/workflow/${encodeURIComponent(deployment.n8nWorkflowId)}`
      : null,
  )
}

function otherData(data: unknown): MissingData {
  const sizeBytes = typeof data === 'object' && data !== null && 'sizeBytes' in data ? data.sizeBytes : null
  if (typeof sizeBytes === 'number') {
    return because('Its data was too large to keep.', `It had ${size(sizeBytes)}; up to 256 kB are kept.`)
  }
  return because(
    'It was reported with data of the sender\u2019s own shape,',
    'which says nothing of nodes. The API gives it as it came.',
  )
}
