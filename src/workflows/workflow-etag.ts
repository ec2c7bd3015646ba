/** @module The ETag of a workflow. */
import { etagWith } from '../http/etag.ts'
import type { Workflow } from './contract.ts'

/** Settings change `updatedAt` but not the version. */
export const tagOf = ({ version, dataRetentionDays, requireReplay, updatedAt }: Workflow): Promise<string> =>
  etagWith<object>(
    version,
    dataRetentionDays === null && !requireReplay
      ? {}
      : { dataRetentionDays, ...(requireReplay && { requireReplay }), updatedAt },
    {},
  )
