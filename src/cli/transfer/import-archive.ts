/**
 * @module Restores an export: workflows with all versions, instances, deployments and runs. A second run creates nothing,
 * and completes an interrupted one.
 */
import { join } from 'node:path'
import * as z from 'zod'
import {
  ArchivedCredential,
  ArchivedDeployment,
  ArchivedInstance,
  files,
  Manifest,
  manifestName,
  readArchived,
  readNames,
} from './archive.ts'
import { exitCode, printable } from '../command.ts'
import type { ImportIo, ImportOutcome } from './import.ts'
import { importRuns, type RunTarget } from './import-runs.ts'
import { importWorkflowVersions } from './import-versions.ts'
import { type Context, newWebhookToken, unlessRefused } from './import-context.ts'
import type { Session } from './session.ts'
import { plural } from '../terminal.ts'

/** A placeholder, because exports contain no API keys. n8n rejects it until the real key is entered. */
const placeholderKey = 'enter-the-API-key-of-this-instance-again'

const Known = z.looseObject({ id: z.string() })
const KnownCredential = z.looseObject({ id: z.string(), type: z.string(), name: z.string() })
const KnownInstance = z.looseObject({ id: z.string(), name: z.string(), baseUrl: z.string() })
const CreatedInstance = z.looseObject({ id: z.string(), webhookToken: z.string().nullable() })
const KnownDeployment = z.looseObject({
  id: z.string(),
  workflowId: z.string(),
  instanceId: z.string(),
  n8nWorkflowId: z.string().nullable(),
})

export async function importArchive(
  folder: string,
  session: Session,
  io: ImportIo,
  { renewWebhookTokens = false } = {},
): Promise<ImportOutcome> {
  await readArchived(join(folder, manifestName), Manifest)
  const skipped: { what: string; reason: string }[] = []
  const run = crypto.randomUUID()
  const context: Context = {
    folder,
    session,
    key: (name) => `import-${run}-${name}`,
    skip: (what, reason) => {
      skipped.push({ what, reason })
      io.progress?.('')
      io.message(`${printable(what)}: ${printable(reason)}`)
    },
    progress: (line) => io.progress?.(line),
  }
  try {
    const { credentials, toEnter } = await matchCredentials(context)
    const workflows = await importWorkflowVersions(context)
    const instances = await importInstances(context)
    const deployments = await importDeployments(context, workflows.ids, instances.known, credentials)
    const runs = await importRuns(context, deployments.targets, instances.tokens, { renewWebhookTokens })
    await forgetUndeployed(context, deployments.targets)
    for (const { type, name } of toEnter)
      io.message(`Enter the values of credential "${printable(name)}" (${printable(type)}) again`)
    for (const { name } of instances.created)
      io.message(`Enter the API key of instance "${printable(name)}" again`)
    const created = {
      workflows: workflows.created,
      versions: workflows.createdVersions,
      instances: instances.created.length,
      deployments: deployments.created,
      runs: runs.created,
    }
    const alreadyThere = {
      workflows: workflows.present,
      deployments: deployments.present,
      runs: runs.present,
    }
    const isAny = [...Object.values(created), ...Object.values(alreadyThere)].some((count) => count > 0)
    return {
      exitCode: skipped.length === 0 ? exitCode.success : isAny ? exitCode.partial : exitCode.failure,
      summary:
        `Created ${plural(created.workflows, 'workflow')} (${plural(created.versions, 'version')}), ` +
        `${plural(created.instances, 'instance')}, ` +
        `${plural(created.deployments, 'deployment')}, ${plural(created.runs, 'run')}; ${skipped.length} skipped`,
      result: {
        created,
        alreadyThere,
        skipped,
        credentialsToEnter: toEnter,
        apiKeysToEnter: instances.created,
      },
    }
  } finally {
    io.progress?.('')
  }
}

/** Maps exported credentials to the account's credentials of the same type and name. */
async function matchCredentials({ folder, session }: Context) {
  const archived = await readArchived(join(folder, files.credentials), z.array(ArchivedCredential))
  const placeOf = ({ type, name }: { type: string; name: string }) => JSON.stringify([type, name])
  const known = new Map<string, string>()
  for await (const items of session.pages('/v1/credentials')) {
    for (const item of items.map((each) => KnownCredential.parse(each))) known.set(placeOf(item), item.id)
  }
  const credentials = new Map<string, string>()
  const toEnter: { type: string; name: string }[] = []
  for (const { id, type, name } of archived) {
    const match = known.get(placeOf({ type, name }))
    if (match === undefined) toEnter.push({ type, name })
    else credentials.set(id, match)
  }
  return { credentials, toEnter }
}

async function importInstances({ folder, session, key, skip }: Context) {
  const archived = await readArchived(join(folder, files.instances), z.array(ArchivedInstance))
  const byUrl = new Map<string, string>()
  const names = new Set<string>()
  for await (const items of session.pages('/v1/instances')) {
    for (const { id, name, baseUrl } of items.map((each) => KnownInstance.parse(each))) {
      byUrl.set(baseUrl, id)
      names.add(name)
    }
  }
  /** By the ID in the export. */
  const known = new Map<string, string>()
  /** Webhook tokens of the instances created by this run. */
  const tokens = new Map<string, string>()
  const created: { name: string; baseUrl: string }[] = []
  for (const { id, name, baseUrl } of archived.toReversed()) {
    const present = byUrl.get(baseUrl)
    if (present !== undefined) {
      known.set(id, present)
      continue
    }
    const free = names.has(name) ? `${name.slice(0, 110)} (imported)` : name
    const body = { name: free, baseUrl, apiKey: placeholderKey }
    const response = await unlessRefused(
      () => session.post('/v1/instances', body, key(id)),
      skip,
      `Instance "${name}"`,
    )
    if (response === null) continue
    const { id: newId, webhookToken } = CreatedInstance.parse(response)
    known.set(id, newId)
    created.push({ name: free, baseUrl })
    tokens.set(newId, webhookToken ?? (await newWebhookToken(session, newId)))
  }
  return { known, tokens, created }
}

async function importDeployments(
  context: Context,
  workflows: Map<string, string>,
  instances: Map<string, string>,
  credentials: Map<string, string>,
) {
  const { folder, session, skip } = context
  const present = new Map<string, { id: string; n8nWorkflowId: string | null }>()
  for await (const items of session.pages('/v1/deployments')) {
    for (const each of items.map((item) => KnownDeployment.parse(item))) {
      present.set(`${each.workflowId} ${each.instanceId}`, each)
    }
  }
  const targets = new Map<string, RunTarget>()
  const counts = { created: 0, present: 0 }
  // By ID, so from oldest to newest.
  for (const name of await readNames(join(folder, files.deployments))) {
    const archived = await readArchived(join(folder, files.deployments, name), ArchivedDeployment)
    const workflowId = workflows.get(archived.workflowId)
    const instanceId = instances.get(archived.instanceId)
    const what = `Deployment ${archived.id}`
    if (workflowId === undefined || instanceId === undefined) {
      skip(what, `its ${workflowId === undefined ? 'workflow' : 'instance'} was not imported`)
      continue
    }
    if (archived.history.length === 0) {
      skip(what, 'it never went live')
      continue
    }
    // An undeployed workflow is not in n8n, but its runs need a deployment.
    const placeholder = `undeployed-${archived.id}`
    const isUndeployed = archived.n8nWorkflowId === null
    const n8nWorkflowId = archived.n8nWorkflowId ?? placeholder
    const existing = present.get(`${workflowId} ${instanceId}`)
    if (existing) {
      counts.present += 1
      const isLeftOver = existing.n8nWorkflowId === placeholder
      targets.set(archived.id, { id: isLeftOver ? existing.id : null, instanceId, n8nWorkflowId })
      continue
    }
    if (isUndeployed && (await hasRuns(context, workflowId, instanceId))) {
      targets.set(archived.id, { id: null, instanceId, n8nWorkflowId })
      continue
    }
    const id = await track(context, archived, { workflowId, instanceId, n8nWorkflowId }, credentials)
    if (id === null) continue
    if (!isUndeployed) counts.created += 1
    targets.set(archived.id, { id: isUndeployed ? id : null, instanceId, n8nWorkflowId })
  }
  return { targets, ...counts }
}

/** @returns the ID of the new deployment with the archived history; null if the server rejects it */
async function track(
  { session, skip, key }: Context,
  archived: ArchivedDeployment,
  place: { workflowId: string; instanceId: string; n8nWorkflowId: string },
  credentials: Map<string, string>,
): Promise<string | null> {
  const what = `Deployment ${archived.id}`
  const [first, ...later] = archived.history.map(({ version, createdAt }) => ({
    version,
    liveSince: createdAt,
  }))
  const body = { ...place, ...first, bindings: bindingsOf(archived, credentials) }
  const created = await unlessRefused(
    () => session.post('/v1/deployments', body, key(archived.id)),
    skip,
    what,
  )
  if (created === null) return null
  const { id } = Known.parse(created)
  for (const change of later) {
    await unlessRefused(() => session.patch(`/v1/deployments/${id}`, change), skip, what)
  }
  return id
}

/** Whether an earlier import recorded runs of a deployment that no longer exists. */
async function hasRuns({ session }: Context, workflowId: string, instanceId: string): Promise<boolean> {
  const query = new URLSearchParams({ workflowId, instanceId, limit: '1' })
  const { items } = z
    .object({ items: z.array(z.unknown()) })
    .parse(await session.get(`/v1/executions?${query}`))
  return items.length > 0
}

const bindingsOf = ({ bindings }: ArchivedDeployment, credentials: Map<string, string>) =>
  bindings.flatMap(({ node, type, credentialId, n8nCredentialId }): object[] => {
    if (n8nCredentialId !== undefined) return [{ node, type, n8nCredentialId }]
    const known = credentialId === undefined ? undefined : credentials.get(credentialId)
    return known === undefined ? [] : [{ node, type, credentialId: known }]
  })

/** Deletes temporary deployments. Their runs stay, as for any deleted deployment. */
async function forgetUndeployed({ session }: Context, targets: Map<string, RunTarget>): Promise<void> {
  for (const { id } of targets.values()) {
    if (id !== null) await session.delete(`/v1/deployments/${id}?force=true`)
  }
}
