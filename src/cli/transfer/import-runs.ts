/** @module Reports the runs of an export to the webhook of their instance, oldest first. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { ArchivedRun, backwardLines, files, forwardLines } from './archive.ts'
import { type Context, newWebhookToken } from './import-context.ts'
import { plural } from '../terminal.ts'

/** The deployment for an exported one. */
export interface RunTarget {
  /** For an undeployed one: temporary, deleted once the runs are recorded. */
  id: string | null
  instanceId: string
  n8nWorkflowId: string
}

const batchSize = 200

const Results = z.object({
  results: z.array(z.looseObject({ created: z.boolean(), code: z.string().optional() })),
})
const Found = z.object({ items: z.array(z.looseObject({ n8nExecutionId: z.string() })) })

export async function importRuns(
  context: Context,
  targets: Map<string, RunTarget>,
  tokens: Map<string, string>,
  { renewWebhookTokens }: { renewWebhookTokens: boolean },
) {
  const path = join(context.folder, files.runs)
  const counts = { created: 0, present: 0 }
  if (!existsSync(path)) return counts
  const { newest, perInstance, orphans } = await survey(path, targets)
  if (orphans > 0)
    context.skip(plural(orphans, 'run'), 'the deployment is not part of the export, or was not imported')
  for (const [instanceId, run] of newest) {
    if (tokens.has(instanceId)) continue
    const runs = perInstance.get(instanceId) ?? 0
    if (await isRecorded(context, instanceId, run)) counts.present += runs
    else if (renewWebhookTokens) tokens.set(instanceId, await newWebhookToken(context.session, instanceId))
    else {
      const reason = 'the instance already existed. Use --renew-webhook-tokens to import its runs'
      context.skip(plural(runs, 'run'), reason)
    }
  }
  const waiting = new Map<string, ArchivedRun[]>()
  const flush = async (instanceId: string) => {
    const runs = waiting.get(instanceId) ?? []
    waiting.delete(instanceId)
    const sent = await send(context, { instanceId, token: tokens.get(instanceId) ?? '' }, runs, targets)
    counts.created += sent.created
    counts.present += sent.present
    context.progress(plural(counts.created + counts.present, 'run'))
  }
  for await (const line of backwardLines(path)) {
    const run = ArchivedRun.parse(JSON.parse(line))
    const instanceId = targets.get(run.deploymentId)?.instanceId
    if (instanceId === undefined || !tokens.has(instanceId)) continue
    const runs = waiting.get(instanceId) ?? []
    runs.push(run)
    waiting.set(instanceId, runs)
    if (runs.length >= batchSize) await flush(instanceId)
  }
  for (const instanceId of [...waiting.keys()]) await flush(instanceId)
  return counts
}

/** The runs to import, read once from newest to oldest. */
async function survey(path: string, targets: Map<string, RunTarget>) {
  const newest = new Map<string, string>()
  const perInstance = new Map<string, number>()
  let orphans = 0
  for await (const line of forwardLines(path)) {
    if (line === '') continue
    const { deploymentId, n8nExecutionId } = ArchivedRun.parse(JSON.parse(line))
    const instanceId = targets.get(deploymentId)?.instanceId
    if (instanceId === undefined) orphans += 1
    else {
      if (!newest.has(instanceId)) newest.set(instanceId, n8nExecutionId)
      perInstance.set(instanceId, (perInstance.get(instanceId) ?? 0) + 1)
    }
  }
  return { newest, perInstance, orphans }
}

/** Runs are imported oldest first, so if the newest is recorded, all are. */
async function isRecorded(
  { session }: Context,
  instanceId: string,
  n8nExecutionId: string,
): Promise<boolean> {
  const query = new URLSearchParams({ instanceId, q: `#${n8nExecutionId}`, limit: '100' })
  const { items } = Found.parse(await session.get(`/v1/executions?${query}`))
  return items.some((item) => item.n8nExecutionId === n8nExecutionId)
}

async function send(
  { session, skip }: Context,
  { instanceId, token }: { instanceId: string; token: string },
  runs: ArchivedRun[],
  targets: Map<string, RunTarget>,
) {
  const reports = runs.flatMap((run) => toReports(run, targets.get(run.deploymentId)?.n8nWorkflowId ?? ''))
  const answer = await session.postAs(token, `/hooks/n8n/${instanceId}`, reports, { Prefer: 'wait' })
  const { results } = Results.parse(answer)
  const refused = results.filter(({ code }) => code !== undefined)
  for (const code of new Set(refused.map((each) => each.code ?? ''))) {
    skip(plural(refused.filter((each) => each.code === code).length, 'run'), code)
  }
  const created = results.filter((each) => each.created).length
  return { created, present: runs.length - created - refused.length }
}

/** A run that waited is reported twice, because only a report with status `waiting` marks it. */
function toReports(run: ArchivedRun, workflowId: string) {
  const { n8nExecutionId: executionId, status, mode, startedAt, finishedAt, n8nRetryOf, error } = run
  const common = {
    executionId,
    workflowId,
    ...(mode !== null && { mode }),
    ...(startedAt !== null && { startedAt }),
  }
  const report = {
    ...common,
    status,
    ...(finishedAt !== null && { finishedAt }),
    ...(n8nRetryOf !== null && { retryOf: n8nRetryOf }),
    ...(error !== null && {
      error: { message: error.message, ...(error.node !== null && { node: error.node }) },
    }),
  }
  return run.waited && status !== 'waiting' ? [{ ...common, status: 'waiting' }, report] : [report]
}
