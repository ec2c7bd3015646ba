import { Hono } from 'hono'
import * as z from 'zod'
import type { AuthEnv } from '../../http/auth.ts'
import { describe } from '../../http/openapi.ts'
import { valid } from '../../http/validate.ts'
import { type AccountExportDeps, downloadAccount } from './export.ts'

const ExportedObject = z.object({
  kind: z
    .string()
    .meta({ description: 'Such as `workflow-version` or `execution`. docs/account.md lists the kinds' }),
  value: z.record(z.string(), z.unknown()),
})

const AccountExportQuery = z.strictObject({
  format: z
    .enum(['ndjson', 'json'])
    .default('ndjson')
    .meta({ description: '`ndjson` (default; one object per line) or `json` (one array)' }),
})

/** Requires `requireUser`. */
export const accountExportRoutes = (deps: AccountExportDeps) =>
  new Hono<AuthEnv>().get(
    '/',
    describe({
      operationId: 'exportAccount',
      tag: 'Account',
      summary: 'Export everything',
      description:
        'Returns everything that the account owns, as one JSON object per line, or as one array. Secrets are left out: values of credentials, ' +
        'API keys, tokens, addresses of alert channels and stored values of runs. If the export fails midway, the connection is aborted, so an ' +
        'incomplete download never looks complete.',
      responses: { 200: z.array(ExportedObject) },
      mediaTypes: ['application/x-ndjson'],
      errors: ['invalid'],
    }),
    valid('query', AccountExportQuery),
    (c) => downloadAccount(deps, c.var.userId, c.req.valid('query').format),
  )
