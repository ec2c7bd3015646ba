/** @module `GET /v1/credentials/missing`. It queries workflows but belongs to the credentials API. */
import { Hono } from 'hono'
import type { AuthEnv } from '../http/auth.ts'
import { describe } from '../http/openapi.ts'
import { MissingCredentials } from './contract.ts'
import type { CredentialRequirements } from './requirements.ts'

export function missingCredentialRoutes(requirements: CredentialRequirements) {
  return new Hono<AuthEnv>().get(
    '/',
    describe({
      operationId: 'listMissingCredentials',
      tag: 'Credentials',
      summary: 'List missing credentials',
      description: 'The credential types that workflows require and that no credential exists for.',
      responses: { 200: MissingCredentials },
    }),
    async (c) => c.json(await requirements.findMissing(c.var.userId)),
  )
}
