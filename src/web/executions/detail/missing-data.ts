/** @module Explains why a run's page has no nodes to show, and links to the setting. Pure. */
import { isContainer } from '../../../lib/json-object.ts'
import { plural, size } from '../../format.ts'
import type { RunView } from './model.ts'

export interface MissingData {
  title: string
  text: string
  /** The page in n8n where the user chooses which runs are saved. */
  settingsUrl: string | null
}

const because = (title: string, text: string, settingsUrl: string | null = null): MissingData => ({
  title,
  text,
  settingsUrl,
})

/** Returns null if the run has nodes. @param dataDays the default retention of run data, in days */
export function missingData({ page, nodes }: RunView, dataDays: number): MissingData | null {
  const { run, data, dataState, workflow, deployment, instance } = page
  if (nodes.length > 0) return null
  if (run.status === 'new') return because('Queued.', 'n8n starts the run when it has capacity.')
  if (run.status === 'running') {
    return because('Running.', 'n8n reports the nodes when the run ends. This page updates automatically.')
  }
  if (run.status === 'waiting') {
    return because(
      'Waiting.',
      'The run is waiting for a time, a form or a call. Its nodes appear when it ends.',
    )
  }
  if (dataState === 'trimmed') {
    const days = plural(workflow?.dataRetentionDays ?? dataDays, 'day')
    return because(`Run data was deleted after ${days}.`, 'The status, times and error are still available.')
  }
  if (dataState === 'pending') {
    return because('Run data has not been fetched yet.', 'The next poll fetches it within a few minutes.')
  }
  if (dataState === 'there') return otherData(data)
  return because(
    'n8n saved no data for this run.',
    'The workflow settings in n8n control which runs are saved.',
    instance && deployment?.n8nWorkflowId
      ? `${instance.baseUrl}/workflow/${encodeURIComponent(deployment.n8nWorkflowId)}`
      : null,
  )
}

function otherData(data: unknown): MissingData {
  const sizeBytes = isContainer(data) && 'sizeBytes' in data ? data.sizeBytes : null
  if (typeof sizeBytes === 'number') {
    return because('Run data was too large to store.', `The data is ${size(sizeBytes)}. The limit is 256 KB.`)
  }
  return because('This run has custom data without nodes.', 'The API returns the data unchanged.')
}
