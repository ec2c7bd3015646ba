import { type CredentialRequirements } from './requirements.ts'
import { IdParam } from '../lib/scalars.ts'
import { Hono } from 'hono'
import type { Fingerprint } from '../crypto/fingerprint.ts'
import { notFound, requireFound } from '../errors.ts'
import type { AuthEnv } from '../http/auth.ts'
import { etag, preconditionOf } from '../http/etag.ts'
import { creationKey } from '../http/idempotency.ts'
import { describe } from '../http/openapi.ts'
import { toPage } from '../http/page.ts'
import { bodyLimits, valid } from '../http/validate.ts'
import { quoteOverflow } from '../lib/json-text.ts'
import type { WorkflowWarning } from '../n8n/reading/metadata.ts'
import { readWorkflowMember } from '../n8n/reading/workflow-text.ts'
import {
  DiffQuery,
  CompactedVersions,
  Compaction,
  MissingCredentials,
  NewWorkflow,
  Workflow,
  WorkflowChange,
  WorkflowDeletion,
  WorkflowDiff,
  WorkflowList,
  WorkflowQuery,
  WorkflowVersion,
  WorkflowVersionId,
  WorkflowVersionList,
  WorkflowVersionQuery,
} from './contract.ts'
import { SaveQuery } from './check-contract.ts'
import { refuseErrors } from './checks.ts'
import type { WorkflowRepository } from './repository.ts'
import { tagOf } from './workflow-etag.ts'

const tag = 'Workflows'

/** Adds findings about the request to the warnings. */
export function withFindings(workflow: Workflow, findings: readonly WorkflowWarning[]): Workflow {
  const known = new Set(workflow.warnings.map(({ code, pointer }) => `${code} ${pointer}`))
  const others = findings.filter(({ code, pointer }) => !known.has(`${code} ${pointer}`))
  return others.length === 0 ? workflow : { ...workflow, warnings: [...others, ...workflow.warnings] }
}

export function workflowRoutes(workflows: WorkflowRepository, fingerprint: Fingerprint) {
  return new Hono<AuthEnv>()
    .post(
      '/',
      describe({
        operationId: 'createWorkflow',
        tag,
        summary: 'Create a workflow',
        description:
          'Saves the JSON as sent, except for the order of keys and the notation of numbers (1.10, -0). ' +
          'Numbers that JavaScript, and therefore n8n, cannot represent exactly are stored as n8n would ' +
          'read them, with an `inexact-number` warning; numbers beyond 1.8e308 are stored as strings. A ' +
          'code fence, text around the JSON and the wrapper of a single exported workflow are removed, with ' +
          'an `unwrapped-json` hint. Typographic quotes, comments and trailing commas are not repaired: the ' +
          'error points at them. `name` defaults to the name in the n8n JSON.',
        responses: { 201: Workflow },
        headers: ['ETag', 'Location'],
        errors: [
          'malformed-json',
          'quota-exceeded',
          'conflict',
          'too-large',
          'unsupported-media-type',
          'invalid',
          'invalid-workflow',
          'idempotency-key-reused',
        ],
      }),
      valid('query', SaveQuery),
      valid('json', NewWorkflow, bodyLimits.workflow, quoteOverflow),
      async (c) => {
        const key = await creationKey(c, 'POST /v1/workflows', fingerprint)
        const body = c.req.valid('json')
        const { workflow: json, findings } = readWorkflowMember(body.workflow, c.var.bodyText)
        if (c.req.valid('query').check === 'strict') await refuseErrors(json)
        const created = await workflows.create(
          c.var.userId,
          { ...body, workflow: json },
          key,
          undefined,
          findings,
        )
        const workflow = withFindings(created, findings)
        const headers = { Location: `/v1/workflows/${workflow.id}`, ETag: await tagOf(workflow) }
        return c.json(workflow, 201, headers)
      },
    )
    .get(
      '/',
      describe({
        operationId: 'listWorkflows',
        tag,
        summary: 'List workflows',
        description:
          'Newest first, without the workflow JSON. A workflow must match all filters. A page of large ' +
          'items can contain fewer than `limit`.',
        responses: { 200: WorkflowList },
        errors: ['invalid'],
      }),
      valid('query', WorkflowQuery),
      async (c) => {
        const query = c.req.valid('query')
        return c.json(await workflows.list(c.var.userId, query, toPage(query)))
      },
    )
    .get(
      '/:id',
      describe({
        operationId: 'getWorkflow',
        tag,
        summary: 'Get a workflow',
        description: 'Returns the current version with its n8n JSON.',
        responses: { 200: Workflow },
        headers: ['ETag'],
        errors: ['not-found'],
      }),
      valid('param', IdParam),
      async (c) => {
        const workflow = requireFound(await workflows.find(c.var.userId, c.req.valid('param').id), 'Workflow')
        return c.json(workflow, 200, { ETag: await tagOf(workflow) })
      },
    )
    .patch(
      '/:id',
      describe({
        operationId: 'updateWorkflow',
        tag,
        summary: 'Update a workflow',
        description:
          'Creates the next version. Omitted fields do not change; an update without a change creates no version.',
        responses: { 200: Workflow },
        headers: ['ETag'],
        errors: [
          'quota-exceeded',
          'malformed-json',
          'not-found',
          'version-conflict',
          'too-large',
          'unsupported-media-type',
          'invalid',
          'invalid-workflow',
          'precondition-required',
        ],
      }),
      valid('param', IdParam),
      valid('query', SaveQuery),
      valid('json', WorkflowChange, bodyLimits.workflow, quoteOverflow),
      async (c) => {
        const { id } = c.req.valid('param')
        const expected = await preconditionOf(c.req.header('If-Match'), () =>
          workflows.find(c.var.userId, id),
        )
        const body = c.req.valid('json')
        const { workflow: json, findings } =
          body.workflow === undefined
            ? { workflow: undefined, findings: [] }
            : readWorkflowMember(body.workflow, c.var.bodyText)
        if (json !== undefined && c.req.valid('query').check === 'strict') await refuseErrors(json)
        const change = { ...body, ...(json !== undefined && { workflow: json }) }
        const updated = requireFound(
          await workflows.update(c.var.userId, id, expected, change, findings),
          'Workflow',
        )
        const workflow = withFindings(updated, findings)
        return c.json(workflow, 200, { ETag: await tagOf(workflow) })
      },
    )
    .delete(
      '/:id',
      describe({
        operationId: 'deleteWorkflow',
        tag,
        summary: 'Delete a workflow',
        description:
          'Deletes the workflow with its versions and deployments. Fails with `in-use` and the `dependents` ' +
          'while it is deployed or tracked, unless `force=true`. Workflows in n8n keep running but are no ' +
          'longer tracked by Flowkeep. Executions are not deleted. With `force`, an access token needs the scopes for ' +
          'deleting the deployments.',
        responses: { 204: null },
        errors: ['not-found', 'in-use', 'invalid'],
      }),
      valid('param', IdParam),
      valid('query', WorkflowDeletion),
      async (c) => {
        const force = c.req.valid('query').force === 'true'
        const deleted = await workflows.delete(c.var.userId, c.req.valid('param').id, { force })
        if (!deleted) throw notFound('Workflow')
        return c.body(null, 204)
      },
    )
    .get(
      '/:id/versions',
      describe({
        operationId: 'listWorkflowVersions',
        tag,
        summary: 'List the versions of a workflow',
        description: 'Newest first, without the workflow JSON.',
        responses: { 200: WorkflowVersionList },
        errors: ['not-found', 'invalid'],
      }),
      valid('param', IdParam),
      valid('query', WorkflowVersionQuery),
      async (c) => {
        const { id } = c.req.valid('param')
        return c.json(
          requireFound(await workflows.versions(c.var.userId, id, c.req.valid('query')), 'Workflow'),
        )
      },
    )
    .get(
      '/:id/versions/:version',
      describe({
        operationId: 'getWorkflowVersion',
        tag,
        summary: 'Get a version of a workflow',
        description: 'Returns the version with its n8n JSON. Versions never change.',
        responses: { 200: WorkflowVersion },
        headers: ['ETag'],
        errors: ['not-found'],
      }),
      valid('param', WorkflowVersionId),
      async (c) => {
        const { id, version } = c.req.valid('param')
        const stored = requireFound(await workflows.findVersion(c.var.userId, id, version), 'Version')
        return c.json(stored, 200, { ETag: etag(stored.version) })
      },
    )
    .get(
      '/:id/diff',
      describe({
        operationId: 'compareWorkflowVersions',
        tag,
        summary: 'Compare two versions of a workflow',
        description: 'Lists the differences by node. Nodes are matched by ID, the rest by name.',
        responses: { 200: WorkflowDiff },
        errors: ['not-found', 'invalid'],
      }),
      valid('param', IdParam),
      valid('query', DiffQuery),
      async (c) => {
        const { from, to } = c.req.valid('query')
        const { id } = c.req.valid('param')
        return c.json(requireFound(await workflows.diff(c.var.userId, id, from, to), 'Version'))
      },
    )
    .post(
      '/:id/versions/compact',
      describe({
        operationId: 'compactWorkflowVersions',
        tag,
        summary: 'Compact the versions of a workflow',
        description:
          'Deletes the oldest versions, at most 1,000. Keeps the newest `keep` versions, and every version that is or was ' +
          'deployed, tested or released, or that a run or a resolved error group refers to. Version numbers do not change. Requires a session.',
        responses: { 200: CompactedVersions },
        errors: ['not-found'],
      }),
      valid('param', IdParam),
      valid('json', Compaction),
      async (c) => {
        const { keep } = c.req.valid('json')
        const versions = await workflows.compact(c.var.userId, c.req.valid('param').id, keep)
        return c.json({ versions: requireFound(versions, 'Workflow') }, 200)
      },
    )
    .post(
      '/:id/versions/:version/restore',
      describe({
        operationId: 'restoreWorkflowVersion',
        tag,
        summary: 'Restore a version of a workflow',
        description: 'Creates a new version with the content of an earlier one.',
        responses: { 200: Workflow },
        headers: ['ETag'],
        errors: ['quota-exceeded', 'not-found', 'version-conflict', 'precondition-required'],
      }),
      valid('param', WorkflowVersionId),
      async (c) => {
        const { id, version } = c.req.valid('param')
        const expected = await preconditionOf(c.req.header('If-Match'), () =>
          workflows.find(c.var.userId, id),
        )
        const workflow = requireFound(await workflows.restore(c.var.userId, id, version, expected), 'Version')
        return c.json(workflow, 200, { ETag: await tagOf(workflow) })
      },
    )
}

/** `GET /v1/credentials/missing` queries workflows but belongs to the credentials API. */
export function missingCredentialRoutes(requirements: CredentialRequirements) {
  return new Hono<AuthEnv>().get(
    '/',
    describe({
      operationId: 'listMissingCredentials',
      tag: 'Credentials',
      summary: 'List missing credentials',
      description: 'Lists the credential types that workflows require but that have no credential.',
      responses: { 200: MissingCredentials },
    }),
    async (c) => c.json(await requirements.findMissing(c.var.userId)),
  )
}
