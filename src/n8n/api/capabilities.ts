/** @module Discovers the capabilities of an n8n server. */
import * as z from 'zod'
import { JsonRecord, N8nWorkflow, pageOf } from './shapes.ts'
import { isN8nError, N8nError, type Send } from './transport.ts'
import { isObject } from '../../lib/json-object.ts'
import { type AcceptedSettings, KNOWN_SETTINGS, LEGACY_SETTINGS } from '../sendable/settings.ts'

/** Capabilities of an n8n server for an API key. */
export interface N8nCapabilities {
  /**
   * `current`: reports its capabilities at `/discover`. `legacy`: 1.x and 2.0, which have no `/discover`; their
   * capabilities are fixed. The public API does not expose the exact version.
   */
  generation: 'current' | 'legacy'
  /** `/publish` and `/unpublish`; otherwise `/activate` and `/deactivate`. */
  publish: boolean
  /** `POST /credentials` accepts a client-generated ID. */
  ownCredentialIds: boolean
  credentialList: boolean
  credentialRead: boolean
  credentialUpdate: boolean
  credentialTest: boolean
  /** keys allowed in a workflow's `settings` */
  settings: AcceptedSettings
}

/** Enough for one full workflow. */
const MAX_LIST_BYTES = 6 * 1024 * 1024

const LEGACY: N8nCapabilities = {
  generation: 'legacy',
  publish: false,
  ownCredentialIds: false,
  credentialList: false,
  credentialRead: false,
  credentialUpdate: false,
  credentialTest: false,
  settings: LEGACY_SETTINGS,
}

const Discovery = z.object({
  data: z.object({
    resources: z.record(
      z.string(),
      z.object({
        endpoints: z.array(
          z.object({ method: z.string(), path: z.string(), requestSchema: JsonRecord.optional() }),
        ),
      }),
    ),
  }),
})

/** How a server without `/discover` answers. */
const isRefusal = (error: unknown): boolean => isN8nError(error, 'not-found', 'rejected')

/** @throws {N8nError} */
export async function discover(send: Send, maxResponseBytes: number): Promise<N8nCapabilities> {
  const ask = (resource: string) =>
    send({
      operation: 'discover',
      method: 'GET',
      path: '/discover',
      query: { resource, include: 'schemas' },
      maxResponseBytes,
      answer: Discovery,
    })
  const asked = await Promise.allSettled([ask('workflow'), ask('credential')])
  const reports = asked.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  const errors = asked.flatMap((each): unknown[] => (each.status === 'rejected' ? [each.reason] : []))
  if (errors.length === 0) return reported(reports)
  // A server that reports one of them has `/discover`: the refusal of the other one, such as by a proxy, does not mean legacy.
  const failure = reports.length > 0 ? errors[0] : errors.find((error) => !isRefusal(error))
  if (failure !== undefined) throw failure
  await checkIsN8n(send)
  return LEGACY
}

function reported(reports: readonly z.infer<typeof Discovery>[]): N8nCapabilities {
  const endpoints = reports.flatMap(({ data }) =>
    Object.values(data.resources).flatMap((resource) => resource.endpoints),
  )
  const byName = new Map(
    endpoints.map((each) => [`${each.method} ${pattern(each.path)}`, each.requestSchema]),
  )
  const settings = fieldsOf(fieldsOf(byName.get('POST /workflows')).settings)
  const credentialId = fieldsOf(byName.get('POST /credentials')).id
  return {
    generation: 'current',
    publish: byName.has('POST /workflows/{}/publish'),
    ownCredentialIds: isObject(credentialId) && credentialId.readOnly !== true,
    credentialList: byName.has('GET /credentials'),
    credentialRead: byName.has('GET /credentials/{}'),
    credentialUpdate: byName.has('PATCH /credentials/{}'),
    credentialTest: byName.has('POST /credentials/{}/test'),
    settings: accepted(Object.keys(settings)),
  }
}

/**
 * Endpoints that the API key can call, such as `GET /workflows/{}`. Null if n8n does not report them.
 * @throws {N8nError}
 */
export async function discoverEndpoints(
  send: Send,
  maxResponseBytes: number,
): Promise<ReadonlySet<string> | null> {
  try {
    const { data } = await send({
      operation: 'discover',
      method: 'GET',
      path: '/discover',
      maxResponseBytes,
      answer: Discovery,
    })
    const endpoints = Object.values(data.resources).flatMap((resource) => resource.endpoints)
    return new Set(endpoints.map((each) => `${each.method} ${pattern(each.path)}`))
  } catch (error) {
    if (isRefusal(error)) return null
    throw error
  }
}

/** A server without `/discover` may not be n8n. A legacy n8n also answers 404 to an invalid key. */
async function checkIsN8n(send: Send): Promise<void> {
  const operation = 'discover'
  const path = '/workflows'
  const query = { limit: 1 }
  try {
    await send({
      operation,
      method: 'GET',
      path,
      query,
      maxResponseBytes: MAX_LIST_BYTES,
      answer: pageOf(N8nWorkflow),
    })
  } catch (error) {
    if (!isN8nError(error, 'not-found')) throw error
    throw new N8nError('not-n8n', { operation, status: error.status })
  }
}

function accepted(settings: string[]): AcceptedSettings {
  const known = settings.filter((key) => KNOWN_SETTINGS.has(key))
  return known.length > 0 ? new Set(known) : LEGACY_SETTINGS
}

/** `/api/v1/workflows/{workflowId}/publish` → `/workflows/{}/publish` */
function pattern(path: string): string {
  return path.replace(/^\/api\/v1/, '').replaceAll(/\{[^}]*\}/g, '{}')
}

function fieldsOf(schema: unknown): Record<string, unknown> {
  return isObject(schema) && isObject(schema.properties) ? schema.properties : {}
}
