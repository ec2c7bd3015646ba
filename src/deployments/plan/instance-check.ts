/** @module Checks a workflow for an instance: with the facts of its n8n version and its community nodes. */
import { type CheckedWorkflow, checkWorkflow, legacyVersion, versionToCheck } from '../../check/run.ts'
import type { Connection } from '../../instances/connections.ts'
import type { JsonObject } from '../../lib/json-object.ts'
import type { N8nWorkflow } from '../../n8n/api/shapes.ts'
import type { Catalogue } from '../../n8n/catalogue/catalogue.ts'
import type { Finding } from '../../n8n/checks/finding.ts'
import { checkStructure } from '../../n8n/structure/structure.ts'
import { installedTypes } from './community-nodes.ts'

export interface InstanceCheck {
  /** The version whose facts were used, such as `2.41`. */
  n8nVersion: string
  /** n8n refuses to publish the workflow with these. */
  refusals: Finding[]
  /** n8n publishes the workflow with these. */
  others: Finding[]
}

interface Target {
  workflow: JsonObject
  catalogue: Catalogue
  connection: Connection
  /** The workflow in n8n. */
  remote: N8nWorkflow | null
}

/** @throws {N8nError} */
export async function checkOnInstance({
  workflow,
  catalogue,
  connection,
  remote,
}: Target): Promise<InstanceCheck> {
  const { client, instance } = connection
  const installed = await installedTypes(client, workflow, catalogue, remote)
  const stored = versionToCheck(instance.n8nVersion)
  const n8nVersion = stored ?? (await currentVersion(client))
  const checked = await checkWorkflow(workflow, { n8nVersion, context: { installed } })
  if (checked.refusals.size === 0 || stored === undefined) return withoutStructure(workflow, checked)
  // n8n may have been upgraded since its last connection test.
  const current = await client.version()
  const isSame = current === null || current === stored
  return withoutStructure(
    workflow,
    isSame ? checked : await checkWorkflow(workflow, { n8nVersion: current, context: { installed } }),
  )
}

/** As `checkOnInstance`, without a request to n8n. */
export async function checkOffline(workflow: JsonObject, n8nVersion: string | null): Promise<InstanceCheck> {
  return withoutStructure(workflow, await checkWorkflow(workflow, { n8nVersion: versionToCheck(n8nVersion) }))
}

async function currentVersion(client: Connection['client']): Promise<string | undefined> {
  const version = await client.version()
  if (version !== null) return version
  return (await client.capabilities()).publish ? undefined : legacyVersion
}

/** The body that is sent to n8n reports its structure. */
function withoutStructure(
  workflow: JsonObject,
  { n8nVersion, findings, refusals }: CheckedWorkflow,
): InstanceCheck {
  const codes = new Set(checkStructure(workflow).findings.map(({ code }) => code))
  const ofContent = findings.filter(({ code }) => !codes.has(code))
  return {
    n8nVersion,
    refusals: ofContent.filter((finding) => refusals.has(finding)),
    others: ofContent.filter((finding) => !refusals.has(finding)),
  }
}
