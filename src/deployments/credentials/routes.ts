/** @module Routes that push and replace a credential on n8n instances. */
import { IdParam } from '../../lib/scalars.ts'
import { Hono } from 'hono'
import { requireFound } from '../../errors.ts'
import type { AuthEnv } from '../../http/auth.ts'
import { describe } from '../../http/openapi.ts'
import { valid } from '../../http/validate.ts'
import {
  CredentialPush,
  CredentialPushResult,
  CredentialReplacement,
  CredentialReplacementResult,
} from './contract.ts'
import type { CredentialPusher } from './push.ts'
import type { CredentialReplacer } from './replacement.ts'

const tag = 'Credentials'
const errors = [
  'malformed-json',
  'not-found',
  'too-large',
  'unsupported-media-type',
  'invalid',
  'credential-undecryptable',
  'key-unavailable',
] as const

export function credentialDeploymentRoutes(
  pusher: Pick<CredentialPusher, 'push'>,
  replacer: Pick<CredentialReplacer, 'replace'>,
) {
  return new Hono<AuthEnv>()
    .post(
      '/:id/push',
      describe({
        operationId: 'pushCredential',
        tag,
        summary: 'Push a credential to n8n',
        description:
          'Updates the credential on every instance that has it, and returns a result for each. Safe to ' +
          'repeat. Consent given in n8n is preserved.',
        responses: { 200: CredentialPushResult },
        errors,
      }),
      valid('param', IdParam),
      valid('json', CredentialPush),
      async (c) => {
        const { instanceId } = c.req.valid('json')
        return c.json(
          requireFound(await pusher.push(c.var.userId, c.req.valid('param').id, instanceId), 'Credential'),
          200,
        )
      },
    )
    .post(
      '/:id/replace',
      describe({
        operationId: 'replaceCredential',
        tag,
        summary: 'Replace a credential in all deployments',
        description:
          'Redeploys every deployment bound to it with another credential of the same type. Continues after ' +
          'failures; repeat the request for the deployments that failed.',
        responses: { 200: CredentialReplacementResult },
        errors,
      }),
      valid('param', IdParam),
      valid('json', CredentialReplacement),
      async (c) => {
        const { with: other, dryRun } = c.req.valid('json')
        const { id } = c.req.valid('param')
        return c.json(
          requireFound(await replacer.replace(c.var.userId, id, other, { dryRun }), 'Credential'),
          200,
        )
      },
    )
}
