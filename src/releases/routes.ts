/** @module Releases over HTTP. A request works on the release after its response, and the scheduled job does the rest. */
import { Hono } from 'hono'
import type { Fingerprint } from '../crypto/fingerprint.ts'
import { requireFound } from '../errors.ts'
import type { AuthEnv } from '../http/auth.ts'
import { creationKey } from '../http/idempotency.ts'
import { describe } from '../http/openapi.ts'
import { toPage } from '../http/page.ts'
import { valid } from '../http/validate.ts'
import { IdParam } from '../lib/scalars.ts'
import {
  NewPromotion,
  NewRelease,
  Release,
  ReleaseList,
  ReleaseQuery,
  ReleaseResume,
  ReleaseStart,
  ReleaseTargetList,
  ReleaseTargetQuery,
} from './contract.ts'
import type { Releasing } from './releasing.ts'

const tag = 'Releases'

export function releaseRoutes(releasing: Releasing, fingerprint: Fingerprint) {
  const { repository } = releasing
  return new Hono<AuthEnv>()
    .post(
      '/',
      describe({
        operationId: 'createRelease',
        tag,
        summary: 'Create a release',
        description:
          'Plans the workflows on every instance, then deploys them: first to the canary and, once its runs have been observed, ' +
          'to the other instances. A release with a blocked target does not start. With `dryRun`, it waits for ' +
          '`POST /v1/releases/{id}/start`. Planning continues in the background if it takes longer than the request; ' +
          'reading the release continues it. A workflow that is unpublished on an instance stays unpublished.',
        responses: { 201: Release },
        headers: ['Location'],
        errors: ['invalid', 'conflict', 'quota-exceeded', 'idempotency-key-reused'],
      }),
      valid('json', NewRelease),
      async (c) => {
        const key = await creationKey(c, 'POST /v1/releases', fingerprint)
        const release = await releasing.create(c.var.userId, c.req.valid('json'), key)
        return c.json(release, 201, { Location: `/v1/releases/${release.id}` })
      },
    )
    .get(
      '/',
      describe({
        operationId: 'listReleases',
        tag,
        summary: 'List releases',
        description: 'Newest first.',
        responses: { 200: ReleaseList },
        errors: ['invalid'],
      }),
      valid('query', ReleaseQuery),
      async (c) => {
        const { limit, cursor, ...filter } = c.req.valid('query')
        return c.json(await repository.list(c.var.userId, filter, toPage({ limit, cursor })), 200)
      },
    )
    .get(
      '/:id',
      describe({
        operationId: 'getRelease',
        tag,
        summary: 'Get a release',
        description: 'Returns its progress, and continues an unfinished release after responding.',
        responses: { 200: Release },
        errors: ['not-found'],
      }),
      valid('param', IdParam),
      async (c) =>
        c.json(requireFound(await releasing.find(c.var.userId, c.req.valid('param').id), 'Release'), 200),
    )
    .get(
      '/:id/targets',
      describe({
        operationId: 'listReleaseTargets',
        tag,
        summary: 'List the targets of a release',
        description: 'In the order of the release, each with its plan and its result.',
        responses: { 200: ReleaseTargetList },
        errors: ['not-found', 'invalid'],
      }),
      valid('param', IdParam),
      valid('query', ReleaseTargetQuery),
      async (c) => {
        const targets = await repository.targets(c.var.userId, c.req.valid('param').id, c.req.valid('query'))
        return c.json(requireFound(targets, 'Release'), 200)
      },
    )
    .post(
      '/:id/start',
      describe({
        operationId: 'startRelease',
        tag,
        summary: 'Start a planned release',
        description:
          'Deploys the planned versions with the planned credentials, and the current values of variables. A target whose ' +
          'deployment has changed since then fails instead.',
        responses: { 200: Release },
        errors: ['not-found', 'invalid', 'conflict', 'deployment-blocked'],
      }),
      valid('param', IdParam),
      valid('json', ReleaseStart),
      async (c) => {
        const { id } = c.req.valid('param')
        return c.json(await releasing.start(c.var.userId, id, c.req.valid('json').planHash), 200)
      },
    )
    .post(
      '/:id/resume',
      describe({
        operationId: 'resumeRelease',
        tag,
        summary: 'Resume a release',
        description:
          'Continues a halted release: failed targets are deployed again, and only runs from now on count. With ' +
          '`skipObservation`, also continues one that is observing its canary. Plans the blocked targets of a planned release ' +
          'again.',
        responses: { 200: Release },
        errors: ['not-found', 'invalid', 'conflict'],
      }),
      valid('param', IdParam),
      valid('json', ReleaseResume),
      async (c) =>
        c.json(await releasing.resume(c.var.userId, c.req.valid('param').id, c.req.valid('json')), 200),
    )
    .post(
      '/:id/halt',
      describe({
        operationId: 'haltRelease',
        tag,
        summary: 'Halt a release',
        description: 'Starts no more targets. Targets in progress finish.',
        responses: { 200: Release },
        errors: ['not-found', 'conflict'],
      }),
      valid('param', IdParam),
      async (c) => c.json(await releasing.halt(c.var.userId, c.req.valid('param').id), 200),
    )
    .post(
      '/:id/rollback',
      describe({
        operationId: 'rollBackRelease',
        tag,
        summary: 'Roll back a release',
        description:
          'Restores the previous version of every target that the release changed, and undeploys new deployments. Targets ' +
          'that someone has changed since then are left alone, with the status `kept`.',
        responses: { 200: Release },
        errors: ['not-found', 'conflict'],
      }),
      valid('param', IdParam),
      async (c) => c.json(await releasing.rollBack(c.var.userId, c.req.valid('param').id), 200),
    )
}

export function promotionRoutes(releasing: Releasing, fingerprint: Fingerprint) {
  return new Hono<AuthEnv>().post(
    '/',
    describe({
      operationId: 'createPromotion',
      tag,
      summary: 'Promote one environment to another',
      description:
        'Creates a release of the versions that are live in `from`, to every instance of `to`, sub-workflows first. ' +
        'Workflows that an instance already runs in the same version stay unchanged.',
      responses: { 201: Release },
      headers: ['Location'],
      errors: ['invalid', 'conflict', 'quota-exceeded', 'idempotency-key-reused'],
    }),
    valid('json', NewPromotion),
    async (c) => {
      const key = await creationKey(c, 'POST /v1/promotions', fingerprint)
      const release = await releasing.promote(c.var.userId, c.req.valid('json'), key)
      return c.json(release, 201, { Location: `/v1/releases/${release.id}` })
    },
  )
}
