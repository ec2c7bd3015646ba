/** @module Checks the variables and credentials of an environment or an instance before they are stored. */
import { and, eq, inArray } from 'drizzle-orm'
import type { Db } from '../db/client.ts'
import { credentials } from '../db/schema/credentials.ts'
import type { ChosenCredential, Variables } from '../db/schema/environments.ts'
import { type FieldError, invalid, requireNone } from '../errors.ts'
import { requireScope } from '../http/scopes.ts'
import { pointerTo } from '../lib/json-object.ts'
import { mergePatch } from '../lib/merge-patch.ts'
import { redactString } from '../lib/secrets/redact-json.ts'
import { tooManyVariables, type VariableChanges } from './contract.ts'

/** @throws {AppError} `invalid` for a value that looks like a secret, and for too many variables */
export function changedVariables(stored: Variables, changes: VariableChanges): Variables {
  const errors = Object.entries(changes).flatMap(([name, value]): FieldError[] =>
    value === null || redactString(value, name) === value
      ? []
      : [
          {
            pointer: pointerTo('/variables', name),
            detail: 'The value looks like a secret. Create a credential for it instead',
          },
        ],
  )
  requireNone(errors)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const merged = mergePatch(stored, changes) as Variables
  const problem = tooManyVariables(merged)
  if (problem !== undefined) throw invalid('/variables', problem)
  return merged
}

/** @throws {AppError} `invalid` for a credential that does not exist or has another type; `insufficient-scope` */
export async function requireCredentials(
  db: Db,
  userId: string,
  chosen: readonly ChosenCredential[],
): Promise<void> {
  if (chosen.length === 0) return
  requireScope('credentials:use')
  const ids = chosen.flatMap(({ credentialId, insteadOf }) => [credentialId, insteadOf ?? []].flat())
  const rows = await db.read
    .select({ id: credentials.id, type: credentials.type })
    .from(credentials)
    .where(and(eq(credentials.userId, userId), inArray(credentials.id, [...new Set(ids)])))
  const typeOf = new Map(rows.map(({ id, type }) => [id, type]))
  const errors = chosen.flatMap(({ type, credentialId, insteadOf }, index): FieldError[] =>
    Object.entries({ credentialId, insteadOf }).flatMap(([member, id]) =>
      id === undefined || typeOf.get(id) === type
        ? []
        : [
            {
              pointer: `/credentials/${index}/${member}`,
              detail: `You have no ${type} credential with this ID. List yours with GET /v1/credentials?type=${type}`,
            },
          ],
    ),
  )
  requireNone(errors)
}
