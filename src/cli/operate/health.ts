/** @module `flowkeep health`: whether the server on this machine responds, for container health checks. */
import { exitCode } from '../command.ts'
import { message, result } from '../terminal.ts'
import { serverUrlOf } from '../variables.ts'

const timeoutMs = 4000

export async function healthCommand(): Promise<number> {
  const url = `${serverUrlOf(process.env)}/health/live`
  const problem = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) }).then(
    ({ ok, status }) => (ok ? null : `status ${status}`),
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  )
  if (problem === null) {
    result('The server is running.')
    return exitCode.success
  }
  message(`${url}: ${problem}`)
  return exitCode.failure
}
