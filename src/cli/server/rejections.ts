/** @module Keeps the server up when a promise rejects and nothing awaits it: one request must not end all others. */
import { errorNameOf } from '../../errors.ts'

type Log = (level: 'error', event: string, fields: Record<string, unknown>) => void

/** Logs the name of the error only: its message can contain a user's data. Node would end the process. */
export function surviveRejections(log: Log): void {
  process.on('unhandledRejection', (error) => {
    log('error', 'unhandled-rejection', { errorName: errorNameOf(error) })
  })
}
