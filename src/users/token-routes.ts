import { Hono } from 'hono'
import type { Fingerprint } from '../crypto/fingerprint.ts'
import { notFound, requireFound } from '../errors.ts'
import type { AuthEnv } from '../http/auth.ts'
import { creationKey } from '../http/idempotency.ts'
import { describe } from '../http/openapi.ts'
import { toPage } from '../http/page.ts'
import { valid } from '../http/validate.ts'
import { IdParam } from '../lib/scalars.ts'
import {
  ApiToken,
  CreatedToken,
  NewToken,
  RotatedToken,
  TokenChange,
  TokenList,
  TokenQuery,
  TokenRotation,
} from './token-contract.ts'
import type { TokenRepository } from './token-repository.ts'

const tag = 'Access tokens'

/** Requires `requireUser`. */
export function tokenRoutes(tokens: TokenRepository, fingerprint: Fingerprint) {
  return new Hono<AuthEnv>()
    .post(
      '/',
      describe({
        operationId: 'createToken',
        tag,
        summary: 'Create an access token',
        description:
          'The token is returned only once. It expires after 90 days unless `expiresAt` is set. A request with an ' +
          'access token cannot grant scopes that this token lacks, or a later expiry.',
        responses: { 201: CreatedToken },
        headers: ['Location'],
        errors: ['invalid', 'quota-exceeded', 'idempotency-key-reused', 'conflict'],
      }),
      valid('json', NewToken),
      async (c) => {
        const key = await creationKey(c, 'POST /v1/tokens', fingerprint)
        const token = await tokens.create(c.var.userId, c.req.valid('json'), key)
        return c.json(token, 201, { Location: `/v1/tokens/${token.id}` })
      },
    )
    .get(
      '/',
      describe({
        operationId: 'listTokens',
        tag,
        summary: 'List access tokens',
        description: 'Newest first. Revoked tokens are not listed; expired ones are listed for 90 days.',
        responses: { 200: TokenList },
        errors: ['invalid'],
      }),
      valid('query', TokenQuery),
      async (c) => c.json(await tokens.list(c.var.userId, toPage(c.req.valid('query'))), 200),
    )
    .get(
      '/:id',
      describe({
        operationId: 'getToken',
        tag,
        summary: 'Get an access token',
        description: 'Returns its scopes, expiry and last use, never the token itself.',
        responses: { 200: ApiToken },
        errors: ['not-found'],
      }),
      valid('param', IdParam),
      async (c) =>
        c.json(requireFound(await tokens.find(c.var.userId, c.req.valid('param').id), 'Access token'), 200),
    )
    .patch(
      '/:id',
      describe({
        operationId: 'updateToken',
        tag,
        summary: 'Update an access token',
        description: 'Takes effect within 5 seconds. The token itself stays the same.',
        responses: { 200: ApiToken },
        errors: ['not-found', 'invalid'],
      }),
      valid('param', IdParam),
      valid('json', TokenChange),
      async (c) => {
        const { id } = c.req.valid('param')
        const token = await tokens.update(c.var.userId, id, c.req.valid('json'))
        return c.json(requireFound(token, 'Access token'), 200)
      },
    )
    .delete(
      '/:id',
      describe({
        operationId: 'revokeToken',
        tag,
        summary: 'Revoke an access token',
        description: 'The token stops working within 5 seconds. Audit events still name it.',
        responses: { 204: null },
        errors: ['not-found'],
      }),
      valid('param', IdParam),
      async (c) => {
        if (!(await tokens.revoke(c.var.userId, c.req.valid('param').id))) throw notFound('Access token')
        return c.body(null, 204)
      },
    )
    .post(
      '/:id/rotate',
      describe({
        operationId: 'rotateToken',
        tag,
        summary: 'Rotate an access token',
        description:
          'Returns a new token, only once. The replaced one works for `overlapSeconds`, by default 24 hours. The new ' +
          'one lasts as long as the replaced one did, unless `expiresAt` is set.',
        responses: { 200: RotatedToken },
        errors: ['not-found', 'invalid', 'conflict'],
      }),
      valid('param', IdParam),
      valid('json', TokenRotation),
      async (c) => {
        const { id } = c.req.valid('param')
        const token = await tokens.rotate(c.var.userId, id, c.req.valid('json'))
        return c.json(requireFound(token, 'Access token'), 200)
      },
    )
}
