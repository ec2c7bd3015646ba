import { Hono } from 'hono'
import type { Fingerprint } from '../crypto/fingerprint.ts'
import { AppError } from '../errors.ts'
import type { AuthEnv } from '../http/auth.ts'
import { etag, expectedVersion } from '../http/etag.ts'
import { creationKey } from '../http/idempotency.ts'
import { describe } from '../http/openapi.ts'
import { toPage } from '../http/page.ts'
import { valid } from '../http/validate.ts'
import {
  Credential,
  CredentialChange,
  CredentialId,
  CredentialList,
  CredentialQuery,
  CredentialUsage,
  NewCredential,
} from './contract.ts'
import type { CredentialRepository } from './repository.ts'

const tag = 'Credentials'

/** @throws {AppError} `not-found`, the same for a row that is missing and for another user's */
function found<T>(value: T | null): T {
  if (value === null) throw new AppError('not-found', 'No such credential')
  return value
}

export function credentialRoutes(credentials: CredentialRepository, fingerprint: Fingerprint) {
  return new Hono<AuthEnv>()
    .post(
      '/',
      describe({
        tag,
        summary: 'Keep a credential',
        description:
          'The data is checked against the n8n type, encrypted, and never given out again; any object does for a ' +
          'type that n8n does not bring along (`known: false`). Takes an Idempotency-Key.',
        responses: { 201: Credential },
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
            'The credential that this Idempotency-Key made has been deleted since',
          )
        }
        const headers = { Location: `/v1/credentials/${credential.id}`, ETag: etag(credential.version) }
        return c.json(credential, 201, headers)
      },
    )
    .get(
      '/',
      describe({
        tag,
        summary: 'List your credentials, newest first',
        description: 'Filters combine: a credential must match all of them.',
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
      describe({ tag, summary: 'Read a credential', responses: { 200: Credential }, errors: ['not-found'] }),
      valid('param', CredentialId),
      async (c) => {
        const credential = found(await credentials.find(c.var.userId, c.req.valid('param').id))
        return c.json(credential, 200, { ETag: etag(credential.version) })
      },
    )
    .patch(
      '/:id',
      describe({
        tag,
        summary: 'Rename a credential or replace its data',
        description: 'Needs If-Match. `data` replaces the whole, and the credential counts as untested then.',
        responses: { 200: Credential },
        errors: [
          'malformed-json',
          'not-found',
          'name-taken',
          'version-conflict',
          'too-large',
          'unsupported-media-type',
          'invalid',
          'precondition-required',
          'key-unavailable',
        ],
      }),
      valid('param', CredentialId),
      valid('json', CredentialChange),
      async (c) => {
        const expected = expectedVersion(c.req.header('If-Match'))
        const { id } = c.req.valid('param')
        const credential = found(await credentials.update(c.var.userId, id, expected, c.req.valid('json')))
        return c.json(credential, 200, { ETag: etag(credential.version) })
      },
    )
    .delete(
      '/:id',
      describe({
        tag,
        summary: 'Delete a credential',
        description: 'What a deployment has sent to n8n stays there.',
        responses: { 204: null },
        errors: ['not-found'],
      }),
      valid('param', CredentialId),
      async (c) => {
        const deleted = await credentials.delete(c.var.userId, c.req.valid('param').id)
        found(deleted || null)
        return c.body(null, 204)
      },
    )
    .get(
      '/:id/usage',
      describe({
        tag,
        summary: 'Where a credential is used',
        responses: { 200: CredentialUsage },
        errors: ['not-found'],
      }),
      valid('param', CredentialId),
      async (c) => c.json(found(await credentials.usage(c.var.userId, c.req.valid('param').id))),
    )
}
