import { IdParam } from '../lib/scalars.ts'
import { Hono } from 'hono'
import type { Fingerprint } from '../crypto/fingerprint.ts'
import { AppError, notFound, requireFound } from '../errors.ts'
import type { AuthEnv } from '../http/auth.ts'
import { etagWith, preconditionOf } from '../http/etag.ts'
import { creationKey } from '../http/idempotency.ts'
import { describe } from '../http/openapi.ts'
import { toPage } from '../http/page.ts'
import { valid } from '../http/validate.ts'
import {
  Credential,
  CredentialChange,
  CredentialDeletion,
  CredentialList,
  CredentialQuery,
  CredentialTest,
  CredentialTestResult,
  CredentialUsage,
  NewCredential,
  type PendingDeployment,
  UpdatedCredential,
} from './contract.ts'
import type { CredentialHealth } from './health.ts'
import type { CredentialRepository } from './repository.ts'

const tag = 'Credentials'

/** The ETag includes the health, which changes without a new version. */
const tagOf = ({ version, status, lastValidatedAt, validationError }: Credential): Promise<string> =>
  etagWith<Partial<Credential>>(
    version,
    { status, lastValidatedAt, validationError },
    { status: 'untested', lastValidatedAt: null, validationError: null },
  )

export function credentialRoutes(
  credentials: CredentialRepository,
  fingerprint: Fingerprint,
  health: CredentialHealth,
  pendingDeployments: (userId: string, id: string) => Promise<PendingDeployment[]>,
) {
  return new Hono<AuthEnv>()
    .post(
      '/',
      describe({
        operationId: 'createCredential',
        tag,
        summary: 'Create a credential',
        description:
          'Checks the data against the n8n credential type and encrypts it. The data is never returned. A ' +
          'type that is not built into n8n accepts any object (`known: false`).',
        responses: { 201: Credential },
        headers: ['ETag', 'Location'],
        errors: [
          'malformed-json',
          'quota-exceeded',
          'conflict',
          'name-taken',
          'too-large',
          'unsupported-media-type',
          'invalid',
          'idempotency-key-reused',
          'key-unavailable',
        ],
      }),
      valid('json', NewCredential),
      async (c) => {
        const key = await creationKey(c, 'POST /v1/credentials', fingerprint)
        const credential = await credentials.create(c.var.userId, c.req.valid('json'), key)
        if (credential === null) {
          throw new AppError(
            'conflict',
            'The credential created with this Idempotency-Key has been deleted. Use a new key',
          )
        }
        const headers = { Location: `/v1/credentials/${credential.id}`, ETag: await tagOf(credential) }
        return c.json(credential, 201, headers)
      },
    )
    .get(
      '/',
      describe({
        operationId: 'listCredentials',
        tag,
        summary: 'List credentials',
        description: 'Newest first. A credential must match all filters.',
        responses: { 200: CredentialList },
        errors: ['invalid'],
      }),
      valid('query', CredentialQuery),
      async (c) => {
        const query = c.req.valid('query')
        return c.json(await credentials.list(c.var.userId, query, toPage(query)))
      },
    )
    .get(
      '/:id',
      describe({
        operationId: 'getCredential',
        tag,
        summary: 'Get a credential',
        description: 'Returns the names of the fields that are set, never their values.',
        responses: { 200: Credential },
        headers: ['ETag'],
        errors: ['not-found'],
      }),
      valid('param', IdParam),
      async (c) => {
        const credential = requireFound(
          await credentials.find(c.var.userId, c.req.valid('param').id),
          'Credential',
        )
        return c.json(credential, 200, { ETag: await tagOf(credential) })
      },
    )
    .patch(
      '/:id',
      describe({
        operationId: 'updateCredential',
        tag,
        summary: 'Update a credential',
        description:
          'Merges `data` into the stored data (RFC 7396): omitted fields do not change; null removes a field. The ' +
          'result must fit the type. Changed data resets `status` to `untested`; an update without a change ' +
          'creates no version.',
        responses: { 200: UpdatedCredential },
        headers: ['ETag'],
        errors: [
          'malformed-json',
          'not-found',
          'name-taken',
          'version-conflict',
          'too-large',
          'unsupported-media-type',
          'invalid',
          'precondition-required',
          'credential-undecryptable',
          'key-unavailable',
        ],
      }),
      valid('param', IdParam),
      valid('json', CredentialChange),
      async (c) => {
        const { id } = c.req.valid('param')
        const expected = await preconditionOf(c.req.header('If-Match'), () =>
          credentials.find(c.var.userId, id),
        )
        const credential = requireFound(
          await credentials.update(c.var.userId, id, expected, c.req.valid('json')),
          'Credential',
        )
        const pending = await pendingDeployments(c.var.userId, id)
        return c.json({ ...credential, pendingDeployments: pending }, 200, {
          ETag: await tagOf(credential),
        })
      },
    )
    .delete(
      '/:id',
      describe({
        operationId: 'deleteCredential',
        tag,
        summary: 'Delete a credential',
        description:
          'Fails with `in-use` and the `dependents` while deployments are bound to it, unless `force=true`. ' +
          'Copies in n8n stay there and keep working.',
        responses: { 204: null },
        errors: ['not-found', 'in-use', 'invalid'],
      }),
      valid('param', IdParam),
      valid('query', CredentialDeletion),
      async (c) => {
        const force = c.req.valid('query').force === 'true'
        const deleted = await credentials.delete(c.var.userId, c.req.valid('param').id, { force })
        if (!deleted) throw notFound('Credential')
        return c.body(null, 204)
      },
    )
    .post(
      '/:id/test',
      describe({
        operationId: 'testCredential',
        tag,
        summary: 'Test a credential',
        description:
          "Runs n8n's own credential test on an instance that has the credential and stores the result. An " +
          'instance has a credential once a workflow that uses it has been deployed there.',
        responses: { 200: CredentialTestResult },
        errors: [
          'malformed-json',
          'not-found',
          'conflict',
          'too-large',
          'unsupported-media-type',
          'invalid',
          'credential-undecryptable',
          'key-unavailable',
          'instance-unreachable',
          'instance-timeout',
          'instance-refused',
          'instance-redirected',
          'instance-rejected',
          'instance-conflict',
          'instance-busy',
        ],
      }),
      valid('param', IdParam),
      valid('json', CredentialTest),
      async (c) => {
        const { instanceId } = c.req.valid('json')
        return c.json(
          requireFound(await health.test(c.var.userId, c.req.valid('param').id, instanceId), 'Credential'),
          200,
        )
      },
    )
    .get(
      '/:id/usage',
      describe({
        operationId: 'getCredentialUsage',
        tag,
        summary: 'Get the usage of a credential',
        description: 'Lists the workflows that require its type and the deployments bound to it.',
        responses: { 200: CredentialUsage },
        errors: ['not-found'],
      }),
      valid('param', IdParam),
      async (c) =>
        c.json(requireFound(await credentials.usage(c.var.userId, c.req.valid('param').id), 'Credential')),
    )
}
