/** Rows with values that are easily changed by a copy: quotes, nulls in arrays, big numbers, infinite times. */
import { createSecretBox } from '../../../src/crypto/secret-box.ts'
import type { KeyRing } from '../../../src/crypto/key-ring.ts'
import { createKeyCheck } from '../../../src/db/key-check.ts'
import { readMigrations } from '../../../src/cli/migrate/files.ts'
import { migrate } from '../../../src/db/migrate.ts'
import type { RestoreTarget } from '../../../src/cli/backup/restore-backup.ts'
import type { TestDatabase } from '../../harness/database.ts'
import { randomRing } from '../../crypto/rings.ts'

export const userId = '01900000-0000-7000-8000-000000000001'
const workflowId = '01900000-0000-7000-8000-000000000002'
const instanceId = '01900000-0000-7000-8000-000000000003'
const deploymentId = '01900000-0000-7000-8000-000000000004'
const credentialId = '01900000-0000-7000-8000-000000000005'
export const idOf = (number: number): string => `01900000-0000-7000-8000-${String(number).padStart(12, '0')}`

const oddText =
  'quote " \' backslash \\ \\n \\. tab \t break \r\n bell \u0007 del \u007f é か 🙂 \u2028 {"a":[null,1e400]} \\N'
const oddJson = `{"big": 123456789012345678901234567890.1234567890, "tiny": 1e-400, "zero": 1.50, "text": ${JSON.stringify(oddText)}, "deep": [[], {}, null, "", "\\\\"]}`
const oddArray = String.raw`{a,NULL,"NULL","",",","{}","\"","\\"," spaced "}`

export const rings = (): { CREDENTIAL_KEYS: KeyRing; PASSWORD_PEPPERS: KeyRing } => ({
  CREDENTIAL_KEYS: randomRing('k1', 'k2'),
  PASSWORD_PEPPERS: randomRing('p1'),
})

/** Fills every kind of table of a migrated database; `executions` of three months. */
export async function insertOddRows(
  { db, sql }: TestDatabase,
  { CREDENTIAL_KEYS: ring }: ReturnType<typeof rings>,
  executionCount = 3,
): Promise<void> {
  await createKeyCheck(db, ring).verified()
  const seal = (rowId: string, value: unknown) =>
    createSecretBox({ ...ring, active: rowId === credentialId ? 'k1' : 'k2' }).seal(
      { purpose: 'n8n-credential', userId, rowId, type: 'httpHeaderAuth' },
      value,
    )
  await sql`select ensure_execution_partitions('2026-01-05'::timestamptz, 2)`
  await sql`insert into users (id, email, name, password_hash, pepper_id, created_at)
    values (${userId}, 'odd@example.com', ${oddText}, 'hash', 'p1', '1969-12-31 23:59:59.999+00')`
  await sql`insert into workflows (id, user_id, name, description, tags, node_count, node_types,
      required_credential_types, trigger_types, webhook_paths, warnings, workflow_data, content_hash, created_at)
    values (${workflowId}, ${userId}, ${oddText}, '', ${oddArray}::text[], 1, '{}', '{}', '{}', ${oddArray}::text[], '[]',
      ${oddJson}::jsonb, 'hash', 'infinity')`
  await sql`insert into workflow_versions (workflow_id, version, user_id, name, tags, node_count, node_types,
      required_credential_types, trigger_types, webhook_paths, workflow_data, content_hash, created_at)
    values (${workflowId}, 1, ${userId}, '\\N', '{}', 1, '{}', '{}', '{}', '{}', ${oddJson}::jsonb, 'hash', '-infinity')`
  await sql`insert into credentials (id, user_id, service, n8n_credential_type, name, credential_data, field_names, known)
    values (${credentialId}, ${userId}, 'service', 'httpHeaderAuth', 'name', ${JSON.stringify(await seal(credentialId, oddText))}::jsonb,
      ${oddArray}::text[], true)`
  await sql`insert into instances (id, user_id, name, base_url, api_key, polled_through)
    values (${instanceId}, ${userId}, 'n8n', 'https://n8n.example.com', ${JSON.stringify(await seal(instanceId, 'key'))}::jsonb, now())`
  await sql`insert into deployments (id, user_id, workflow_id, instance_id, version, status, bindings, settings_before, endpoints)
    values (${deploymentId}, ${userId}, ${workflowId}, ${instanceId}, 1, 'active', ${oddJson}::jsonb, 'null'::jsonb, null)`
  await sql`insert into deployment_versions (deployment_id, sequence, user_id, version) values (${deploymentId}, 1, ${userId}, 1)`
  await sql`insert into remote_credentials (instance_id, credential_id, user_id, n8n_credential_id)
    values (${instanceId}, ${credentialId}, ${userId}, 'r')`
  await sql`insert into error_group_states (user_id, fingerprint, state, fixed_workflow_id, changed_at)
    values (${userId}, 'f', 'resolved', ${workflowId}, now())`
  await sql`insert into dead_letters (id, user_id, instance_id, code, body, body_hash, size_bytes)
    values (${idOf(6)}, ${userId}, ${instanceId}, 'code', ${oddText.repeat(1000)}, 'h', 1)`
  await sql`insert into executions (id, recorded_at, user_id, instance_id, workflow_id, workflow_version, deployment_id,
      n8n_execution_id, status, data, error_message, active_ms, started_at, finished_at)
    select ('01900000-0000-7000-8001-' || lpad(n::text, 12, '0'))::uuid,
      '2026-01-31 23:59:59.999+00'::timestamptz + (n % 3) * interval '1 month', ${userId}, ${instanceId}, ${workflowId}, 1,
      ${deploymentId}, n::text, 'success', ${oddJson}::jsonb, ${oddText}, 9223372036854775807, now(), now()
    from generate_series(1, ${executionCount}::integer) n`
  await sql`insert into execution_keys (instance_id, n8n_execution_id, id, recorded_at, user_id, status, stamp)
    select instance_id, n8n_execution_id, id, recorded_at, user_id, status, 's' from executions`
  await sql`insert into execution_changes (user_id, deployment_id, workflow_id, instance_id, workflow_version, recorded_at,
      sign, status, node_names, node_counts)
    values (${userId}, ${deploymentId}, ${workflowId}, ${instanceId}, 1, '2026-01-31', 1, 'success', ${oddArray}::text[], '{1,NULL,-2147483648}')`
  await sql`insert into execution_stats (user_id, deployment_id, workflow_id, instance_id, recorded_month, workflow_version, grain, at, durations)
    values (${userId}, ${deploymentId}, ${workflowId}, ${instanceId}, '2026-01-01', 1, 'hour', '2026-01-01', 12345678901234567890123456789012345678901234567890.000)`
}

/** All rows of all tables, in an order of its own. */
export async function contentOfDatabase({ sql }: TestDatabase): Promise<string[]> {
  const tables = await sql`select c.oid::regclass::text as name from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
      and c.relname <> 'flowkeep_migrations'`
  const rows: string[] = []
  for (const { name } of tables) {
    const found = await sql.query(`select t::text as row from ${String(name)} t`)
    rows.push(...found.map(({ row }) => `${String(name)} ${String(row)}`))
  }
  return rows.toSorted()
}

const released = await readMigrations('drizzle')

export function targetOf({ backend, sql }: TestDatabase): RestoreTarget {
  return {
    backend,
    migrations: released.map(({ name }) => name),
    migrate: (until) =>
      migrate({
        sql,
        migrations: released.slice(
          0,
          until === undefined ? undefined : released.findIndex(({ name }) => name === until) + 1,
        ),
      }),
  }
}
