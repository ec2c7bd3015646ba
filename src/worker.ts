/**
 * @module The Cloudflare Workers entry point. An isolate evaluates the application on its first event, so that starting one
 * costs no more than compiling the code.
 */
import type { QueuedMessage } from './executions/reports/queue.ts'

type Env = Record<string, unknown>

interface WorkerContext {
  waitUntil(promise: Promise<unknown>): void
  passThroughOnException(): void
  props: unknown
}

type Isolate = typeof import('./worker/isolate.ts')

let isolate: Isolate | undefined
const load = async (): Promise<Isolate> => (isolate ??= await import('./worker/isolate.ts'))

export default {
  async fetch(request: Request, env: Env, context: WorkerContext): Promise<Response> {
    const { respond } = isolate ?? (await load())
    return respond(request, env, context)
  },
  async scheduled(_controller: unknown, env: Env): Promise<void> {
    const { runScheduledJob } = await load()
    await runScheduledJob(env)
  },
  async queue(batch: { messages: readonly QueuedMessage[] }, env: Env): Promise<void> {
    const { consume } = await load()
    await consume(batch.messages, env)
  },
}
