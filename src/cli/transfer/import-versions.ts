/** @module Restores the workflows of an export, version by version. */
import { join } from 'node:path'
import * as z from 'zod'
import { ArchivedVersion, ArchivedWorkflow, files, readArchived, readNames, versionFile } from './archive.ts'
import { type Context, unlessRefused } from './import-context.ts'
import { plural } from '../terminal.ts'

const Saved = z.looseObject({ id: z.string(), version: z.int() })
const KnownWorkflow = z.looseObject({
  id: z.string(),
  version: z.int(),
  name: z.string(),
  contentHash: z.string(),
})

/** Identifies a workflow in the account that equals the first `version` versions of an exported one. */
const stateOf = (state: { version: number; name: string; contentHash: string }): string =>
  JSON.stringify([state.version, state.name, state.contentHash])

export async function importWorkflowVersions(context: Context) {
  const { folder, session, skip, progress } = context
  const present = new Map<string, string[]>()
  for await (const items of session.pages('/v1/workflows')) {
    for (const each of items.map((item) => KnownWorkflow.parse(item))) {
      const state = stateOf(each)
      present.set(state, [...(present.get(state) ?? []), each.id])
    }
  }
  /** By the ID in the export. */
  const ids = new Map<string, string>()
  const counts = { created: 0, createdVersions: 0, present: 0 }
  const folders = await readNames(join(folder, files.workflows))
  for (const [index, name] of folders.entries()) {
    const own = join(folder, files.workflows, name)
    const workflow = await readArchived(join(own, files.workflow), ArchivedWorkflow)
    const read = (version: number) => readArchived(join(own, versionFile(version)), ArchivedVersion)
    const started = await findStarted(workflow.version, read, present)
    const what = `Workflow "${workflow.name}"`
    let id = started?.id
    let from = started?.version ?? 0
    if (id === undefined) {
      const first = await read(1)
      const { dataRetentionDays, requireReplay } = workflow
      const body = { ...contentOf(first), dataRetentionDays, ...(requireReplay && { requireReplay }) }
      const created = await unlessRefused(
        () => session.post('/v1/workflows', body, context.key(workflow.id)),
        skip,
        what,
      )
      if (created === null) continue
      id = Saved.parse(created).id
      from = 1
      counts.created += 1
      counts.createdVersions += 1
    } else counts.present += 1
    ids.set(workflow.id, id)
    counts.createdVersions += await addVersions(context, { id, from, to: workflow.version, what }, read)
    progress(`${index + 1} of ${plural(folders.length, 'workflow')}`)
  }
  return { ids, ...counts }
}

type Read = (version: number) => Promise<ArchivedVersion>

/** The workflow from an earlier, possibly interrupted run. Each workflow is matched only once. */
async function findStarted(newest: number, read: Read, present: Map<string, string[]>) {
  for (let version = newest; version >= 1; version -= 1) {
    const id = present.get(stateOf(await read(version)))?.pop()
    if (id !== undefined) return { id, version }
  }
  return null
}

/** @returns the number of versions created */
async function addVersions(
  { session, skip, key }: Context,
  workflow: { id: string; from: number; to: number; what: string },
  read: Read,
): Promise<number> {
  const { id, from, to, what } = workflow
  for (let version = from + 1; version <= to; version += 1) {
    const content = await read(version)
    const restored = await restoredFrom(content, read)
    const created = await unlessRefused(
      () =>
        restored === null
          ? session.patch(`/v1/workflows/${id}`, contentOf(content), version - 1)
          : session.restore(id, restored, version - 1, key(`${id}-${version}`)),
      skip,
      `${what}, version ${version}`,
    )
    if (created === null) return version - 1 - from
    const saved = Saved.parse(created)
    if (saved.version !== version)
      throw new Error(`${what} is at version ${saved.version} instead of ${version}`)
  }
  return Math.max(0, to - from)
}

/** The version that this one restored, if it did. */
async function restoredFrom(version: ArchivedVersion, read: Read): Promise<number | null> {
  const { parent } = version
  if (parent === null || parent === version.version - 1) return null
  const earlier = await read(parent)
  return JSON.stringify(contentOf(earlier)) === JSON.stringify(contentOf(version)) ? parent : null
}

const contentOf = ({ workflow, name, description, prompt, model, tags }: ArchivedVersion) => ({
  workflow,
  name,
  description,
  prompt,
  model,
  tags,
})
