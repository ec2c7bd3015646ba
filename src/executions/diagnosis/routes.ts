import { Hono } from 'hono'
import type { Reader } from '../../db/client.ts'
import { notFound } from '../../errors.ts'
import type { AuthEnv } from '../../http/auth.ts'
import { describe } from '../../http/openapi.ts'
import { valid } from '../../http/validate.ts'
import { IdParam } from '../../lib/scalars.ts'
import { loadCatalogue } from '../../n8n/catalogue/catalogue.ts'
import { readRun } from '../detail-queries.ts'
import { Diagnosis, DiagnosisQuery } from './contract.ts'
import { mayReadValues, type RunValues } from '../values/repository.ts'
import { diagnose } from './diagnose.ts'

export function diagnosisRoutes(db: Reader, now: () => Date, runValues: Pick<RunValues, 'openOf'>) {
  return new Hono<AuthEnv>().get(
    '/:id/diagnosis',
    describe({
      operationId: 'getDiagnosis',
      tag: 'Executions',
      summary: 'Diagnose an execution',
      description:
        'Explains a failure: the cause, the failed node with its parameters and the shape of what it received, the version ' +
        'that introduced the error, findings, and later versions that fixed the same error. Secrets are redacted. ' +
        'Stored values of what the node received are returned to sessions and to access tokens with the ' +
        '`executions:values` scope.',
      responses: { 200: Diagnosis },
      errors: ['invalid', 'not-found'],
    }),
    valid('param', IdParam),
    valid('query', DiagnosisQuery),
    async (c) => {
      const [run, catalogue] = await Promise.all([
        readRun(db, c.var.userId, c.req.valid('param').id, now(), { withValues: mayReadValues() }),
        loadCatalogue(),
      ])
      if (!run) throw notFound('Execution')
      const withText = c.req.valid('query').values === 'true'
      const values = await runValues.openOf(c.var.userId, run)
      return c.json(await diagnose(run, catalogue, { withText, values }), 200)
    },
  )
}
