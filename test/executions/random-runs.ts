/** Seeded random deliveries in the style of n8n. */
import { seeded } from '../harness/random.ts'
import { type ExecutionStatus, executionStatuses, type NodeUsage } from '../../src/db/schema/executions.ts'
import type { DeliverySource, IncomingExecution } from '../../src/executions/record/merge.ts'
import { toRunData } from '../../src/executions/record/run-data.ts'

export const pick = <T>(items: readonly T[], next: () => number): T =>
  items[Math.floor(next() * items.length)]!

export function shuffled<T>(items: readonly T[], next: () => number): T[] {
  const result = [...items]
  for (let last = result.length - 1; last > 0; last--) {
    const other = Math.floor(next() * (last + 1))
    ;[result[last], result[other]] = [result[other]!, result[last]!]
  }
  return result
}

export interface Delivery {
  execution: IncomingExecution
  source: DeliverySource
}

export const hourMs = 60 * 60 * 1000

export const randomError = (next: () => number): NonNullable<IncomingExecution['error']> => ({
  message: pick(
    [
      `Request ${Math.floor(next() * 1e6)} failed with status code 404`,
      `The service refused the connection to "https://api${Math.floor(next() * 9)}.example.com"`,
      'Authorization failed - please check your credentials',
    ],
    next,
  ),
  node: pick([null, 'Call', 'Store'], next),
  errorClass: pick([null, 'NodeApiError', 'NodeOperationError'], next),
  httpStatus: pick([null, 401, 404], next),
})

/** In the format of `node-runs.ts`. */
export function randomData(next: () => number, aroundMs: number): object {
  const nodes = ['Webhook', 'Call', 'Store', 'Sum up', 'Wait']
    .filter(() => next() < 0.7)
    .map((name, index) => ({
      name,
      type: pick([`n8n-nodes-base.type${index}`, '@n8n/n8n-nodes-langchain.agent', null], next),
      status: 'success',
      startedAt:
        next() < 0.15 ? null : new Date(aroundMs + Math.floor((next() - 0.5) * 48 * hourMs)).toISOString(),
      durationMs: next() < 0.1 ? null : Math.floor(next() ** 4 * 1e6),
      items: Math.floor(next() * 50),
      runs: next() < 0.2 ? 1 + Math.floor(next() * 9) : 1,
      error: next() < 0.15 ? { message: 'm', httpStatus: null } : null,
    }))
  return next() < 0.1 ? { told: 'by a sender of its own' } : { nodes }
}

const randomActivity = (next: () => number) =>
  next() < 0.5 ? null : { activeMs: Math.floor(next() * 1e5), waited: next() < 0.3 }

function randomUsage(next: () => number): NodeUsage[] | 'pending' | null {
  if (next() < 0.4) return next() < 0.3 ? 'pending' : null
  const models = [{}, { model: 'gpt-4o-mini' }, { model: 'gpt-4o-mini' }, { model: 'claude-sonnet-4-5' }]
  return Array.from({ length: 1 + Math.floor(next() * 3) }, (_, index) => ({
    node: `Model ${index}`,
    ...pick(models, next),
    calls: 1 + Math.floor(next() * 3),
    input: Math.floor(next() * 10_000),
    output: Math.floor(next() * 1000),
    ...(next() < 0.3 && { cached: Math.floor(next() * 100), written: Math.floor(next() * 100) }),
    ...(next() < 0.2 && { estimated: Math.floor(next() * 100) }),
  }))
}

const ends: ExecutionStatus[] = ['success', 'error', 'canceled', 'crashed']

/** Starts that certainly belong to one run, because the start in n8n never changes. */
const startSpreadMs = 60_000

/** Arbitrary deliveries in any order, with times, errors and data that change or are missing. */
export function randomDelivery(
  n8nExecutionId: string,
  n8nWorkflowId: string,
  aroundMs: number,
  next: () => number,
): Delivery {
  const source = next() < 0.4 ? 'poll' : 'push'
  const number = Number(/\d+$/.exec(n8nExecutionId)?.[0] ?? 0)
  // Contradictory ends belong to one run only if they have exactly the same start.
  const isExact = number % 2 === 0
  const some = pick(executionStatuses, next)
  const isEnd = ends.includes(some)
  const status = isEnd && !isExact ? ends[(number >> 1) % ends.length]! : some
  const isStartTold = isEnd || next() >= 0.4
  const one = isExact ? next : seeded(number)
  const spreadMs = isExact || source === 'poll' ? 0 : startSpreadMs
  const startedAtMs = aroundMs + Math.floor((next() - 0.5) * spreadMs)
  return {
    source,
    execution: {
      n8nExecutionId,
      n8nWorkflowId,
      status,
      mode: pick([null, 'webhook', 'trigger', 'manual', 'integrated'], one),
      n8nVersionId: pick([null, 'n8n-v1'], next),
      retryOf: Number(n8nExecutionId) % 5 > 2 && next() < 0.3 ? String(Number(n8nExecutionId) - 1) : null,
      errorAtMs: null,
      startedAtMs: isStartTold ? startedAtMs : null,
      finishedAtMs: next() < 0.4 ? null : aroundMs + Math.floor((next() - 0.5) * 4 * hourMs),
      eventAtMs: aroundMs + Math.floor(next() * 4),
      receivedAtMs: aroundMs + Math.floor(next() * 3 * hourMs),
      error: next() < 0.4 ? randomError(one) : null,
      data:
        next() < 0.5 ? toRunData(randomData(next, aroundMs), randomActivity(next), randomUsage(next)) : null,
    },
  }
}
