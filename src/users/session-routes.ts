import { Hono } from 'hono'
import { notFound } from '../errors.ts'
import type { AuthEnv } from '../http/auth.ts'
import { describe } from '../http/openapi.ts'
import { toPage } from '../http/page.ts'
import { valid } from '../http/validate.ts'
import { IdParam } from '../lib/scalars.ts'
import { SessionList, SessionQuery } from './contract.ts'
import type { SessionRepository } from './session-repository.ts'
import type { Reader } from '../db/client.ts'
import { listSignIns, SignInEntryList, SignInQuery } from './sign-in-history.ts'

const tag = 'Account'

/** Requires `requireUser`. */
export function sessionRoutes(sessions: SessionRepository) {
  return new Hono<AuthEnv>()
    .get(
      '/',
      describe({
        operationId: 'listSessions',
        tag,
        summary: 'List sessions',
        description: 'The sessions of the dashboard and the API that have not ended, newest first.',
        responses: { 200: SessionList },
        errors: ['invalid'],
      }),
      valid('query', SessionQuery),
      async (c) => {
        const { userId, sessionId } = c.var
        return c.json(await sessions.list(userId, sessionId, toPage(c.req.valid('query'))), 200)
      },
    )
    .delete(
      '/:id',
      describe({
        operationId: 'revokeSession',
        tag,
        summary: 'End a session',
        description:
          'Its session token stops working within 5 seconds; its dashboard cookie is rejected on the next request.',
        responses: { 204: null },
        errors: ['not-found'],
      }),
      valid('param', IdParam),
      async (c) => {
        if (!(await sessions.endById(c.var.userId, c.req.valid('param').id))) throw notFound('Session')
        return c.body(null, 204)
      },
    )
    .post(
      '/end-others',
      describe({
        operationId: 'endOtherSessions',
        tag,
        summary: 'End all other sessions',
        description:
          'Ends all sessions of the user except the one of this request. With an access token, ends all of them.',
        responses: { 204: null },
      }),
      async (c) => {
        await sessions.endOthers(c.var.userId, c.var.sessionId)
        return c.body(null, 204)
      },
    )
}

/** Requires `requireUser`. */
export const signInHistoryRoutes = (db: Reader) =>
  new Hono<AuthEnv>().get(
    '/',
    describe({
      operationId: 'listSignIns',
      tag,
      summary: 'List sign-ins',
      description: 'Successful and failed ones, newest first. Stored for 400 days.',
      responses: { 200: SignInEntryList },
      errors: ['invalid'],
    }),
    valid('query', SignInQuery),
    async (c) => c.json(await listSignIns(db, c.var.userId, toPage(c.req.valid('query'))), 200),
  )
