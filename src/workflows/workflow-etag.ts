/** @module The ETag of a workflow. */
import { etagWith } from '../http/etag.ts'
import type { Workflow } from './contract.ts'

/** Data retention changes `updatedAt` but not the version. */
export const tagOf = ({ version, dataRetentionDays, updatedAt }: Workflow): Promise<string> =>
  etagWith<object>(version, dataRetentionDays === null ? {} : { dataRetentionDays, updatedAt }, {})
