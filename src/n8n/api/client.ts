/** @module Client for n8n's public API. Measured on n8n 2.41.1; 1.x and 2.0 support a subset. */
import { discover, discoverEndpoints, type N8nCapabilities } from './capabilities.ts'
import {
  Anything,
  CommunityPackages,
  CredentialTest,
  type ExecutionQuery,
  JsonRecord,
  N8nCredential,
  N8nExecution,
  N8nVariable,
  type N8nPage,
  N8nWorkflow,
  OtelSettings,
  OtelTest,
  pageOf,
} from './shapes.ts'
import type * as z from 'zod'
import { createTransport, isN8nError, N8nError, pathId, type Send } from './transport.ts'
import { readVersion } from './version.ts'
import { callWebhook, type WebhookCall } from './webhook.ts'
import type { N8nWorkflowBody } from '../sendable/workflow.ts'

/** Responses without workflows are far smaller. */
const MAX_RESPONSE_BYTES = 2 * 1024 * 1024
/** n8n returns a workflow of up to 2 MB twice: as draft and as published version. */
const MAX_WORKFLOW_RESPONSE_BYTES = 6 * 1024 * 1024
/** n8n caps `limit` at 250 and returns everything for 0. */
const MAX_PAGE = 250
/** Low, because lists contain full workflows. */
const WORKFLOWS_A_PAGE = 10
const MAX_PAGES = 50
const VERSION_TIMEOUT_MS = 5_000

export interface N8nClientOptions {
  /** URL of n8n without `/api/v1`, with an optional path prefix. Validate it first: the client sends the API key there. */
  baseUrl: string
  apiKey: string
  fetch: typeof fetch
  /** per request, including the response; default 10 s */
  timeoutMs?: number
  /** per response, after decompression; default 2 MB, or 6 MB for workflows */
  maxResponseBytes?: number
  /** from an earlier client; default: discovered when needed */
  capabilities?: N8nCapabilities
  now?: () => Date
}

export type N8nClient = ReturnType<typeof createN8nClient>

/** Every method @throws {N8nError}. Never retries. */
export function createN8nClient(options: N8nClientOptions) {
  const timeoutMs = options.timeoutMs ?? 10_000
  const send = createTransport({
    ...options,
    timeoutMs,
    now: options.now ?? (() => new Date()),
  })
  const maxResponseBytes = options.maxResponseBytes ?? MAX_RESPONSE_BYTES
  const maxWorkflowBytes = options.maxResponseBytes ?? MAX_WORKFLOW_RESPONSE_BYTES
  let known: Promise<N8nCapabilities> | undefined =
    options.capabilities && Promise.resolve(options.capabilities)

  /** Discovered once; failures are not cached. */
  function capabilities(): Promise<N8nCapabilities> {
    known ??= discover(send, maxResponseBytes).catch((error: unknown) => {
      known = undefined
      throw error
    })
    return known
  }

  let asked: Promise<string | null> | undefined

  const workflow = (
    operation: string,
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    more: { body?: unknown; query?: Record<string, boolean | undefined>; savesBeforeRefusing?: boolean } = {},
  ) => send({ operation, method, path, ...more, maxResponseBytes: maxWorkflowBytes, answer: N8nWorkflow })

  /**
   * One page, in no particular order. n8n matches `name` as a substring, ignoring case, with the wildcards `%` and `_`.
   */
  async function listWorkflows(
    query: { name?: string; limit?: number; cursor?: string } = {},
  ): Promise<N8nPage<N8nWorkflow>> {
    const page = await send({
      operation: 'workflow-list',
      method: 'GET',
      path: '/workflows',
      query: { ...query, limit: pageSize(query.limit ?? WORKFLOWS_A_PAGE) },
      maxResponseBytes: maxWorkflowBytes,
      answer: pageOf(N8nWorkflow),
    })
    return { items: page.data, nextCursor: page.nextCursor }
  }

  return {
    capabilities,

    /** The exact version, such as `2.41.1`; null if n8n does not show it. Asked once. Never throws. */
    version(): Promise<string | null> {
      asked ??= readVersion({ ...options, timeoutMs: Math.min(timeoutMs, VERSION_TIMEOUT_MS) })
      return asked
    },

    /** Endpoints that the API key can call, such as `GET /workflows/{}`; null if n8n does not report them. */
    endpoints: () => discoverEndpoints(send, maxResponseBytes),

    /** 2.x only. 2.41.1 responds with 500 (`server-error`) while its community packages module is disabled. */
    listCommunityPackages: (): Promise<CommunityPackages> =>
      send({
        operation: 'community-package-list',
        method: 'GET',
        path: '/community-packages',
        maxResponseBytes,
        answer: CommunityPackages,
      }),

    /** Names of n8n's own variables, at most 250. Null without its license or the scope `variable:list`, and on an old n8n. */
    async variableNames(): Promise<string[] | null> {
      const query = { limit: MAX_PAGE }
      const request = { operation: 'variable-list', method: 'GET', path: '/variables', query } as const
      try {
        const { data } = await send({ ...request, maxResponseBytes, answer: pageOf(N8nVariable) })
        return data.map(({ key }) => key)
      } catch (error) {
        if (isN8nError(error, 'forbidden') || isN8nError(error, 'not-found')) return null
        throw error
      }
    },

    /** Not idempotent: after an ambiguous error, check with `findWorkflows`. */
    createWorkflow: (body: N8nWorkflowBody) => workflow('workflow-create', 'POST', '/workflows', { body }),

    async getWorkflow(id: string): Promise<N8nWorkflow> {
      return workflow('workflow-get', 'GET', `/workflows/${pathId('workflow-get', id)}`)
    },

    /**
     * Creates a new version if nodes or connections change, but not if only the name changes. n8n merges `settings` into
     * the existing ones. `publishIfActive` republishes a published workflow; if n8n rejects that, the draft has changed
     * anyway (the error is `ambiguous`). A legacy n8n always republishes.
     */
    async updateWorkflow(
      id: string,
      body: N8nWorkflowBody,
      { publishIfActive }: { publishIfActive: boolean },
    ): Promise<N8nWorkflow> {
      const operation = 'workflow-update'
      const path = `/workflows/${pathId(operation, id)}`
      // A legacy n8n rejects unknown query parameters.
      const isCurrent = (await capabilities()).generation === 'current'
      const query = { publishIfActive: isCurrent ? publishIfActive : undefined }
      const savesBeforeRefusing = publishIfActive || !isCurrent
      return workflow(operation, 'PUT', path, { body, query, savesBeforeRefusing })
    },

    /**
     * Also deletes its executions. `conflict` while it is published and for about 0.2 s after `unpublishWorkflow`: retry.
     */
    async deleteWorkflow(id: string): Promise<void> {
      const operation = 'workflow-delete'
      await send({
        operation,
        method: 'DELETE',
        path: `/workflows/${pathId(operation, id)}`,
        maxResponseBytes: maxWorkflowBytes,
        answer: Anything,
      })
    },

    listWorkflows,

    /** Workflows with exactly this name, including archived ones. */
    async findWorkflows(name: string): Promise<N8nWorkflow[]> {
      const found = new Map<string, N8nWorkflow>()
      let cursor: string | null | undefined
      for (let page = 0; page < MAX_PAGES && cursor !== null; page += 1) {
        const { items, nextCursor } = await listWorkflows({ name, ...(cursor && { cursor }) })
        for (const each of items) if (each.name === name) found.set(each.id, each)
        cursor = nextCursor
      }
      return [...found.values()]
    },

    /**
     * Publishes the draft or an earlier version (`rejected` on a legacy n8n). n8n responds before the triggers run; see
     * `triggerCount`. `conflict`: another workflow uses the webhook path. `rejected`: no trigger, an unknown node type or
     * a missing credential.
     */
    async publishWorkflow(id: string, { versionId }: { versionId?: string } = {}): Promise<N8nWorkflow> {
      const operation = 'publish'
      const path = `/workflows/${pathId(operation, id)}`
      if ((await capabilities()).publish) {
        return workflow(operation, 'POST', `${path}/publish`, {
          body: versionId === undefined ? {} : { versionId },
        })
      }
      if (versionId !== undefined) {
        throw new N8nError('rejected', {
          operation,
          detail: 'This n8n version cannot publish earlier workflow versions',
        })
      }
      return workflow(operation, 'POST', `${path}/activate`)
    },

    /** No error if it is not published. Its webhooks respond for about 0.2 s longer. */
    async unpublishWorkflow(id: string): Promise<N8nWorkflow> {
      const operation = 'unpublish'
      const path = `/workflows/${pathId(operation, id)}`
      const verb = (await capabilities()).publish ? 'unpublish' : 'deactivate'
      return workflow(operation, 'POST', `${path}/${verb}`)
    },

    /** Calls the webhook of a published workflow, without the API key. */
    callWebhook: (call: WebhookCall) => callWebhook(options, call),

    ...credentialMethods(send, maxResponseBytes),
    ...executionMethods(send, maxResponseBytes, maxWorkflowBytes),
    ...otelMethods(send, maxResponseBytes),
  }
}

/** Scope `otel:manage`. `not-found` before n8n 2.19. */
function otelMethods(send: Send, maxResponseBytes: number) {
  const path = '/settings/otel'
  const shared = { path, maxResponseBytes, answer: OtelSettings }
  return {
    getOtelSettings: (): Promise<OtelSettings> => send({ operation: 'otel-get', method: 'GET', ...shared }),

    /** `conflict` if it changes a setting that an environment variable of n8n sets. */
    updateOtelSettings: (body: OtelSettings): Promise<OtelSettings> =>
      send({ operation: 'otel-update', method: 'PUT', ...shared, body }),

    /** Sends one span. `error` is not redacted. */
    testOtelTrace: (body: Partial<OtelSettings>): Promise<z.output<typeof OtelTest>> =>
      send({
        operation: 'otel-test',
        method: 'POST',
        path: `${path}/test-trace`,
        body,
        maxResponseBytes,
        answer: OtelTest,
      }),
  }
}

function credentialMethods(send: Send, maxResponseBytes: number) {
  return {
    /**
     * `id`: client-generated, `[A-Za-z0-9_-]{1,16}`; requires `capabilities.ownCredentialIds`. An existing ID results in
     * `conflict`, so retries are safe. n8n accepts any name here, but later rejects data updates unless the name has 3 to
     * 128 characters.
     */
    async createCredential(credential: {
      id?: string
      name: string
      type: string
      data: Record<string, unknown>
    }): Promise<N8nCredential> {
      const operation = 'credential-create'
      return send({
        operation,
        method: 'POST',
        path: '/credentials',
        body: credential,
        maxResponseBytes,
        answer: N8nCredential,
      })
    },

    async getCredential(id: string): Promise<N8nCredential> {
      const operation = 'credential-get'
      return send({
        operation,
        method: 'GET',
        path: credentialPath(operation, id),
        maxResponseBytes,
        answer: N8nCredential,
      })
    },

    /** One page, newest first; n8n cannot search it. */
    async listCredentials(query: { limit?: number; cursor?: string } = {}): Promise<N8nPage<N8nCredential>> {
      const page = await send({
        operation: 'credential-list',
        method: 'GET',
        path: '/credentials',
        query: { ...query, limit: pageSize(query.limit ?? MAX_PAGE) },
        maxResponseBytes,
        answer: pageOf(N8nCredential),
      })
      return { items: page.data, nextCursor: page.nextCursor }
    },

    /** `data` replaces all fields, or only the given ones with `isPartialData`. */
    async updateCredential(
      id: string,
      change: { name?: string; type?: string; data?: Record<string, unknown>; isPartialData?: boolean },
    ): Promise<N8nCredential> {
      const operation = 'credential-update'
      return send({
        operation,
        method: 'PATCH',
        path: credentialPath(operation, id),
        body: change,
        maxResponseBytes,
        answer: N8nCredential,
      })
    },

    /** n8n deletes it even if workflows use it. */
    async deleteCredential(id: string): Promise<void> {
      const operation = 'credential-delete'
      await send({
        operation,
        method: 'DELETE',
        path: credentialPath(operation, id),
        maxResponseBytes,
        answer: Anything,
      })
    },

    /** Whether the service accepts it. Also not ok if n8n has no test for the type. `message` is from n8n and not redacted. */
    async testCredential(id: string): Promise<{ ok: boolean; message: string }> {
      const operation = 'test'
      const path = `${credentialPath(operation, id)}/test`
      const result = await send({ operation, method: 'POST', path, maxResponseBytes, answer: CredentialTest })
      return { ok: result.status === 'OK', message: result.message }
    },

    /** Similar to JSON Schema: `type` may be `notice` or `json`; omits hidden fields. */
    async credentialSchema(type: string): Promise<Record<string, unknown>> {
      const operation = 'credential-schema'
      const path = `/credentials/schema/${pathId(operation, type)}`
      return send({ operation, method: 'GET', path, maxResponseBytes, answer: JsonRecord })
    },
  }
}

function executionMethods(send: Send, maxResponseBytes: number, maxWithDataBytes: number) {
  return {
    /** One page, newest first. */
    async listExecutions(query: ExecutionQuery = {}): Promise<N8nPage<N8nExecution>> {
      const page = await send({
        operation: 'execution-list',
        method: 'GET',
        path: '/executions',
        query: { ...query, limit: pageSize(query.limit ?? 100) },
        maxResponseBytes: query.includeData ? maxWithDataBytes : maxResponseBytes,
        answer: pageOf(N8nExecution),
      })
      return { items: page.data, nextCursor: page.nextCursor }
    },

    async getExecution(id: string, { includeData = false } = {}): Promise<N8nExecution> {
      const operation = 'execution-get'
      return send({
        operation,
        method: 'GET',
        path: `/executions/${pathId(operation, id)}`,
        query: { includeData },
        maxResponseBytes: includeData ? maxWithDataBytes : maxResponseBytes,
        answer: N8nExecution,
      })
    },

    /** n8n 2.x. `conflict` if it has ended. */
    async stopExecution(id: string): Promise<void> {
      const operation = 'execution-stop'
      const path = `/executions/${pathId(operation, id)}/stop`
      await send({ operation, method: 'POST', path, maxResponseBytes: maxWithDataBytes, answer: Anything })
    },
  }
}

function credentialPath(operation: string, id: string): string {
  return `/credentials/${pathId(operation, id)}`
}

function pageSize(limit: number): number {
  return Math.min(Math.max(Math.trunc(limit), 1), MAX_PAGE)
}
