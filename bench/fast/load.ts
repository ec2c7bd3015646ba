/** @module Drives load in a process of its own, with keep-alive connections. `startLoad` starts the process. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { Pool } from 'undici'
import { requestsOf, type Template } from './template.ts'

export interface Load {
  url: string
  template: Template
  /** Distinguishes the requests from those of other loads. */
  first: number
  connections: number
  seconds: number
  /** Ends early after this many requests. */
  limit?: number
  /** Sends this many requests a second instead of as many as possible. */
  perSecond?: number
}

export interface Served {
  requests: number
  seconds: number
  /** Milliseconds per request. */
  median: number
  slowest: number
  failed: number
  /** Statuses or errors of the first failed requests, with the start of the response. */
  failures: string[]
}

const maxFailures = 3
/** Part of the requests. On a busy machine, a few time out. */
const toleratedFailures = 0.01

async function drive({
  url,
  template,
  first,
  connections,
  seconds,
  limit,
  perSecond,
}: Load): Promise<Served> {
  const pool = new Pool(url, { connections, pipelining: 1 })
  const next = requestsOf(template, first)
  const taken: number[] = []
  const failures: string[] = []
  const startedAt = performance.now()
  const endsAt = startedAt + seconds * 1000
  let sent = 0
  let failed = 0
  const worker = async () => {
    for (;;) {
      if (limit !== undefined && sent >= limit) return
      if (perSecond !== undefined) {
        const due = startedAt + (sent / perSecond) * 1000
        const wait = due - performance.now()
        sent += 1
        if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
      } else sent += 1
      const sentAt = performance.now()
      if (sentAt >= endsAt) return
      const { path, body } = next()
      const { method, headers } = template
      const answer = await pool
        .request({ method, path, headers, body })
        .then(async ({ statusCode, body: stream }) => ({ statusCode, text: await stream.text() }))
        .catch((error: unknown) => ({ statusCode: 0, text: String(error) }))
      if (answer.statusCode >= 200 && answer.statusCode < 400) taken.push(performance.now() - sentAt)
      else {
        failed += 1
        if (failures.length < maxFailures) failures.push(`${answer.statusCode} ${answer.text.slice(0, 300)}`)
      }
    }
  }
  await Promise.all(Array.from({ length: connections }, worker))
  const elapsed = (performance.now() - startedAt) / 1000
  await pool.destroy()
  const sorted = taken.toSorted((a, b) => a - b)
  return {
    requests: taken.length,
    seconds: elapsed,
    median: sorted[sorted.length >> 1] ?? Number.NaN,
    slowest: sorted.at(-1) ?? Number.NaN,
    failed,
    failures,
  }
}

export interface Loader {
  /** @throws if more than one percent of the requests fail */
  run: (load: Omit<Load, 'first'>) => Promise<Served>
  stop: () => void
}

let processes = 0

export function startLoad(): Loader {
  const child: ChildProcess = fork(import.meta.filename, ['--drive'], { execArgv: process.execArgv })
  processes += 1
  let first = processes * 0x1000_0000
  return {
    async run(load) {
      child.send({ ...load, first })
      first += 0x2_0000
      const [served] = (await once(child, 'message')) as [Served]
      if (served.failed > served.requests * toleratedFailures)
        throw new Error(`${load.template.method} ${load.template.path}: ${served.failures.join('\n')}`)
      return served
    },
    stop: () => void child.kill('SIGKILL'),
  }
}

if (process.argv.includes('--drive'))
  process.on('message', (load: Load) => void drive(load).then((served) => process.send?.(served)))
